// Safepoints that Luau does not have: places at which a run can be ended.
#pragma once

#include "lstate.h"

namespace perilune
{

// Of the interrupt's callback: it may raise, and nothing else. `lua.h` knows numbers from -1 on.
const int kRaiseOnly = -2;

// Bytes read, compared or hashed between two safepoints: some 10 us.
const uint32_t kWork = 64 * 1024;

// Shorter strings cost no more than other instructions, of which a source can't hold enough to be late.
const size_t kShort = 256;

// The longest text that is read as a number. One of 1 MiB takes 3 ms.
const size_t kLongestNumber = 1024 * 1024;

// Keys of one table, or strings of a VM, that may hash alike. With a key in the hash, a chain of a dozen is rare.
const int kLongestChain = 64;

// At the entry of functions that C code or a metamethod calls: all that is alive is on the stack, so the collector may run.
inline void safepoint(lua_State* L)
{
    void (*interrupt)(lua_State*, int) = L->global->cb.interrupt;
    if (LUAU_UNLIKELY(!!interrupt))
        interrupt(L, -1);
}

void count_work(lua_State* L, size_t bytes);

// Before what takes time by the length of a string, wherever an error may be raised.
inline void work(lua_State* L, size_t bytes)
{
    if (LUAU_UNLIKELY(bytes > kShort))
        count_work(L, bytes);
}

// Ends an attack: keys were found that hash alike, though the hash has a key. What the table held may be lost.
[[noreturn]] void chain_too_long(lua_State* L);

inline void check_chain(lua_State* L, int length)
{
    if (LUAU_UNLIKELY(length > kLongestChain))
        chain_too_long(L);
}

} // namespace perilune
