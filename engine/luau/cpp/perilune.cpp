// What the edits and the crate call.
#include "lua.h"

#include "hash.h"
#include "ldebug.h"
#include "lstate.h"
#include "safepoint.h"

uint64_t perilune_process_key[2] = {0x243f6a8885a308d3u, 0x13198a2e03707344u};

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

extern "C" void perilune_set_process_key(uint64_t first, uint64_t second)
{
    perilune_process_key[0] = first;
    perilune_process_key[1] = second;
}

extern "C" void perilune_set_table_key(lua_State* L, uint32_t key)
{
    L->global->perilune_table_key = key;
}

extern "C" int perilune_is_attacked(lua_State* L)
{
    return L->global->perilune_is_attacked;
}
