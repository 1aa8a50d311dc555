/* What JavaScript gives to the addon's functions: texts, numbers, and objects of the library's in externals. */

#include "addon.h"

Arguments pn_arguments(napi_env env, napi_callback_info info)
{
    Arguments arguments;
    size_t count = PN_ARGUMENTS;
    napi_get_cb_info(env, info, &count, arguments.values, NULL, NULL);
    for (; count < PN_ARGUMENTS; count++) {
        arguments.values[count] = NULL;
    }
    napi_get_instance_data(env, (void **)&arguments.environment);
    return arguments;
}

/* Room for `len` bytes and a NUL. NULL with an exception pending. */
static char *text_room(napi_env env, Text *text, size_t len)
{
    char *room = len < sizeof text->inside ? text->inside : (text->owned = malloc(len + 1));
    if (!room) {
        pn_throw_memory(env);
    }
    return room;
}

static bool text_of(napi_env env, napi_value value, Text *text)
{
    napi_valuetype type = napi_undefined;
    size_t len = 0;
    bool is_view;
    char *room;
    text->slice = perilune_str(NULL);
    text->owned = NULL;
    if (value) {
        napi_typeof(env, value, &type);
    }
    if (type == napi_undefined || type == napi_null) {
        return true;
    }
    if (type == napi_string) {
        room = text->inside;
        /* Most fit; what fills it may have been cut. */
        napi_get_value_string_utf8(env, value, room, sizeof text->inside, &text->slice.len);
        if (text->slice.len >= sizeof text->inside - 4) {
            napi_get_value_string_utf8(env, value, NULL, 0, &len);
            room = text_room(env, text, len);
            if (!room) {
                return false;
            }
            napi_get_value_string_utf8(env, value, room, len + 1, &text->slice.len);
        }
        text->slice.data = room;
        return true;
    }
    if (napi_is_typedarray(env, value, &is_view) == napi_ok && is_view) {
        napi_typedarray_type kind;
        void *data = NULL;
        napi_get_typedarray_info(env, value, &kind, &len, &data, NULL, NULL);
        if (kind == napi_uint8_array) {
            room = text_room(env, text, len);
            if (!room) {
                return false;
            }
            if (len) {
                memcpy(room, data, len);
            }
            text->slice = perilune_bytes(room, len);
            return true;
        }
    }
    pn_throw_type(env, "a text must be a string or a Buffer");
    return false;
}

bool pn_texts_of(napi_env env, const napi_value *values, unsigned len, Text *texts)
{
    unsigned i;
    for (i = 0; i < len; i++) {
        if (!text_of(env, values[i], &texts[i])) {
            pn_texts_done(texts, i);
            return false;
        }
    }
    return true;
}

void pn_texts_done(Text *texts, unsigned len)
{
    while (len) {
        free(texts[--len].owned);
    }
}

bool pn_is_nothing(napi_env env, napi_value value)
{
    napi_valuetype type = napi_undefined;
    if (value) {
        napi_typeof(env, value, &type);
    }
    return type == napi_undefined || type == napi_null;
}

bool pn_number_of(napi_env env, napi_value value, uint64_t *number)
{
    napi_valuetype type = napi_undefined;
    double plain = 0;
    bool is_exact = true;
    napi_typeof(env, value, &type);
    if (type == napi_bigint) {
        napi_get_value_bigint_uint64(env, value, number, &is_exact);
    } else {
        napi_get_value_double(env, value, &plain);
        *number = plain >= 18446744073709551615.0 ? UINT64_MAX : plain > 0 ? (uint64_t)plain : 0;
    }
    return is_exact;
}

void *pn_external_of(napi_env env, napi_value value)
{
    void *pointer = NULL;
    if (napi_get_value_external(env, value, &pointer) != napi_ok || !pointer) {
        return pn_throw_type(env, "not an object of perilune's, or it is closed");
    }
    return pointer;
}

napi_value pn_external(napi_env env, void *object, napi_finalize finalize, void *hint)
{
    napi_value value = NULL;
    if (napi_create_external(env, object, finalize, hint, &value) != napi_ok) {
        finalize(env, object, hint);
        return pn_throw_type(env, "no object could be made");
    }
    return value;
}
