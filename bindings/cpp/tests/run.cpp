#include <atomic>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <perilune.hpp>

#include "check.hpp"

using namespace perilune;
using namespace std::chrono_literals;

TEST(a_run_has_all_in_its_trace) {
    const Engine engine(EngineOptions().pool_size(1));
    const Script script = engine.compile("all", R"(
        io.write("out\0", GET.q, POST.b)
        io.stderr:write("err")
        set_response{ status = 201, content_type = "text/x", content = "body", headers = { b = { "2", "1" }, a = "1" } }
        return { 1, json.null }
    )");
    const auto before = std::chrono::system_clock::now();
    const Trace trace = script.run("q=1", R"({"b": "2"})");
    CHECK_EQ(to_string(trace.status()), "success");
    CHECK(trace.ok());
    CHECK_EQ(trace.out(), std::string_view("out\0" "12", 6));
    CHECK_EQ(trace.err(), "err");
    CHECK(!trace.out_truncated() && !trace.err_truncated());
    CHECK_EQ(trace.value_json().value_or("none"), "[1,null]");
    CHECK(!trace.error());
    const auto response = trace.response();
    CHECK_EQ(response->status, 201U);
    CHECK_EQ(response->content_type, "text/x");
    CHECK_EQ(response->content, "body");
    CHECK_EQ(response->headers.size(), 3U);
    CHECK_EQ(response->headers[0].first, "a");
    CHECK_EQ(response->headers[1].second, "2");
    CHECK_EQ(response->headers[2].first, "b");
    CHECK_EQ(response->headers[2].second, "1");
    CHECK_EQ(trace.id(), 1U);
    CHECK_EQ(trace.script(), "all");
    CHECK_EQ(trace.version(), 1U);
    CHECK(trace.executed_at() > before - 1s && trace.executed_at() < before + 600s);
    CHECK(trace.duration() > 0ns && trace.duration() < 600s);
    CHECK(trace.usage().memory_bytes > 0);
    CHECK_EQ(trace.usage().host_calls, 0U);
    CHECK(trace.usage().queued == 0ns);
    CHECK_EQ(trace.json().substr(0, 19), R"({"status":"success")");
    CHECK_EQ(&trace.throw_if_failed(), &trace);
    const Trace nothing = engine.compile("nothing", "").run();
    CHECK(!nothing.value_json() && !nothing.response());
}

TEST(output_past_the_limit_is_told) {
    const Engine engine(EngineOptions().output(4));
    const Trace trace = engine.compile("chatty", "io.write('12345') io.stderr:write('1')").run();
    CHECK_EQ(trace.out(), "1234");
    CHECK(trace.out_truncated() && !trace.err_truncated());
}

TEST(a_request_has_all_its_parts) {
    const Engine engine;
    const Script script = engine.compile("parts", R"(
        return GET.a or 0, GET.b or 0, POST.c or 0, CONFIG.d, META.e, math.random(1e9)
    )");
    Request request;
    request.param("a", "1").param("b", "\xc3\xa9 &").form("c=3").config(R"({"d": 4})").meta(R"({"e": 5})").seed(7);
    const Trace one = script.run(request);
    CHECK_EQ(one.value_json()->substr(0, 20), "[\"1\",\"\xc3\xa9 &\",\"3\",4,5,");
    const Trace again = script.run(Request(request));
    CHECK_EQ(*again.value_json(), *one.value_json());

    const Trace other = script.run("a=x", R"({"c": "y"})", request);
    CHECK_EQ(other.value_json()->substr(0, 14), R"(["x",0,"y",4,5)");
    const Trace body_only = script.run({}, R"({"c": "y"})", request);
    CHECK_EQ(body_only.value_json()->substr(0, 15), "[\"1\",\"\xc3\xa9 &\",\"y\"");
    const Trace emptied = script.run(Request(request).query("").json({}));
    CHECK_EQ(emptied.value_json()->substr(0, 10), "[0,0,0,4,5");
}

TEST(a_copy_of_a_request_is_its_own) {
    const Engine engine;
    const Script script = engine.compile("echo", "return GET.a");
    Request first = Request().query("a=1");
    const Request second = first;
    first.query("a=2");
    const Trace old = script.run(second), changed = script.run(first);
    CHECK_EQ(*old.value_json(), "\"1\"");
    CHECK_EQ(*changed.value_json(), "\"2\"");
}

TEST(limits_end_runs) {
    const Engine engine(EngineOptions().pool_size(1).timeout(20s).memory(8 << 20).value(100).host_calls(3).queue(1s));
    CHECK_EQ(engine.limit(PERILUNE_LIMIT_TIMEOUT_NS), 20'000'000'000U);
    CHECK_EQ(engine.limit(PERILUNE_LIMIT_MEMORY), 8U << 20);
    const Script endless = engine.compile("endless", "while true do end");
    const Trace late = endless.run(Request().timeout(5ms));
    CHECK(late.status() == Status::timeout);
    CHECK_EQ(to_string(late.error()->kind), "timeout");
    // Of the limit that was given: the engine's would end it too, in 20 s.
    CHECK_EQ(late.error()->message, "the run did not end within its timeout of 5 ms");
    const Trace never = endless.run(Request().timeout(-1s));
    CHECK_EQ(never.error()->message, "the run did not end within its timeout of 0 ms");

    const Script large = engine.compile("large", "return string.rep('x', 200)");
    const Trace refused = large.run();
    CHECK(refused.error()->kind == ErrorKind::value);
    const Trace greedy = engine.compile("greedy", "local t = {} while true do t[#t + 1] = string.rep('x', 1e5) .. #t end").run();
    CHECK(greedy.status() == Status::memory_limit);
    CHECK_EQ(greedy.error()->message, "the run needed more memory than its limit of 8388608 bytes");
    engine.function("nothing", [] {});
    const Trace called = engine.compile("calls", "for i = 1, 4 do host.nothing() end").run();
    CHECK(called.error()->kind == ErrorKind::host_calls);
    CHECK_EQ(called.usage().host_calls, 3U);

    Script own = endless;
    own.limits(Limits().timeout(5ms));
    const Trace owns = own.run();
    CHECK_EQ(owns.error()->message, "the run did not end within its timeout of 5 ms");
    // The copy's limits are not the first one's, which is ended otherwise.
    const Cancel cancel;
    cancel.now();
    CHECK(cancel.is_cancelled());
    CHECK(endless.run(Request().cancel(cancel)).status() == Status::cancelled);

    const Engine narrow(EngineOptions().request(10).parameters(1).source(20));
    const Script small = narrow.compile("small", "return 1");
    CHECK_THROWS(PayloadError, small.run("a=1&b=2"), {});
    CHECK_THROWS(PayloadError, small.run("a=12345678901"), {});
    CHECK_THROWS(CompileError, narrow.compile("large", "return 1 -- and more than that"), {});
}

TEST(a_cancel_ends_a_run_from_another_thread) {
    const Engine engine;
    const Script script = engine.compile("endless", "host.begun() while true do end");
    const Cancel cancel;
    std::atomic<bool> begun{false};
    engine.function("begun", [&begun] { begun = true; });
    std::thread ender([cancel, &begun] {
        while (!begun) std::this_thread::yield();
        cancel.now();
    });
    CHECK(script.run(Request().cancel(cancel)).status() == Status::cancelled);
    ender.join();
}

TEST(runs_are_made_in_workers) {
    CHECK_THROWS(Error, Engine(EngineOptions().workers("/nonexistent/worker")), CHECK(error.code() == Code::internal));
    // The one that is installed with the library that this runs with.
    CHECK(Engine(EngineOptions().workers()).sandbox());
    CHECK_THROWS(Error, Engine(EngineOptions().workers(Workers(WORKER).max_runs(0))), CHECK(error.code() == Code::invalid_argument));
    CHECK(!Engine().sandbox());
    const auto workers = Workers(WORKER).max_runs(1).max_age(1h).backoff(0s).spin(1ms).require_sandbox(false);
    const Engine engine(EngineOptions().workers(workers).pool_size(1));
    const auto sandbox = engine.sandbox();
    CHECK(sandbox && !sandbox->system_calls && !sandbox->resources);
    CHECK(engine.compile("t", "return GET.a").run(Request().query("a=1").tenant("acme")).ok());
    CHECK(engine.metrics().vms.retired == 1);
    engine.function("twice", [](double n) { return 2 * n; });
    const Trace trace = engine.compile("test", "return host.twice(ARGS.n + 0)").run("n=21");
    CHECK(trace.status() == Status::success);
    CHECK_EQ(trace.value_json().value_or("none"), "42");
    CHECK_EQ(engine.metrics().runs.crashed, 0U);
}

TEST(a_worker_serves_one_tenant) {
    const Engine engine(EngineOptions().workers(WORKER).pool_size(1));
    const Script script = engine.compile("t", "return 1");
    std::uint64_t replaced = 0;
    for (const std::optional<std::string>& tenant : {std::optional<std::string>("acme"), {"other"}, {}}) {
        for (int run = 0; run < 2; ++run) {
            Request request;
            if (tenant) request.tenant(*tenant);
            CHECK(script.run(request).ok());
            // The worker that made it, and a spare one.
            while (engine.metrics().vms.ready < 2) std::this_thread::yield();
            CHECK_EQ(engine.metrics().vms.retired, replaced);
        }
        ++replaced;
    }
}

TEST(many_threads_run_one_script) {
    const Engine engine(EngineOptions().pool_size(2));
    const Script script = engine.compile("echo", "print(ARGS.n)");
    std::vector<std::thread> threads;
    for (int n = 0; n < 4; ++n) {
        threads.emplace_back([&script, n] {
            for (int i = 0; i < 50; ++i) {
                const Trace trace = script.run("n=" + std::to_string(n));
                CHECK_EQ(trace.out(), std::to_string(n) + "\n");
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK_EQ(engine.metrics().runs.success, 200U);
}

TEST(a_poll_is_kept_and_destroyed_once) {
    const Engine engine;
    const Script script = engine.compile("short", "return 1");
    auto kept = std::make_shared<int>(0);
    {
        Request request = Request().poll(1ms, [kept] { return *kept != 0; });
        const Request copy = request;
        CHECK(script.run(request).ok() && script.run(copy).ok());
        CHECK_EQ(kept.use_count(), 2);
        request.poll(1ms, [] { return false; });
        CHECK_EQ(kept.use_count(), 2);
    }
    CHECK_EQ(kept.use_count(), 1);
}

TEST(a_poll_ends_a_run) {
    const Script script = Engine().compile("endless", "while true do pcall(function() while true do end end) end");
    const auto asked = std::make_shared<std::atomic<int>>(0);
    CHECK(script.run(Request().poll(1ms, [asked] { return ++*asked == 3; })).status() == Status::cancelled);
    CHECK_EQ(asked->load(), 3);
    CHECK(script.run(Request().poll(1ms, []() -> bool { throw 1; })).status() == Status::cancelled);
}
