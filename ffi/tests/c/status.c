/* Every way in which a run ends. */

#include "check.h"

#include <sched.h>

static void nothing(perilune_call *call, void *user_data)
{
    (void)call;
    (void)user_data;
}

static void failing(perilune_call *call, void *user_data)
{
    (void)user_data;
    perilune_call_fail(call, perilune_str("no such key"));
}

/* Those that a script brings about by itself. */
static void of_scripts(void)
{
    static const struct {
        const char *source;
        perilune_limit limit;
        uint64_t value;
        perilune_status status;
        perilune_error_kind kind;
        const char *status_name;
        const char *kind_name;
        /* Of the message: the limit that was given, and not the engine's, which would end the run too, later. */
        const char *part;
    } CASES[] = {
        {"", 0, 0, PERILUNE_STATUS_SUCCESS, PERILUNE_KIND_NONE, "success", "", NULL},
        {"error('x')", 0, 0, PERILUNE_STATUS_FAILURE, PERILUNE_KIND_RUNTIME, "failure", "runtime", "test:1: x"},
        {"return print", 0, 0, PERILUNE_STATUS_FAILURE, PERILUNE_KIND_VALUE, "failure", "value", "function"},
        {"return ('x'):rep(99)", PERILUNE_LIMIT_VALUE, 50, PERILUNE_STATUS_FAILURE, PERILUNE_KIND_VALUE, "failure",
         "value", " 50 "},
        {"for i = 1, 3 do host.nothing() end", PERILUNE_LIMIT_HOST_CALLS, 2, PERILUNE_STATUS_FAILURE,
         PERILUNE_KIND_HOST_CALLS, "failure", "host_calls", "the limit is 2"},
        {"host.failing()", 0, 0, PERILUNE_STATUS_FAILURE, PERILUNE_KIND_HOST, "failure", "host", "no such key"},
        {"local _, e = pcall(host.failing) error(e, 0)", 0, 0, PERILUNE_STATUS_FAILURE, PERILUNE_KIND_HOST, "failure",
         "host", "host.failing: no such key"},
        {"pcall(host.failing) error('x')", 0, 0, PERILUNE_STATUS_FAILURE, PERILUNE_KIND_RUNTIME, "failure", "runtime",
         "test:1: x"},
        {"while true do end", PERILUNE_LIMIT_TIMEOUT_NS, 5000000, PERILUNE_STATUS_TIMEOUT, PERILUNE_KIND_TIMEOUT,
         "timeout", "timeout", "its timeout of 5 ms"},
        {"local t = {} while true do t[#t + 1] = ('x'):rep(1e5) .. #t end", PERILUNE_LIMIT_MEMORY, 4 << 20,
         PERILUNE_STATUS_MEMORY_LIMIT, PERILUNE_KIND_MEMORY_LIMIT, "memory_limit", "memory_limit", "4194304 bytes"},
    };
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    CHECK_OK(perilune_engine_function(engine, perilune_str("nothing"), nothing, NULL, NULL, &error));
    CHECK_OK(perilune_engine_function(engine, perilune_str("failing"), failing, NULL, NULL, &error));
    for (size_t i = 0; i < LEN(CASES); i++) {
        perilune_script *script = compiled(engine, CASES[i].source);
        perilune_request *request = perilune_request_new();
        if (CASES[i].limit != 0) {
            CHECK_OK(perilune_request_set_limit(request, CASES[i].limit, CASES[i].value, &error));
        }
        /* The limit of a request, and the same of a script: it is the lower that counts. */
        for (int of_script = 0; of_script < 2; of_script++) {
            size_t count = CASES[i].limit != 0;
            if (of_script) {
                CHECK_OK(perilune_script_set_limits(script, &CASES[i].limit, &CASES[i].value, count, &error));
            }
            perilune_trace *trace = run_of(script, NULL, NULL, of_script ? NULL : request);
            perilune_trace_view view = view_of(trace);
            CHECK_INT(view.status, CASES[i].status);
            CHECK_INT(view.error_kind, CASES[i].kind);
            CHECK((view.error_message.data == NULL) == (view.status == PERILUNE_STATUS_SUCCESS));
            if (CASES[i].part != NULL) {
                char message[256];
                snprintf(message, sizeof message, "%.*s", (int)view.error_message.len, view.error_message.data);
                CHECK_HAS(message, CASES[i].part);
            }
            CHECK(strcmp(perilune_status_name(view.status), CASES[i].status_name) == 0);
            CHECK(strcmp(perilune_error_kind_name(view.error_kind), CASES[i].kind_name) == 0);
            perilune_trace_free(trace);
        }
        perilune_request_free(request);
        perilune_script_free(script);
    }
    perilune_engine_free(engine);
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

static void tells(perilune_call *call, void *user_data)
{
    (void)user_data;
    CHECK(!perilune_call_is_cancelled(call));
    gate_add(&entered, 1);
}

typedef struct job {
    const perilune_script *script;
    const perilune_request *request;
    perilune_status status;
    perilune_error_kind kind;
} job;

static void *run_job(void *argument)
{
    job *job = argument;
    perilune_trace *trace = run_of(job->script, NULL, NULL, job->request);
    perilune_trace_view view = view_of(trace);
    job->status = view.status;
    job->kind = view.error_kind;
    perilune_trace_free(trace);
    return NULL;
}

static void cancelled_from_another_thread(void)
{
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    CHECK_OK(perilune_engine_function(engine, perilune_str("tells"), tells, NULL, NULL, &error));
    perilune_script *script = compiled(engine, "host.tells() while true do pcall(error) end");
    perilune_request *request = perilune_request_new();
    perilune_cancel *cancel = perilune_cancel_new();
    CHECK_OK(perilune_request_set_cancel(request, cancel, &error));
    CHECK(!perilune_cancel_is_cancelled(cancel));

    job job = {script, request, -1, -1};
    pthread_t thread;
    entered.count = 0;
    pthread_create(&thread, NULL, run_job, &job);
    gate_wait(&entered, 1);
    perilune_cancel_now(cancel);
    pthread_join(thread, NULL);
    CHECK(perilune_cancel_is_cancelled(cancel));
    CHECK_INT(job.status, PERILUNE_STATUS_CANCELLED);
    CHECK_INT(job.kind, PERILUNE_KIND_CANCELLED);

    /* Before it begins, and when the handle is the caller's no more. */
    perilune_cancel_free(cancel);
    run_job(&job);
    CHECK_INT(job.status, PERILUNE_STATUS_CANCELLED);
    CHECK_INT(gate_count(&entered), 1);

    /* Taken off again. */
    CHECK_OK(perilune_request_set_cancel(request, NULL, &error));
    CHECK_OK(perilune_request_set_limit(request, PERILUNE_LIMIT_TIMEOUT_NS, 1000000, &error));
    run_job(&job);
    CHECK_INT(job.status, PERILUNE_STATUS_TIMEOUT);

    perilune_request_free(request);
    perilune_script_free(script);
    perilune_engine_free(engine);
}

static void no_vm_in_time(void)
{
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    CHECK_OK(perilune_engine_function(engine, perilune_str("waits"), tells_and_waits, NULL, NULL, &error));
    perilune_script *script = compiled(engine, "host.waits()");
    perilune_request *impatient = perilune_request_new();
    CHECK_OK(perilune_request_set_limit(impatient, PERILUNE_LIMIT_QUEUE_NS, 1000000, &error));

    job first = {script, NULL, -1, -1};
    job second = {script, impatient, -1, -1};
    pthread_t thread;
    entered.count = 0;
    leave.count = 0;
    pthread_create(&thread, NULL, run_job, &first);
    gate_wait(&entered, 1);
    run_job(&second);
    gate_add(&leave, 1);
    pthread_join(thread, NULL);
    CHECK_INT(first.status, PERILUNE_STATUS_SUCCESS);
    CHECK_INT(second.status, PERILUNE_STATUS_QUEUE_TIMEOUT);
    CHECK_INT(second.kind, PERILUNE_KIND_QUEUE_TIMEOUT);
    CHECK(strcmp(perilune_status_name(second.status), "queue_timeout") == 0);
    CHECK(strcmp(perilune_error_kind_name(second.kind), "queue_timeout") == 0);

    perilune_request_free(impatient);
    perilune_script_free(script);
    perilune_engine_free(engine);
}

static void output_past_the_limit(void)
{
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    perilune_script *script = compiled(engine, "io.write(('x'):rep(10)) io.stderr:write(('y'):rep(10)) error('z')");
    perilune_limit limit = PERILUNE_LIMIT_OUTPUT;
    uint64_t value = 4;
    CHECK_OK(perilune_script_set_limits(script, &limit, &value, 1, &error));
    perilune_trace *trace = run_of(script, NULL, NULL, NULL);
    perilune_trace_view view = view_of(trace);
    CHECK_TEXT(view.stdout_bytes, "xxxx");
    CHECK_INT(view.stdout_truncated, 1);
    CHECK_INT(view.stderr_truncated, 1);
    CHECK(view.stderr_bytes.len > 4 && memcmp(view.stderr_bytes.data, "yyyy", 4) == 0);
    perilune_trace_free(trace);
    perilune_script_free(script);
    perilune_engine_free(engine);
}

static perilune_metrics_view metrics_of(const perilune_engine *engine)
{
    perilune_error *error = NULL;
    perilune_metrics *metrics = NULL;
    perilune_metrics_view view = {.size = sizeof view};
    CHECK_OK(perilune_engine_metrics(engine, &metrics, &error));
    CHECK_OK(perilune_metrics_read(metrics, &view, &error));
    perilune_metrics_free(metrics);
    return view;
}

/* Two runs of each tenant: another's has the worker of the last one replaced, and his own does not. */
static void a_worker_serves_one_tenant(void)
{
    static const char *const TENANTS[] = {"acme", "other", NULL, ""};
    perilune_error *error = NULL;
    perilune_engine *engine = NULL;
    perilune_options *options = perilune_options_new();
    CHECK_OK(perilune_options_set_pool_size(options, 1, &error));
    CHECK_OK(perilune_options_set_workers(options, perilune_str(WORKER), &error));
    CHECK_OK(perilune_engine_new(options, &engine, &error));
    perilune_options_free(options);
    perilune_script *script = compiled(engine, "return 1");
    perilune_request *request = perilune_request_new();
    for (size_t i = 0; i < 2 * LEN(TENANTS); i++) {
        const char *tenant = TENANTS[i / 2];
        CHECK_OK(perilune_request_set_tenant(request, perilune_str(tenant), &error));
        perilune_trace *trace = run_of(script, NULL, NULL, request);
        CHECK_INT(view_of(trace).status, PERILUNE_STATUS_SUCCESS);
        perilune_trace_free(trace);
        /* The worker that made it, and a spare one. */
        while (metrics_of(engine).vms_ready < 2) {
            sched_yield();
        }
        CHECK_INT(metrics_of(engine).vms_retired, i / 2);
    }
    perilune_request_free(request);
    perilune_script_free(script);
    perilune_engine_free(engine);
}

/* In a worker process: the script ends in time, and what is no worker is told. */
static void in_a_worker(void)
{
    perilune_error *error = NULL;
    perilune_engine *engine = NULL;
    perilune_options *options = perilune_options_new();
    CHECK_OK(perilune_options_set_pool_size(options, 1, &error));
    CHECK_OK(perilune_options_set_workers(options, perilune_str("/nonexistent/worker"), &error));
    CHECK_FAILS_KEPT(perilune_engine_new(options, &engine, &error), PERILUNE_INTERNAL);
    CHECK_HAS(perilune_error_message(error).data, "/nonexistent/worker");
    perilune_error_free(error);
    error = NULL;
    /* The installed one, where these tests run with what is installed. */
    if (perilune_options_set_workers(options, perilune_str(""), &error) != PERILUNE_OK) {
        CHECK_HAS(perilune_error_message(error).data, "libexec/perilune/perilune-worker: install it there, or pass its path");
        perilune_error_free(error);
        error = NULL;
        CHECK_OK(perilune_options_set_workers(options, perilune_str(WORKER), &error));
    }
    CHECK_FAILS(perilune_options_set_worker_option(options, PERILUNE_WORKER_MAX_RUNS, 0, &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_options_set_worker_option(options, PERILUNE_WORKER_REQUIRE_SANDBOX, 2, &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_options_set_worker_option(options, 0, 1, &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_options_set_worker_option(options, 99, 1, &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_OK(perilune_options_set_worker_option(options, PERILUNE_WORKER_MAX_RUNS, 2, &error));
    CHECK_OK(perilune_options_set_worker_option(options, PERILUNE_WORKER_MAX_AGE_NS, UINT64_MAX, &error));
    CHECK_OK(perilune_options_set_worker_option(options, PERILUNE_WORKER_BACKOFF_NS, 0, &error));
    CHECK_OK(perilune_options_set_worker_option(options, PERILUNE_WORKER_SPIN_NS, 0, &error));
    CHECK_OK(perilune_options_set_worker_option(options, PERILUNE_WORKER_REQUIRE_SANDBOX, 0, &error));
    CHECK_OK(perilune_engine_new(options, &engine, &error));
    perilune_options_free(options);
    perilune_sandbox *sandbox = NULL;
    CHECK_OK(perilune_engine_sandbox(engine, &sandbox, &error));
    CHECK(sandbox != NULL);
    CHECK(perilune_sandbox_missing(sandbox, PERILUNE_SANDBOX_SYSTEM_CALLS).data == NULL);
    CHECK(perilune_sandbox_missing(sandbox, PERILUNE_SANDBOX_RESOURCES).data == NULL);
    CHECK(perilune_sandbox_missing(sandbox, 0).data == NULL && perilune_sandbox_missing(sandbox, 99).data == NULL);
    perilune_sandbox_free(sandbox);
    CHECK_OK(perilune_engine_function(engine, perilune_str("tells"), tells, NULL, NULL, &error));
    perilune_script *script = compiled(engine, "host.tells() print(ARGS.a) return 1");
    perilune_trace *trace = run_of(script, "a=2", NULL, NULL);
    perilune_trace_view view = view_of(trace);
    CHECK_INT(view.status, PERILUNE_STATUS_SUCCESS);
    CHECK_TEXT(view.stdout_bytes, "2\n");
    perilune_trace_free(trace);
    /* They make two runs each. */
    check_prints(script, "a=3", "3\n");
    check_prints(script, "a=4", "4\n");
    CHECK(metrics_of(engine).vms_retired >= 1);
    perilune_script_free(script);
    perilune_engine_free(engine);
}

static void names_of_numbers_that_are_none(void)
{
    static const int32_t NUMBERS[] = {-1, 99, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < LEN(NUMBERS); i++) {
        CHECK(strcmp(perilune_status_name(NUMBERS[i]), "unknown") == 0);
        CHECK(strcmp(perilune_error_kind_name(NUMBERS[i]), "unknown") == 0);
        CHECK(strcmp(perilune_code_name(NUMBERS[i]), "unknown") == 0);
        CHECK(strcmp(perilune_limit_name(NUMBERS[i]), "unknown") == 0);
        CHECK(strcmp(perilune_limit_unit(NUMBERS[i]), "unknown") == 0);
    }
    CHECK(strcmp(perilune_code_name(PERILUNE_OK), "ok") == 0);
    CHECK(strcmp(perilune_code_name(PERILUNE_PANIC), "panic") == 0);
    CHECK(strcmp(perilune_limit_name(0), "unknown") == 0);
}

static void names_and_units_of_limits(void)
{
    static const char *const WANTED[][2] = {
        {"unknown", "unknown"}, {"timeout", "ns"}, {"queue", "ns"},   {"memory", "bytes"},  {"output", "bytes"},
        {"value", "bytes"},     {"host_calls", ""}, {"request", "bytes"}, {"parameters", ""}, {"source", "bytes"},
        {"unknown", "unknown"},
    };
    for (perilune_limit limit = 0; limit < (perilune_limit)LEN(WANTED); limit++) {
        CHECK_TEXT(perilune_str(perilune_limit_name(limit)), WANTED[limit][0]);
        CHECK_TEXT(perilune_str(perilune_limit_unit(limit)), WANTED[limit][1]);
    }
}

void test_status(void)
{
    of_scripts();
    cancelled_from_another_thread();
    in_a_worker();
    a_worker_serves_one_tenant();
    no_vm_in_time();
    output_past_the_limit();
    names_of_numbers_that_are_none();
    names_and_units_of_limits();
}
