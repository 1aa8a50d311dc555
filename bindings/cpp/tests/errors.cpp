#include <memory>
#include <utility>

#include <perilune.hpp>

#include "check.hpp"

using namespace perilune;

TEST(an_error_has_its_class_and_place) {
    const Engine engine;
    CHECK_THROWS(CompileError, engine.compile("broken", "local x = 1\nx = = 2"), {
        CHECK(error.code() == Code::compile_error);
        CHECK_EQ(to_string(error.code()), "compile_error");
        CHECK_EQ(error.subject(), "broken");
        CHECK_EQ(error.position()->line, 2U);
        CHECK(!error.reason().empty());
        CHECK_EQ(error.what(), "broken:2: " + std::string(error.reason()));
    });
    const Script script = engine.compile("fine", "return 1");
    CHECK_THROWS(PayloadError, script.run("", "{\"a\": }"), {
        CHECK_EQ(error.subject(), "body");
        CHECK_EQ(error.position()->line, 1U);
        CHECK_EQ(error.position()->column, 7U);
        CHECK_EQ(error.position()->offset, 6U);
    });
    CHECK_THROWS(NotFound, engine.get("gone"), CHECK(!error.position()));
    CHECK_THROWS(Error, engine.function("not a name", [] {}), CHECK(error.code() == Code::name_error));
    CHECK_THROWS(Error, engine.load_dir("/nowhere/at/all"), CHECK(error.code() == Code::file_error));
    CHECK_THROWS(Error, engine.compile("\xff", ""), CHECK(error.code() == Code::invalid_argument));
    // A view of nothing is an empty text.
    CHECK(engine.compile("empty", {}).run({}, {}).ok());
}

TEST(an_error_outlives_what_made_it) {
    std::unique_ptr<Error> kept;
    try {
        Engine().get("gone");
    } catch (const Error& error) {
        kept = std::make_unique<Error>(error);
    }
    Error moved = std::move(*kept);
    // It was copied: there is no error that says nothing.
    CHECK(kept->code() == Code::not_found && moved.code() == Code::not_found);
    CHECK_THROWS(NotFound, moved.raise(), CHECK_EQ(error.what(), std::string(kept->what())));
}

TEST(an_error_of_a_script_is_thrown_when_asked) {
    const Engine engine;
    const Script script = engine.compile("fails", "local function f() error('no\\0way') end\nf()");
    const Trace trace = script.run();
    CHECK(trace.status() == Status::failure && !trace.ok());
    const auto told = trace.error();
    CHECK(told->kind == ErrorKind::runtime);
    CHECK_EQ(told->message, std::string_view("fails:1: no\0way", 15));
    CHECK_EQ(told->script.value_or("none"), "fails");
    CHECK_EQ(told->line.value_or(0), 1U);
    CHECK(told->traceback.find("fails:2") != std::string_view::npos);

    std::unique_ptr<RunError> kept;
    try {
        script.run().throw_if_failed();
    } catch (const RunError& error) {
        kept = std::make_unique<RunError>(error);
    }
    CHECK_EQ(kept->what(), std::string("fails:1: no"));
    CHECK_EQ(kept->message(), told->message);
    CHECK(kept->status() == Status::failure && kept->kind() == ErrorKind::runtime);
    CHECK_EQ(kept->script(), "fails");
    CHECK_EQ(kept->line().value_or(0), 1U);
    CHECK_EQ(kept->traceback(), told->traceback);
}

TEST(what_was_moved_from_is_empty_and_safe) {
    Engine engine;
    Script script = engine.compile("echo", "return GET.a");
    Request request = Request().query("a=1");
    Trace trace = script.run(request);
    Cancel cancel;

    const Engine engine2 = std::move(engine);
    const Script script2 = std::move(script);
    const Request request2 = std::move(request);
    const Trace trace2 = std::move(trace);
    const Cancel cancel2 = std::move(cancel);
    CHECK_EQ(*trace2.value_json(), "\"1\"");

    // NOLINTBEGIN(bugprone-use-after-move)
    CHECK_THROWS(Error, engine.compile("a", "b"), CHECK(error.code() == Code::invalid_argument));
    CHECK_THROWS(Error, script.run(), CHECK(error.code() == Code::invalid_argument));
    CHECK_THROWS(Error, request.query("a"), CHECK(error.code() == Code::invalid_argument));
    CHECK_THROWS(Error, script.submit(request2), CHECK(error.code() == Code::invalid_argument));
    std::vector<Request> batch(2);
    const Request taken = std::move(batch[1]);
    CHECK_THROWS(Error, script2.run_batch(batch), CHECK(error.code() == Code::invalid_argument));
    CHECK_EQ(script.name(), "");
    CHECK_EQ(script.hash(), "");
    CHECK_EQ(script.version(), 0U);
    CHECK(!trace.ok() && trace.out().empty() && trace.err().empty() && trace.json().empty() && trace.script().empty());
    CHECK(!trace.value_json() && !trace.error() && !trace.response());
    CHECK_EQ(trace.id(), 0U);
    CHECK_EQ(engine.limit(PERILUNE_LIMIT_MEMORY), 0U);
    CHECK(!cancel.is_cancelled());
    cancel.now();
    CHECK(!cancel2.is_cancelled());
    const Engine copy = engine;
    CHECK(copy.handle() == nullptr);
    engine = engine2;
    CHECK(engine.compile("a", "return 2").run().ok());
    // NOLINTEND(bugprone-use-after-move)
}

TEST(assigning_to_itself_changes_nothing) {
    const Engine engine;
    Script script = engine.compile("echo", "return 1");
    const Script& same = script;
    script = same;
    CHECK(script.run().ok());
}
