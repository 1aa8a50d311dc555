/* Errors of the library's as JavaScript has them, and throwing. */

#include "addon.h"

static void set(napi_env env, napi_value object, const char *name, napi_value value)
{
    napi_set_named_property(env, object, name, value);
}

napi_value pn_error_value(napi_env env, const perilune_error *error)
{
    size_t line, column, offset;
    napi_value value = NULL;
    napi_create_error(env, NULL, pn_string(env, perilune_error_message(error)), &value);
    set(env, value, "reason", pn_string(env, perilune_error_reason(error)));
    set(env, value, "subject", pn_string(env, perilune_error_subject(error)));
    set(env, value, "codeName", pn_string(env, perilune_str(perilune_code_name(perilune_error_code(error)))));
    perilune_error_position(error, &line, &column, &offset);
    set(env, value, "line", pn_number(env, (double)line));
    set(env, value, "column", pn_number(env, (double)column));
    set(env, value, "char", pn_number(env, (double)offset));
    return value;
}

napi_value pn_error_take(napi_env env, perilune_error *error)
{
    napi_value value = pn_error_value(env, error);
    perilune_error_free(error);
    return value;
}

bool pn_ok(napi_env env, perilune_code code, perilune_error *const *error)
{
    if (code != PERILUNE_OK) {
        napi_throw(env, pn_error_take(env, *error));
    }
    return code == PERILUNE_OK;
}

napi_value pn_throw_type(napi_env env, const char *text)
{
    napi_throw_type_error(env, NULL, text);
    return NULL;
}

napi_value pn_throw_memory(napi_env env)
{
    napi_throw_error(env, NULL, "out of memory");
    return NULL;
}
