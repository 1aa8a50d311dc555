/* Values that cross between JavaScript and scripts, and small ones that the addon answers with. */

#include "addon.h"

napi_value pn_string(napi_env env, perilune_slice text)
{
    napi_value value = NULL;
    napi_create_string_utf8(env, text.data ? text.data : "", text.len, &value);
    return value;
}

bool pn_is_ascii(perilune_slice bytes)
{
    uint64_t all = 0, word;
    size_t i;
    for (i = 0; i + sizeof word <= bytes.len; i += sizeof word) {
        memcpy(&word, bytes.data + i, sizeof word);
        all |= word;
    }
    for (; i < bytes.len; i++) {
        all |= (unsigned char)bytes.data[i];
    }
    return !(all & UINT64_C(0x8080808080808080));
}

napi_value pn_number(napi_env env, double number)
{
    napi_value value = NULL;
    napi_create_double(env, number, &value);
    return value;
}

napi_value pn_list(napi_env env, size_t len, const napi_value *values)
{
    napi_value list = NULL;
    size_t i;
    napi_create_array_with_length(env, len, &list);
    for (i = 0; i < len; i++) {
        napi_set_element(env, list, (uint32_t)i, values[i]);
    }
    return list;
}

static bool is_utf8(perilune_slice bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.data, *end = at + bytes.len;
    while (at < end) {
        unsigned char first = *at++, low = 0x80, high = 0xBF;
        int more;
        if (first < 0x80) {
            continue;
        }
        if (first < 0xC2 || first > 0xF4) {
            return false;
        }
        more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
        /* Neither longer than needed, nor a surrogate, nor beyond U+10FFFF. */
        if (first == 0xE0) {
            low = 0xA0;
        } else if (first == 0xED) {
            high = 0x9F;
        } else if (first == 0xF0) {
            low = 0x90;
        } else if (first == 0xF4) {
            high = 0x8F;
        }
        for (; more; more--, low = 0x80, high = 0xBF) {
            if (at == end || *at < low || *at > high) {
                return false;
            }
            at++;
        }
    }
    return true;
}

napi_value pn_text_or_buffer(napi_env env, perilune_slice bytes)
{
    napi_value result = NULL;
    if (pn_is_ascii(bytes)) {
        napi_create_string_latin1(env, bytes.data, bytes.len, &result);
    } else if (is_utf8(bytes)) {
        result = pn_string(env, bytes);
    } else {
        napi_create_buffer_copy(env, bytes.len, bytes.data, NULL, &result);
    }
    return result;
}

napi_value pn_value_to_js(napi_env env, const perilune_value *value)
{
    napi_value result = NULL, item;
    size_t i, len = perilune_value_len(value);
    switch (perilune_value_type(value)) {
    case PERILUNE_TYPE_BOOLEAN:
        napi_get_boolean(env, perilune_value_boolean(value), &result);
        break;
    case PERILUNE_TYPE_NUMBER:
        result = pn_number(env, perilune_value_number(value));
        break;
    case PERILUNE_TYPE_STRING:
        result = pn_text_or_buffer(env, perilune_value_string(value));
        break;
    case PERILUNE_TYPE_ARRAY:
        napi_create_array_with_length(env, len, &result);
        for (i = 0; i < len; i++) {
            item = pn_value_to_js(env, perilune_value_at(value, i));
            napi_set_element(env, result, (uint32_t)i, item);
        }
        break;
    case PERILUNE_TYPE_OBJECT:
        napi_create_object(env, &result);
        for (i = 0; i < len; i++) {
            napi_property_descriptor property;
            item = pn_value_to_js(env, perilune_value_at(value, i));
            /* Defined, not set: a member may be called __proto__. */
            memset(&property, 0, sizeof property);
            property.name = pn_string(env, perilune_value_key(value, i));
            property.value = item;
            property.attributes = napi_default_jsproperty;
            napi_define_properties(env, result, 1, &property);
        }
        break;
    default:
        napi_get_null(env, &result);
        break;
    }
    return result;
}

static perilune_value *array_from_js(napi_env env, napi_value array)
{
    perilune_value *result = perilune_value_new_array(), *element;
    uint32_t i, len = 0;
    napi_get_array_length(env, array, &len);
    for (i = 0; i < len; i++) {
        napi_value item;
        napi_handle_scope scope;
        napi_open_handle_scope(env, &scope);
        element = napi_get_element(env, array, i, &item) == napi_ok ? pn_value_from_js(env, item) : NULL;
        napi_close_handle_scope(env, scope);
        if (!element || perilune_value_push(result, element, NULL) != PERILUNE_OK) {
            perilune_value_free(result);
            return NULL;
        }
    }
    return result;
}

/* Whether the member is there now, or is left out as in JSON. */
static bool member_from_js(napi_env env, napi_value object, napi_value key, perilune_value *into)
{
    napi_value item;
    napi_valuetype type;
    Text text;
    perilune_value *member;
    bool ok;
    if (napi_get_property(env, object, key, &item) != napi_ok) {
        return false;
    }
    napi_typeof(env, item, &type);
    if (type == napi_undefined) {
        return true;
    }
    if (!pn_texts_of(env, &key, 1, &text)) {
        return false;
    }
    member = pn_value_from_js(env, item);
    ok = member && perilune_value_set(into, text.slice, member, NULL) == PERILUNE_OK;
    pn_texts_done(&text, 1);
    return ok;
}

static perilune_value *object_from_js(napi_env env, napi_value object)
{
    perilune_value *result;
    napi_value keys, key;
    uint32_t i, len = 0;
    if (napi_get_all_property_names(env, object, napi_key_own_only, napi_key_enumerable | napi_key_skip_symbols,
                                    napi_key_numbers_to_strings, &keys) != napi_ok) {
        return NULL;
    }
    result = perilune_value_new_object();
    napi_get_array_length(env, keys, &len);
    for (i = 0; i < len; i++) {
        napi_handle_scope scope;
        bool ok;
        napi_open_handle_scope(env, &scope);
        napi_get_element(env, keys, i, &key);
        ok = member_from_js(env, object, key, result);
        napi_close_handle_scope(env, scope);
        if (!ok) {
            perilune_value_free(result);
            return NULL;
        }
    }
    return result;
}

perilune_value *pn_value_from_js(napi_env env, napi_value value)
{
    napi_valuetype type;
    double number;
    bool flag;
    perilune_value *result;
    napi_typeof(env, value, &type);
    switch (type) {
    case napi_undefined:
    case napi_null:
        return perilune_value_new_null();
    case napi_boolean:
        napi_get_value_bool(env, value, &flag);
        return perilune_value_new_boolean(flag);
    case napi_number:
        napi_get_value_double(env, value, &number);
        return perilune_value_new_number(number);
    case napi_bigint: {
        int64_t small;
        uint64_t large;
        bool is_small, is_large;
        napi_get_value_bigint_int64(env, value, &small, &is_small);
        if (is_small) {
            return perilune_value_new_int64(small);
        }
        napi_get_value_bigint_uint64(env, value, &large, &is_large);
        if (is_large) {
            return perilune_value_new_uint64(large);
        }
        napi_throw_range_error(env, NULL, "a BigInt of more than 64 bits can't be given to a script: pass it as text");
        return NULL;
    }
    case napi_object: {
        bool is_array, is_view;
        napi_is_array(env, value, &is_array);
        if (is_array) {
            return array_from_js(env, value);
        }
        napi_is_typedarray(env, value, &is_view);
        if (!is_view) {
            return object_from_js(env, value);
        }
    }
    /* fall through */
    case napi_string: {
        Text text;
        if (!pn_texts_of(env, &value, 1, &text)) {
            return NULL;
        }
        result = perilune_value_new_string(text.slice);
        pn_texts_done(&text, 1);
        return result;
    }
    default:
        pn_throw_type(env, "a function or symbol can't be given to a script");
        return NULL;
    }
}
