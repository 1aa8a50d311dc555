// What `src/syntax.rs` declares.
#pragma once

#include "rust/cxx.h"

#include <cstdint>

namespace perilune::syntax
{

struct Token;
struct Tree;

Tree parse(rust::Slice<const uint8_t> source);
rust::Vec<Token> tokens(rust::Slice<const uint8_t> source);

} // namespace perilune::syntax
