/* What a run is asked for beside query and body, and what ends it from outside. */

#include "addon.h"

typedef perilune_code RequestSetter(perilune_request *, perilune_slice, perilune_error **);

static bool set_params(napi_env env, perilune_request *request, napi_value params)
{
    uint32_t i, len = 0;
    bool ok = true;
    napi_get_array_length(env, params, &len);
    for (i = 0; ok && i + 1 < len; i += 2) {
        napi_value pair[2];
        Text texts[2];
        perilune_error *error = NULL;
        napi_get_element(env, params, i, &pair[0]);
        napi_get_element(env, params, i + 1, &pair[1]);
        ok = pn_texts_of(env, pair, 2, texts);
        if (ok) {
            ok = pn_ok(env, perilune_request_add_param(request, texts[0].slice, texts[1].slice, &error), &error);
            pn_texts_done(texts, 2);
        }
    }
    return ok;
}

static bool set_text(napi_env env, perilune_request *request, RequestSetter *set, napi_value value)
{
    Text text;
    perilune_error *error = NULL;
    perilune_code code;
    if (!pn_texts_of(env, &value, 1, &text)) {
        return false;
    }
    code = set(request, text.slice, &error);
    pn_texts_done(&text, 1);
    return pn_ok(env, code, &error);
}

static bool set_seed(napi_env env, perilune_request *request, napi_value value)
{
    perilune_error *error = NULL;
    uint64_t seed = 0;
    if (!pn_number_of(env, value, &seed)) {
        napi_throw_range_error(env, NULL, "seed: a BigInt must be from 0 to 2^64 - 1");
        return false;
    }
    return pn_ok(env, perilune_request_set_seed(request, seed, &error), &error);
}

static bool set_limit(napi_env env, perilune_request *request, perilune_limit limit, napi_value value)
{
    perilune_error *error = NULL;
    uint64_t number = 0;
    pn_number_of(env, value, &number);
    return pn_ok(env, perilune_request_set_limit(request, limit, number, &error), &error);
}

static bool set_cancel(napi_env env, perilune_request *request, napi_value value)
{
    perilune_error *error = NULL;
    perilune_cancel *cancel = pn_external_of(env, value);
    return cancel && pn_ok(env, perilune_request_set_cancel(request, cancel, &error), &error);
}

/* As NativeOptions in native.ts. */
enum { CONFIG, PARAMS, SEED, TIMEOUT_NS, MEMORY, OUTPUT, CANCEL, TENANT };

static bool set_option(napi_env env, perilune_request *request, uint32_t option, napi_value value)
{
    switch (option) {
    case CONFIG:
        return set_text(env, request, perilune_request_set_config, value);
    case TENANT:
        return set_text(env, request, perilune_request_set_tenant, value);
    case PARAMS:
        return set_params(env, request, value);
    case SEED:
        return set_seed(env, request, value);
    case TIMEOUT_NS:
        return set_limit(env, request, PERILUNE_LIMIT_TIMEOUT_NS, value);
    case MEMORY:
        return set_limit(env, request, PERILUNE_LIMIT_MEMORY, value);
    case OUTPUT:
        return set_limit(env, request, PERILUNE_LIMIT_OUTPUT, value);
    default:
        return set_cancel(env, request, value);
    }
}

static bool set_options(napi_env env, perilune_request *request, napi_value options)
{
    uint32_t i, len = 0;
    napi_get_array_length(env, options, &len);
    for (i = 0; i < len; i++) {
        napi_value value = NULL;
        napi_get_element(env, options, i, &value);
        if (!pn_is_nothing(env, value) && !set_option(env, request, i, value)) {
            return false;
        }
    }
    return true;
}

bool pn_request_fill(napi_env env, perilune_request *request, const Text *form, const Text *meta, napi_value options)
{
    perilune_error *error = NULL;
    return (!form->slice.data || pn_ok(env, perilune_request_set_form(request, form->slice, &error), &error)) &&
           (!meta->slice.data || pn_ok(env, perilune_request_set_meta(request, meta->slice, &error), &error)) &&
           (pn_is_nothing(env, options) || set_options(env, request, options));
}

static void free_cancel(napi_env env, void *data, void *hint)
{
    Environment *environment = hint;
    (void)env;
    /* It goes with its environment, and so do the runs that it was for. */
    if (environment->is_closed) {
        perilune_cancel_now(data);
    }
    perilune_cancel_free(data);
    pn_environment_release(environment);
}

/* cancelNew() -> cancel */
napi_value pn_cancel_new(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    return pn_external(env, perilune_cancel_new(), free_cancel, pn_environment_retain(arguments.environment));
}

/* cancelNow(cancel) */
napi_value pn_cancel_now(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    perilune_cancel *cancel = pn_external_of(env, arguments.values[0]);
    if (cancel) {
        perilune_cancel_now(cancel);
    }
    return NULL;
}
