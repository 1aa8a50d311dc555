// Names for errors: of what was called, or written to.
#pragma once

#include "lstate.h"

namespace perilune
{

[[noreturn]] void call_error(lua_State* L, const TValue* callee);
[[noreturn]] void method_error(lua_State* L, const TValue* object, const TString* name);
[[noreturn]] void readonly_error(lua_State* L);

} // namespace perilune
