/* A host with a Lua of its own: both are in one program, and neither is the other. */

#include "check.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

/* What only one of them has: integers and // in Lua 5.4, buffer in Luau. */
static const char SOURCE[] = "return tostring(7 // 2) .. ' ' .. type(buffer) .. ' ' .. tostring(math.maxinteger)"
                             " .. ' ' .. tostring(pcall(error, 'x'))";

static void check_hosts_lua(lua_State *lua)
{
    CHECK_INT(luaL_dostring(lua, SOURCE), LUA_OK);
    size_t len = 0;
    const char *text = lua_tolstring(lua, -1, &len);
    CHECK_TEXT(perilune_bytes(text, len), "3 nil 9223372036854775807 false");
    lua_pop(lua, 1);
}

int main(void)
{
    lua_State *lua = luaL_newstate();
    luaL_openlibs(lua);
    perilune_engine *engine = engine_of(1);
    perilune_script *script = compiled(engine, SOURCE);
    for (int i = 0; i < 100; i++) {
        check_hosts_lua(lua);
        perilune_trace *trace = run_of(script, NULL, NULL, NULL);
        perilune_slice value = perilune_trace_value(trace);
        CHECK_TEXT(value, "\"3 table nil false\"");
        perilune_trace_free(trace);
    }
    perilune_script_free(script);
    perilune_engine_free(engine);
    lua_close(lua);
    return check_end();
}
