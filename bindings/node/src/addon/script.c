/* Scripts: compiling them, here or on another thread, and those that serve under a name. */

#include "addon.h"

static void free_script(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    perilune_script_free(data);
}

static napi_value script_value(napi_env env, perilune_script *script)
{
    return pn_external(env, script, free_script, NULL);
}

typedef perilune_code (*source_taker)(const perilune_engine *, perilune_slice, perilune_slice, perilune_script **, perilune_error **);

static napi_value from_source(napi_env env, napi_callback_info info, source_taker taker)
{
    EngineCall call;
    const Text *name = &call.texts[0], *source = &call.texts[1];
    perilune_script *script = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    if (!pn_engine_call(env, info, 2, &call)) {
        return NULL;
    }
    code = taker(call.engine, name->slice, source->slice, &script, &error);
    return pn_engine_call_ok(env, &call, code, &error) ? script_value(env, script) : NULL;
}

/* engineCompile(engine, name, source) -> script */
napi_value pn_engine_compile(napi_env env, napi_callback_info info)
{
    return from_source(env, info, perilune_engine_compile);
}

/* enginePut(engine, name, source) -> script */
napi_value pn_engine_put(napi_env env, napi_callback_info info)
{
    return from_source(env, info, perilune_engine_put);
}

/* engineGet(engine, name) -> the script that serves, or undefined */
napi_value pn_engine_get(napi_env env, napi_callback_info info)
{
    EngineCall call;
    perilune_script *script = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    if (!pn_engine_call(env, info, 1, &call)) {
        return NULL;
    }
    code = perilune_engine_get(call.engine, call.texts[0].slice, &script, &error);
    if (code == PERILUNE_NOT_FOUND) {
        perilune_error_free(error);
        code = PERILUNE_OK;
    }
    return pn_engine_call_ok(env, &call, code, &error) && script ? script_value(env, script) : NULL;
}

/* engineRemove(engine, name) -> whether a script served */
napi_value pn_engine_remove(napi_env env, napi_callback_info info)
{
    EngineCall call;
    perilune_error *error = NULL;
    perilune_code code;
    napi_value value = NULL;
    if (!pn_engine_call(env, info, 1, &call)) {
        return NULL;
    }
    code = perilune_engine_remove(call.engine, call.texts[0].slice, &error);
    napi_get_boolean(env, code == PERILUNE_OK, &value);
    if (code == PERILUNE_NOT_FOUND) {
        perilune_error_free(error);
        code = PERILUNE_OK;
    }
    return pn_engine_call_ok(env, &call, code, &error) ? value : NULL;
}

/* engineNames(engine) -> [name] */
napi_value pn_engine_names(napi_env env, napi_callback_info info)
{
    EngineCall call;
    perilune_scripts *scripts = NULL;
    perilune_error *error = NULL;
    napi_value list;
    size_t i;
    if (!pn_engine_call(env, info, 0, &call) || !pn_ok(env, perilune_engine_list(call.engine, perilune_str(NULL), &scripts, &error), &error)) {
        return NULL;
    }
    napi_create_array(env, &list);
    for (i = 0; i < perilune_scripts_len(scripts); i++) {
        napi_set_element(env, list, (uint32_t)i, pn_string(env, perilune_script_name(perilune_scripts_at(scripts, i))));
    }
    perilune_scripts_free(scripts);
    return list;
}

/* scriptInfo(script) -> [name, version, hash, source] */
napi_value pn_script_info(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    const perilune_script *script = pn_external_of(env, arguments.values[0]);
    napi_value values[4];
    if (!script) {
        return NULL;
    }
    values[0] = pn_string(env, perilune_script_name(script));
    values[1] = pn_number(env, (double)perilune_script_version(script));
    values[2] = pn_string(env, perilune_script_hash(script));
    values[3] = pn_string(env, perilune_script_source(script));
    return pn_list(env, 4, values);
}

/* ---- Compiling on another thread ---- */

typedef struct {
    perilune_engine *engine;
    Text texts[2]; /* name and source */
    unsigned len;
    perilune_script *script;
    perilune_error *error;
    napi_deferred deferred;
    napi_async_work work;
} Compilation;

static void compile_now(napi_env env, void *data)
{
    Compilation *compilation = data;
    const Text *name = &compilation->texts[0], *source = &compilation->texts[1];
    (void)env;
    perilune_engine_compile(compilation->engine, name->slice, source->slice, &compilation->script,
                            &compilation->error);
}

static void free_compilation(napi_env env, Compilation *compilation)
{
    perilune_error_free(compilation->error);
    perilune_engine_free(compilation->engine);
    pn_texts_done(compilation->texts, compilation->len);
    if (compilation->work) {
        napi_delete_async_work(env, compilation->work);
    }
    free(compilation);
}

/* An environment that ends comes here too: nothing can be made of the script then, and nobody is told. */
static void compile_done(napi_env env, napi_status status, void *data)
{
    Compilation *compilation = data;
    (void)status;
    if (compilation->script) {
        napi_value script = script_value(env, compilation->script);
        if (script) {
            napi_resolve_deferred(env, compilation->deferred, script);
        }
    } else if (compilation->error) {
        napi_reject_deferred(env, compilation->deferred, pn_error_value(env, compilation->error));
    }
    free_compilation(env, compilation);
}

/* engineCompileAsync(engine, name, source) -> promise of a script */
napi_value pn_engine_compile_async(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    perilune_engine *engine = pn_external_of(env, arguments.values[0]);
    Compilation *compilation;
    napi_value promise;
    if (!engine) {
        return NULL;
    }
    compilation = calloc(1, sizeof *compilation);
    if (!compilation) {
        return pn_throw_memory(env);
    }
    compilation->engine = perilune_engine_clone(engine);
    if (pn_texts_of(env, &arguments.values[1], 2, compilation->texts)) {
        compilation->len = 2;
        if (napi_create_promise(env, &compilation->deferred, &promise) == napi_ok &&
            napi_create_async_work(env, NULL, pn_string(env, perilune_str("perilune")), compile_now, compile_done, compilation,
                                   &compilation->work) == napi_ok &&
            napi_queue_async_work(env, compilation->work) == napi_ok) {
            return promise;
        }
    }
    free_compilation(env, compilation);
    return NULL;
}
