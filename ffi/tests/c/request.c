/* What a request object carries, and that many runs can share one. */

#include "check.h"

static const char SHOW[] = "print(GET.a, POST.b, CONFIG and CONFIG.c, META and META.d)";

static void all_parts(const perilune_engine *engine)
{
    perilune_error *error = NULL;
    perilune_script *script = compiled(engine, SHOW);
    perilune_request *request = perilune_request_new();
    perilune_trace *trace = NULL;

    CHECK_OK(perilune_request_set_query(request, perilune_str("a=1&a=%32"), &error));
    CHECK_OK(perilune_request_set_json(request, perilune_str("{\"b\":3}"), &error));
    CHECK_OK(perilune_request_set_config(request, perilune_str("{\"c\":4}"), &error));
    CHECK_OK(perilune_request_set_meta(request, perilune_str("{\"d\":5}"), &error));

    static const struct {
        const char *query;
        const char *body;
        const char *wanted;
    } CASES[] = {
        {NULL, NULL, "2\t3\t4\t5\n"},
        /* What a call brings goes before. */
        {"a=6", NULL, "6\t3\t4\t5\n"},
        {NULL, "{\"b\":7}", "2\t7\t4\t5\n"},
        {"", "", "nil\tnil\t4\t5\n"},
    };
    for (size_t i = 0; i < LEN(CASES); i++) {
        trace = run_of(script, CASES[i].query, CASES[i].body, request);
        perilune_trace_view view = view_of(trace);
        CHECK_TEXT(view.stdout_bytes, CASES[i].wanted);
        perilune_trace_free(trace);
    }

    /* The copy goes on with what it had. */
    perilune_request *copy = perilune_request_clone(request);
    CHECK_OK(perilune_request_add_param(request, perilune_str("a"), perilune_str("x&%20"), &error));
    CHECK_OK(perilune_request_set_form(request, perilune_str("b=f%20g&b=h+i"), &error));
    CHECK_OK(perilune_request_set_config(request, perilune_str(NULL), &error));
    CHECK_OK(perilune_request_set_meta(request, perilune_str(NULL), &error));
    static const char *const WANTED[] = {"x&%20\th i\tnil\tnil\n", "2\t3\t4\t5\n"};
    perilune_request *const requests[] = {request, copy};
    for (size_t i = 0; i < LEN(requests); i++) {
        trace = run_of(script, NULL, NULL, requests[i]);
        perilune_trace_view view = view_of(trace);
        CHECK_TEXT(view.stdout_bytes, WANTED[i]);
        perilune_trace_free(trace);
    }

    CHECK_OK(perilune_request_add_param(request, perilune_str("a"), perilune_str("last"), &error));
    CHECK_OK(perilune_request_set_json(request, perilune_str(NULL), &error));
    trace = run_of(script, NULL, NULL, request);
    perilune_slice out = perilune_trace_stdout(trace);
    CHECK_TEXT(out, "last\tnil\tnil\tnil\n");
    perilune_trace_free(trace);

    perilune_request_free(copy);
    perilune_request_free(request);
    perilune_script_free(script);
}

static void a_seed_repeats(const perilune_engine *engine)
{
    perilune_error *error = NULL;
    perilune_script *script = compiled(engine, "return math.random(1e9)");
    perilune_request *request = perilune_request_new();
    static const uint64_t SEEDS[] = {7, 7, 8, UINT64_MAX};
    char values[LEN(SEEDS)][32];
    for (size_t i = 0; i < LEN(SEEDS); i++) {
        CHECK_OK(perilune_request_set_seed(request, SEEDS[i], &error));
        perilune_trace *trace = run_of(script, NULL, NULL, request);
        perilune_slice value = perilune_trace_value(trace);
        snprintf(values[i], sizeof values[i], "%.*s", (int)value.len, value.data == NULL ? "" : value.data);
        perilune_trace_free(trace);
    }
    CHECK(strcmp(values[0], values[1]) == 0);
    CHECK(strcmp(values[0], values[2]) != 0);
    CHECK(strcmp(values[2], values[3]) != 0);
    perilune_request_free(request);
    perilune_script_free(script);
}

enum { THREADS = 4, RUNS = 200 };

typedef struct shared {
    const perilune_script *script;
    const perilune_request *request;
} shared;

static void *run_often(void *argument)
{
    const shared *shared = argument;
    for (int i = 0; i < RUNS; i++) {
        perilune_trace *trace = run_of(shared->script, NULL, NULL, shared->request);
        perilune_slice out = perilune_trace_stdout(trace);
        CHECK_TEXT(out, "1\t2\tnil\tnil\n");
        perilune_trace_free(trace);
    }
    return NULL;
}

static void by_many_threads(const perilune_engine *engine)
{
    perilune_error *error = NULL;
    perilune_script *script = compiled(engine, SHOW);
    perilune_request *request = perilune_request_new();
    CHECK_OK(perilune_request_set_query(request, perilune_str("a=1"), &error));
    CHECK_OK(perilune_request_set_json(request, perilune_str("{\"b\":2}"), &error));
    shared shared = {script, request};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, run_often, &shared);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    perilune_request_free(request);
    perilune_script_free(script);
}

/* Its destroy is called once, when the last run that has it can be no more. */
static int32_t never(void *user_data)
{
    (void)user_data;
    return 0;
}

static void poll_is_destroyed_once(const perilune_engine *engine)
{
    perilune_error *error = NULL;
    gate destroyed = GATE;
    perilune_script *script = compiled(engine, "");
    perilune_request *request = perilune_request_new();
    CHECK_OK(perilune_request_set_poll(request, 1000000, never, &destroyed, count_destroy, &error));
    perilune_request *copy = perilune_request_clone(request);
    perilune_trace_free(run_of(script, NULL, NULL, request));
    perilune_request_free(request);
    CHECK_INT(gate_count(&destroyed), 0);
    CHECK_OK(perilune_request_set_poll(copy, 0, never, &destroyed, count_destroy, &error));
    CHECK_INT(gate_count(&destroyed), 1);
    CHECK_OK(perilune_request_set_poll(copy, 0, NULL, &destroyed, count_destroy, &error));
    CHECK_INT(gate_count(&destroyed), 3);
    CHECK_FAILS(perilune_request_set_poll(NULL, 0, never, &destroyed, count_destroy, &error),
                PERILUNE_INVALID_ARGUMENT);
    CHECK_INT(gate_count(&destroyed), 4);
    perilune_request_free(copy);
    CHECK_INT(gate_count(&destroyed), 4);
    perilune_script_free(script);
}

/* Asked until it has been often enough. */
static int32_t third_time(void *user_data)
{
    return ++*(int *)user_data >= 3;
}

static void poll_ends_a_run(const perilune_engine *engine)
{
    perilune_error *error = NULL;
    int asked = 0;
    perilune_script *script = compiled(engine, "while true do pcall(function() while true do end end) end");
    perilune_request *request = perilune_request_new();
    CHECK_OK(perilune_request_set_poll(request, 1000000, third_time, &asked, NULL, &error));
    perilune_trace *trace = run_of(script, NULL, NULL, request);
    CHECK_INT(perilune_trace_status(trace), PERILUNE_STATUS_CANCELLED);
    CHECK_INT(asked, 3);
    perilune_trace_free(trace);
    perilune_request_free(request);
    perilune_script_free(script);
}

void test_request(void)
{
    perilune_engine *engine = engine_of(2);
    all_parts(engine);
    a_seed_repeats(engine);
    by_many_threads(engine);
    poll_is_destroyed_once(engine);
    poll_ends_a_run(engine);
    perilune_engine_free(engine);
}
