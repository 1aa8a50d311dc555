/* The module: which functions and facts of the library's JavaScript has. */

#include "addon.h"

/* parseBytes(text) -> number */
static napi_value parse_bytes(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    Text text;
    uint64_t bytes = 0;
    perilune_error *error = NULL;
    perilune_code code;
    if (!pn_texts_of(env, arguments.values, 1, &text)) {
        return NULL;
    }
    code = perilune_parse_bytes(text.slice, &bytes, &error);
    pn_texts_done(&text, 1);
    return pn_ok(env, code, &error) ? pn_number(env, (double)bytes) : NULL;
}

/* liveObjects() -> number */
static napi_value live_objects(napi_env env, napi_callback_info info)
{
    (void)info;
    return pn_number(env, (double)perilune_live_objects());
}

/* The names of all numbers from `first` on that have one, each at its number. */
static napi_value names(napi_env env, const char *(*name_of)(int32_t number), int32_t first)
{
    napi_value list;
    int32_t i;
    napi_create_array(env, &list);
    for (i = first; strcmp(name_of(i), "unknown") != 0; i++) {
        napi_set_element(env, list, (uint32_t)i, pn_string(env, perilune_str(name_of(i))));
    }
    return list;
}

NAPI_MODULE_INIT()
{
    static const struct {
        const char *name;
        napi_callback function;
    } functions[] = {
        {"cancelNew", pn_cancel_new},
        {"cancelNow", pn_cancel_now},
        {"endpointsAsk", pn_endpoints_ask},
        {"endpointsLinks", pn_endpoints_links},
        {"endpointsMetrics", pn_endpoints_metrics},
        {"endpointsNew", pn_endpoints_new},
        {"endpointsPublish", pn_endpoints_publish},
        {"engineCheck", pn_engine_check},
        {"engineCompile", pn_engine_compile},
        {"engineCompileAsync", pn_engine_compile_async},
        {"engineFunction", pn_engine_function},
        {"engineGet", pn_engine_get},
        {"engineLimit", pn_engine_limit},
        {"engineLoadDir", pn_engine_load_dir},
        {"engineMetrics", pn_engine_metrics},
        {"engineModule", pn_engine_module},
        {"engineNames", pn_engine_names},
        {"engineNew", pn_engine_new},
        {"enginePut", pn_engine_put},
        {"engineRemove", pn_engine_remove},
        {"engineSandbox", pn_engine_sandbox},
        {"engineWatch", pn_engine_watch},
        {"exchangeCancel", pn_exchange_cancel},
        {"exchangePush", pn_exchange_push},
        {"exchangeRead", pn_exchange_read},
        {"exchangeStored", pn_exchange_stored},
        {"exchangesSubmit", pn_exchanges_submit},
        {"liveObjects", live_objects},
        {"parseBytes", parse_bytes},
        {"run", pn_run},
        {"runSync", pn_run_sync},
        {"scriptInfo", pn_script_info},
        {"setAnswered", pn_set_answered},
        {"setDispatch", pn_set_dispatch},
        {"settle", pn_settle},
        {"traceJson", pn_trace_json},
        {"watchClose", pn_watch_close},
    };
    napi_value value = NULL;
    size_t i;
    if (!pn_environment_new(env)) {
        return NULL;
    }
    for (i = 0; i < sizeof functions / sizeof *functions; i++) {
        napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &value);
        napi_set_named_property(env, exports, functions[i].name, value);
    }
    napi_set_named_property(env, exports, "statuses", names(env, perilune_status_name, 0));
    napi_set_named_property(env, exports, "errorKinds", names(env, perilune_error_kind_name, 0));
    napi_set_named_property(env, exports, "limits", names(env, perilune_limit_name, 1));
    napi_set_named_property(env, exports, "limitUnits", names(env, perilune_limit_unit, 1));
    napi_set_named_property(env, exports, "maxDepth", pn_number(env, PERILUNE_MAX_DEPTH));
    napi_set_named_property(env, exports, "maxExact", pn_number(env, PERILUNE_MAX_EXACT));
    napi_set_named_property(env, exports, "version", pn_string(env, perilune_str(perilune_version())));
    return exports;
}
