// Taking memory, by objects.
#pragma once

#include "ldo.h"
#include "lgc.h"
#include "lstate.h"

namespace perilune
{

inline bool may_take(lua_State* L, size_t bytes)
{
    const Meter& meter = L->global->perilune_meter;
    return LUAU_LIKELY(L->global->totalbytes + bytes <= meter.alarm) || !meter.on_alarm || meter.on_alarm(L, bytes) != 0;
}

inline void take(lua_State* L, size_t bytes)
{
    if (!may_take(L, bytes))
        luaD_throw(L, LUA_ERRMEM);
}

inline void take_string(lua_State* L, TString* string, size_t bytes)
{
    Meter& meter = L->global->perilune_meter;
    // Luau's texts of errors are pinned so that it can always raise them, even where nobody would catch another error.
    if (LUAU_LIKELY(string->perilune_run == meter.run) || testbit(string->marked, FIXEDBIT))
        return;
    take(L, bytes);
    meter.count(ptrdiff_t(bytes));
    meter.touched += bytes;
    string->perilune_run = meter.run;
}

} // namespace perilune
