// Functions of the host that answer later.
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <perilune.hpp>

#include "check.hpp"

using namespace perilune;

namespace {

/// The answers that functions have left here.
class Waiting {
public:
    void add(double index, Pending answer) {
        const std::lock_guard<std::mutex> lock(mutex_);
        all_.emplace_back(index, std::move(answer));
        changed_.notify_all();
    }
    std::vector<std::pair<double, Pending>> take(std::size_t count) {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [&] { return all_.size() >= count; });
        return std::exchange(all_, {});
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::pair<double, Pending>> all_;
};

std::string told(const Trace& trace) { return std::string(trace.ok() ? trace.value_json().value_or("") : trace.error()->message); }

}  // namespace

TEST(many_wait_at_once_on_one_thread_and_are_answered) {
    constexpr int runs = 60;
    const Engine engine(EngineOptions().pool_size(runs).threads(1));
    Waiting waiting;
    engine.async_function("wait", [&](double index, Pending answer) { waiting.add(index, std::move(answer)); });
    const Script script = engine.compile("x", "return host.wait(tonumber(GET.n))");
    std::vector<std::future<Trace>> futures;
    for (int n = 0; n < runs; ++n) futures.push_back(script.submit(Request().query("n=" + std::to_string(n))));
    for (auto& [index, answer] : waiting.take(runs)) {
        CHECK(!answer.is_gone());
        switch (int(index) % 6) {
            case 0: answer.resolve(index); break;
            case 1: answer.resolve(std::string("text")); break;
            case 2: answer.resolve(std::optional<bool>(true)); break;
            case 3: answer.resolve(Json{"[1]"}); break;
            case 4: answer.reject("no"); break;
            default: { const Pending gone = std::move(answer); }
        }
    }
    std::chrono::nanoseconds waited{};
    for (int n = 0; n < runs; ++n) {
        const std::string wanted[] = {std::to_string(n), "\"text\"", "true", "[1]", "x:1: host.wait: no",
                                      "x:1: host.wait: the host gave no answer"};
        const Trace trace = futures[std::size_t(n)].get();
        CHECK_EQ(told(trace), wanted[n % 6]);
        waited += trace.usage().waited;
    }
    // The last one may be answered before it began to wait.
    CHECK(waited.count() > 0);
}

TEST(a_run_that_is_over_is_told) {
    const Engine engine(EngineOptions().pool_size(1));
    Waiting waiting;
    engine.async_function("wait", [&](Call& call) { waiting.add(0, call.defer()); });
    const Cancel cancel;
    std::future<Trace> run = engine.compile("x", "host.wait()").submit(Request().cancel(cancel));
    auto answers = waiting.take(1);
    Pending& answer = answers[0].second;
    std::promise<void> told_of;
    answer.on_gone([&] { told_of.set_value(); });
    cancel.now();
    told_of.get_future().wait();
    CHECK(run.get().status() == Status::cancelled);
    CHECK(answer.is_gone());
    answer.resolve(1);
}

TEST(what_it_does_at_once) {
    const Engine engine;
    engine.async_function("number", [](double number, Pending answer) { answer.resolve(number + 1); });
    engine.async_function("throws", [](Pending) { throw std::runtime_error("it failed"); });
    engine.async_function("now", [](double number) { return number * 2; });
    engine.function("cannot", [](Call& call) { call.defer(); });
    const auto run = [&](const char* expression) { return told(engine.compile("x", std::string("return ") + expression).run()); };
    CHECK_EQ(run("host.number(1)"), "2");
    CHECK_EQ(run("host.now(4)"), "8");
    CHECK_EQ(run("host.number('x')"), "x:1: host.number: argument #1 must be a number, not string");
    CHECK_EQ(run("host.throws()"), "x:1: host.throws: the host gave no answer");
    CHECK_EQ(run("host.cannot()"), "x:1: host.cannot: only a function of async_function answers later, and once");
    Script script = engine.compile("x", "return host.own(1)");
    script.async_function("own", [](double number, Pending answer) { answer.resolve(number); });
    CHECK_EQ(told(script.run()), "1");
}
