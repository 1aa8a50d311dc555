/* A trace crosses as one string of bytes, a character each, of which the fields are made when they are read: see Trace in trace.ts. An
 * object with a finaliser would cost as much as a run. */

#include "addon.h"

/* Fixed: 8 bytes of flags, 8 numbers of 8, 12 lengths of 4. */
#define HEAD (8 + 8 * 8 + 12 * 4)

/* The texts of a view, in their order. */
#define TEXTS_OF(view)                                                                                                             \
    {&(view)->stdout_bytes, &(view)->stderr_bytes, &(view)->script, &(view)->value, &(view)->error_message, &(view)->error_script, \
     &(view)->error_traceback, &(view)->response_content_type, &(view)->response_content}

static char *put_u32(char *at, uint64_t number)
{
    int i;
    for (i = 0; i < 4; i++) {
        *at++ = (char)(number >> (8 * i));
    }
    return at;
}

static char *put_u64(char *at, uint64_t number)
{
    return put_u32(put_u32(at, number), number >> 32);
}

/* Writes the headers, unless `at` is NULL; how many bytes they are. */
static size_t put_headers(char *at, const perilune_trace *trace, size_t count)
{
    size_t i, size = 0;
    for (i = 0; i < count; i++) {
        perilune_slice name = perilune_str(NULL), value = name;
        perilune_trace_header(trace, i, &name, &value, NULL);
        size += 8 + name.len + value.len;
        if (at) {
            at = put_u32(put_u32(at, name.len), value.len);
            memcpy(at, name.data, name.len);
            memcpy(at + name.len, value.data, value.len);
            at += name.len + value.len;
        }
    }
    return size;
}

/* A trace as bytes in the environment's scratch, of which `AT` in trace.ts says where each field is; how many. 0 with an exception
 * pending. */
static size_t pack(napi_env env, Environment *environment, const perilune_trace *trace)
{
    perilune_trace_view view;
    size_t i, headers, whole = HEAD;
    char *at;
    view.size = sizeof view;
    perilune_trace_read(trace, &view, NULL);
    perilune_slice *const texts[] = TEXTS_OF(&view);
    const size_t count = sizeof texts / sizeof *texts;
    headers = put_headers(NULL, trace, view.response_headers_len);
    for (i = 0; i < count; i++) {
        whole += texts[i]->len;
    }
    whole += headers;
    at = pn_scratch(env, environment, whole);
    if (!at) {
        return 0;
    }
    *at++ = (char)view.status;
    *at++ = (char)view.error_kind;
    *at++ = (char)view.stdout_truncated;
    *at++ = (char)view.stderr_truncated;
    at = put_u32(at, view.error_line);
    at = put_u64(at, view.id);
    /* Microseconds: JavaScript's numbers have no room for more. */
    at = put_u64(at, (uint64_t)(view.executed_at_unix_ns / 1000));
    at = put_u64(at, view.duration_ns);
    at = put_u64(at, view.queued_ns);
    at = put_u64(at, view.memory_bytes);
    at = put_u64(at, view.host_calls);
    at = put_u64(at, view.version);
    at = put_u32(put_u32(at, view.response_status), headers);
    for (i = 0; i < count; i++) {
        at = put_u32(at, texts[i]->data ? texts[i]->len : UINT32_MAX);
    }
    at = put_u32(put_u64(at, view.waited_ns), 0);
    for (i = 0; i < count; i++) {
        if (texts[i]->len) {
            memcpy(at, texts[i]->data, texts[i]->len);
            at += texts[i]->len;
        }
    }
    put_headers(at, trace, view.response_headers_len);
    return whole;
}

napi_value pn_trace_value(napi_env env, Environment *environment, perilune_trace *trace)
{
    napi_value value = NULL;
    size_t len = pack(env, environment, trace);
    perilune_trace_free(trace);
    if (len && napi_create_string_latin1(env, environment->scratch, len, &value) != napi_ok) {
        return pn_throw_memory(env);
    }
    return value;
}

static uint64_t get(const unsigned char **at, int bytes)
{
    uint64_t number = 0;
    int i;
    for (i = 0; i < bytes; i++) {
        number |= (uint64_t)*(*at)++ << (8 * i);
    }
    return number;
}

static perilune_slice get_text(const unsigned char **at, uint64_t len)
{
    perilune_slice text = perilune_str(NULL);
    if (len != UINT32_MAX) {
        text = perilune_bytes(*at, len);
        *at += len;
    }
    return text;
}

/* The trace that `pack` made bytes of. */
static perilune_code unpack(const unsigned char *at, size_t size, perilune_trace **trace, perilune_error **error)
{
    perilune_trace_view view;
    const unsigned char *end = at + size, *headers_at;
    perilune_slice *const texts[] = TEXTS_OF(&view);
    const size_t count = sizeof texts / sizeof *texts;
    uint64_t lens[sizeof texts / sizeof *texts];
    perilune_header *headers;
    perilune_code code;
    size_t i, len;
    memset(&view, 0, sizeof view);
    view.size = sizeof view;
    view.status = (perilune_status)get(&at, 1);
    view.error_kind = (perilune_error_kind)get(&at, 1);
    view.stdout_truncated = (uint32_t)get(&at, 1);
    view.stderr_truncated = (uint32_t)get(&at, 1);
    view.error_line = (uint32_t)get(&at, 4);
    view.id = get(&at, 8);
    view.executed_at_unix_ns = (int64_t)get(&at, 8) * 1000;
    view.duration_ns = get(&at, 8);
    view.queued_ns = get(&at, 8);
    view.memory_bytes = get(&at, 8);
    view.host_calls = get(&at, 8);
    view.version = get(&at, 8);
    view.response_status = (uint32_t)get(&at, 4);
    headers_at = end - get(&at, 4);
    for (i = 0; i < count; i++) {
        lens[i] = get(&at, 4);
    }
    view.waited_ns = get(&at, 8);
    at += 4;
    for (i = 0; i < count; i++) {
        *texts[i] = get_text(&at, lens[i]);
    }
    for (at = headers_at; at < end; view.response_headers_len++) {
        len = get(&at, 4);
        len += get(&at, 4);
        at += len;
    }
    headers = calloc(view.response_headers_len + 1, sizeof *headers);
    for (at = headers_at, i = 0; headers && at < end; i++) {
        lens[0] = get(&at, 4);
        lens[1] = get(&at, 4);
        headers[i].name = get_text(&at, lens[0]);
        headers[i].value = get_text(&at, lens[1]);
    }
    code = perilune_trace_new(&view, headers, trace, error);
    free(headers);
    return code;
}

/* traceJson(string of a trace) -> its JSON */
napi_value pn_trace_json(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    perilune_trace *trace = NULL;
    perilune_error *error = NULL;
    napi_value json = NULL;
    size_t len = 0;
    char *bytes;
    if (napi_get_value_string_latin1(env, arguments.values[0], NULL, 0, &len) != napi_ok || len < HEAD) {
        return pn_throw_type(env, "not a trace");
    }
    bytes = malloc(len + 1);
    if (!bytes) {
        return pn_throw_memory(env);
    }
    napi_get_value_string_latin1(env, arguments.values[0], bytes, len + 1, &len);
    if (pn_ok(env, unpack((const unsigned char *)bytes, len, &trace, &error), &error)) {
        json = pn_string(env, perilune_trace_json(trace));
    }
    perilune_trace_free(trace);
    free(bytes);
    return json;
}
