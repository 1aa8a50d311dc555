#include <perilune.hpp>

#include <cstdint>
#include <limits>
#include <optional>

#include "check.hpp"

using namespace perilune;

TEST(a_value_is_built_and_read) {
    const Value value = Value::Object{
        {"sku", "MOON-1"}, {"left", 7}, {"fresh", true}, {"sizes", Value::Array{1.5, std::string("a\0b", 3), nullptr}}, {"left", 8}};
    CHECK(value.type() == Type::object);
    CHECK_EQ(value["sku"].string().value_or("none"), "MOON-1");
    CHECK_EQ(value["left"].number().value_or(0), 8.0);
    CHECK_EQ(value["fresh"].boolean().value_or(false), true);
    CHECK_EQ(value["sizes"][1].string().value_or("none"), std::string_view("a\0b", 3));
    CHECK(value["sizes"][2].is_null() && value["sizes"][3].is_null());
    CHECK(value["gone"]["deeper"][0].is_null());
    CHECK_EQ(value["sizes"].array()->size(), 3U);
    CHECK_EQ(value.object()->size(), 5U);
    CHECK(!value.number() && !value.string() && !value.boolean() && value.array() == nullptr);
    CHECK(value["sizes"].object() == nullptr);

    Value copy = value;
    CHECK(copy == value);
    const Value moved = std::move(copy);
    CHECK(moved == value && moved != Value());
    copy = 1;
    CHECK(copy == Value(1.0) && copy != Value("1"));
}

TEST(objects_are_equal_in_any_order_of_their_members) {
    using Object = Value::Object;
    const Value value = Object{{"a", 1}, {"b", 2}};
    CHECK(value == Value(Object{{"b", 2}, {"a", 1}}) && value == Value(Object{{"a", 3}, {"b", 2}, {"a", 1}}));
    CHECK(value != Value(Object{{"a", 1}, {"b", 2}, {"a", 3}}) && value != Value(Object{{"a", 2}, {"b", 1}}));
    CHECK(value != Value(Object{{"a", 1}}) && value != Value(Object{{"a", 1}, {"b", 2}, {"c", 3}}) && value != Value());
}

TEST(values_cross_unchanged) {
    const Engine engine;
    const Value everything = Value::Array{
        nullptr, false, -0.5, "", std::string("\xff\0", 2), Value::Array{}, Value::Object{},
        Value::Object{{"k", Value::Array{1}}, {"", nullptr}, {"a", Value::Object{{"x", 1}, {"y", 2}}}, {"b", "c"}}};
    Value seen;
    engine.function("give", [&everything] { return everything; });
    engine.function("take", [&seen](Value value) { seen = std::move(value); });
    engine.compile("mirror", "host.take(host.give())").run().throw_if_failed();
    CHECK(seen == everything);
}

/// Integers that are rounded are other integers: of orders, of people.
TEST(an_integer_that_no_double_has_is_its_digits) {
    const Engine engine;
    const auto check = [&engine](auto integer, const std::string& script) {
        engine.function("plain", [integer] { return integer; });
        engine.function("value", [integer] { return Value::Array{integer}; });
        engine.function("maybe", [integer] { return std::make_optional(integer); });
        const Trace trace = engine.compile("integer", "return host.plain(), host.value()[1], host.maybe()").run();
        CHECK_EQ(trace.value_json().value_or("none"), "[" + script + "," + script + "," + script + "]");
    };
    check(std::int64_t{1} << 53, "9007199254740992");
    check(-(std::int64_t{1} << 53), "-9007199254740992");
    check((std::int64_t{1} << 53) + 1, "\"9007199254740993\"");
    check(-(std::int64_t{1} << 53) - 1, "\"-9007199254740993\"");
    check(std::numeric_limits<std::int64_t>::max(), "\"9223372036854775807\"");
    check(std::numeric_limits<std::int64_t>::min(), "\"-9223372036854775808\"");
    check((std::uint64_t{1} << 53), "9007199254740992");
    check((std::uint64_t{1} << 53) + 1, "\"9007199254740993\"");
    check(std::numeric_limits<std::uint64_t>::max(), "\"18446744073709551615\"");
    check(std::numeric_limits<long long>::max(), "\"9223372036854775807\"");
    check(std::int32_t{-7}, "-7");
    CHECK(Value((std::int64_t{1} << 53) + 1) == Value("9007199254740993") && Value(std::int64_t{1} << 53) == Value(9007199254740992.0));
}

TEST(a_value_that_nests_too_deep_is_an_error) {
    const Engine engine;
    engine.function("deep", [](int levels) {
        Value value;
        for (int i = 0; i < levels; ++i) value = Value::Array{std::move(value)};
        return value;
    });
    const Script script = engine.compile("deep", "host.deep(ARGS.n + 0)");
    CHECK(script.run("n=128").ok());
    const Trace trace = script.run("n=129");
    CHECK_EQ(trace.error()->message.substr(0, 18), "deep:1: host.deep:");
    CHECK(trace.error()->message.find("128 levels") != std::string_view::npos);
}
