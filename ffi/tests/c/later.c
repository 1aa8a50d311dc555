/* Functions of the host that answer after they have returned. */

#include "check.h"

#define CALLS 50

/* What is known of the calls that wait. */
static perilune_pending *waiting[CALLS];
static gate begun = GATE;
static gate gone = GATE;
static gate destroyed = GATE;

static void later(perilune_call *call, void *user_data)
{
    double index = 0;
    (void)user_data;
    if (perilune_call_number(call, 0, &index)) {
        waiting[(size_t)index] = perilune_call_defer(call);
        CHECK(waiting[(size_t)index] != NULL);
        CHECK(perilune_call_defer(call) == NULL);
        /* It counts no more. */
        perilune_call_fail(call, perilune_str("too late"));
        gate_add(&begun, 1);
    }
}

/* One that answers at once, although it need not. */
static void at_once(perilune_call *call, void *user_data)
{
    (void)user_data;
    perilune_call_return_number(call, 7);
}

static void cannot(perilune_call *call, void *user_data)
{
    (void)user_data;
    CHECK(perilune_call_defer(call) == NULL);
    perilune_call_return_boolean(call, true);
}

static void is_gone(void *user_data)
{
    (void)user_data;
    gate_add(&gone, 1);
}

/* What came of a run that was submitted. */
typedef struct outcome {
    gate ended;
    perilune_code code;
    perilune_trace *trace;
} outcome;

static void on_done(perilune_code code, perilune_trace *trace, perilune_error *error, void *user_data)
{
    outcome *outcome = user_data;
    perilune_error_free(error);
    outcome->code = code;
    outcome->trace = trace;
    gate_add(&outcome->ended, 1);
}

static perilune_engine *engine_of_one_thread(void)
{
    perilune_error *error = NULL;
    perilune_engine *engine = NULL;
    perilune_options *options = perilune_options_new();
    CHECK_OK(perilune_options_set_pool_size(options, CALLS, &error));
    CHECK_OK(perilune_options_set_threads(options, 1, &error));
    CHECK_OK(perilune_engine_new(options, &engine, &error));
    perilune_options_free(options);
    CHECK_OK(perilune_engine_async_function(engine, perilune_str("later"), later, &destroyed, count_destroy, &error));
    CHECK_OK(perilune_engine_async_function(engine, perilune_str("at_once"), at_once, NULL, NULL, &error));
    CHECK_OK(perilune_engine_function(engine, perilune_str("cannot"), cannot, NULL, NULL, &error));
    return engine;
}

static void submit(const perilune_script *script, const char *query, const perilune_request *request, outcome *outcome)
{
    static const gate CLOSED = GATE;
    perilune_error *error = NULL;
    outcome->ended = CLOSED;
    CHECK_OK(perilune_script_submit(script, perilune_str(query), perilune_str(NULL), request, on_done, outcome, &error));
}

/* Ends with a value as JSON, or the message of its error. */
static void check_ended(outcome *outcome, perilune_status status, const char *wanted)
{
    gate_wait(&outcome->ended, 1);
    CHECK_INT(outcome->code, PERILUNE_OK);
    perilune_trace_view view = view_of(outcome->trace);
    CHECK_INT(view.status, status);
    perilune_slice told = view.error_kind == PERILUNE_KIND_NONE ? view.value : view.error_message;
    CHECK_TEXT(told, wanted);
    CHECK(view.waited_ns <= view.duration_ns);
    perilune_trace_free(outcome->trace);
}

static void answers(const perilune_engine *engine)
{
    static outcome outcomes[CALLS];
    perilune_script *script = compiled(engine, "return host.later(tonumber(GET.n)), host.at_once(), host.cannot()");
    int before = gate_count(&begun);
    for (int i = 0; i < CALLS; i++) {
        char query[16];
        snprintf(query, sizeof query, "n=%d", i);
        submit(script, query, NULL, &outcomes[i]);
    }
    /* All of them at once, on one thread. */
    gate_wait(&begun, before + CALLS);
    for (int i = CALLS - 1; i >= 0; i--) {
        char wanted[64];
        CHECK(!perilune_pending_is_gone(waiting[i]));
        switch (i % 5) {
        case 0:
            perilune_pending_resolve(waiting[i], perilune_value_new_number(i));
            snprintf(wanted, sizeof wanted, "[%d,7,true]", i);
            break;
        case 1:
            snprintf(wanted, sizeof wanted, "{\"i\":[%d]}", i);
            perilune_pending_resolve_json(waiting[i], perilune_str(wanted));
            snprintf(wanted, sizeof wanted, "[{\"i\":[%d]},7,true]", i);
            break;
        case 2:
            perilune_pending_on_gone(waiting[i], is_gone, &destroyed, count_destroy);
            perilune_pending_reject(waiting[i], perilune_str("no\xff"));
            snprintf(wanted, sizeof wanted, "test:1: host.later: no\xef\xbf\xbd");
            break;
        case 3:
            perilune_pending_free(waiting[i]);
            snprintf(wanted, sizeof wanted, "test:1: host.later: the host gave no answer");
            break;
        default:
            perilune_pending_resolve(waiting[i], NULL);
            snprintf(wanted, sizeof wanted, "[null,7,true]");
        }
        check_ended(&outcomes[i], wanted[0] == '[' ? PERILUNE_STATUS_SUCCESS : PERILUNE_STATUS_FAILURE, wanted);
    }
    /* None of them was left, and what was to be told of it is destroyed. */
    CHECK_INT(gate_count(&gone), 0);
    CHECK_INT(gate_count(&destroyed), CALLS / 5);
    perilune_script_free(script);
}

/* Runs that end before they are answered. */
static void goes(const perilune_engine *engine)
{
    outcome outcome;
    perilune_error *error = NULL;
    perilune_script *script = compiled(engine, "return pcall(host.later, 0)");
    perilune_request *request = perilune_request_new();
    perilune_cancel *cancel = perilune_cancel_new();
    int before = gate_count(&begun), destroyed_before = gate_count(&destroyed);
    CHECK_OK(perilune_request_set_cancel(request, cancel, &error));

    submit(script, NULL, request, &outcome);
    gate_wait(&begun, before + 1);
    perilune_pending_on_gone(waiting[0], is_gone, &destroyed, count_destroy);
    /* Replaced, the first one is not called. */
    perilune_pending_on_gone(waiting[0], is_gone, &destroyed, count_destroy);
    CHECK_INT(gate_count(&destroyed), destroyed_before + 1);
    perilune_cancel_now(cancel);
    check_ended(&outcome, PERILUNE_STATUS_CANCELLED, "the run was cancelled");
    CHECK_INT(gate_count(&gone), 1);
    CHECK_INT(gate_count(&destroyed), destroyed_before + 2);
    CHECK(perilune_pending_is_gone(waiting[0]));
    /* At once where that is so already. */
    perilune_pending_on_gone(waiting[0], is_gone, &destroyed, count_destroy);
    CHECK_INT(gate_count(&gone), 2);
    perilune_pending_resolve(waiting[0], perilune_value_new_number(1));

    perilune_request_free(request);
    request = perilune_request_new();
    CHECK_OK(perilune_request_set_limit(request, PERILUNE_LIMIT_TIMEOUT_NS, 20000000, &error));
    submit(script, NULL, request, &outcome);
    gate_wait(&begun, before + 2);
    check_ended(&outcome, PERILUNE_STATUS_TIMEOUT, "the run did not end within its timeout of 20 ms");
    CHECK(perilune_pending_is_gone(waiting[0]));
    perilune_pending_free(waiting[0]);

    perilune_request_free(request);
    perilune_cancel_free(cancel);
    perilune_script_free(script);
}

static void *answer_soon(void *unused)
{
    (void)unused;
    gate_wait(&begun, *(int *)unused);
    perilune_pending_resolve(waiting[0], perilune_value_new_number(5));
    return NULL;
}

/* Where nobody may leave, the thread waits. */
static void blocks(const perilune_engine *engine)
{
    pthread_t thread;
    int wanted = gate_count(&begun) + 1;
    perilune_script *script = compiled(engine, "return host.later(0)");
    CHECK_INT(pthread_create(&thread, NULL, answer_soon, &wanted), 0);
    perilune_trace *trace = run_of(script, NULL, NULL, NULL);
    perilune_slice value = perilune_trace_value(trace);
    CHECK_TEXT(value, "5");
    perilune_trace_free(trace);
    CHECK_INT(pthread_join(thread, NULL), 0);
    perilune_script_free(script);
}

/* One of a script alone; and what is registered in vain is destroyed. */
static void of_a_script(const perilune_engine *engine)
{
    outcome outcome;
    perilune_error *error = NULL;
    gate own = GATE;
    perilune_script *script = compiled(engine, "return host.own(3)");
    int before = gate_count(&begun);
    CHECK_OK(perilune_script_async_function(script, perilune_str("own"), later, &own, count_destroy, &error));
    submit(script, NULL, NULL, &outcome);
    gate_wait(&begun, before + 1);
    perilune_pending_resolve(waiting[3], perilune_value_new_boolean(true));
    check_ended(&outcome, PERILUNE_STATUS_SUCCESS, "true");
    CHECK_FAILS(perilune_script_async_function(script, perilune_str("a b"), later, &own, count_destroy, &error),
                PERILUNE_NAME_ERROR);
    CHECK_INT(gate_count(&own), 1);
    CHECK_FAILS(perilune_engine_async_function(engine, perilune_str("f"), NULL, &own, count_destroy, &error),
                PERILUNE_INVALID_ARGUMENT);
    CHECK_INT(gate_count(&own), 2);
    perilune_script_free(script);
    gate_wait(&own, 3);
}

void test_later(void)
{
    perilune_engine *engine = engine_of_one_thread();
    int destroyed_before;
    answers(engine);
    goes(engine);
    blocks(engine);
    of_a_script(engine);
    destroyed_before = gate_count(&destroyed);
    perilune_engine_free(engine);
    /* A thread of the engine may still have it for an instant. */
    gate_wait(&destroyed, destroyed_before + 1);
}
