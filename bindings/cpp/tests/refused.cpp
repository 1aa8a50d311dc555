// One line of these must not compile, each with an error that says what is behind its //.
#include <string>

#include <perilune.hpp>

using namespace perilune;

void refused(const Engine& engine, const Script& script) {
    std::string name;
#if CASE == 1
    engine.function("f", [name]() mutable { name += "x"; });  // the function must be const
#elif CASE == 2
    engine.function("f", [](const char* text) { return text; });  // arguments are bool, numbers
#elif CASE == 3
    engine.function("f", [](std::string& text) { text = ""; });  // change none of its arguments
#elif CASE == 4
    engine.function("f", [] { return Engine(); });  // results are void, bool, numbers
#elif CASE == 5
    engine.function("f", [](auto a, auto b) { return a + b; });  // one call operator with types that can be read
#elif CASE == 6
    script.submit(Request(), [](int) {});  // the callback takes a perilune::Outcome
#elif CASE == 7
    Request().poll({}, [name]() mutable { return name.empty(); });  // is const and says a bool
#elif CASE == 8
    static_cast<void>(engine.watch("", [](int) {}));  // the watcher takes a const perilune::Report&
#elif CASE == 9
    const std::string_view view = script.run().out();  // deleted function
#elif CASE == 10
    throw ArgumentError();  // private within this context
#endif
}
