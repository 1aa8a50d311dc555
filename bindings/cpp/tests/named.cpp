#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>

#include <perilune.hpp>

#include "check.hpp"

using namespace perilune;

TEST(a_name_serves_its_newest_version) {
    const Engine engine;
    const Engine same = engine;
    const Script first = engine.put("shop/greet", "return 'Hello ' .. (ARGS.name or 'you')");
    CHECK_EQ(first.name(), "shop/greet");
    CHECK_EQ(first.version(), 1U);
    CHECK_EQ(first.hash().size(), 64U);
    CHECK_EQ(first.source(), "return 'Hello ' .. (ARGS.name or 'you')");
    CHECK_EQ(same.put("shop/greet", "return 'Hi ' .. ARGS.name").version(), 2U);
    engine.put("alone", "");

    const Trace trace = engine.run("shop/greet", "name=Ada");
    CHECK_EQ(trace.value_json().value_or(""), "\"Hi Ada\"");
    CHECK_EQ(trace.version(), 2U);
    const Request request = Request().param("name", "Eve");
    const Trace second = engine.run("shop/greet", request), third = engine.run("shop/greet", "name=Bob", {}, request);
    CHECK_EQ(*second.value_json() == "\"Hi Eve\"" && *third.value_json() == "\"Hi Bob\"", true);
    CHECK_EQ(engine.get("shop/greet").version(), 2U);
    CHECK_THROWS(CompileError, engine.put("shop/greet", "="), {});

    const std::vector<Script> all = engine.list(), shop = engine.list("shop"), none = engine.list("");
    CHECK(all.size() == 2 && shop.size() == 1 && none.size() == 1);
    CHECK_EQ(all[0].name(), "alone");
    CHECK_EQ(shop[0].name(), "shop/greet");
    CHECK(shop[0].run("name=x").ok());

    engine.remove("shop/greet");
    CHECK_THROWS(NotFound, engine.remove("shop/greet"), {});
    CHECK_THROWS(NotFound, engine.run("shop/greet"), {});
}

TEST(a_module_is_required) {
    const Engine engine;
    engine.module("money", "return { show = function(cents) return string.format('%.2f', cents / 100) end }");
    const Trace trace = engine.compile("uses", "return require('money').show(1995)").run();
    CHECK_EQ(trace.value_json().value_or(""), "\"19.95\"");
    CHECK_THROWS(CompileError, engine.module("broken", "="), {});
}

TEST(a_check_finds_errors_or_warnings) {
    const Engine engine;
    const Diagnostics errors = engine.check("x", "local a = = 1\nreturn a");
    CHECK(errors.size() == 1 && errors[0].severity == Severity::error && errors[0].line == 1U && errors[0].column == 11U);
    CHECK_EQ(errors[0].message, "Expected identifier when parsing expression, got '='");
    const Diagnostics warnings = engine.check("x", "\nreturn json.enc0de(1)");
    CHECK(warnings.size() == 1 && warnings[0].severity == Severity::warning && warnings[0].line == 2U && warnings[0].column == 8U);
    CHECK_EQ(warnings[0].message, "json.enc0de is not there: did you mean json.encode?");
    CHECK(engine.check("x", "return 1").empty());
}

TEST(metrics_count) {
    const Engine engine(EngineOptions().pool_size(1));
    engine.compile("x", "io.write('123')").run();
    CHECK_THROWS(CompileError, engine.compile("x", "="), {});
    const Metrics metrics = engine.metrics();
    CHECK_EQ(metrics.runs.success, 1U);
    CHECK_EQ(metrics.vms.ready, 1U);
    CHECK_EQ(metrics.captured_bytes, 3U);
    CHECK(metrics.compiles.succeeded == 1 && metrics.compiles.failed == 1);
    CHECK_EQ(metrics.run_duration.count, 1U);
    CHECK_EQ(metrics.run_duration.counts.size(), metrics.run_duration.bounds.size() + 1);
    CHECK(metrics.run_duration.sum.count() > 0);
    CHECK_EQ(metrics.json().front(), '{');
    CHECK(metrics.prometheus().find("# TYPE") != std::string_view::npos);
    CHECK_EQ(version(), PERILUNE_VERSION);
}

namespace {

/// A directory of its own, in the one that the tests run in.
struct Directory {
    Directory() {
        std::string name = "perilune-XXXXXX";
        path = mkdtemp(name.data());
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() { std::filesystem::remove_all(path); }
    void write(const std::string& name, const std::string& source) const { std::ofstream(path + "/" + name) << source; }

    std::string path;
};

}  // namespace

TEST(a_directory_is_loaded) {
    const Directory directory;
    directory.write("good.lua", "return 1");
    directory.write("bad.lua", "return\n=");
    const Engine engine;
    const Report report = engine.load_dir(directory.path);
    CHECK(report.loaded.size() == 1 && report.loaded[0].name() == "good");
    CHECK(report.removed.empty());
    CHECK(report.failed.size() == 1 && report.failed[0].code() == Code::compile_error);
    CHECK_EQ(report.failed[0].subject(), directory.path + "/bad.lua");
    CHECK_EQ(report.failed[0].position()->line, 2U);
    CHECK(engine.run("good").ok());
}

TEST(a_watched_directory_is_followed) {
    const Directory directory;
    directory.write("kept.lua", "return 1");
    const auto counted = std::make_shared<int>(0);
    std::promise<std::string> removed;
    const Engine engine;
    {
        const Watch watch = engine.watch(directory.path, [counted, &removed](const Report& report) {
            *counted += static_cast<int>(report.loaded.size());
            if (!report.removed.empty()) removed.set_value(report.removed[0]);
        });
        CHECK_EQ(*counted, 1);
        std::filesystem::remove(directory.path + "/kept.lua");
        std::future<std::string> name = removed.get_future();
        CHECK(name.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
        CHECK_EQ(name.get(), "kept");
        CHECK_EQ(counted.use_count(), 2);
    }
    CHECK_EQ(counted.use_count(), 1);
    CHECK_THROWS(Error, engine.watch("/nowhere/at/all", [counted](const Report&) {}), {});
    CHECK_EQ(counted.use_count(), 1);
    const Watch silent = engine.watch(directory.path);
}
