#include <future>
#include <memory>
#include <string>
#include <utility>

#include <perilune.hpp>

#include "check.hpp"

using namespace perilune;

static const std::string base = "/v1.1/instances/i/endpoints/scripts/";

static Engine serving() {
    const Engine engine(EngineOptions().pool_size(1));
    engine.put("i/echo", "print(ARGS.a)");
    engine.put("i/endless", "while true do end");
    return engine;
}

static Exchange asked(const Endpoints& endpoints, std::string_view method, const std::string& target) {
    return endpoints.ask({method, base + target, {}, {}, {}}, {{"X-API-KEY", "k"}, {"Content-Type", "application/json"}});
}

static bool has(const Answer& answer, std::string_view part) { return answer.body.find(part) != std::string_view::npos; }

TEST(each_step_leads_to_an_answer) {
    const Endpoints endpoints(EndpointsSetup(serving()).key("i", "k").publish("i/echo"));
    Exchange run = asked(endpoints, "GET", "echo/run/?a=1");
    CHECK(run.step() == Step::run);
    run.run();
    CHECK(run.step() == Step::answer);
    CHECK_EQ(run.answer().status, 200U);
    CHECK(has(run.answer(), "\"stdout\":\"1\\n\""));
    CHECK_EQ(run.answer().headers.at(0).first, "content-type");
    CHECK(has(run.answer(), "\"id\":" + std::to_string(run.answer().run_id) + ","));

    Exchange body = asked(endpoints, "POST", "echo/run/");
    CHECK(body.step() == Step::body);
    CHECK(body.push("{\"a\":"));
    CHECK(body.push("2}"));
    body.read();
    body.run(Cancel());
    CHECK(has(body.answer(), "\"stdout\":\"2\\n\""));

    Exchange broken = asked(endpoints, "POST", "echo/run/");
    broken.read(false);
    CHECK_EQ(broken.answer().status, 400U);
    CHECK(broken.answer().close);

    const std::string before = endpoints.links().at("i/echo");
    Exchange reset = asked(endpoints, "POST", "echo/reset_link/");
    CHECK(reset.step() == Step::reset);
    CHECK_EQ(reset.link().script, "i/echo");
    reset.not_stored("The disk is full.");
    CHECK_EQ(reset.answer().status, 503U);
    CHECK_EQ(endpoints.links().at("i/echo"), before);
    reset = asked(endpoints, "POST", "echo/reset_link/");
    const std::string after(reset.link().link);
    reset.stored();
    CHECK(after != before);
    CHECK_EQ(endpoints.links().at("i/echo"), after);
    endpoints.unpublish("i/echo");
    CHECK(endpoints.links().empty());
    endpoints.publish("i/echo", after);
    CHECK_EQ(endpoints.links().at("i/echo"), after);
    CHECK_THROWS(Error, endpoints.publish("echo"), CHECK(error.code() == Code::invalid_argument));

    const Exchange wrong = endpoints.ask({"GET", base, "", {}, {}});
    CHECK_EQ(wrong.answer().status, 403U);
    CHECK_EQ(wrong.answer().run_id, 0U);
    const Exchange keyed = endpoints.ask({"GET", base + "echo/", "api_key=k", "/below", {}});
    CHECK(has(keyed.answer(), "\"self\":\"/below/v1.1/"));
}

TEST(a_submitted_exchange_comes_back_with_its_answer) {
    const Endpoints endpoints(EndpointsSetup(serving()).key("k"));
    std::promise<Exchange> promise;
    std::future<Exchange> future = promise.get_future();
    asked(endpoints, "GET", "echo/run/?a=1").submit([promise = std::move(promise)](Exchange exchange) mutable {
        promise.set_value(std::move(exchange));
    });
    const Exchange answered = future.get();
    CHECK(has(answered.answer(), "\"stdout\":\"1\\n\""));

    std::promise<Exchange> second;
    const Cancel cancel;
    asked(endpoints, "GET", "endless/run/").submit([&second](Exchange exchange) { second.set_value(std::move(exchange)); }, cancel);
    cancel.now();
    const Exchange cancelled = second.get_future().get();
    CHECK(has(cancelled.answer(), "\"status\":\"cancelled\""));
}

TEST(what_is_of_another_step_is_refused) {
    const Endpoints endpoints(EndpointsSetup(serving()).key("k"));
    Exchange run = asked(endpoints, "GET", "echo/run/");
    CHECK_THROWS(Error, run.answer(), CHECK(error.code() == Code::invalid_argument));
    CHECK_THROWS(Error, run.push("x"), {});
    CHECK_THROWS(Error, run.read(), {});
    CHECK_THROWS(Error, run.link(), {});
    CHECK_THROWS(Error, run.stored(), {});
    Exchange list = asked(endpoints, "GET", "");
    const auto kept = std::make_shared<int>(0);
    CHECK_THROWS(Error, std::move(list).submit([kept](const Exchange&) {}), {});
    // It is still there, and what the callback captured is not.
    CHECK(list.step() == Step::answer);
    CHECK_EQ(kept.use_count(), 1);
    const Exchange moved = std::move(list);
    CHECK(list.step() == Step::none);
    CHECK_THROWS(Error, list.run(), {});
    CHECK_THROWS(Error, Endpoints(EndpointsSetup(serving())), {});
    CHECK_THROWS(Error, Endpoints(EndpointsSetup(serving()).key("k").rate(0)), {});
    CHECK_THROWS(Error, Endpoints(EndpointsSetup(serving()).key("k").publish("i/echo", "x")), {});
}

TEST(numbers_to_watch) {
    const Engine engine;
    const Exchange health = metrics_of(engine, "GET", "/healthz");
    CHECK_EQ(health.answer().body, "{\"status\":\"ok\"}");
    const Exchange numbers = metrics_of(engine, "GET", "/metrics");
    CHECK(has(numbers.answer(), "perilune_runs"));
}
