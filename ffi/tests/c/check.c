/* See check.h. */

#include "check.h"

static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static long checks;
static long failures;

static void count(bool holds)
{
    pthread_mutex_lock(&counting);
    checks++;
    failures += !holds;
    pthread_mutex_unlock(&counting);
}

void check_that(bool holds, const char *what, const char *file, int line)
{
    count(holds);
    if (!holds) {
        fprintf(stderr, "%s:%d: %s\n", file, line, what);
    }
}

void check_int(long long got, long long wanted, const char *what, const char *file, int line)
{
    count(got == wanted);
    if (got != wanted) {
        fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, what, got, wanted);
    }
}

void check_text(perilune_slice got, const char *wanted, size_t wanted_len, const char *what, const char *file, int line)
{
    bool same = got.data != NULL && got.len == wanted_len && memcmp(got.data, wanted, wanted_len) == 0;
    count(same);
    if (!same) {
        fprintf(stderr, "%s:%d: %s is \"%.*s\", not \"%s\"\n", file, line, what, got.data == NULL ? 0 : (int)got.len,
                got.data == NULL ? "" : got.data, wanted);
    }
}

void check_none(perilune_slice got, const char *what, const char *file, int line)
{
    bool none = got.data == NULL && got.len == 0;
    count(none);
    if (!none) {
        fprintf(stderr, "%s:%d: %s is %zu bytes at %p, not NULL\n", file, line, what, got.len, (const void *)got.data);
    }
}

void check_has(const char *text, const char *part, const char *what, const char *file, int line)
{
    bool has = text != NULL && strstr(text, part) != NULL;
    count(has);
    if (!has) {
        fprintf(stderr, "%s:%d: %s has no \"%s\": %s\n", file, line, what, part, text == NULL ? "NULL" : text);
    }
}

void check_ok(perilune_code code, perilune_error **error, const char *what, const char *file, int line)
{
    bool done = code == PERILUNE_OK && *error == NULL;
    count(done);
    if (!done) {
        fprintf(stderr, "%s:%d: %s: %s: %s\n", file, line, what, perilune_code_name(code),
                perilune_error_message(*error).data);
    }
    perilune_error_free(*error);
    *error = NULL;
}

void check_fails(perilune_code code, perilune_error **error, perilune_code wanted, bool frees, const char *what,
                 const char *file, int line)
{
    bool failed = code == wanted && *error != NULL && perilune_error_code(*error) == wanted &&
                  perilune_error_message(*error).data[0] != '\0';
    count(failed);
    if (!failed) {
        fprintf(stderr, "%s:%d: %s: %s, not %s: %s\n", file, line, what, perilune_code_name(code),
                perilune_code_name(wanted), perilune_error_message(*error).data);
    }
    if (frees) {
        perilune_error_free(*error);
        *error = NULL;
    }
}

perilune_engine *engine_of(size_t vms)
{
    perilune_error *error = NULL;
    perilune_engine *engine = NULL;
    perilune_options *options = perilune_options_new();
    CHECK_OK(perilune_options_set_pool_size(options, vms, &error));
    CHECK_OK(perilune_engine_new(options, &engine, &error));
    perilune_options_free(options);
    return engine;
}

perilune_script *compiled(const perilune_engine *engine, const char *source)
{
    perilune_error *error = NULL;
    perilune_script *script = NULL;
    CHECK_OK(perilune_engine_compile(engine, perilune_str("test"), perilune_str(source), &script, &error));
    return script;
}

perilune_trace *run_of(const perilune_script *script, const char *query, const char *body,
                       const perilune_request *request)
{
    perilune_error *error = NULL;
    perilune_trace *trace = NULL;
    CHECK_OK(perilune_script_run(script, perilune_str(query), perilune_str(body), request, &trace, &error));
    return trace;
}

perilune_trace_view view_of(const perilune_trace *trace)
{
    perilune_error *error = NULL;
    perilune_trace_view view;
    memset(&view, 0xff, sizeof view);
    view.size = sizeof view;
    CHECK_OK(perilune_trace_read(trace, &view, &error));
    CHECK_INT(view.size, sizeof view);
    return view;
}

void check_prints(const perilune_script *script, const char *query, const char *wanted)
{
    perilune_trace *trace = run_of(script, query, NULL, NULL);
    perilune_trace_view view = view_of(trace);
    CHECK_TEXT(view.stdout_bytes, wanted);
    CHECK_TEXT(view.stderr_bytes, "");
    perilune_trace_free(trace);
}

void gate_add(gate *gate, int count)
{
    pthread_mutex_lock(&gate->lock);
    gate->count += count;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void gate_wait(gate *gate, int count)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->count < count) {
        pthread_cond_wait(&gate->changed, &gate->lock);
    }
    pthread_mutex_unlock(&gate->lock);
}

int gate_count(gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    int count = gate->count;
    pthread_mutex_unlock(&gate->lock);
    return count;
}

void count_destroy(void *user_data)
{
    gate_add(user_data, 1);
}

long check_failures(void)
{
    return failures;
}

int check_end(void)
{
    /* None at all is a mistake, not success. */
    return failures > 0 || checks == 0;
}
