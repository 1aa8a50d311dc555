/* Many runs at once: batches, and runs that the engine makes on its own threads. */

#include "check.h"

static void count_progress(size_t done, size_t total, void *user_data)
{
    CHECK(done >= 1 && done <= total);
    gate_add(user_data, 1);
}

enum { BATCH = 20 };

static void a_batch(const perilune_engine *engine)
{
    perilune_error *error = NULL;
    gate progress = GATE;
    perilune_script *script = compiled(engine, "if POST.n == 3 then error('three') end return POST.n");
    perilune_request *requests[BATCH];
    perilune_trace *traces[BATCH];
    perilune_error *errors[BATCH];
    for (int i = 0; i < BATCH; i++) {
        char body[32];
        snprintf(body, sizeof body, i == 5 ? "not JSON" : "{\"n\":%d}", i);
        requests[i] = perilune_request_new();
        CHECK_OK(perilune_request_set_json(requests[i], perilune_str(body), &error));
    }
    const perilune_request *const *places = (const perilune_request *const *)requests;
    for (int with_errors = 0; with_errors < 2; with_errors++) {
        memset(traces, 0xff, sizeof traces);
        memset(errors, 0xff, sizeof errors);
        progress.count = 0;
        CHECK_OK(perilune_script_run_batch(script, places, BATCH, NULL, count_progress, &progress, traces,
                                           with_errors ? errors : NULL, &error));
        CHECK_INT(gate_count(&progress), BATCH);
        for (int i = 0; i < BATCH; i++) {
            CHECK((traces[i] == NULL) == (i == 5));
            if (i != 5) {
                perilune_trace_view view = view_of(traces[i]);
                char wanted[16];
                snprintf(wanted, sizeof wanted, "%d", i);
                CHECK_INT(view.status, i == 3 ? PERILUNE_STATUS_FAILURE : PERILUNE_STATUS_SUCCESS);
                if (i != 3) {
                    CHECK_TEXT(view.value, wanted);
                }
            }
            perilune_trace_free(traces[i]);
            if (with_errors) {
                CHECK((errors[i] != NULL) == (i == 5));
                CHECK(i != 5 || perilune_error_code(errors[i]) == PERILUNE_PAYLOAD_ERROR);
                perilune_error_free(errors[i]);
            }
        }
    }

    /* One that is NULL: nothing is run, and no place written. */
    memset(traces, 0xff, sizeof traces);
    perilune_request *second = requests[1];
    requests[1] = NULL;
    CHECK_FAILS_KEPT(perilune_script_run_batch(script, places, 3, NULL, NULL, NULL, traces, NULL, &error),
                     PERILUNE_INVALID_ARGUMENT);
    CHECK_HAS(perilune_error_message(error).data, "requests[1] is NULL");
    perilune_error_free(error);
    error = NULL;
    CHECK((uintptr_t)traces[0] == UINTPTR_MAX);
    requests[1] = second;
    CHECK_FAILS(perilune_script_run_batch(script, places, SIZE_MAX - 1, NULL, NULL, NULL, traces, NULL, &error),
                PERILUNE_INVALID_ARGUMENT);
    CHECK_OK(perilune_script_run_batch(script, NULL, 0, NULL, NULL, NULL, NULL, NULL, &error));

    for (int i = 0; i < BATCH; i++) {
        perilune_request_free(requests[i]);
    }
    perilune_script_free(script);
}

static void cancel_progress(size_t done, size_t total, void *user_data)
{
    (void)done;
    (void)total;
    perilune_cancel_now(user_data);
}

static void a_batch_is_cancelled(void)
{
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    perilune_script *script = compiled(engine, "if GET.first then return end while true do end");
    perilune_cancel *cancel = perilune_cancel_new();
    perilune_request *requests[BATCH];
    perilune_trace *traces[BATCH];
    for (int i = 0; i < BATCH; i++) {
        requests[i] = perilune_request_new();
    }
    CHECK_OK(perilune_request_set_query(requests[0], perilune_str("first"), &error));
    CHECK_OK(perilune_script_run_batch(script, (const perilune_request *const *)requests, BATCH, cancel,
                                       cancel_progress, cancel, traces, NULL, &error));
    for (int i = 0; i < BATCH; i++) {
        CHECK_INT(perilune_trace_status(traces[i]), i == 0 ? PERILUNE_STATUS_SUCCESS : PERILUNE_STATUS_CANCELLED);
        perilune_trace_free(traces[i]);
        perilune_request_free(requests[i]);
    }
    perilune_cancel_free(cancel);
    perilune_script_free(script);
    perilune_engine_free(engine);
}

void test_batch(void)
{
    perilune_engine *engine = engine_of(2);
    a_batch(engine);
    perilune_engine_free(engine);
    a_batch_is_cancelled();
}

/* What came of one submitted run; all of them are told to one gate. */
typedef struct told {
    gate *all;
    int wanted;
    int calls;
    perilune_code code;
    perilune_status status;
    bool right;
} told;

static void done(perilune_code code, perilune_trace *trace, perilune_error *error, void *user_data)
{
    told *told = user_data;
    char wanted[16];
    told->calls++;
    told->code = code;
    told->status = trace == NULL ? -1 : perilune_trace_status(trace);
    perilune_slice value = perilune_trace_value(trace);
    int wanted_len = snprintf(wanted, sizeof wanted, "\"%d\"", told->wanted);
    told->right = value.data != NULL && value.len == (size_t)wanted_len && memcmp(value.data, wanted, value.len) == 0;
    CHECK((trace == NULL) == (code != PERILUNE_OK) && (error == NULL) == (code == PERILUNE_OK));
    perilune_trace_free(trace);
    perilune_error_free(error);
    gate_add(told->all, 1);
}

enum { IN_FLIGHT = 1000 };

static void a_thousand_in_flight(void)
{
    static told tolds[IN_FLIGHT];
    perilune_error *error = NULL;
    gate all = GATE;
    perilune_engine *engine = engine_of(2);
    perilune_script *script = compiled(engine, "return GET.n");
    for (int i = 0; i < IN_FLIGHT; i++) {
        told told = {&all, i, 0, -1, -1, false};
        char query[32];
        snprintf(query, sizeof query, "n=%d", i);
        tolds[i] = told;
        /* The query is copied: its array is gone before the run. */
        CHECK_OK(perilune_script_submit(script, perilune_str(query), perilune_str(NULL), NULL, done, &tolds[i],
                                        &error));
        memset(query, 'x', sizeof query);
    }
    perilune_script_free(script);
    perilune_engine_free(engine);
    gate_wait(&all, IN_FLIGHT);
    for (int i = 0; i < IN_FLIGHT; i++) {
        CHECK(tolds[i].calls == 1 && tolds[i].right);
    }
}

static gate entered = GATE;
static gate leave = GATE;

static void tells_and_waits(perilune_call *call, void *user_data)
{
    (void)call;
    (void)user_data;
    gate_add(&entered, 1);
    gate_wait(&leave, 1);
}

static void waiting_and_refused(void)
{
    gate all = GATE;
    told first = {&all, 0, 0, -1, -1, false}, waiting = first, beyond = first, bad = first;
    perilune_error *error = NULL;
    perilune_engine *engine = NULL;
    perilune_options *options = perilune_options_new();
    CHECK_OK(perilune_options_set_pool_size(options, 1, &error));
    CHECK_OK(perilune_options_set_backlog(options, 1, &error));
    CHECK_OK(perilune_engine_new(options, &engine, &error));
    perilune_options_free(options);
    CHECK_OK(perilune_engine_function(engine, perilune_str("waits"), tells_and_waits, NULL, NULL, &error));
    perilune_script *script = compiled(engine, "host.waits()");
    perilune_cancel *cancel = perilune_cancel_new();
    perilune_request *request = perilune_request_new();
    CHECK_OK(perilune_request_set_cancel(request, cancel, &error));

    entered.count = 0;
    leave.count = 0;
    CHECK_OK(perilune_script_submit(script, perilune_str(NULL), perilune_str(NULL), NULL, done, &first, &error));
    gate_wait(&entered, 1);
    /* One waits, and there is no place for a second. */
    CHECK_OK(perilune_script_submit(script, perilune_str(NULL), perilune_str(NULL), request, done, &waiting, &error));
    CHECK_OK(perilune_script_submit(script, perilune_str(NULL), perilune_str(NULL), NULL, done, &beyond, &error));
    gate_wait(&all, 1);
    CHECK_INT(beyond.status, PERILUNE_STATUS_QUEUE_TIMEOUT);
    CHECK_INT(waiting.calls, 0);
    perilune_request_free(request);
    perilune_cancel_now(cancel);
    gate_wait(&all, 2);
    CHECK_INT(waiting.status, PERILUNE_STATUS_CANCELLED);
    CHECK_INT(gate_count(&entered), 1);
    gate_add(&leave, 1);
    gate_wait(&all, 3);
    CHECK_INT(first.status, PERILUNE_STATUS_SUCCESS);

    CHECK_OK(perilune_script_submit(script, perilune_str(NULL), perilune_str("["), NULL, done, &bad, &error));
    gate_wait(&all, 4);
    CHECK_INT(bad.code, PERILUNE_PAYLOAD_ERROR);
    CHECK(first.calls == 1 && waiting.calls == 1 && beyond.calls == 1 && bad.calls == 1);

    /* Not taken, so not told. */
    CHECK_FAILS(perilune_script_submit(NULL, perilune_str(NULL), perilune_str(NULL), NULL, done, &bad,
                                       &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_script_submit(script, perilune_str(NULL), perilune_str(NULL), NULL, NULL, &bad,
                                       &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_INT(bad.calls, 1);
    perilune_cancel_free(cancel);
    perilune_script_free(script);
    perilune_engine_free(engine);
}

void test_submit(void)
{
    a_thousand_in_flight();
    waiting_and_refused();
}
