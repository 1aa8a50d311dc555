/* What a library and an engine tell of themselves; sources that are only checked; and a child of fork(). */

#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

static void nothing(perilune_call *call, void *user_data)
{
    (void)call;
    (void)user_data;
}

void test_metrics(void)
{
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    CHECK_OK(perilune_engine_function(engine, perilune_str("nothing"), nothing, NULL, NULL, &error));
    perilune_script *good = compiled(engine, "print('four')");
    perilune_script *bad = compiled(engine, "host.nothing() error('x')");
    perilune_script *none = NULL;
    CHECK_FAILS(perilune_engine_compile(engine, perilune_str("x"), perilune_str("+"), &none,
                                        &error), PERILUNE_COMPILE_ERROR);
    CHECK_OK(perilune_engine_put(engine, perilune_str("named"), perilune_str(""), NULL, &error));
    perilune_trace_free(run_of(good, NULL, NULL, NULL));
    perilune_trace_free(run_of(good, NULL, NULL, NULL));
    perilune_trace *failed = run_of(bad, NULL, NULL, NULL);
    size_t written = view_of(failed).stderr_bytes.len;
    perilune_trace_free(failed);

    perilune_metrics *metrics = NULL;
    CHECK_OK(perilune_engine_metrics(engine, &metrics, &error));
    struct {
        perilune_metrics_view ours;
        uint64_t more;
    } later;
    memset(&later, 0xff, sizeof later);
    later.ours.size = sizeof later.ours - 1;
    CHECK_FAILS(perilune_metrics_read(metrics, &later.ours, &error), PERILUNE_INVALID_ARGUMENT);
    later.ours.size = sizeof later;
    CHECK_OK(perilune_metrics_read(metrics, &later.ours, &error));
    CHECK_INT(later.more, 0);

    perilune_metrics_view view = later.ours;
    CHECK_INT(view.runs_success, 2);
    CHECK_INT(view.runs_failure, 1);
    CHECK_INT(view.runs_timeout + view.runs_memory_limit + view.runs_cancelled + view.runs_queue_timeout, 0);
    CHECK_INT(view.vms_ready, 1);
    CHECK_INT(view.vms_in_use, 0);
    CHECK_INT(view.vms_retired, 0);
    CHECK_INT(view.compiles_succeeded, 3);
    CHECK_INT(view.compiles_failed, 1);
    CHECK_INT(view.scripts, 1);
    CHECK_INT(view.captured_bytes, 10 + written);
    CHECK_INT(view.host_calls, 1);
    CHECK_INT(view.vms_rebuilt, 0);
    CHECK_INT(view.dropped_bytes, 0);
    CHECK_INT(view.run_duration_count, 3);
    CHECK_INT(view.queue_duration_count, 3);
    CHECK(view.run_duration_sum_ns > 0);
    CHECK(view.bounds_len > 0);
    uint64_t counted = 0;
    for (size_t i = 0; i <= view.bounds_len; i++) {
        counted += view.run_duration_counts[i];
        CHECK(i == 0 || i == view.bounds_len || view.bounds_ns[i] > view.bounds_ns[i - 1]);
    }
    CHECK_INT(counted, view.run_duration_count);

    perilune_slice json = perilune_metrics_json(metrics);
    CHECK_INT(strlen(json.data), json.len);
    CHECK(json.data[0] == '{' && strchr(json.data, '\n') == NULL);
    CHECK(json.data == perilune_metrics_json(metrics).data);
    perilune_slice prometheus = perilune_metrics_prometheus(metrics);
    CHECK_INT(strlen(prometheus.data), prometheus.len);
    CHECK_HAS(prometheus.data, "# TYPE perilune_runs_total counter");
    CHECK_HAS(prometheus.data, "status=\"success\"} 2");
    perilune_metrics_free(metrics);
    perilune_script_free(good);
    perilune_script_free(bad);
    perilune_engine_free(engine);
}

void test_check(void)
{
    static const struct {
        const char *source;
        uint32_t lines[3];
        uint32_t column;
        perilune_severity severity;
        const char *message;
    } CASES[] = {
        {"print(1)", {0}, 0, 0, NULL},
        {"", {0}, 0, 0, NULL},
        {"x = = 1\ny = = 2\nz = 3", {1, 2}, 5, PERILUNE_SEVERITY_ERROR,
         "Expected identifier when parsing expression, got '='"},
        {"prnt(1)", {1}, 1, PERILUNE_SEVERITY_WARNING, "prnt is not there: did you mean print?"},
        {"x = '\xff'", {1}, 1, PERILUNE_SEVERITY_ERROR, "the source is not UTF-8"},
    };
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    for (size_t i = 0; i < LEN(CASES); i++) {
        perilune_diagnostics *found = NULL;
        CHECK_OK(perilune_engine_check(engine, perilune_str("test"), perilune_str(CASES[i].source), &found, &error));
        size_t count = 0;
        for (; CASES[i].lines[count] > 0; count++) {
            CHECK_INT(perilune_diagnostics_line(found, count), CASES[i].lines[count]);
            CHECK_INT(perilune_diagnostics_column(found, count), CASES[i].column);
            CHECK_INT(perilune_diagnostics_severity(found, count), CASES[i].severity);
            perilune_slice message = perilune_diagnostics_message(found, count);
            CHECK_TEXT(message, CASES[i].message);
        }
        CHECK_INT(perilune_diagnostics_len(found), count);
        CHECK_INT(perilune_diagnostics_line(found, count), 0);
        CHECK_INT(perilune_diagnostics_column(found, count), 0);
        CHECK_INT(perilune_diagnostics_severity(found, count), 0);
        CHECK_NONE(perilune_diagnostics_message(found, count));
        perilune_diagnostics_free(found);
    }
    perilune_engine_free(engine);
}

void test_version(void)
{
    CHECK(strcmp(perilune_version(), PERILUNE_VERSION) == 0);
    CHECK_INT(perilune_version_number(), PERILUNE_VERSION_NUMBER);
    CHECK_INT(perilune_abi(), PERILUNE_ABI);
}

/* An engine that the parent made and used works in the child, and in the parent after that. */
void test_fork(void)
{
    perilune_engine *engine = engine_of(1);
    perilune_script *script = compiled(engine, "print(GET.who)");
    check_prints(script, "who=before", "before\n");
    /* What is not yet written would be written by both. */
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        perilune_error *error = NULL;
        perilune_trace *trace = NULL;
        bool right = perilune_script_run(script, perilune_str("who=child"), perilune_str(NULL), NULL, &trace, &error) ==
                         PERILUNE_OK &&
                     memcmp(perilune_trace_stdout(trace).data, "child\n", 6) == 0;
        perilune_trace_free(trace);
        perilune_error_free(error);
        perilune_script_free(script);
        perilune_engine_free(engine);
        _exit(right && perilune_live_objects() == 0 ? 0 : 1);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    check_prints(script, "who=after", "after\n");
    perilune_script_free(script);
    perilune_engine_free(engine);
}
