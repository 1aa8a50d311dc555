#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include <perilune.hpp>

#include "check.hpp"

using namespace perilune;

static std::string run(const Engine& engine, const std::string& expression) {
    const Trace trace = engine.compile("x", "return " + expression).run();
    return std::string(trace.ok() ? trace.value_json().value_or("") : trace.error()->message);
}

static int twice(int number) noexcept { return 2 * number; }

TEST(arguments_are_read_by_type) {
    const Engine engine;
    engine.function("add", [](double a, double b) { return a + b; });
    engine.function("join", [](const std::string& a, std::string_view b, std::string c) { return a + std::string(b) + c; });
    engine.function("flip", [](bool on) { return !on; });
    engine.function("maybe", [](std::optional<int> n, const std::optional<std::string>& s) { return n.value_or(-1) + (s ? 100 : 0); });
    engine.function("twice", twice);
    engine.function("held", std::function<double(float)>([](float f) { return f; }));
    engine.function("json", [](Json json) { return json.text; });
    engine.function("who", [](double a, Call& call, double b) { return std::string(call.name()) + std::to_string(int(a - b)); });
    CHECK_EQ(run(engine, "host.add(1, 2.5)"), "3.5");
    CHECK_EQ(run(engine, "host.add(1, 2, 'more')"), "3");
    CHECK_EQ(run(engine, "host.join('a', 'b', '\\0')"), "\"ab\\u0000\"");
    CHECK_EQ(run(engine, "host.flip(false)"), "true");
    CHECK_EQ(run(engine, "host.maybe()"), "-1");
    CHECK_EQ(run(engine, "host.maybe(5)"), "5");
    CHECK_EQ(run(engine, "host.maybe(nil, '')"), "99");
    CHECK_EQ(run(engine, "host.maybe(json.null)"), "-1");
    CHECK_EQ(run(engine, "host.twice(21)"), "42");
    CHECK_EQ(run(engine, "host.held(0.5)"), "0.5");
    CHECK_EQ(run(engine, "host.json({1, {a = 2}})"), R"("[1,{\"a\":2}]")");
    CHECK_EQ(run(engine, "host.who(9, 4)"), "\"who5\"");
}

TEST(an_argument_that_does_not_fit_is_a_lua_error) {
    const Engine engine;
    engine.function("number", [](double) {});
    engine.function("text", [](std::string_view, std::optional<std::string>) {});
    engine.function("byte", [](std::uint8_t n) { return n; });
    engine.function("long", [](std::int64_t n) { return n; });
    engine.function("value", [](const Value&) {});
    CHECK_EQ(run(engine, "host.number('1')"), "x:1: host.number: argument #1 must be a number, not string");
    CHECK_EQ(run(engine, "host.number()"), "x:1: host.number: argument #1 must be a number, not nothing");
    CHECK_EQ(run(engine, "host.text('', 1)"), "x:1: host.text: argument #2 must be a string, not number");
    CHECK_EQ(run(engine, "host.byte(255)"), "255");
    for (const char* wrong : {"256", "-1", "0.5", "0/0", "1/0"}) {
        CHECK_EQ(run(engine, "host.byte(" + std::string(wrong) + ")"), "x:1: host.byte: argument #1 must be a whole number that fits");
    }
    CHECK_EQ(run(engine, "host.long(-2^63)"), "\"-9223372036854775808\"");
    CHECK_EQ(run(engine, "host.long(2^63)"), "x:1: host.long: argument #1 must be a whole number that fits");
    CHECK_EQ(run(engine, "host.value(print)").substr(0, 29), "x:1: host.value: argument #1 ");
    CHECK_EQ(run(engine, "tostring(pcall(host.number, true))"), "\"false\"");
}

TEST(results_are_converted) {
    const Engine engine;
    engine.function("nothing", [] {});
    engine.function("null", [] { return nullptr; });
    engine.function("some", [](bool some) { return some ? std::optional<std::string_view>("yes") : std::nullopt; });
    engine.function("chars", [](Call&) { return "chars"; });
    engine.function("size", [] { return std::size_t{3}; });
    engine.function("array", [] { return Value::Array{1, 2}; });
    engine.function("object", [] { return Value::Object{{"a", 1}}; });
    engine.function("json", [] { return Json{R"({"b": [null]})"}; });
    engine.function("wrong", [] { return Json{"{"}; });
    const std::string lasting = "lasting";
    engine.function("reference", [&lasting]() -> const std::string& { return lasting; });
    CHECK_EQ(run(engine, "host.nothing() == nil, host.null() == nil"), "[true,true]");
    CHECK_EQ(run(engine, "host.some(true), host.some(false) == nil"), R"(["yes",true])");
    CHECK_EQ(run(engine, "host.chars(), host.size(), host.array(), host.object()"), R"(["chars",3,[1,2],{"a":1}])");
    CHECK_EQ(run(engine, "host.json()"), R"({"b":[null]})");
    CHECK_EQ(run(engine, "host.wrong()").substr(0, 16), "x:1: host.wrong:");
    CHECK_EQ(run(engine, "host.reference()"), "\"lasting\"");
}

TEST(an_exception_is_a_lua_error) {
    const Engine engine;
    engine.function("fails", [](Call& call) -> double {
        if (call.size() == 1) throw 5;
        throw std::runtime_error("no way");
    });
    engine.function("tolerant", [](Call& call) -> std::string {
        try {
            return std::to_string(call.get<int>(0));
        } catch (const ArgumentError&) {
            return "none";
        }
    });
    engine.function("silent", [](Call& call) {
        try {
            call.get<int>(0);
        } catch (const ArgumentError&) {
        }
    });
    CHECK_EQ(run(engine, "host.fails()"), "x:1: host.fails: no way");
    CHECK_EQ(run(engine, "host.fails(1)"), "x:1: host.fails: an exception of an unknown type");
    CHECK_EQ(run(engine, "select(2, pcall(host.fails))"), "\"host.fails: no way\"");
    const Trace uncaught = engine.compile("x", "host.fails()").run();
    CHECK(uncaught.error()->kind == ErrorKind::host);
    CHECK_EQ(to_string(uncaught.error()->kind), "host");
    const Trace other = engine.compile("x", "pcall(host.fails) error('mine')").run();
    CHECK(other.error()->kind == ErrorKind::runtime);
    CHECK_EQ(run(engine, "host.tolerant('x'), host.tolerant(1)"), R"(["none","1"])");
    CHECK_EQ(run(engine, "host.silent('x') == nil"), "true");
}

TEST(a_call_knows_its_run) {
    const Engine engine(EngineOptions().timeout(std::chrono::seconds(30)));
    bool checked = false;
    engine.function("look", [&checked](Call& call) {
        CHECK_EQ(call.name(), "look");
        CHECK_EQ(call.script(), "looks");
        CHECK_EQ(call.run_id(), 1U);
        CHECK_EQ(call.size(), 3U);
        CHECK(call.type(0) == Type::table && call.type(1) == Type::other && call.type(2) == Type::string && call.type(3) == Type::null);
        CHECK(call.remaining() > std::chrono::seconds(0) && call.remaining() <= std::chrono::seconds(30));
        CHECK(!call.is_cancelled());
        CHECK_EQ(call.get<std::string_view>(2), "text");
        const Trace inner = call.engine().compile("inner", "return 5").run();
        CHECK_EQ(inner.value_json().value_or(""), "5");
        checked = true;
    });
    engine.compile("looks", "host.look({}, print, 'text')").run().throw_if_failed();
    CHECK(checked);
}

TEST(a_script_has_functions_of_its_own) {
    const Engine engine;
    engine.function("who", [] { return "engine"; });
    const Script script = engine.compile("who", "return host.who()");
    Script own = script;
    own.function("who", [] { return "script"; });
    const Trace first = script.run(), second = own.run();
    CHECK_EQ(*first.value_json(), "\"engine\"");
    CHECK_EQ(*second.value_json(), "\"script\"");
}

/// Counts how many of it there are, moves included.
struct Counted {
    explicit Counted(int& living) : count(&living) { ++*count; }
    Counted(const Counted& other) : count(other.count) { ++*count; }
    Counted(Counted&& other) noexcept : count(other.count) { ++*count; }
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*count; }
    int* count;
};

TEST(what_a_function_captured_is_destroyed_once) {
    int living = 0;
    {
        const Engine engine;
        engine.function("f", [counted = Counted(living)] { return 1; });
        CHECK_EQ(living, 1);
        engine.function("f", [counted = Counted(living)] { return 2; });
        CHECK_EQ(run(engine, "host.f()"), "2");
        CHECK_THROWS(Error, engine.function("no name", [counted = Counted(living)] {}), {});
        // The VM of the run may keep a replaced one until its next run; the refused one is gone.
        CHECK(living <= 2);
        Script script = engine.compile("x", "return host.f()");
        script.function("f", [counted = Counted(living)] { return 3; });
        CHECK_THROWS(Error, script.function("", [counted = Counted(living)] {}), {});
        const Script copy = script;
    }
    CHECK_EQ(living, 0);
    // What can only be moved can be captured.
    const Engine engine;
    engine.function("g", [only = std::make_unique<int>(4)] { return *only; });
    CHECK_EQ(run(engine, "host.g()"), "4");
}
