/* Runs: all are prepared by `prepare`, and what came of them is made a value of JavaScript's by `result_of`. A synchronous run has its
 * caller's thread; what `run` submits has the engine's, and is told to the loop. */

#include "addon.h"

enum { QUERY, BODY, FORM, META, TEXTS };

/* What a run is given. */
typedef struct {
    Text texts[TEXTS];
    perilune_request *request;
    bool is_filled, is_copy;
} Prepared;

static void prepared_done(Prepared *prepared)
{
    pn_texts_done(prepared->texts, TEXTS);
    if (prepared->is_copy) {
        perilune_request_free(prepared->request);
    } else if (prepared->is_filled) {
        perilune_request_set_form(prepared->request, perilune_str(NULL), NULL);
        perilune_request_set_meta(prepared->request, perilune_str(NULL), NULL);
    }
}

/* Of (query, body, form, meta, options), on a request that may be shared with other runs. False with an exception pending. */
static bool prepare(napi_env env, perilune_request *base, bool is_shared, const napi_value *given, Prepared *prepared)
{
    const Text *form = &prepared->texts[FORM], *meta = &prepared->texts[META];
    bool has_options = !pn_is_nothing(env, given[TEXTS]);
    if (!pn_texts_of(env, given, TEXTS, prepared->texts)) {
        return false;
    }
    prepared->is_filled = form->slice.data || meta->slice.data || has_options;
    /* Form and meta can be taken back, which costs less than a copy; the rest can't. */
    prepared->is_copy = has_options || (prepared->is_filled && is_shared);
    prepared->request = prepared->is_copy ? perilune_request_clone(base) : base;
    if (prepared->is_filled && !pn_request_fill(env, prepared->request, form, meta, given[TEXTS])) {
        prepared_done(prepared);
        return false;
    }
    return true;
}

/* The trace or else the error, both of which are freed; `*failed` says that it is an error, thrown by none. */
static napi_value result_of(napi_env env, Environment *environment, perilune_trace *trace, perilune_error *error, bool *failed)
{
    napi_value value = trace ? pn_trace_value(env, environment, trace) : pn_error_take(env, error);
    *failed = !trace || !value;
    if (!value) {
        napi_get_and_clear_last_exception(env, &value);
    }
    return value;
}

/* runSync(script, query, body, form, meta, options) -> trace */
napi_value pn_run_sync(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    Environment *environment = arguments.environment, *outer;
    const perilune_script *script = pn_external_of(env, arguments.values[0]);
    Prepared prepared;
    const Text *query = &prepared.texts[QUERY], *body = &prepared.texts[BODY];
    perilune_trace *trace = NULL;
    perilune_error *error = NULL;
    napi_value result;
    bool failed;
    if (!script || !prepare(env, environment->sync_request, true, &arguments.values[1], &prepared)) {
        return NULL;
    }
    outer = pn_set_synchronous(environment);
    perilune_script_run(script, query->slice, body->slice, prepared.request, &trace, &error);
    pn_set_synchronous(outer);
    prepared_done(&prepared);
    result = result_of(env, environment, trace, error, &failed);
    if (failed) {
        napi_throw(env, result);
        return NULL;
    }
    return result;
}

/* ---- Runs on the engine's threads ---- */

void pn_runs_free(Environment *environment)
{
    uint32_t i;
    for (i = 0; i < environment->runs_len; i++) {
        Run *run = environment->runs[i];
        perilune_exchange_free(run->exchange);
        perilune_request_free(run->request);
        perilune_cancel_free(run->cancel);
        free(run);
    }
    free(environment->runs);
}

void pn_runs_cancel(Environment *environment)
{
    uint32_t i;
    for (i = 0; i < environment->runs_len; i++) {
        perilune_cancel_now(environment->runs[i]->cancel);
    }
}

/* A handle can't be taken back: whoever has it next must not be ended by what ended this one. */
static void renew_cancel(Run *run)
{
    perilune_cancel_free(run->cancel);
    run->cancel = perilune_cancel_new();
    perilune_request_set_cancel(run->request, run->cancel, NULL);
}

void pn_run_free(Run *run)
{
    if (perilune_cancel_is_cancelled(run->cancel)) {
        renew_cancel(run);
    }
    run->next = run->environment->free_runs;
    run->environment->free_runs = run;
}

static void drop_run(Environment *environment, Item *item)
{
    Run *run = (Run *)item;
    perilune_trace_free(run->trace);
    perilune_error_free(run->error);
    pn_environment_release(environment);
}

static void tell_run(napi_env env, Environment *environment, Item *item)
{
    Run *run = (Run *)item;
    napi_deferred deferred = run->deferred;
    perilune_trace *trace = run->trace;
    perilune_error *error = run->error;
    bool failed;
    napi_value result;
    /* Before it is told: what it is told to may begin the next run. */
    pn_run_free(run);
    pn_count_in_flight(environment, -1);
    result = result_of(env, environment, trace, error, &failed);
    (failed ? napi_reject_deferred : napi_resolve_deferred)(env, deferred, result);
    pn_environment_release(environment);
}

static void call_done(perilune_code code, perilune_trace *trace, perilune_error *error, void *user_data)
{
    Run *run = user_data;
    (void)code;
    run->trace = trace;
    run->error = error;
    pn_post(run->environment, &run->item);
}

Run *pn_run_new(napi_env env, Environment *environment)
{
    Run *run = environment->free_runs;
    if (run) {
        environment->free_runs = run->next;
        return run;
    }
    /* At each power of two there is no more room. */
    if ((environment->runs_len & (environment->runs_len - 1)) == 0) {
        size_t room = environment->runs_len ? 2 * (size_t)environment->runs_len : 1;
        Run **larger = realloc(environment->runs, room * sizeof *larger);
        if (!larger) {
            pn_throw_memory(env);
            return NULL;
        }
        environment->runs = larger;
    }
    run = calloc(1, sizeof *run);
    if (!run) {
        pn_throw_memory(env);
        return NULL;
    }
    run->environment = environment;
    run->request = perilune_request_new();
    renew_cancel(run);
    run->number = environment->runs_len;
    environment->runs[environment->runs_len++] = run;
    return run;
}

/* run(script, query, body, form, meta, options) -> promise of a trace. What keeps the run from beginning is told as all else that comes
 * of it. */
napi_value pn_run(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    Environment *environment = arguments.environment;
    const perilune_script *script = pn_external_of(env, arguments.values[0]);
    Run *run = script ? pn_run_new(env, environment) : NULL;
    Prepared prepared;
    const Text *query = &prepared.texts[QUERY], *body = &prepared.texts[BODY];
    perilune_error *error = NULL;
    napi_value promise = NULL;
    if (!run) {
        return NULL;
    }
    if (!prepare(env, run->request, false, &arguments.values[1], &prepared)) {
        pn_run_free(run);
        return NULL;
    }
    run->item.tell = tell_run;
    run->item.drop = drop_run;
    run->trace = NULL;
    run->error = NULL;
    if (napi_create_promise(env, &run->deferred, &promise) != napi_ok) {
        prepared_done(&prepared);
        pn_run_free(run);
        return NULL;
    }
    pn_environment_retain(environment);
    pn_count_in_flight(environment, 1);
    if (perilune_script_submit(script, query->slice, body->slice, prepared.request, call_done, run, &error) != PERILUNE_OK) {
        run->error = error;
        pn_post(environment, &run->item);
    }
    prepared_done(&prepared);
    return promise;
}
