/* One run, and all that its trace says. */

#include "check.h"

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
    CHECK_TEXT(view.script, view.script_len, "test");
    CHECK_TEXT(view.stdout_data, view.stdout_len, "Hello\tManticore\n");
    CHECK_TEXT(view.stderr_data, view.stderr_len, "warned");
    CHECK_INT(view.stdout_truncated, 0);
    CHECK_INT(view.stderr_truncated, 0);
    CHECK_TEXT(view.value, view.value_len, "{\"n\":7}");
    CHECK(view.error_message == NULL && view.error_message_len == 0);
    CHECK(view.error_script == NULL && view.error_script_len == 0);
    CHECK(view.error_traceback == NULL && view.error_traceback_len == 0);
    CHECK_INT(view.error_line, 0);
    CHECK_INT(view.response_status, 201);
    CHECK_TEXT(view.response_content_type, view.response_content_type_len, "application/json");
    CHECK_TEXT(view.response_content, view.response_content_len, "{\"ok\":true}");
    CHECK_INT(view.response_headers_len, 3);

    static const char *const HEADERS[][2] = {{"X-A", "1"}, {"X-B", "2"}, {"X-B", "1"}};
    for (size_t i = 0; i < LEN(HEADERS); i++) {
        const char *name = NULL;
        const char *value = NULL;
        size_t name_len = 0;
        size_t value_len = 0;
        CHECK_OK(perilune_trace_header(trace, i, &name, &name_len, &value, &value_len, &error));
        CHECK_TEXT(name, name_len, HEADERS[i][0]);
        CHECK_TEXT(value, value_len, HEADERS[i][1]);
        CHECK_FAILS(perilune_trace_header(trace, LEN(HEADERS) + i, &name, &name_len, &value, &value_len, &error),
                    PERILUNE_INVALID_ARGUMENT);
    }

    size_t len = 99;
    CHECK_INT(perilune_trace_status(trace), view.status);
    CHECK_INT(perilune_trace_id(trace), view.id);
    CHECK_INT(perilune_trace_duration_ns(trace), view.duration_ns);
    CHECK(perilune_trace_stdout(trace, &len) == view.stdout_data && len == view.stdout_len);
    CHECK(perilune_trace_stderr(trace, &len) == view.stderr_data && len == view.stderr_len);
    CHECK(perilune_trace_value(trace, &len) == view.value && len == view.value_len);
    CHECK(perilune_trace_error_message(trace, &len) == NULL && len == 0);
    const char *json = perilune_trace_json(trace, &len);
    CHECK_INT(strlen(json), len);
    CHECK(json == perilune_trace_json(trace, NULL));
    CHECK_HAS(json, "\"status\":\"success\"");
    CHECK_HAS(json, "\"stdout\":\"Hello\\tManticore\\n\"");

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
    CHECK_TEXT(view.error_message, view.error_message_len, "test:2: broken");
    CHECK_TEXT(view.error_script, view.error_script_len, "test");
    CHECK_INT(view.error_line, 2);
    static const char TRACEBACK[] = "[C]: in function 'error'\ntest:2: in function 'bad'\ntest:4: in the main part";
    CHECK_TEXT(view.error_traceback, view.error_traceback_len, TRACEBACK);
    CHECK_TEXT(view.stderr_data, view.stderr_len, "test:2: broken\nstack traceback:\n"
                                                  "\t[C]: in function 'error'\n"
                                                  "\ttest:2: in function 'bad'\n"
                                                  "\ttest:4: in the main part\n");
    CHECK(view.value == NULL && view.value_len == 0);
    CHECK_INT(view.response_status, 0);
    CHECK(view.response_content_type == NULL && view.response_content_type_len == 0);
    CHECK(view.response_content == NULL && view.response_content_len == 0);
    CHECK_INT(view.response_headers_len, 0);
    CHECK_TEXT(view.stdout_data, view.stdout_len, "");
    size_t len = 0;
    CHECK(perilune_trace_error_message(trace, &len) == view.error_message && len == view.error_message_len);
    perilune_trace_free(trace);
    perilune_script_free(script);
}

/* What is bytes stays bytes. */
static void output_to_the_byte(const perilune_engine *engine)
{
    perilune_script *script = compiled(engine, "io.write('a\\0b\\255') io.stderr:write('\\0')");
    perilune_trace *trace = run_of(script, NULL, NULL, NULL);
    perilune_trace_view view = view_of(trace);
    CHECK_BYTES(view.stdout_data, view.stdout_len, "a\0b\xff");
    CHECK_BYTES(view.stderr_data, view.stderr_len, "\0");
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
        {sizeof(perilune_trace_view) - 1, PERILUNE_INVALID_ARGUMENT},
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
            CHECK_TEXT(later.ours.stdout_data, later.ours.stdout_len, "1\n");
        } else {
            CHECK_FAILS(perilune_trace_read(trace, &later.ours, &error), CASES[i].code);
            CHECK(later.ours.stdout_len == SIZE_MAX && later.ours.id == UINT64_MAX);
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
    CHECK_TEXT(view.stdout_data, view.stdout_len, "2\n");
    CHECK_INT(perilune_live_objects(), live + 1);
    perilune_trace_free(trace);
}

static void names_and_hashes(const perilune_engine *engine)
{
    perilune_script *script = compiled(engine, "");
    size_t len = 0;
    const char *name = perilune_script_name(script, &len);
    CHECK_TEXT(name, len, "test");
    const char *hash = perilune_script_hash(script, &len);
    CHECK_TEXT(hash, len, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
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
    names_and_hashes(engine);
    perilune_engine_free(engine);
}
