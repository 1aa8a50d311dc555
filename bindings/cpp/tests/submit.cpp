#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <perilune.hpp>

#include "check.hpp"

using namespace perilune;

TEST(a_future_has_the_trace_or_the_error) {
    const Engine engine;
    const Script script = engine.compile("echo", "return GET.a");
    std::future<Trace> one = script.submit(Request().query("a=1"));
    std::future<Trace> wrong = script.submit(Request().json("["));
    const Trace trace = one.get();
    CHECK_EQ(*trace.value_json(), "\"1\"");
    CHECK_THROWS(PayloadError, wrong.get(), {});
}

TEST(a_callback_has_the_outcome) {
    const Engine engine;
    const Script script = engine.compile("echo", "return GET.a");
    const auto tell = [&script](const Request& request) {
        std::promise<Outcome> promise;
        std::future<Outcome> future = promise.get_future();
        script.submit(request, [promise = std::move(promise)](Outcome outcome) mutable { promise.set_value(std::move(outcome)); });
        return future.get();
    };
    const Outcome good = tell(Request().query("a=1"));
    CHECK(good && good.error() == nullptr);
    CHECK_EQ(*good.value().value_json(), "\"1\"");
    const Outcome bad = tell(Request().json("["));
    CHECK(!bad);
    CHECK(bad.error()->code() == Code::payload_error);
    CHECK_THROWS(PayloadError, bad.value(), {});
    CHECK_THROWS(PayloadError, tell(Request().json("[")).value(), {});
}

TEST(what_a_callback_captured_is_destroyed_once) {
    const auto kept = std::make_shared<int>(0);
    const Engine engine(EngineOptions().request(2));
    {
        Script script = engine.compile("echo", "return 1");
        // Called before submit returns: the run can't begin.
        script.submit(Request().query("a=1"), [kept](const Outcome&) { ++*kept; });
        CHECK_EQ(*kept, 1);
        const Script gone = std::move(script);
        CHECK_THROWS(Error, script.submit(Request(), [kept](const Outcome&) { ++*kept; }), {});
    }
    CHECK_EQ(*kept, 1);
    CHECK_EQ(kept.use_count(), 1);
}

TEST(a_full_backlog_refuses) {
    const Engine engine(EngineOptions().pool_size(1).backlog(1));
    std::promise<void> begun, go;
    engine.function("wait", [&begun, &go] {
        begun.set_value();
        go.get_future().wait();
    });
    const Script waits = engine.compile("waits", "host.wait()"), script = engine.compile("script", "");
    std::future<Trace> running = waits.submit(Request());
    begun.get_future().wait();
    std::future<Trace> waiting = script.submit(Request()), refused = script.submit(Request());
    CHECK(refused.get().status() == Status::queue_timeout);
    go.set_value();
    CHECK(running.get().ok() && waiting.get().ok());
}

TEST(a_batch_is_in_order) {
    const Engine engine(EngineOptions().pool_size(2));
    const Script script = engine.compile("echo", "return GET.a");
    std::vector<Request> requests;
    for (int i = 0; i < 20; ++i) requests.push_back(Request().param("a", std::to_string(i)));
    requests[7].json("[");
    std::atomic<std::size_t> told{0};
    const std::vector<Outcome> outcomes = script.run_batch(requests, [&told](std::size_t, std::size_t total) { told += total; });
    CHECK_EQ(told, 400U);
    CHECK_EQ(outcomes.size(), 20U);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        if (i == 7) {
            CHECK_THROWS(PayloadError, outcomes[i].value(), {});
        } else {
            CHECK_EQ(outcomes[i].value().value_json().value_or(""), "\"" + std::to_string(i) + "\"");
        }
    }
    CHECK_EQ(script.run_batch({}).size(), 0U);
}

TEST(what_a_batch_reports_to_throws_at_its_end) {
    const Engine engine(EngineOptions().pool_size(2));
    const Script script = engine.compile("echo", "return 1");
    std::vector<Request> requests(10);
    requests[3].json("[");
    CHECK_THROWS(std::runtime_error,
                 script.run_batch(requests, [](std::size_t, std::size_t) { throw std::runtime_error("enough"); }),
                 CHECK_EQ(error.what(), std::string("enough")));
    CHECK_EQ(engine.metrics().runs.success, 9U);
}

TEST(a_batch_is_cancelled) {
    const Engine engine(EngineOptions().pool_size(1));
    const Script script = engine.compile("endless", "while true do end");
    const Cancel cancel;
    const Cancel second = cancel;
    second.now();
    for (const Outcome& outcome : script.run_batch(std::vector<Request>(3), {}, cancel)) {
        CHECK(outcome.value().status() == Status::cancelled);
    }
}
