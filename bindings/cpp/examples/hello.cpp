// One run: a script and a request in, a trace out.
#include <chrono>
#include <iostream>

#include <perilune.hpp>

int main() {
    using namespace std::chrono_literals;

    const perilune::Engine engine(perilune::EngineOptions().timeout(500ms).memory(32 << 20));
    const perilune::Script script = engine.compile("discount", R"(
        local total = 0
        for _, line in POST.lines do
            total += line.price * line.count
        end
        print("checked by", META.executor)
        return { [ARGS.code] = { total, total > 100 and CONFIG.percent or 0 } }
    )");

    const auto request = perilune::Request()
                             .query("code=MOON")
                             .json(R"({"lines": [{"price": 60, "count": 2}]})")
                             .config(R"({"percent": 10})")
                             .meta(R"({"executor": "shop"})");
    const perilune::Trace trace = script.run(request);
    std::cout << trace.out() << *trace.value_json() << '\n';

    // What is wrong in a script is in the trace; what keeps a run from beginning is thrown.
    const perilune::Trace failed = script.run("", R"({"lines": 5})");
    std::cout << to_string(failed.status()) << ": " << failed.error()->message << '\n';
    try {
        script.run("", "no JSON");
    } catch (const perilune::PayloadError& error) {
        std::cout << error.what() << '\n';
    }
}
