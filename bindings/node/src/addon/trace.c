/* A trace crosses as one string of bytes, a character each, of which the fields are made when they are read: see Trace in trace.ts. An
 * object with a finaliser would cost as much as a run. */

#include "addon.h"

/* Fixed: 8 bytes of flags, 8 numbers of 8, 12 lengths of 4. */
#define HEAD (8 + 8 * 8 + 12 * 4)

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
        const char *name = NULL, *value = NULL;
        size_t name_len = 0, value_len = 0;
        perilune_trace_header(trace, i, &name, &name_len, &value, &value_len, NULL);
        size += 8 + name_len + value_len;
        if (at) {
            at = put_u32(put_u32(at, name_len), value_len);
            memcpy(at, name, name_len);
            memcpy(at + name_len, value, value_len);
            at += name_len + value_len;
        }
    }
    return size;
}

/* A trace as bytes, of which `AT` in trace.ts says where each field is. Returned in `*into`, which has room for `size` and is
 * made larger where that is not enough. 0 without memory. */
static size_t pack(const perilune_trace *trace, char **into, size_t *size)
{
    perilune_trace_view view;
    size_t i, headers, whole = HEAD;
    char *at;
    view.size = sizeof view;
    perilune_trace_read(trace, &view, NULL);
    struct {
        const char *data;
        size_t len;
    } texts[] = {
        {view.stdout_data, view.stdout_len},
        {view.stderr_data, view.stderr_len},
        {view.script, view.script_len},
        {view.value, view.value_len},
        {view.error_message, view.error_message_len},
        {view.error_script, view.error_script_len},
        {view.error_traceback, view.error_traceback_len},
        {view.response_content_type, view.response_content_type_len},
        {view.response_content, view.response_content_len},
    };
    const size_t count = sizeof texts / sizeof *texts;
    headers = put_headers(NULL, trace, view.response_headers_len);
    for (i = 0; i < count; i++) {
        whole += texts[i].len;
    }
    whole += headers;
    if (whole > *size) {
        char *larger = realloc(*into, whole);
        if (!larger) {
            return 0;
        }
        *into = larger;
        *size = whole;
    }
    at = *into;
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
        at = put_u32(at, texts[i].data ? texts[i].len : UINT32_MAX);
    }
    at = put_u32(put_u32(put_u32(at, 0), 0), 0);
    for (i = 0; i < count; i++) {
        if (texts[i].len) {
            memcpy(at, texts[i].data, texts[i].len);
            at += texts[i].len;
        }
    }
    put_headers(at, trace, view.response_headers_len);
    return whole;
}

napi_value pn_trace_value(napi_env env, Environment *environment, perilune_trace *trace)
{
    napi_value value = NULL;
    size_t len = pack(trace, &environment->scratch, &environment->scratch_size);
    perilune_trace_free(trace);
    if (len == 0 || napi_create_string_latin1(env, environment->scratch, len, &value) != napi_ok) {
        return pn_throw_memory(env);
    }
    /* One large trace is no reason to keep so much. */
    if (environment->scratch_size > 1 << 20) {
        free(environment->scratch);
        environment->scratch = NULL;
        environment->scratch_size = 0;
    }
    return value;
}
