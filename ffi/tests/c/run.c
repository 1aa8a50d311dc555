/* One run, and all that its trace says. */

#include "check.h"

#include <stddef.h>

/* The very bytes. */
static void check_same(perilune_slice one, perilune_slice other)
{
    CHECK(one.data == other.data && one.len == other.len);
}

static const char SOURCE[] = "print('Hello', GET.monster)\n"
                             "io.stderr:write('warned')\n"
                             "set_response{status = 201, content = '{\"ok\":true}', content_type = 'application/json',\n"
                             "  headers = {['X-B'] = {'2', '1'}, ['X-A'] = '1'}}\n"
                             "return {n = POST.n}";

static void a_success(const perilune_engine *engine)
{
    perilune_error *error = NULL;
    perilune_script *script = compiled(engine, SOURCE);
    perilune_trace *trace = run_of(script, "monster=Manticore", "{\"n\":7}", NULL);
    perilune_trace_view view = view_of(trace);

    CHECK_INT(view.id, 1);
    CHECK_INT(view.status, PERILUNE_STATUS_SUCCESS);
    CHECK_INT(view.error_kind, PERILUNE_KIND_NONE);
    /* 2020-01-01 */
    CHECK(view.executed_at_unix_ns > 1577836800LL * 1000000000);
    CHECK(view.duration_ns > 0);
    CHECK_INT(view.queued_ns, 0);
    CHECK(view.memory_bytes > 0);
    CHECK_INT(view.host_calls, 0);
    CHECK_INT(view.version, 1);
    CHECK_TEXT(view.script, "test");
    CHECK_TEXT(view.stdout_bytes, "Hello\tManticore\n");
    CHECK_TEXT(view.stderr_bytes, "warned");
    CHECK_INT(view.stdout_truncated, 0);
    CHECK_INT(view.stderr_truncated, 0);
    CHECK_TEXT(view.value, "{\"n\":7}");
    CHECK_NONE(view.error_message);
    CHECK_NONE(view.error_script);
    CHECK_NONE(view.error_traceback);
    CHECK_INT(view.error_line, 0);
    CHECK_INT(view.response_status, 201);
    CHECK_TEXT(view.response_content_type, "application/json");
    CHECK_TEXT(view.response_content, "{\"ok\":true}");
    CHECK_INT(view.response_headers_len, 3);

    static const char *const HEADERS[][2] = {{"X-A", "1"}, {"X-B", "2"}, {"X-B", "1"}};
    for (size_t i = 0; i < LEN(HEADERS); i++) {
        perilune_slice name = perilune_str(NULL);
        perilune_slice value = name;
        CHECK_OK(perilune_trace_header(trace, i, &name, &value, &error));
        CHECK_TEXT(name, HEADERS[i][0]);
        CHECK_TEXT(value, HEADERS[i][1]);
        CHECK_FAILS(perilune_trace_header(trace, LEN(HEADERS) + i, &name, &value, &error),
                    PERILUNE_INVALID_ARGUMENT);
    }

    CHECK_INT(perilune_trace_status(trace), view.status);
    CHECK_INT(perilune_trace_id(trace), view.id);
    CHECK_INT(perilune_trace_duration_ns(trace), view.duration_ns);
    check_same(perilune_trace_stdout(trace), view.stdout_bytes);
    check_same(perilune_trace_stderr(trace), view.stderr_bytes);
    check_same(perilune_trace_value(trace), view.value);
    CHECK_NONE(perilune_trace_error_message(trace));
    perilune_slice json = perilune_trace_json(trace);
    CHECK_INT(strlen(json.data), json.len);
    check_same(json, perilune_trace_json(trace));
    CHECK_HAS(json.data, "\"status\":\"success\"");
    CHECK_HAS(json.data, "\"stdout\":\"Hello\\tManticore\\n\"");

    perilune_trace_free(trace);
    perilune_script_free(script);
}

static void a_failure(const perilune_engine *engine)
{
    perilune_script *script = compiled(engine, "local function bad()\n  error('broken')\nend\nbad()\n");
    perilune_trace *trace = run_of(script, NULL, NULL, NULL);
    perilune_trace_view view = view_of(trace);
    CHECK_INT(view.id, 2);
    CHECK_INT(view.status, PERILUNE_STATUS_FAILURE);
    CHECK_INT(view.error_kind, PERILUNE_KIND_RUNTIME);
    CHECK_TEXT(view.error_message, "test:2: broken");
    CHECK_TEXT(view.error_script, "test");
    CHECK_INT(view.error_line, 2);
    static const char TRACEBACK[] = "[C]: in function 'error'\ntest:2: in function 'bad'\ntest:4: in the main part";
    CHECK_TEXT(view.error_traceback, TRACEBACK);
    CHECK_TEXT(view.stderr_bytes, "test:2: broken\nstack traceback:\n"
                                                  "\t[C]: in function 'error'\n"
                                                  "\ttest:2: in function 'bad'\n"
                                                  "\ttest:4: in the main part\n");
    CHECK_NONE(view.value);
    CHECK_INT(view.response_status, 0);
    CHECK_NONE(view.response_content_type);
    CHECK_NONE(view.response_content);
    CHECK_INT(view.response_headers_len, 0);
    CHECK_TEXT(view.stdout_bytes, "");
    check_same(perilune_trace_error_message(trace), view.error_message);
    perilune_trace_free(trace);
    perilune_script_free(script);
}

/* What is bytes stays bytes. */
static void output_to_the_byte(const perilune_engine *engine)
{
    perilune_script *script = compiled(engine, "io.write('a\\0b\\255') io.stderr:write('\\0')");
    perilune_trace *trace = run_of(script, NULL, NULL, NULL);
    perilune_trace_view view = view_of(trace);
    CHECK_BYTES(view.stdout_bytes, "a\0b\xff");
    CHECK_BYTES(view.stderr_bytes, "\0");
    perilune_trace_free(trace);
    perilune_script_free(script);
}

/* A struct of another size than ours: what a program has that was compiled with another header. */
static void other_sizes(const perilune_engine *engine)
{
    struct later {
        perilune_trace_view ours;
        uint64_t more[4];
    } later;
    static const struct {
        size_t size;
        perilune_code code;
    } CASES[] = {
        {0, PERILUNE_INVALID_ARGUMENT},
        {sizeof(size_t), PERILUNE_INVALID_ARGUMENT},
        {offsetof(perilune_trace_view, waited_ns) - 1, PERILUNE_INVALID_ARGUMENT},
        {offsetof(perilune_trace_view, waited_ns), PERILUNE_OK},
        {sizeof(perilune_trace_view), PERILUNE_OK},
        {sizeof(perilune_trace_view) + 1, PERILUNE_OK},
        {sizeof(struct later), PERILUNE_OK},
        {SIZE_MAX, PERILUNE_INVALID_ARGUMENT},
        {SIZE_MAX / 2 + 1, PERILUNE_INVALID_ARGUMENT},
    };
    perilune_error *error = NULL;
    perilune_script *script = compiled(engine, "print(1)");
    perilune_trace *trace = run_of(script, NULL, NULL, NULL);
    for (size_t i = 0; i < LEN(CASES); i++) {
        memset(&later, 0xff, sizeof later);
        later.ours.size = CASES[i].size;
        if (CASES[i].code == PERILUNE_OK) {
            CHECK_OK(perilune_trace_read(trace, &later.ours, &error));
            CHECK_TEXT(later.ours.stdout_bytes, "1\n");
        } else {
            CHECK_FAILS(perilune_trace_read(trace, &later.ours, &error), CASES[i].code);
            CHECK(later.ours.stdout_bytes.len == SIZE_MAX && later.ours.id == UINT64_MAX);
        }
        CHECK_INT(later.ours.size, CASES[i].size);
        /* What the caller knows and we do not is zero, and what is beyond its struct is not touched. */
        const unsigned char *bytes = (const unsigned char *)&later;
        for (size_t at = sizeof(perilune_trace_view); at < sizeof later; at++) {
            bool inside = CASES[i].code == PERILUNE_OK && at < CASES[i].size;
            CHECK_INT(bytes[at], inside ? 0 : 0xff);
        }
    }
    perilune_trace_free(trace);
    perilune_script_free(script);
}

/* A run goes on without what it was made from, and a script without its engine. */
static void freed_in_any_order(void)
{
    size_t live = perilune_live_objects();
    perilune_engine *engine = engine_of(1);
    perilune_engine *second = perilune_engine_clone(engine);
    perilune_engine_free(engine);
    perilune_script *script = compiled(second, "print(GET.x)");
    perilune_engine_free(second);
    check_prints(script, "x=1", "1\n");
    perilune_script *clone = perilune_script_clone(script);
    perilune_script_free(script);
    perilune_trace *trace = run_of(clone, "x=2", NULL, NULL);
    perilune_script_free(clone);
    perilune_trace_view view = view_of(trace);
    CHECK_TEXT(view.stdout_bytes, "2\n");
    CHECK_INT(perilune_live_objects(), live + 1);
    perilune_trace_free(trace);
}

/* What a view and header lines say of a trace is all that its JSON says. */
static void made_anew(const perilune_engine *engine)
{
    static const char *const SOURCES[] = {
        "return {1, 2.5, 'x'}, json.null",
        "print(('x'):rep(600000)) error('broken')",
        "set_response{status = 201, content = {ok = true}, headers = {A = '\\255', B = {'1', '2'}}} return host",
    };
    perilune_error *error = NULL;
    for (size_t i = 0; i < LEN(SOURCES); i++) {
        perilune_script *script = compiled(engine, SOURCES[i]);
        perilune_trace *trace = run_of(script, NULL, NULL, NULL);
        perilune_trace_view view = view_of(trace);
        perilune_header headers[3];
        CHECK_INT(view.response_headers_len, i == 2 ? 3 : 0);
        for (size_t at = 0; at < view.response_headers_len; at++) {
            CHECK_OK(perilune_trace_header(trace, at, &headers[at].name, &headers[at].value, &error));
        }
        perilune_trace *again = NULL;
        CHECK_OK(perilune_trace_new(&view, headers, &again, &error));
        CHECK_TEXT(perilune_trace_json(again), perilune_trace_json(trace).data);
        perilune_trace_free(again);
        perilune_trace_free(trace);
        perilune_script_free(script);
    }
}

static void what_no_trace_says(void)
{
    const perilune_slice empty = perilune_str(NULL);
    static const struct {
        perilune_status status;
        perilune_error_kind kind;
        uint32_t response_status;
        const char *value;
        const char *part;
    } CASES[] = {
        {99, 0, 0, NULL, "status: there is none with the number 99"},
        {-1, 0, 0, NULL, "status: there is none with the number -1"},
        {INT32_MIN, 0, 0, NULL, "status: "},
        {0, 99, 0, NULL, "error_kind: there is none with the number 99"},
        {0, INT32_MIN, 0, NULL, "error_kind: "},
        {0, 0, 70000, NULL, "response_status: 70000"},
        {0, 0, 0, "{", "value: "},
        {0, 0, 0, "\xff", "value"},
    };
    perilune_error *error = NULL;
    perilune_trace *trace = NULL;
    perilune_trace_view view;
    memset(&view, 0, sizeof view);
    for (size_t i = 0; i < LEN(CASES); i++) {
        view.size = sizeof view;
        view.status = CASES[i].status;
        view.error_kind = CASES[i].kind;
        view.response_status = CASES[i].response_status;
        view.value = perilune_str(CASES[i].value);
        CHECK_FAILS_KEPT(perilune_trace_new(&view, NULL, &trace, &error), PERILUNE_INVALID_ARGUMENT);
        CHECK_HAS(perilune_error_message(error).data, CASES[i].part);
        perilune_error_free(error);
        error = NULL;
    }
    memset(&view, 0, sizeof view);
    CHECK_FAILS(perilune_trace_new(&view, NULL, &trace, &error), PERILUNE_INVALID_ARGUMENT);
    view.size = sizeof view;
    view.response_headers_len = 1;
    CHECK_FAILS(perilune_trace_new(&view, NULL, &trace, &error), PERILUNE_INVALID_ARGUMENT);
    perilune_header header = {empty, empty};
    CHECK_OK(perilune_trace_new(&view, &header, &trace, &error));
    CHECK_TEXT(perilune_bytes(perilune_trace_json(trace).data, 43), "{\"status\":\"success\",\"duration\":0,\"result\":{");
    perilune_trace_free(trace);
}

static void names_and_hashes(const perilune_engine *engine)
{
    perilune_script *script = compiled(engine, "");
    perilune_slice name = perilune_script_name(script);
    CHECK_TEXT(name, "test");
    perilune_slice hash = perilune_script_hash(script);
    CHECK_TEXT(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_INT(perilune_script_version(script), 1);
    perilune_script_free(script);
}

void test_run(void)
{
    perilune_engine *engine = engine_of(1);
    a_success(engine);
    a_failure(engine);
    output_to_the_byte(engine);
    other_sizes(engine);
    freed_in_any_order();
    made_anew(engine);
    what_no_trace_says();
    names_and_hashes(engine);
    perilune_engine_free(engine);
}
