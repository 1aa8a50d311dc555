/* Engines: making them, what a host registers with them, and what they say of sources and of themselves. */

#include "addon.h"

bool pn_engine_call(napi_env env, napi_callback_info info, unsigned texts, EngineCall *call)
{
    call->arguments = pn_arguments(env, info);
    call->engine = pn_external_of(env, call->arguments.values[0]);
    call->len = texts;
    return call->engine && pn_texts_of(env, &call->arguments.values[1], texts, call->texts);
}

void pn_engine_call_done(EngineCall *call)
{
    pn_texts_done(call->texts, call->len);
}

bool pn_engine_call_ok(napi_env env, EngineCall *call, perilune_code code, perilune_error *const *error)
{
    pn_engine_call_done(call);
    return pn_ok(env, code, error);
}

static void free_engine(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    perilune_engine_free(data);
}

static perilune_code set_limits(napi_env env, napi_value limits, perilune_options *options, perilune_error **error)
{
    perilune_code code = PERILUNE_OK;
    napi_value value;
    uint32_t i, len = 0;
    napi_get_array_length(env, limits, &len);
    for (i = 0; code == PERILUNE_OK && i + 1 < len; i += 2) {
        int32_t limit = 0;
        uint64_t number = 0;
        napi_get_element(env, limits, i, &value);
        napi_get_value_int32(env, value, &limit);
        napi_get_element(env, limits, i + 1, &value);
        pn_number_of(env, value, &number);
        code = perilune_options_set_limit(options, limit, number, error);
    }
    return code;
}

static perilune_code set_worker_options(napi_env env, napi_value numbers, perilune_options *options, perilune_error **error)
{
    uint32_t i, len = 0;
    perilune_code code = PERILUNE_OK;
    napi_get_array_length(env, numbers, &len);
    for (i = 0; code == PERILUNE_OK && i + 1 < len; i += 2) {
        napi_value value;
        perilune_worker_option option = 0;
        uint64_t number = 0;
        napi_get_element(env, numbers, i, &value);
        napi_get_value_int32(env, value, &option);
        napi_get_element(env, numbers, i + 1, &value);
        pn_number_of(env, value, &number);
        code = perilune_options_set_worker_option(options, option, number, error);
    }
    return code;
}

/* engineNew(poolSize, backlog, [limit, value, …], program of workers, [option, value, …], threads), 0, -1 and nothing where they are not set */
napi_value pn_engine_new(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    perilune_options *options = perilune_options_new();
    perilune_engine *engine = NULL;
    perilune_error *error = NULL;
    perilune_code code = PERILUNE_OK;
    int64_t pool_size = 0, backlog = -1, threads = 0;
    Text program;
    if (!pn_texts_of(env, &arguments.values[3], 1, &program)) {
        perilune_options_free(options);
        return NULL;
    }
    napi_get_value_int64(env, arguments.values[0], &pool_size);
    napi_get_value_int64(env, arguments.values[1], &backlog);
    napi_get_value_int64(env, arguments.values[5], &threads);
    if (pool_size > 0) {
        code = perilune_options_set_pool_size(options, (size_t)pool_size, &error);
    }
    if (code == PERILUNE_OK && threads > 0) {
        code = perilune_options_set_threads(options, (size_t)threads, &error);
    }
    if (code == PERILUNE_OK && backlog >= 0) {
        code = perilune_options_set_backlog(options, (size_t)backlog, &error);
    }
    if (code == PERILUNE_OK) {
        code = set_limits(env, arguments.values[2], options, &error);
    }
    if (code == PERILUNE_OK) {
        code = perilune_options_set_workers(options, program.slice, &error);
    }
    if (code == PERILUNE_OK) {
        code = set_worker_options(env, arguments.values[4], options, &error);
    }
    pn_texts_done(&program, 1);
    if (code == PERILUNE_OK) {
        code = perilune_engine_new(options, &engine, &error);
    }
    perilune_options_free(options);
    return pn_ok(env, code, &error) ? pn_external(env, engine, free_engine, NULL) : NULL;
}

/* engineSandbox(engine) -> nothing without workers, or why the parts are missing, in the order of their numbers */
napi_value pn_engine_sandbox(napi_env env, napi_callback_info info)
{
    EngineCall call;
    perilune_error *error = NULL;
    perilune_sandbox *sandbox = NULL;
    perilune_sandbox_part part;
    perilune_code code;
    napi_value list = NULL;
    if (!pn_engine_call(env, info, 0, &call)) {
        return NULL;
    }
    code = perilune_engine_sandbox(call.engine, &sandbox, &error);
    if (!pn_engine_call_ok(env, &call, code, &error) || !sandbox) {
        return NULL;
    }
    napi_create_array(env, &list);
    for (part = PERILUNE_SANDBOX_SYSTEM_CALLS; part <= PERILUNE_SANDBOX_RESOURCES; part++) {
        perilune_slice missing = perilune_sandbox_missing(sandbox, part);
        napi_value reason = NULL;
        if (missing.data) {
            napi_create_string_utf8(env, missing.data, missing.len, &reason);
        } else {
            napi_get_null(env, &reason);
        }
        napi_set_element(env, list, (uint32_t)part - 1, reason);
    }
    perilune_sandbox_free(sandbox);
    return list;
}

/* engineModule(engine, name, source) */
napi_value pn_engine_module(napi_env env, napi_callback_info info)
{
    EngineCall call;
    const Text *name = &call.texts[0], *source = &call.texts[1];
    perilune_error *error = NULL;
    if (pn_engine_call(env, info, 2, &call)) {
        pn_engine_call_ok(env, &call, perilune_engine_module(call.engine, name->slice, source->slice, &error), &error);
    }
    return NULL;
}

/* engineCheck(engine, name, source) -> [[is an error, line, column, message]] */
napi_value pn_engine_check(napi_env env, napi_callback_info info)
{
    EngineCall call;
    const Text *name = &call.texts[0], *source = &call.texts[1];
    perilune_diagnostics *found = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    napi_value list;
    size_t i;
    if (!pn_engine_call(env, info, 2, &call)) {
        return NULL;
    }
    code = perilune_engine_check(call.engine, name->slice, source->slice, &found, &error);
    if (!pn_engine_call_ok(env, &call, code, &error)) {
        return NULL;
    }
    napi_create_array(env, &list);
    for (i = 0; i < perilune_diagnostics_len(found); i++) {
        napi_value one[4];
        napi_get_boolean(env, perilune_diagnostics_severity(found, i) == PERILUNE_SEVERITY_ERROR, &one[0]);
        one[1] = pn_number(env, perilune_diagnostics_line(found, i));
        one[2] = pn_number(env, perilune_diagnostics_column(found, i));
        one[3] = pn_string(env, perilune_diagnostics_message(found, i));
        napi_set_element(env, list, (uint32_t)i, pn_list(env, 4, one));
    }
    perilune_diagnostics_free(found);
    return list;
}

/* engineMetrics(engine, prometheus) -> text */
napi_value pn_engine_metrics(napi_env env, napi_callback_info info)
{
    EngineCall call;
    perilune_metrics *metrics = NULL;
    perilune_error *error = NULL;
    bool prometheus = false;
    napi_value value;
    if (!pn_engine_call(env, info, 0, &call) || !pn_ok(env, perilune_engine_metrics(call.engine, &metrics, &error), &error)) {
        return NULL;
    }
    napi_get_value_bool(env, call.arguments.values[1], &prometheus);
    value = pn_string(env, prometheus ? perilune_metrics_prometheus(metrics) : perilune_metrics_json(metrics));
    perilune_metrics_free(metrics);
    return value;
}

/* engineLimit(engine, limit) -> number */
napi_value pn_engine_limit(napi_env env, napi_callback_info info)
{
    EngineCall call;
    int32_t limit = 0;
    if (!pn_engine_call(env, info, 0, &call)) {
        return NULL;
    }
    napi_get_value_int32(env, call.arguments.values[1], &limit);
    return pn_number(env, (double)perilune_engine_limit(call.engine, limit));
}
