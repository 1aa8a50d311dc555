/* Functions of the host: what they read, what they answer, and when their data goes. */

#include "check.h"

static void add(perilune_call *call, void *user_data)
{
    double a = 0, b = 0;
    (void)user_data;
    if (perilune_call_number(call, 0, &a) && perilune_call_number(call, 1, &b)) {
        perilune_call_return_number(call, a + b);
    }
}

static void negate(perilune_call *call, void *user_data)
{
    bool flag = false;
    (void)user_data;
    if (perilune_call_boolean(call, 0, &flag)) {
        perilune_call_return_boolean(call, !flag);
    }
}

static void reverse(perilune_call *call, void *user_data)
{
    perilune_slice text = perilune_str(NULL);
    (void)user_data;
    if (perilune_call_string(call, 0, &text)) {
        char *copy = malloc(text.len + 1);
        for (size_t i = 0; i < text.len; i++) {
            copy[i] = text.data[text.len - 1 - i];
        }
        perilune_call_return_string(call, perilune_bytes(copy, text.len));
        free(copy);
    }
}

static void through_json(perilune_call *call, void *user_data)
{
    perilune_slice first = perilune_str(NULL);
    perilune_slice second = first;
    (void)user_data;
    /* Two that are lent at once. */
    if (perilune_call_json(call, 0, &first) && perilune_call_json(call, 0, &second)) {
        CHECK_INT(strlen(first.data), first.len);
        CHECK_TEXT(second, first.data);
        perilune_call_return_json(call, first);
    }
}

static void through_value(perilune_call *call, void *user_data)
{
    perilune_value *value = NULL;
    (void)user_data;
    if (perilune_call_value(call, 0, &value)) {
        perilune_call_return_value(call, value);
    }
}

static void bad_json(perilune_call *call, void *user_data)
{
    (void)user_data;
    perilune_call_return_json(call, perilune_str("{\"a\":"));
}

static void failing(perilune_call *call, void *user_data)
{
    perilune_call_return_number(call, 1);
    perilune_call_fail(call, perilune_str(user_data));
}

static void types(perilune_call *call, void *user_data)
{
    char list[64] = "";
    (void)user_data;
    /* One beyond the last. */
    for (size_t i = 0; i <= perilune_call_len(call); i++) {
        snprintf(list + strlen(list), sizeof list - strlen(list), "%d", (int)perilune_call_type(call, i));
    }
    perilune_call_return_string(call, perilune_str(list));
}

/* What cannot be read is forgotten by a later answer; and of several answers the last counts. */
static void last_wins(perilune_call *call, void *user_data)
{
    double number = 0;
    (void)user_data;
    CHECK(!perilune_call_number(call, 99, &number));
    perilune_call_fail(call, perilune_str("no"));
    perilune_call_return_value(call, perilune_value_new_string(perilune_str("first")));
    perilune_call_return_boolean(call, true);
    perilune_call_return_null(call);
    perilune_call_return_string(call, perilune_str("last"));
}

static void nothing(perilune_call *call, void *user_data)
{
    (void)call;
    (void)user_data;
}

static void strange_text(perilune_call *call, void *user_data)
{
    (void)user_data;
    perilune_call_return_string(call, perilune_bytes(NULL, 5));
}

static void of_the_run(perilune_call *call, void *user_data)
{
    uint64_t *id = user_data;
    perilune_slice text = perilune_call_name(call);
    CHECK_TEXT(text, "of_the_run");
    text = perilune_call_script(call);
    CHECK_TEXT(text, "test");
    CHECK(perilune_call_remaining_ns(call) > 0 && perilune_call_remaining_ns(call) <= 30000000000u);
    CHECK(!perilune_call_is_cancelled(call));
    *id = perilune_call_run_id(call);
}

static char no_key[] = "no such key";
static char not_text[] = "a\xff";
static uint64_t run_id;

static const struct {
    const char *name;
    perilune_function function;
    void *user_data;
} FUNCTIONS[] = {
    {"add", add, NULL},
    {"negate", negate, NULL},
    {"reverse", reverse, NULL},
    {"json", through_json, NULL},
    {"value", through_value, NULL},
    {"bad_json", bad_json, NULL},
    {"fail", failing, no_key},
    {"fail_with_bytes", failing, not_text},
    {"fail_mute", failing, NULL},
    {"types", types, NULL},
    {"last_wins", last_wins, NULL},
    {"nothing", nothing, NULL},
    {"strange_text", strange_text, NULL},
    {"of_the_run", of_the_run, &run_id},
};

void test_functions(void)
{
    static const struct {
        const char *expression;
        const char *wanted;
    } CASES[] = {
        {"host.add(1, 2.5)", "3.5"},
        {"host.negate(true)", "false"},
        {"host.reverse('a\\0\\200') == '\\200\\0a'", "true"},
        {"host.reverse('')", "\"\""},
        {"host.json({a = {1, {}, {b = 'x'}, true}})", "{\"a\":[1,{},{\"b\":\"x\"},true]}"},
        {"host.json('\\255')", "\"\xef\xbf\xbd\""},
        {"host.value({1, 'two', {three = {4}}})", "[1,\"two\",{\"three\":[4]}]"},
        {"host.value('a\\0\\255') == 'a\\0\\255'", "true"},
        {"host.value(json.null) == nil", "true"},
        {"host.value(nil) == nil", "true"},
        {"host.types(nil, true, 1, 's', {}, print, json.null)", "\"01236700\""},
        {"host.types()", "\"0\""},
        {"host.last_wins()", "\"last\""},
        {"host.nothing() == nil", "true"},
    };
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    for (size_t i = 0; i < LEN(FUNCTIONS); i++) {
        CHECK_OK(perilune_engine_function(engine, perilune_str(FUNCTIONS[i].name), FUNCTIONS[i].function,
                                          FUNCTIONS[i].user_data, NULL, &error));
    }
    for (size_t i = 0; i < LEN(CASES); i++) {
        char source[256];
        snprintf(source, sizeof source, "return %s", CASES[i].expression);
        perilune_script *script = compiled(engine, source);
        perilune_trace *trace = run_of(script, NULL, NULL, NULL);
        perilune_slice value = perilune_trace_value(trace);
        CHECK_TEXT(value, CASES[i].wanted);
        perilune_trace_free(trace);
        perilune_script_free(script);
    }

    perilune_script *script = compiled(engine, "host.of_the_run() host.nothing()");
    perilune_trace *trace = run_of(script, NULL, NULL, NULL);
    perilune_trace_view view = view_of(trace);
    CHECK_INT(view.status, PERILUNE_STATUS_SUCCESS);
    CHECK_INT(view.host_calls, 2);
    CHECK_INT(run_id, view.id);
    perilune_trace_free(trace);
    perilune_script_free(script);
    perilune_engine_free(engine);
}

/* Calls that fail, and the text that the script catches. */
void test_arguments_of_functions(void)
{
    static const struct {
        const char *call;
        const char *wanted;
    } CASES[] = {
        {"host.add(1)", "host.add: argument #2 must be a number, not nothing"},
        {"host.add('1', 2)", "host.add: argument #1 must be a number, not string"},
        {"host.negate(1)", "host.negate: argument #1 must be a boolean, not number"},
        {"host.reverse(1)", "host.reverse: argument #1 must be a string, not number"},
        {"host.json(print)", "host.json: argument #1 can't be JSON: it is a function"},
        {"host.json({{print}})", "host.json: argument #1[1][1] can't be JSON: it is a function"},
        {"host.value(print)", "host.value: argument #1 is or holds a function, which is no value"},
        {"local t = {} t.t = t host.value(t)", "host.value: argument #1 holds itself"},
        {"local t = {} for i = 1, 128 do t = {t} end host.value(t)",
         "host.value: argument #1 is nested deeper than 128 levels"},
        {"host.fail()", "host.fail: no such key"},
        {"host.fail_with_bytes()", "host.fail_with_bytes: a\xef\xbf\xbd"},
        {"host.fail_mute()", "host.fail_mute: "},
        {"host.bad_json()", "host.bad_json: the host's JSON can't be read: "},
        {"host.strange_text()", "host.strange_text: the host's string is NULL"},
    };
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    for (size_t i = 0; i < LEN(FUNCTIONS); i++) {
        CHECK_OK(perilune_engine_function(engine, perilune_str(FUNCTIONS[i].name), FUNCTIONS[i].function,
                                          FUNCTIONS[i].user_data, NULL, &error));
    }
    for (size_t i = 0; i < LEN(CASES); i++) {
        char source[256];
        snprintf(source, sizeof source, "local _, e = pcall(function() %s end) io.write(e, '|')", CASES[i].call);
        perilune_script *script = compiled(engine, source);
        perilune_trace *trace = run_of(script, NULL, NULL, NULL);
        perilune_slice out = perilune_trace_stdout(trace);
        char got[256];
        snprintf(got, sizeof got, "%.*s", (int)out.len, out.data);
        CHECK_HAS(got, CASES[i].wanted);
        perilune_trace_free(trace);
        /* Not caught, it ends the run. */
        perilune_script_free(script);
        script = compiled(engine, CASES[i].call);
        trace = run_of(script, NULL, NULL, NULL);
        CHECK_INT(perilune_trace_status(trace), PERILUNE_STATUS_FAILURE);
        perilune_trace_free(trace);
        perilune_script_free(script);
    }
    perilune_engine_free(engine);
}
