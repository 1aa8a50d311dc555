/// Perilune runs untrusted Luau scripts inside a program, at microsecond cost: a script and a request in, a trace out.
///
///     #include <iostream>
///     #include <perilune.hpp>
///
///     int main() {
///         perilune::Engine engine;
///         const perilune::Script script = engine.compile("hello", "print('Hello', ARGS.monster)");
///         const perilune::Trace trace = script.run("monster=Manticore");
///         std::cout << trace.out();
///     }
///
///     c++ -std=c++17 hello.cpp $(pkg-config --cflags --libs perilune)
///
/// Classes over perilune.h, which says more of what each call does; there is nothing else to link.
///
/// What can't be done is thrown, as perilune::Error. An error in a script is not: it is in the trace, and
/// Trace::throw_if_failed throws it where that is wanted.
///
/// The const methods of an object may be called by many threads at once; for the others, a thread has it for itself. What was
/// moved from may be assigned to and destroyed; whatever else it is asked for, it answers as if empty, or throws Error.
///
/// Where a std::string_view points into an object, it can't be had of a temporary one: keep the trace, then look into it.
#ifndef PERILUNE_HPP
#define PERILUNE_HPP

#include "perilune/endpoints.hpp"
#include "perilune/engine.hpp"
#include "perilune/error.hpp"
#include "perilune/function.hpp"
#include "perilune/request.hpp"
#include "perilune/script.hpp"
#include "perilune/trace.hpp"
#include "perilune/value.hpp"

#endif
