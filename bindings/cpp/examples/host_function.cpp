// What a host gives to scripts: functions, with arguments and results of C++.
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>

#include <perilune.hpp>

int main() {
    const perilune::Engine engine;
    engine.function("add", [](double a, double b) { return a + b; });
    engine.function("stock", [](const std::string& sku, std::optional<std::string> size) -> perilune::Value {
        if (sku.rfind("MOON-", 0) != 0) throw std::runtime_error("no such thing");
        return perilune::Value::Object{{"sku", sku}, {"left", 7}, {"size", size.value_or("M")}};
    });
    engine.function("log", [](perilune::Call& call) {
        std::cout << call.script() << " says " << call.get<std::string_view>(0) << '\n';
    });

    const perilune::Script script = engine.compile("offer", R"(
        local item = host.stock(ARGS.sku)
        host.log(item.size .. ", " .. host.add(item.left, 0.5))
        set_response{ status = 201, content = { left = item.left } }
    )");
    const perilune::Trace trace = script.run("sku=MOON-1").throw_if_failed();
    const auto response = trace.response();
    std::cout << response->status << ' ' << response->content << '\n';

    try {
        script.run("sku=SUN").throw_if_failed();
    } catch (const perilune::RunError& error) {
        std::cout << error.message() << " (line " << error.line().value_or(0) << ")\n";
    }
}
