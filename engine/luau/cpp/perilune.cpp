// What the edits and the crate call.
#include "lua.h"

#include "hash.h"
#include "ldebug.h"
#include "ldo.h"
#include "lapi.h"
#include "lstate.h"
#include "ltable.h"
#include "safepoint.h"

#include <chrono>
#include <random>

static uint64_t random_word() noexcept
{
    try
    {
        std::random_device device;
        return uint64_t(device()) << 32 | device();
    }
    catch (...)
    {
        // Nothing better is to be had before `main`, and no reason to end a host that may never compile.
        return uint64_t(std::chrono::high_resolution_clock::now().time_since_epoch().count()) * 0x9e3779b97f4a7c15u ^
               uint64_t(uintptr_t(&perilune_process_key));
    }
}

// Before `main`, so that it never changes under a compilation.
uint64_t perilune_process_key[2] = {random_word(), random_word()};

namespace perilune
{

void count_work(lua_State* L, size_t bytes)
{
    global_State* g = L->global;
    size_t work = g->perilune_work + bytes;
    if (work < kWork)
    {
        g->perilune_work = uint32_t(work);
        return;
    }
    g->perilune_work = 0;
    if (void (*interrupt)(lua_State*, int) = g->cb.interrupt)
        interrupt(L, kRaiseOnly);
}

void chain_too_long(lua_State* L)
{
    L->global->perilune_is_attacked = true;
    luaG_runerror(L, "too many keys hash alike");
}

} // namespace perilune

extern "C" void perilune_set_table_key(lua_State* L, uint32_t key)
{
    L->global->perilune_table_key = key;
}

extern "C" void perilune_names_only(lua_State* L, int index)
{
    LuaTable* table = hvalue(luaA_toobject(L, index));
    for (int i = sizenode(table) - 1; i >= 0; --i)
        if (ttype(gkey(gnode(table, i))) != LUA_TNIL && ttype(gkey(gnode(table, i))) != LUA_TSTRING)
            return;
    table->perilune_key = perilune::kNames;
}

extern "C" perilune::Meter* perilune_meter(lua_State* L)
{
    L->global->perilune_meter.objects = &L->global->totalbytes;
    return &L->global->perilune_meter;
}

// What most runs need: so they neither grow the main thread's stack nor have it made small again. In values, and in calls.
const int kStack = 256;
const int kCalls = 32;

static void trim(lua_State* L, void*)
{
    luaD_reallocstack(L, kStack, 0);
    luaD_reallocCI(L, kCalls);
}

extern "C" void perilune_trim(lua_State* L)
{
    // Where the system has no memory, it stays as it is.
    if (L->stacksize != kStack + EXTRA_STACK || L->size_ci != kCalls)
        luaD_rawrunprotected(L, trim, nullptr);
}

extern "C" int perilune_is_attacked(lua_State* L)
{
    return L->global->perilune_is_attacked;
}

extern "C" int perilune_may_break(lua_State* L)
{
    return L->perilune_may_break && lua_isyieldable(L);
}
