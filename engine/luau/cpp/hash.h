// Hashes with a key, for strings and numbers that a stranger chooses. Without the key nobody can make two that hash alike.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>
#endif

// Of the process, for the compiler's tables.
extern "C" uint64_t perilune_process_key[2];

namespace perilune
{

// In place of a table's key: it has no keys but strings, which don't hash by it, and is copied but not written to.
const uint32_t kNames = 0;

// The product of two numbers, its halves folded into one: each bit of the result depends on all bits of both.
inline uint64_t fold(uint64_t a, uint64_t b)
{
#if defined(__SIZEOF_INT128__)
    unsigned __int128 product = (unsigned __int128)a * b;
    return uint64_t(product) ^ uint64_t(product >> 64);
#elif defined(_MSC_VER) && defined(_M_X64)
    uint64_t high;
    uint64_t low = _umul128(a, b, &high);
    return low ^ high;
#else
    uint64_t al = uint32_t(a), ah = a >> 32, bl = uint32_t(b), bh = b >> 32;
    uint64_t middle = ah * bl + ((al * bl) >> 32);
    uint64_t carried = al * bh + uint32_t(middle);
    uint64_t low = (carried << 32) | uint32_t(al * bl);
    uint64_t high = ah * bh + (middle >> 32) + (carried >> 32);
    return low ^ high;
#endif
}

inline uint64_t read8(const char* at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

inline uint64_t read4(const char* at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

// Both factors of every product hold a part of the key: a factor that someone could make zero would wipe out what came before.
inline uint32_t hash_bytes(const uint64_t key[2], const char* data, size_t length)
{
    uint64_t state = key[0] ^ length;
    uint64_t a, b;
    if (length > 16)
    {
        const char* last = data + length - 16;
        for (const char* at = data; at < last; at += 16)
            state = fold(read8(at) ^ key[1], read8(at + 8) ^ state);
        a = read8(last);
        b = read8(last + 8);
    }
    else if (length >= 8)
    {
        a = read8(data);
        b = read8(data + length - 8);
    }
    else if (length >= 4)
    {
        a = read4(data);
        b = read4(data + length - 4);
    }
    else
    {
        a = length > 0 ? uint64_t(uint8_t(data[0])) << 16 | uint64_t(uint8_t(data[length / 2])) << 8 | uint8_t(data[length - 1]) : 0;
        b = 0;
    }
    state = fold(a ^ key[1], b ^ state);
    return uint32_t(state ^ state >> 32);
}

inline uint32_t hash_word(uint32_t key, uint64_t word)
{
    // Odd, and its bits are even: the golden ratio's fraction and the square root of three's.
    uint64_t state = fold(word ^ key * 0x9e3779b97f4a7c15u, 0xbb67ae8584caa73bu);
    return uint32_t(state ^ state >> 32);
}

} // namespace perilune
