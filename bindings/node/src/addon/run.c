/* Runs: all are prepared by `prepare`, and what came of them is made a value of JavaScript's by `result_of`. A synchronous run has its
 * caller's thread; what `run` and `serve` submit has the engine's, and is told to the loop. */

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

/* A run, of which JavaScript has a promise or a number. When it is over, the next one has it, with its request and its handle: nothing
 * is made for a run that another could use. The engine's threads write `trace` and `error`, before they post it; all else is the
 * loop's. It lives as long as the environment, of which a run that is under way holds a reference. */
struct Run {
    Item item;
    Environment *environment;
    Run *next_free;
    uint32_t number;
    napi_deferred deferred; /* NULL where it is served */
    perilune_request *request;
    perilune_cancel *cancel;
    perilune_trace *trace;
    perilune_error *error;
};

void pn_runs_free(Environment *environment)
{
    uint32_t i;
    for (i = 0; i < environment->runs_len; i++) {
        Run *run = environment->runs[i];
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

static void free_run(Run *run)
{
    if (perilune_cancel_is_cancelled(run->cancel)) {
        renew_cancel(run);
    }
    run->next_free = run->environment->free_runs;
    run->environment->free_runs = run;
}

static void drop_run(Environment *environment, Item *item)
{
    Run *run = (Run *)item;
    perilune_trace_free(run->trace);
    perilune_error_free(run->error);
    pn_environment_release(environment);
}

/* Tells (number, id, JSON, trace, error), see `setServed`. */
static void tell_served(napi_env env, Environment *environment, uint32_t number, perilune_trace *trace, perilune_error *error)
{
    napi_value told, result, arguments[5];
    bool failed = false, is_whole = true;
    arguments[0] = pn_number(env, number);
    napi_get_undefined(env, &arguments[1]);
    arguments[2] = arguments[3] = arguments[4] = arguments[1];
    if (trace) {
        perilune_trace_view view;
        perilune_slice json = perilune_trace_json(trace);
        view.size = sizeof view;
        perilune_trace_read(trace, &view, NULL);
        arguments[1] = pn_number(env, (double)view.id);
        arguments[2] = pn_string(env, json);
        is_whole = view.response_status || view.status == PERILUNE_STATUS_QUEUE_TIMEOUT;
    }
    if (is_whole) {
        result = result_of(env, environment, trace, error, &failed);
        arguments[failed ? 4 : 3] = result;
    } else {
        perilune_trace_free(trace);
    }
    napi_get_reference_value(env, environment->served, &told);
    pn_tell(env, told, 5, arguments);
}

static void tell_run(napi_env env, Environment *environment, Item *item)
{
    Run *run = (Run *)item;
    napi_deferred deferred = run->deferred;
    perilune_trace *trace = run->trace;
    perilune_error *error = run->error;
    /* Before it is told: what it is told to may begin the next run. */
    free_run(run);
    pn_count_in_flight(environment, -1);
    if (deferred) {
        bool failed;
        napi_value result = result_of(env, environment, trace, error, &failed);
        (failed ? napi_reject_deferred : napi_resolve_deferred)(env, deferred, result);
    } else {
        tell_served(env, environment, run->number, trace, error);
    }
    pn_environment_release(environment);
}

static void call_done(perilune_code code, perilune_trace *trace, perilune_error *error, void *user_data)
{
    Run *run = user_data;
    (void)code;
    run->trace = trace;
    run->error = error;
    if (!run->deferred) {
        /* It is made by the first call: here, and not on the loop. */
        perilune_trace_json(trace);
    }
    pn_post(run->environment, &run->item);
}

/* A free one. NULL with an exception pending. */
static Run *new_run(napi_env env, Environment *environment)
{
    Run *run = environment->free_runs;
    if (run) {
        environment->free_runs = run->next_free;
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
    run->item.tell = tell_run;
    run->item.drop = drop_run;
    run->environment = environment;
    run->request = perilune_request_new();
    renew_cancel(run);
    run->number = environment->runs_len;
    environment->runs[environment->runs_len++] = run;
    return run;
}

/* Has a script run with (query, body, form, meta, options); its promise, or else its number. NULL with an exception pending. What keeps the run from
 * beginning is told as all else that comes of it. */
static napi_value submit(napi_env env, Environment *environment, const perilune_script *script, const napi_value *given, bool is_served)
{
    Run *run = new_run(env, environment);
    Prepared prepared;
    const Text *query = &prepared.texts[QUERY], *body = &prepared.texts[BODY];
    perilune_error *error = NULL;
    napi_value value = NULL;
    if (!run) {
        return NULL;
    }
    if (!prepare(env, run->request, false, given, &prepared)) {
        free_run(run);
        return NULL;
    }
    run->trace = NULL;
    run->error = NULL;
    run->deferred = NULL;
    if (is_served) {
        value = pn_number(env, run->number);
    } else if (napi_create_promise(env, &run->deferred, &value) != napi_ok) {
        prepared_done(&prepared);
        free_run(run);
        return NULL;
    }
    pn_environment_retain(environment);
    pn_count_in_flight(environment, 1);
    if (perilune_script_submit(script, query->slice, body->slice, prepared.request, call_done, run, &error) != PERILUNE_OK) {
        run->error = error;
        pn_post(environment, &run->item);
    }
    prepared_done(&prepared);
    return value;
}

/* run(script, query, body, form, meta, options) -> promise of a trace */
napi_value pn_run(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    const perilune_script *script = pn_external_of(env, arguments.values[0]);
    return script ? submit(env, arguments.environment, script, &arguments.values[1], false) : NULL;
}

/* serve(engine, name, query, body, form, meta, options) -> the number of the run, of which `setServed`'s function is told; undefined when no script
 * serves under the name */
napi_value pn_serve(napi_env env, napi_callback_info info)
{
    EngineCall call;
    perilune_script *script;
    napi_value number = NULL;
    if (pn_script_serving(env, info, &call, &script)) {
        number = submit(env, call.arguments.environment, script, &call.arguments.values[2], true);
        perilune_script_free(script);
    }
    return number;
}

/* serveCancel(number): ends a run that is under way. */
napi_value pn_serve_cancel(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    uint32_t number = UINT32_MAX;
    napi_get_value_uint32(env, arguments.values[0], &number);
    if (number < arguments.environment->runs_len) {
        perilune_cancel_now(arguments.environment->runs[number]->cancel);
    }
    return NULL;
}

/* setServed(function): told of each run of `serve` how it ended: (number, id, JSON, trace, error). The trace is only handed over where
 * the JSON does not say what to answer. */
napi_value pn_set_served(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    napi_create_reference(env, arguments.values[0], 1, &arguments.environment->served);
    return NULL;
}
