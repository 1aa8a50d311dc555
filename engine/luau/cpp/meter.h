// What a run takes, as the engine sees it.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct lua_State;

namespace perilune
{

struct Meter
{
    // Bytes that objects may take before `on_alarm` is asked: the engine's number less `extra`. SIZE_MAX: as many as they like.
    size_t alarm = SIZE_MAX;
    // What counts beside `totalbytes`; wraps, as it holds what does not count as well.
    size_t extra = 0;
    // Of that, strings which were there before the run, and which it made once more.
    size_t touched = 0;
    // Of strings: the run that made or touched them last. 0: not a run's.
    uint16_t run = 0;
    // The bytes of all objects: `totalbytes`.
    const size_t* objects = nullptr;
    // Whether so many bytes more may be taken. Never raises.
    int (*on_alarm)(lua_State* L, size_t more) = nullptr;

    void count(ptrdiff_t more)
    {
        extra += more;
        if (alarm != SIZE_MAX)
            alarm = more > 0 && alarm < size_t(more) ? 0 : alarm - more;
    }
};

} // namespace perilune
