/* Perilune for Node: what TypeScript can't do itself, over perilune.h.
 *
 * A trace crosses as one string of bytes (a character each), of which the fields are made when they are read: see `pack` here and Trace in
 * trace.ts. Runs are made on the engine's own threads; what they have to say waits in a list of the environment's, of which a
 * threadsafe function tells its loop.
 *
 * All state is an environment's, main or worker, and counted: callbacks of the engine may come after it is gone, and find it closed. */

#define NAPI_VERSION 8
#include <node_api.h>

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perilune.h"

/* While a synchronous run waits or runs, how often it looks whether other runs wait for functions of this thread. */
#define POLL_NS 1000000
#define MAX_DEPTH 128

/* ---- An environment ---- */

typedef struct Environment Environment;
typedef struct Item Item;
typedef struct HostCall HostCall;
typedef struct Served Served;

/* What a thread has to say to the loop. */
struct Item {
    Item *next;
    void (*tell)(napi_env env, Environment *environment, Item *item);
    /* The environment is gone: nobody can be told. Called without the lock. */
    void (*drop)(Environment *environment, Item *item);
};

struct Environment {
    atomic_int references;
    pthread_mutex_t lock;
    /* Under the lock. */
    bool is_closed, is_awake;
    Item *first, *last;
    /* Calls of functions that the loop was not told of, and those that it has yet to answer. */
    HostCall *first_call, *last_call, *open;
    uint64_t calls;
    /* The rest is the loop's. */
    napi_env env;
    napi_threadsafe_function wake;
    int in_flight;
    napi_ref dispatch;
    /* What runs are made with that are given nothing but texts. */
    perilune_request *sync_request, *async_request;
    /* Ends what still runs when the environment goes. */
    perilune_cancel *ending;
    /* What `serve` was called for, each at its number; and those of them that are free. */
    napi_ref served;
    Served **all_served, *free_served;
    uint32_t served_len;
    char *scratch;
    size_t scratch_size;
};

/* The environment that makes a synchronous run on this thread. */
static _Thread_local Environment *synchronous;

static void free_all_served(Environment *environment);

static void release_environment(Environment *environment)
{
    if (atomic_fetch_sub(&environment->references, 1) == 1) {
        free_all_served(environment);
        perilune_request_free(environment->sync_request);
        perilune_request_free(environment->async_request);
        perilune_cancel_free(environment->ending);
        pthread_mutex_destroy(&environment->lock);
        free(environment->scratch);
        free(environment);
    }
}

/* Under the lock, so that the threadsafe function is not gone. */
static void wake(Environment *environment)
{
    if (!environment->is_awake) {
        environment->is_awake = true;
        napi_call_threadsafe_function(environment->wake, NULL, napi_tsfn_nonblocking);
    }
}

/* From any thread. */
static void post(Environment *environment, Item *item)
{
    pthread_mutex_lock(&environment->lock);
    if (environment->is_closed) {
        pthread_mutex_unlock(&environment->lock);
        item->drop(environment, item);
        return;
    }
    item->next = NULL;
    if (environment->last) {
        environment->last->next = item;
    } else {
        environment->first = item;
    }
    environment->last = item;
    wake(environment);
    pthread_mutex_unlock(&environment->lock);
}

/* One at a time: what is told may run scripts, and so come here again. NULL at the end. */
static Item *take(Environment *environment)
{
    Item *item;
    pthread_mutex_lock(&environment->lock);
    item = environment->first;
    if (item) {
        environment->first = item->next;
        if (!environment->first) {
            environment->last = NULL;
        }
    }
    pthread_mutex_unlock(&environment->lock);
    return item;
}

static void tell_calls(Environment *environment);

static void on_wake(napi_env env, napi_value function, void *context, void *data)
{
    Environment *environment = context;
    Item *item, *last;
    (void)function;
    (void)data;
    if (!env) {
        return;
    }
    pthread_mutex_lock(&environment->lock);
    environment->is_awake = false;
    last = environment->last;
    pthread_mutex_unlock(&environment->lock);
    tell_calls(environment);
    /* What comes meanwhile wakes the loop again, which has other things to do before. */
    while (last && (item = take(environment))) {
        bool is_last = item == last;
        napi_handle_scope scope;
        napi_open_handle_scope(env, &scope);
        item->tell(env, environment, item);
        napi_close_handle_scope(env, scope);
        if (is_last) {
            break;
        }
    }
}

static void count_in_flight(Environment *environment, int change)
{
    environment->in_flight += change;
    if (change > 0 && environment->in_flight == 1) {
        napi_ref_threadsafe_function(environment->env, environment->wake);
    } else if (environment->in_flight == 0) {
        napi_unref_threadsafe_function(environment->env, environment->wake);
    }
}

static void end_calls(Environment *environment);
static void cancel_all_served(Environment *environment);

static void close_environment(void *data)
{
    Environment *environment = data;
    Item *item;
    pthread_mutex_lock(&environment->lock);
    environment->is_closed = true;
    end_calls(environment);
    pthread_mutex_unlock(&environment->lock);
    perilune_cancel_now(environment->ending);
    cancel_all_served(environment);
    while ((item = take(environment))) {
        item->drop(environment, item);
    }
    napi_release_threadsafe_function(environment->wake, napi_tsfn_abort);
    release_environment(environment);
}

/* ---- Errors ---- */

static napi_value string_of(napi_env env, const char *data, size_t len)
{
    napi_value value = NULL;
    napi_create_string_utf8(env, data ? data : "", data ? len : 0, &value);
    return value;
}

/* An Error whose properties TypeScript makes a class of; the error stays the caller's. */
static napi_value error_value(napi_env env, const perilune_error *error)
{
    size_t message_len, reason_len, subject_len, line, column, offset;
    const char *message = perilune_error_message(error, &message_len);
    const char *reason = perilune_error_reason(error, &reason_len);
    const char *subject = perilune_error_subject(error, &subject_len);
    napi_value value, number;
    perilune_error_position(error, &line, &column, &offset);
    napi_create_error(env, NULL, string_of(env, message, message_len), &value);
    napi_set_named_property(env, value, "reason", string_of(env, reason, reason_len));
    napi_set_named_property(env, value, "subject", string_of(env, subject, subject_len));
    napi_create_int32(env, perilune_error_code(error), &number);
    napi_set_named_property(env, value, "number", number);
    napi_create_double(env, (double)line, &number);
    napi_set_named_property(env, value, "line", number);
    napi_create_double(env, (double)column, &number);
    napi_set_named_property(env, value, "column", number);
    napi_create_double(env, (double)offset, &number);
    napi_set_named_property(env, value, "char", number);
    return value;
}

/* Throws an error, and frees it. */
static napi_value throw_error(napi_env env, perilune_error *error)
{
    napi_throw(env, error_value(env, error));
    perilune_error_free(error);
    return NULL;
}

static napi_value throw_type(napi_env env, const char *text)
{
    napi_throw_type_error(env, NULL, text);
    return NULL;
}

/* ---- Arguments ---- */

#define ARGUMENTS(number) \
    size_t count = number; \
    napi_value arguments[number]; \
    Environment *environment; \
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL); \
    napi_get_instance_data(env, (void **)&environment); \
    (void)environment

/* A text of JavaScript's: a string as UTF-8, or the bytes of a Buffer. Always a copy: the bytes could be changed, moved or freed by what a
 * run calls, and those of a SharedArrayBuffer by another thread at any time. */
typedef struct {
    const char *data; /* NULL for undefined and null */
    size_t len;
    char *owned;
    char inside[256];
} Text;

/* Room for `len` bytes and a NUL. NULL with an exception pending. */
static char *text_room(napi_env env, Text *text, size_t len)
{
    char *room = len < sizeof text->inside ? text->inside : (text->owned = malloc(len + 1));
    if (!room) {
        napi_throw_error(env, NULL, "out of memory");
    }
    return room;
}

static bool text_of(napi_env env, napi_value value, Text *text)
{
    napi_valuetype type;
    size_t len = 0;
    bool is_view;
    char *room;
    text->data = NULL;
    text->len = 0;
    text->owned = NULL;
    napi_typeof(env, value, &type);
    if (type == napi_undefined || type == napi_null) {
        return true;
    }
    if (type == napi_string) {
        room = text->inside;
        /* Most fit; what fills it may have been cut. */
        napi_get_value_string_utf8(env, value, room, sizeof text->inside, &text->len);
        if (text->len >= sizeof text->inside - 4) {
            napi_get_value_string_utf8(env, value, NULL, 0, &len);
            room = text_room(env, text, len);
            if (!room) {
                return false;
            }
            napi_get_value_string_utf8(env, value, room, len + 1, &text->len);
        }
        text->data = room;
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
            text->data = room;
            text->len = len;
            return true;
        }
    }
    throw_type(env, "a text must be a string or a Buffer");
    return false;
}

static void text_done(Text *text)
{
    free(text->owned);
}

static void *external(napi_env env, napi_value value)
{
    void *pointer = NULL;
    if (napi_get_value_external(env, value, &pointer) != napi_ok || !pointer) {
        throw_type(env, "not an object of perilune's, or it is closed");
        return NULL;
    }
    return pointer;
}

/* ---- Values ---- */

static bool is_utf8(const char *data, size_t len)
{
    const unsigned char *at = (const unsigned char *)data, *end = at + len;
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

static napi_value to_js(napi_env env, const perilune_value *value)
{
    napi_value result = NULL, item;
    size_t i, len = perilune_value_len(value);
    const char *data;
    switch (perilune_value_type(value)) {
    case PERILUNE_TYPE_BOOLEAN:
        napi_get_boolean(env, perilune_value_boolean(value), &result);
        break;
    case PERILUNE_TYPE_NUMBER:
        napi_create_double(env, perilune_value_number(value), &result);
        break;
    case PERILUNE_TYPE_STRING:
        data = perilune_value_string(value, &len);
        if (is_utf8(data, len)) {
            result = string_of(env, data, len);
        } else {
            napi_create_buffer_copy(env, len, data, NULL, &result);
        }
        break;
    case PERILUNE_TYPE_ARRAY:
        napi_create_array_with_length(env, len, &result);
        for (i = 0; i < len; i++) {
            item = to_js(env, perilune_value_at(value, i));
            napi_set_element(env, result, (uint32_t)i, item);
        }
        break;
    case PERILUNE_TYPE_OBJECT:
        napi_create_object(env, &result);
        for (i = 0; i < len; i++) {
            size_t key_len;
            napi_property_descriptor property;
            data = perilune_value_key(value, i, &key_len);
            item = to_js(env, perilune_value_at(value, i));
            /* Defined, not set: a member may be called __proto__. */
            memset(&property, 0, sizeof property);
            property.name = string_of(env, data, key_len);
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

static perilune_value *from_js(napi_env env, napi_value value, int depth);

static perilune_value *array_from_js(napi_env env, napi_value array, int depth)
{
    perilune_value *result = perilune_value_new_array(), *element;
    uint32_t i, len = 0;
    napi_get_array_length(env, array, &len);
    for (i = 0; i < len; i++) {
        napi_value item;
        napi_handle_scope scope;
        napi_open_handle_scope(env, &scope);
        element = napi_get_element(env, array, i, &item) == napi_ok ? from_js(env, item, depth + 1) : NULL;
        napi_close_handle_scope(env, scope);
        if (!element || perilune_value_push(result, element, NULL) != PERILUNE_OK) {
            perilune_value_free(result);
            return NULL;
        }
    }
    return result;
}

static perilune_value *object_from_js(napi_env env, napi_value object, int depth)
{
    perilune_value *result, *member;
    napi_value keys, key, item;
    uint32_t i, len = 0;
    if (napi_get_all_property_names(env, object, napi_key_own_only, napi_key_enumerable | napi_key_skip_symbols,
                                    napi_key_numbers_to_strings, &keys) != napi_ok) {
        return NULL;
    }
    result = perilune_value_new_object();
    napi_get_array_length(env, keys, &len);
    for (i = 0; i < len; i++) {
        napi_handle_scope scope;
        napi_valuetype type;
        Text text;
        bool ok = false;
        napi_open_handle_scope(env, &scope);
        napi_get_element(env, keys, i, &key);
        if (napi_get_property(env, object, key, &item) == napi_ok) {
            napi_typeof(env, item, &type);
            /* As in JSON. */
            if (type == napi_undefined) {
                ok = true;
            } else if (text_of(env, key, &text)) {
                member = from_js(env, item, depth + 1);
                ok = member && perilune_value_set(result, text.data, text.len, member, NULL) == PERILUNE_OK;
                text_done(&text);
            }
        }
        napi_close_handle_scope(env, scope);
        if (!ok) {
            perilune_value_free(result);
            return NULL;
        }
    }
    return result;
}

/* NULL with an exception pending. What is no plain value was made one, or refused, by TypeScript before. */
static perilune_value *from_js(napi_env env, napi_value value, int depth)
{
    napi_valuetype type;
    double number;
    bool flag;
    perilune_value *result;
    if (depth > MAX_DEPTH) {
        napi_throw_range_error(env, NULL, "a value is nested deeper than 128 levels");
        return NULL;
    }
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
            return array_from_js(env, value, depth);
        }
        napi_is_typedarray(env, value, &is_view);
        if (!is_view) {
            return object_from_js(env, value, depth);
        }
    }
    /* fall through */
    case napi_string: {
        Text text;
        if (!text_of(env, value, &text)) {
            return NULL;
        }
        result = perilune_value_new_string(text.data, text.len);
        text_done(&text);
        return result;
    }
    default:
        throw_type(env, "a function or symbol can't be given to a script");
        return NULL;
    }
}

/* ---- Traces ---- */

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

/* Fixed: 8 bytes of flags, 8 numbers of 8, 12 lengths of 4. */
#define HEAD (8 + 8 * 8 + 12 * 4)

static size_t headers_size(const perilune_trace *trace, size_t count)
{
    size_t i, size = 0;
    for (i = 0; i < count; i++) {
        const char *name = NULL, *value = NULL;
        size_t name_len = 0, value_len = 0;
        perilune_trace_header(trace, i, &name, &name_len, &value, &value_len, NULL);
        size += name_len + value_len + 8;
    }
    return size;
}

static char *put_headers(char *at, const perilune_trace *trace, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) {
        const char *name = NULL, *value = NULL;
        size_t name_len = 0, value_len = 0;
        perilune_trace_header(trace, i, &name, &name_len, &value, &value_len, NULL);
        at = put_u32(put_u32(at, name_len), value_len);
        memcpy(at, name, name_len);
        memcpy(at + name_len, value, value_len);
        at += name_len + value_len;
    }
    return at;
}

/* A trace as bytes, of which `head` in trace.ts says where each field is. Returned in `*into`, which has room for `size` and is
 * made larger where that is not enough. */
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
    headers = headers_size(trace, view.response_headers_len);
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

/* The string of a trace, which is freed. */
static napi_value trace_value(napi_env env, Environment *environment, perilune_trace *trace)
{
    napi_value value = NULL;
    size_t len = pack(trace, &environment->scratch, &environment->scratch_size);
    perilune_trace_free(trace);
    if (len == 0 || napi_create_string_latin1(env, environment->scratch, len, &value) != napi_ok) {
        return throw_type(env, "out of memory");
    }
    /* One large trace is no reason to keep so much. */
    if (environment->scratch_size > 1 << 20) {
        free(environment->scratch);
        environment->scratch = NULL;
        environment->scratch_size = 0;
    }
    return value;
}

/* ---- Host functions ---- */

typedef struct {
    Environment *environment;
    uint32_t engine;
    char name[];
} Function;

static void free_function(void *data)
{
    Function *function = data;
    release_environment(function->environment);
    free(function);
}

/* A call that waits for an answer. It lives on the stack of the waiting thread, and so is known to JavaScript by its number: what comes late
 * or twice finds nothing. */
struct HostCall {
    HostCall *next;
    const Function *function;
    uint64_t run, number;
    perilune_value **arguments;
    size_t len;
    /* Under the environment's lock. */
    pthread_cond_t answered;
    bool is_answered;
    perilune_value *result;
    char *failure; /* NULL beside no result: the environment is gone */
    size_t failure_len;
};

/* Under the lock. NULL when it is answered already. */
static HostCall *unlink_call(Environment *environment, uint64_t number)
{
    HostCall **at = &environment->open, *call;
    while (*at && (*at)->number != number) {
        at = &(*at)->next;
    }
    call = *at;
    if (call) {
        *at = call->next;
    }
    return call;
}

/* Takes the result, or copies the failure. */
static void answer(Environment *environment, uint64_t number, perilune_value *result, const char *failure, size_t failure_len)
{
    HostCall *call;
    char *copy = NULL;
    if (!result) {
        copy = malloc(failure_len + 1);
        if (copy) {
            memcpy(copy, failure, failure_len);
        }
    }
    pthread_mutex_lock(&environment->lock);
    call = unlink_call(environment, number);
    if (call) {
        call->result = result;
        call->failure = copy;
        call->failure_len = copy ? failure_len : 0;
        call->is_answered = true;
        pthread_cond_signal(&call->answered);
    }
    pthread_mutex_unlock(&environment->lock);
    if (!call) {
        perilune_value_free(result);
        free(copy);
    }
}

static void end_list(HostCall *call)
{
    HostCall *next;
    for (; call; call = next) {
        next = call->next;
        call->is_answered = true;
        pthread_cond_signal(&call->answered);
    }
}

/* Under the lock. */
static void end_calls(Environment *environment)
{
    end_list(environment->first_call);
    end_list(environment->open);
    environment->first_call = environment->last_call = environment->open = NULL;
}

/* With the text of the exception that is pending, which is cleared. */
static void answer_exception(napi_env env, Environment *environment, uint64_t number)
{
    static const char what[] = "the function failed";
    napi_value exception, message;
    Text text;
    bool is_pending = false;
    text.owned = NULL;
    napi_is_exception_pending(env, &is_pending);
    if (is_pending && napi_get_and_clear_last_exception(env, &exception) == napi_ok &&
        napi_get_named_property(env, exception, "message", &message) == napi_ok && text_of(env, message, &text) && text.data) {
        answer(environment, number, NULL, text.data, text.len);
    } else {
        answer(environment, number, NULL, what, sizeof what - 1);
    }
    text_done(&text);
    napi_is_exception_pending(env, &is_pending);
    if (is_pending) {
        napi_get_and_clear_last_exception(env, &exception);
    }
}

/* settle(number, isError, value): the answer of a call. */
static napi_value settle_call(napi_env env, napi_callback_info info)
{
    ARGUMENTS(3);
    double number = 0;
    bool is_error = false;
    napi_get_value_double(env, arguments[0], &number);
    napi_get_value_bool(env, arguments[1], &is_error);
    if (is_error) {
        Text text;
        if (text_of(env, arguments[2], &text)) {
            answer(environment, (uint64_t)number, NULL, text.data ? text.data : "", text.len);
            text_done(&text);
        } else {
            answer_exception(env, environment, (uint64_t)number);
        }
    } else {
        perilune_value *result = from_js(env, arguments[2], 0);
        if (result) {
            answer(environment, (uint64_t)number, result, NULL, 0);
        } else {
            answer_exception(env, environment, (uint64_t)number);
        }
    }
    return NULL;
}

/* Calls what `setDispatch` was given, which settles the call, at once or later. */
static void dispatch(Environment *environment, HostCall *call, bool is_synchronous)
{
    napi_env env = environment->env;
    napi_handle_scope scope;
    napi_value function = NULL, this, arguments[6], result;
    const Function *of = call->function;
    uint64_t number = call->number;
    size_t i;
    napi_open_handle_scope(env, &scope);
    napi_get_reference_value(env, environment->dispatch, &function);
    napi_get_undefined(env, &this);
    napi_create_uint32(env, of->engine, &arguments[0]);
    arguments[1] = string_of(env, of->name, strlen(of->name));
    napi_create_double(env, (double)call->run, &arguments[2]);
    napi_create_array_with_length(env, call->len, &arguments[3]);
    for (i = 0; i < call->len; i++) {
        napi_set_element(env, arguments[3], (uint32_t)i, to_js(env, call->arguments[i]));
    }
    napi_get_boolean(env, is_synchronous, &arguments[4]);
    napi_create_double(env, (double)number, &arguments[5]);
    if (napi_call_function(env, this, function, 6, arguments, &result) != napi_ok) {
        answer_exception(env, environment, number);
    }
    napi_close_handle_scope(env, scope);
}

/* On the loop's thread: the calls that wait now, one at a time, as a function may run scripts, and so come here again. */
static void tell_calls(Environment *environment)
{
    HostCall *call;
    uint64_t last;
    pthread_mutex_lock(&environment->lock);
    last = environment->last_call ? environment->last_call->number : 0;
    for (;;) {
        call = environment->first_call;
        if (!call || call->number > last) {
            break;
        }
        environment->first_call = call->next;
        if (!call->next) {
            environment->last_call = NULL;
        }
        call->next = environment->open;
        environment->open = call;
        pthread_mutex_unlock(&environment->lock);
        dispatch(environment, call, false);
        pthread_mutex_lock(&environment->lock);
    }
    pthread_mutex_unlock(&environment->lock);
}

/* Has the loop call it, and waits. */
static void wait_for_loop(Environment *environment, HostCall *call)
{
    pthread_cond_init(&call->answered, NULL);
    pthread_mutex_lock(&environment->lock);
    if (!environment->is_closed) {
        call->number = ++environment->calls;
        call->next = NULL;
        if (environment->last_call) {
            environment->last_call->next = call;
        } else {
            environment->first_call = call;
        }
        environment->last_call = call;
        wake(environment);
        while (!call->is_answered) {
            pthread_cond_wait(&call->answered, &environment->lock);
        }
    }
    pthread_mutex_unlock(&environment->lock);
    pthread_cond_destroy(&call->answered);
}

/* On the loop's thread, in a synchronous run. */
static void call_now(Environment *environment, HostCall *call)
{
    pthread_cond_init(&call->answered, NULL);
    pthread_mutex_lock(&environment->lock);
    call->number = ++environment->calls;
    call->next = environment->open;
    environment->open = call;
    pthread_mutex_unlock(&environment->lock);
    dispatch(environment, call, true);
    pthread_mutex_lock(&environment->lock);
    unlink_call(environment, call->number);
    pthread_mutex_unlock(&environment->lock);
    pthread_cond_destroy(&call->answered);
}

static void call_function(perilune_call *call, void *user_data)
{
    Function *function = user_data;
    Environment *environment = function->environment;
    HostCall host_call;
    perilune_value *few[8];
    size_t i, len = perilune_call_len(call);
    bool ok = true;
    memset(&host_call, 0, sizeof host_call);
    host_call.function = function;
    host_call.run = perilune_call_run_id(call);
    host_call.arguments = len <= sizeof few / sizeof *few ? few : malloc(len * sizeof *few);
    if (!host_call.arguments) {
        perilune_call_fail(call, "out of memory", PERILUNE_STRLEN);
        return;
    }
    while (ok && host_call.len < len) {
        ok = perilune_call_value(call, host_call.len, &host_call.arguments[host_call.len]);
        host_call.len += ok;
    }
    if (ok && synchronous == environment) {
        call_now(environment, &host_call);
    } else if (ok) {
        wait_for_loop(environment, &host_call);
    }
    for (i = 0; i < host_call.len; i++) {
        perilune_value_free(host_call.arguments[i]);
    }
    if (host_call.arguments != few) {
        free(host_call.arguments);
    }
    if (!ok) {
        /* The library has told the script why. */
        return;
    }
    if (host_call.result) {
        perilune_call_return_value(call, host_call.result);
    } else if (host_call.failure) {
        perilune_call_fail(call, host_call.failure, host_call.failure_len);
    } else {
        perilune_call_fail(call, "the host is ending", PERILUNE_STRLEN);
    }
    free(host_call.failure);
}

/* While this thread makes a synchronous run, other runs may wait for it to call a function; and a worker may be told to end. */
static int32_t poll_loop(void *user_data)
{
    Environment *environment = user_data;
    napi_env env = environment->env;
    napi_handle_scope scope;
    napi_value undefined;
    bool is_same, is_over;
    tell_calls(environment);
    napi_open_handle_scope(env, &scope);
    napi_get_undefined(env, &undefined);
    /* The cheapest of what is refused once no JavaScript may run. */
    is_over = napi_strict_equals(env, undefined, undefined, &is_same) != napi_ok;
    napi_close_handle_scope(env, scope);
    return is_over;
}

/* ---- Requests ---- */

static bool number_of(napi_env env, napi_value value, uint64_t *number)
{
    napi_valuetype type;
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

static bool is_nothing(napi_env env, napi_value value)
{
    napi_valuetype type;
    napi_typeof(env, value, &type);
    return type == napi_undefined || type == napi_null;
}

typedef perilune_code (*text_setter)(perilune_request *, const char *, size_t, perilune_error **);

/* [params, form, config, meta, seed, timeoutNs, memory, output, cancel], each of which may be undefined */
static perilune_request *request_of(napi_env env, const perilune_request *plain, napi_value options)
{
    static const text_setter setters[] = {perilune_request_set_form, perilune_request_set_config, perilune_request_set_meta};
    static const perilune_limit limits[] = {PERILUNE_LIMIT_TIMEOUT_NS, PERILUNE_LIMIT_MEMORY, PERILUNE_LIMIT_OUTPUT};
    perilune_request *request = perilune_request_clone(plain);
    perilune_error *error = NULL;
    perilune_code code = PERILUNE_OK;
    napi_value value = NULL;
    uint32_t i, len;
    uint64_t number;
    bool ok = true;
    napi_get_element(env, options, 0, &value);
    if (!is_nothing(env, value)) {
        napi_get_array_length(env, value, &len);
        for (i = 0; ok && code == PERILUNE_OK && i + 1 < len; i += 2) {
            napi_value key_value, text_value;
            Text key, text;
            napi_get_element(env, value, i, &key_value);
            napi_get_element(env, value, i + 1, &text_value);
            ok = text_of(env, key_value, &key);
            if (ok) {
                ok = text_of(env, text_value, &text);
                if (ok) {
                    code = perilune_request_add_param(request, key.data, key.len, text.data, text.len, &error);
                    text_done(&text);
                }
                text_done(&key);
            }
        }
    }
    for (i = 0; ok && code == PERILUNE_OK && i < 3; i++) {
        Text text;
        napi_get_element(env, options, 1 + i, &value);
        ok = text_of(env, value, &text);
        if (ok) {
            if (text.data) {
                code = setters[i](request, text.data, text.len, &error);
            }
            text_done(&text);
        }
    }
    napi_get_element(env, options, 4, &value);
    if (ok && code == PERILUNE_OK && !is_nothing(env, value)) {
        ok = number_of(env, value, &number);
        code = perilune_request_set_seed(request, number, &error);
        if (!ok) {
            napi_throw_range_error(env, NULL, "seed: a BigInt must be from 0 to 2^64 - 1");
        }
    }
    for (i = 0; ok && code == PERILUNE_OK && i < 3; i++) {
        napi_get_element(env, options, 5 + i, &value);
        if (!is_nothing(env, value)) {
            number_of(env, value, &number);
            code = perilune_request_set_limit(request, limits[i], number, &error);
        }
    }
    napi_get_element(env, options, 8, &value);
    if (ok && code == PERILUNE_OK && !is_nothing(env, value)) {
        perilune_cancel *cancel = external(env, value);
        ok = cancel != NULL;
        code = perilune_request_set_cancel(request, cancel, &error);
    }
    if (ok && code == PERILUNE_OK) {
        return request;
    }
    perilune_request_free(request);
    if (ok) {
        throw_error(env, error);
    }
    return NULL;
}

/* What a run is given: (script, query, body, options) */
typedef struct {
    perilune_script *script;
    Text query, body;
    perilune_request *request; /* owned; NULL without options */
} Given;

static bool given(napi_env env, const perilune_request *plain, const napi_value *arguments, Given *given)
{
    given->request = NULL;
    given->script = external(env, arguments[0]);
    if (!given->script || !text_of(env, arguments[1], &given->query)) {
        return false;
    }
    if (!text_of(env, arguments[2], &given->body)) {
        text_done(&given->query);
        return false;
    }
    if (!is_nothing(env, arguments[3])) {
        given->request = request_of(env, plain, arguments[3]);
        if (!given->request) {
            text_done(&given->query);
            text_done(&given->body);
            return false;
        }
    }
    return true;
}

static void given_done(Given *given)
{
    text_done(&given->query);
    text_done(&given->body);
    perilune_request_free(given->request);
}

/* ---- Engine ---- */

static void free_engine(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    perilune_engine_free(data);
}

static void free_script(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    perilune_script_free(data);
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
    release_environment(environment);
}

/* NULL with an exception pending; the object is freed then. */
static napi_value external_value(napi_env env, void *object, napi_finalize finalize, void *hint)
{
    napi_value value = NULL;
    if (napi_create_external(env, object, finalize, hint, &value) != napi_ok) {
        finalize(env, object, hint);
        return throw_type(env, "no object could be made");
    }
    return value;
}

/* engineNew(poolSize, backlog, [limit, value, …]), 0 and -1 where they are not set */
static napi_value engine_new(napi_env env, napi_callback_info info)
{
    ARGUMENTS(3);
    perilune_options *options = perilune_options_new();
    perilune_engine *engine = NULL;
    perilune_error *error = NULL;
    perilune_code code = PERILUNE_OK;
    napi_value value = NULL;
    uint32_t i, len = 0;
    int64_t pool_size = 0, backlog = -1;
    napi_get_value_int64(env, arguments[0], &pool_size);
    napi_get_value_int64(env, arguments[1], &backlog);
    if (pool_size > 0) {
        code = perilune_options_set_pool_size(options, (size_t)pool_size, &error);
    }
    if (code == PERILUNE_OK && backlog >= 0) {
        code = perilune_options_set_backlog(options, (size_t)backlog, &error);
    }
    napi_get_array_length(env, arguments[2], &len);
    for (i = 0; code == PERILUNE_OK && i + 1 < len; i += 2) {
        int32_t limit = 0;
        uint64_t number;
        napi_get_element(env, arguments[2], i, &value);
        napi_get_value_int32(env, value, &limit);
        napi_get_element(env, arguments[2], i + 1, &value);
        number_of(env, value, &number);
        code = perilune_options_set_limit(options, limit, number, &error);
    }
    if (code == PERILUNE_OK) {
        code = perilune_engine_new(options, &engine, &error);
    }
    perilune_options_free(options);
    if (code != PERILUNE_OK) {
        return throw_error(env, error);
    }
    return external_value(env, engine, free_engine, NULL);
}

/* engineScript(engine, how, name, source): how is "compile", "put" or "get" */
static napi_value engine_script(napi_env env, napi_callback_info info)
{
    ARGUMENTS(4);
    perilune_engine *engine = external(env, arguments[0]);
    perilune_script *script = NULL;
    perilune_error *error = NULL;
    perilune_code code = PERILUNE_OK;
    Text how, name, source;
    bool ok = false;
    if (!engine || !text_of(env, arguments[1], &how)) {
        return NULL;
    }
    if (text_of(env, arguments[2], &name)) {
        if (text_of(env, arguments[3], &source)) {
            ok = true;
            if (how.data && how.data[0] == 'g') {
                code = perilune_engine_get(engine, name.data, name.len, &script, &error);
            } else if (how.data && how.data[0] == 'p') {
                code = perilune_engine_put(engine, name.data, name.len, source.data, source.len, &script, &error);
            } else {
                code = perilune_engine_compile(engine, name.data, name.len, source.data, source.len, &script, &error);
            }
            text_done(&source);
        }
        text_done(&name);
    }
    text_done(&how);
    if (!ok) {
        return NULL;
    }
    return code == PERILUNE_OK ? external_value(env, script, free_script, NULL) : throw_error(env, error);
}

typedef struct {
    perilune_engine *engine;
    Text name, source;
    perilune_script *script;
    perilune_error *error;
    napi_deferred deferred;
    napi_async_work work;
} Compilation;

static void compile_now(napi_env env, void *data)
{
    Compilation *compilation = data;
    (void)env;
    perilune_engine_compile(compilation->engine, compilation->name.data, compilation->name.len, compilation->source.data,
                            compilation->source.len, &compilation->script, &compilation->error);
}

static void free_compilation(napi_env env, Compilation *compilation)
{
    perilune_error_free(compilation->error);
    perilune_engine_free(compilation->engine);
    text_done(&compilation->name);
    text_done(&compilation->source);
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
        napi_value script = external_value(env, compilation->script, free_script, NULL);
        if (script) {
            napi_resolve_deferred(env, compilation->deferred, script);
        }
    } else if (compilation->error) {
        napi_reject_deferred(env, compilation->deferred, error_value(env, compilation->error));
    }
    free_compilation(env, compilation);
}

/* engineCompileAsync(engine, name, source) -> promise of a script */
static napi_value engine_compile_async(napi_env env, napi_callback_info info)
{
    ARGUMENTS(3);
    perilune_engine *engine = external(env, arguments[0]);
    Compilation *compilation;
    napi_value promise, label;
    if (!engine) {
        return NULL;
    }
    compilation = calloc(1, sizeof *compilation);
    if (!compilation) {
        return throw_type(env, "out of memory");
    }
    compilation->engine = perilune_engine_clone(engine);
    if (!text_of(env, arguments[1], &compilation->name) || !text_of(env, arguments[2], &compilation->source) ||
        napi_create_promise(env, &compilation->deferred, &promise) != napi_ok ||
        napi_create_string_utf8(env, "perilune", NAPI_AUTO_LENGTH, &label) != napi_ok ||
        napi_create_async_work(env, NULL, label, compile_now, compile_done, compilation, &compilation->work) != napi_ok ||
        napi_queue_async_work(env, compilation->work) != napi_ok) {
        free_compilation(env, compilation);
        return NULL;
    }
    return promise;
}

/* engineFunction(engine, number, name) */
static napi_value engine_function(napi_env env, napi_callback_info info)
{
    ARGUMENTS(3);
    perilune_engine *engine = external(env, arguments[0]);
    Text name;
    Function *function;
    perilune_error *error = NULL;
    perilune_code code;
    if (!engine || !text_of(env, arguments[2], &name)) {
        return NULL;
    }
    function = malloc(sizeof *function + name.len + 1);
    if (!function) {
        text_done(&name);
        return throw_type(env, "out of memory");
    }
    function->environment = environment;
    atomic_fetch_add(&environment->references, 1);
    napi_get_value_uint32(env, arguments[1], &function->engine);
    memcpy(function->name, name.data ? name.data : "", name.len);
    function->name[name.len] = 0;
    code = perilune_engine_function(engine, name.data, name.len, call_function, function, free_function, &error);
    text_done(&name);
    return code == PERILUNE_OK ? NULL : throw_error(env, error);
}

/* engineModule(engine, name, source) */
static napi_value engine_module(napi_env env, napi_callback_info info)
{
    ARGUMENTS(3);
    perilune_engine *engine = external(env, arguments[0]);
    Text name, source;
    perilune_error *error = NULL;
    perilune_code code;
    if (!engine || !text_of(env, arguments[1], &name)) {
        return NULL;
    }
    if (!text_of(env, arguments[2], &source)) {
        text_done(&name);
        return NULL;
    }
    code = perilune_engine_module(engine, name.data, name.len, source.data, source.len, &error);
    text_done(&name);
    text_done(&source);
    return code == PERILUNE_OK ? NULL : throw_error(env, error);
}

/* engineRemove(engine, name) */
static napi_value engine_remove(napi_env env, napi_callback_info info)
{
    ARGUMENTS(2);
    perilune_engine *engine = external(env, arguments[0]);
    Text name;
    perilune_error *error = NULL;
    perilune_code code;
    if (!engine || !text_of(env, arguments[1], &name)) {
        return NULL;
    }
    code = perilune_engine_remove(engine, name.data, name.len, &error);
    text_done(&name);
    return code == PERILUNE_OK ? NULL : throw_error(env, error);
}

/* engineNames(engine) -> [name] */
static napi_value engine_names(napi_env env, napi_callback_info info)
{
    ARGUMENTS(1);
    perilune_engine *engine = external(env, arguments[0]);
    perilune_scripts *scripts = NULL;
    perilune_error *error = NULL;
    napi_value list;
    size_t i, len;
    if (!engine) {
        return NULL;
    }
    if (perilune_engine_list(engine, NULL, 0, &scripts, &error) != PERILUNE_OK) {
        return throw_error(env, error);
    }
    napi_create_array(env, &list);
    for (i = 0; i < perilune_scripts_len(scripts); i++) {
        const char *name = perilune_script_name(perilune_scripts_at(scripts, i), &len);
        napi_set_element(env, list, (uint32_t)i, string_of(env, name, len));
    }
    perilune_scripts_free(scripts);
    return list;
}

/* engineHas(engine, name) -> whether a script serves under it */
static napi_value engine_has(napi_env env, napi_callback_info info)
{
    ARGUMENTS(2);
    perilune_engine *engine = external(env, arguments[0]);
    perilune_script *script = NULL;
    Text name;
    napi_value has = NULL;
    if (!engine || !text_of(env, arguments[1], &name)) {
        return NULL;
    }
    perilune_engine_get(engine, name.data, name.len, &script, NULL);
    text_done(&name);
    napi_get_boolean(env, script != NULL, &has);
    perilune_script_free(script);
    return has;
}

/* engineCheck(engine, name, source) -> [[severity, line, message]] */
static napi_value engine_check(napi_env env, napi_callback_info info)
{
    ARGUMENTS(3);
    perilune_engine *engine = external(env, arguments[0]);
    Text name, source;
    perilune_diagnostics *found = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    napi_value list, one, number;
    size_t i, len;
    if (!engine || !text_of(env, arguments[1], &name)) {
        return NULL;
    }
    if (!text_of(env, arguments[2], &source)) {
        text_done(&name);
        return NULL;
    }
    code = perilune_engine_check(engine, name.data, name.len, source.data, source.len, &found, &error);
    text_done(&name);
    text_done(&source);
    if (code != PERILUNE_OK) {
        return throw_error(env, error);
    }
    napi_create_array(env, &list);
    for (i = 0; i < perilune_diagnostics_len(found); i++) {
        const char *message = perilune_diagnostics_message(found, i, &len);
        napi_create_array(env, &one);
        napi_create_int32(env, perilune_diagnostics_severity(found, i), &number);
        napi_set_element(env, one, 0, number);
        napi_create_uint32(env, perilune_diagnostics_line(found, i), &number);
        napi_set_element(env, one, 1, number);
        napi_create_uint32(env, perilune_diagnostics_column(found, i), &number);
        napi_set_element(env, one, 2, number);
        napi_set_element(env, one, 3, string_of(env, message, len));
        napi_set_element(env, list, (uint32_t)i, one);
    }
    perilune_diagnostics_free(found);
    return list;
}

/* engineMetrics(engine, prometheus) -> text */
static napi_value engine_metrics(napi_env env, napi_callback_info info)
{
    ARGUMENTS(2);
    perilune_engine *engine = external(env, arguments[0]);
    perilune_metrics *metrics = NULL;
    perilune_error *error = NULL;
    bool prometheus = false;
    const char *text;
    size_t len;
    napi_value value = NULL;
    if (!engine) {
        return NULL;
    }
    if (perilune_engine_metrics(engine, &metrics, &error) != PERILUNE_OK) {
        return throw_error(env, error);
    }
    napi_get_value_bool(env, arguments[1], &prometheus);
    text = prometheus ? perilune_metrics_prometheus(metrics, &len) : perilune_metrics_json(metrics, &len);
    value = string_of(env, text, len);
    perilune_metrics_free(metrics);
    return value;
}

/* engineLimit(engine, limit) -> number */
static napi_value engine_limit(napi_env env, napi_callback_info info)
{
    ARGUMENTS(2);
    perilune_engine *engine = external(env, arguments[0]);
    int32_t limit = 0;
    napi_value value = NULL;
    if (!engine) {
        return NULL;
    }
    napi_get_value_int32(env, arguments[1], &limit);
    napi_create_double(env, (double)perilune_engine_limit(engine, limit), &value);
    return value;
}

/* ---- Directories ---- */

/* [loaded names, removed names, [[path, error]]] */
static napi_value report_value(napi_env env, const perilune_report *report)
{
    napi_value result, list, one;
    size_t i, len;
    napi_create_array(env, &result);
    napi_create_array(env, &list);
    for (i = 0; i < perilune_report_loaded_len(report); i++) {
        const char *name = perilune_script_name(perilune_report_loaded(report, i), &len);
        napi_set_element(env, list, (uint32_t)i, string_of(env, name, len));
    }
    napi_set_element(env, result, 0, list);
    napi_create_array(env, &list);
    for (i = 0; i < perilune_report_removed_len(report); i++) {
        const char *name = perilune_report_removed(report, i, &len);
        napi_set_element(env, list, (uint32_t)i, string_of(env, name, len));
    }
    napi_set_element(env, result, 1, list);
    napi_create_array(env, &list);
    for (i = 0; i < perilune_report_failed_len(report); i++) {
        const perilune_error *error = perilune_report_failed(report, i);
        const char *path = perilune_error_subject(error, &len);
        napi_create_array(env, &one);
        napi_set_element(env, one, 0, string_of(env, path, len));
        napi_set_element(env, one, 1, error_value(env, error));
        napi_set_element(env, list, (uint32_t)i, one);
    }
    napi_set_element(env, result, 2, list);
    return result;
}

/* engineLoadDir(engine, path) -> report */
static napi_value engine_load_dir(napi_env env, napi_callback_info info)
{
    ARGUMENTS(2);
    perilune_engine *engine = external(env, arguments[0]);
    perilune_report *report = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    Text path;
    napi_value value = NULL;
    if (!engine || !text_of(env, arguments[1], &path)) {
        return NULL;
    }
    code = perilune_engine_load_dir(engine, path.data, path.len, &report, &error);
    text_done(&path);
    if (code != PERILUNE_OK) {
        return throw_error(env, error);
    }
    value = report_value(env, report);
    perilune_report_free(report);
    return value;
}

typedef struct {
    Environment *environment;
    /* The loop's; NULL once the watch is gone. Weak: the watch's object keeps the function, which may know the object. */
    napi_ref callback;
    atomic_int references;
} Watcher;

typedef struct {
    perilune_watch *watch;
    Watcher *watcher;
} Watch;

typedef struct {
    Item item;
    Watcher *watcher;
    perilune_report *report;
} Change;

static void release_watcher(void *data)
{
    Watcher *watcher = data;
    if (atomic_fetch_sub(&watcher->references, 1) == 1) {
        release_environment(watcher->environment);
        free(watcher);
    }
}

static void drop_change(Environment *environment, Item *item)
{
    Change *change = (Change *)item;
    (void)environment;
    perilune_report_free(change->report);
    release_watcher(change->watcher);
    free(change);
}

static void tell_change(napi_env env, Environment *environment, Item *item)
{
    Change *change = (Change *)item;
    napi_value callback = NULL, this, report, result, exception;
    if (change->watcher->callback) {
        napi_get_reference_value(env, change->watcher->callback, &callback);
    }
    if (callback) {
        report = report_value(env, change->report);
        napi_get_undefined(env, &this);
        if (napi_call_function(env, this, callback, 1, &report, &result) == napi_pending_exception &&
            napi_get_and_clear_last_exception(env, &exception) == napi_ok) {
            napi_fatal_exception(env, exception);
        }
    }
    drop_change(environment, item);
}

static void call_watcher(const perilune_report *report, void *user_data)
{
    Watcher *watcher = user_data;
    Change *change = calloc(1, sizeof *change);
    if (change) {
        change->item.tell = tell_change;
        change->item.drop = drop_change;
        change->watcher = watcher;
        change->report = perilune_report_clone(report);
        atomic_fetch_add(&watcher->references, 1);
        post(watcher->environment, &change->item);
    }
}

static void watch_end(napi_env env, Watch *watch)
{
    if (watch->watch) {
        perilune_watch_free(watch->watch);
        watch->watch = NULL;
        napi_delete_reference(env, watch->watcher->callback);
        watch->watcher->callback = NULL;
        release_watcher(watch->watcher);
    }
}

static void free_watch(napi_env env, void *data, void *hint)
{
    (void)hint;
    watch_end(env, data);
    free(data);
}

/* engineWatch(engine, path, callback) -> watch */
static napi_value engine_watch(napi_env env, napi_callback_info info)
{
    ARGUMENTS(3);
    perilune_engine *engine = external(env, arguments[0]);
    perilune_error *error = NULL;
    perilune_code code;
    Text path;
    Watch *watch;
    Watcher *watcher;
    if (!engine || !text_of(env, arguments[1], &path)) {
        return NULL;
    }
    watch = calloc(1, sizeof *watch);
    watcher = calloc(1, sizeof *watcher);
    if (!watch || !watcher) {
        free(watch);
        free(watcher);
        text_done(&path);
        return throw_type(env, "out of memory");
    }
    watcher->environment = environment;
    atomic_fetch_add(&environment->references, 1);
    /* The watch's, and the engine's until it calls release_watcher. */
    atomic_init(&watcher->references, 2);
    napi_create_reference(env, arguments[2], 0, &watcher->callback);
    watch->watcher = watcher;
    code = perilune_engine_watch(engine, path.data, path.len, call_watcher, watcher, release_watcher, &watch->watch, &error);
    text_done(&path);
    if (code != PERILUNE_OK) {
        napi_delete_reference(env, watcher->callback);
        release_watcher(watcher);
        free(watch);
        return throw_error(env, error);
    }
    return external_value(env, watch, free_watch, NULL);
}

/* watchClose(watch) */
static napi_value watch_close(napi_env env, napi_callback_info info)
{
    ARGUMENTS(1);
    Watch *watch = external(env, arguments[0]);
    if (watch) {
        watch_end(env, watch);
    }
    return NULL;
}

/* ---- Runs ---- */

/* runSync(script, query, body, options) -> trace */
static napi_value run_sync(napi_env env, napi_callback_info info)
{
    ARGUMENTS(4);
    Given with;
    perilune_trace *trace = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    Environment *outer = synchronous;
    if (!given(env, environment->sync_request, arguments, &with)) {
        return NULL;
    }
    synchronous = environment;
    code = perilune_script_run(with.script, with.query.data, with.query.len, with.body.data, with.body.len,
                               with.request ? with.request : environment->sync_request, &trace, &error);
    synchronous = outer;
    given_done(&with);
    return code == PERILUNE_OK ? trace_value(env, environment, trace) : throw_error(env, error);
}

typedef struct {
    Item item;
    Environment *environment;
    napi_deferred deferred;
    perilune_trace *trace;
    perilune_error *error;
} Submitted;

static void tell_submitted(napi_env env, Environment *environment, Item *item)
{
    Submitted *submitted = (Submitted *)item;
    napi_value value = NULL;
    if (submitted->trace) {
        value = trace_value(env, environment, submitted->trace);
        if (value) {
            napi_resolve_deferred(env, submitted->deferred, value);
        } else {
            napi_get_and_clear_last_exception(env, &value);
            napi_reject_deferred(env, submitted->deferred, value);
        }
    } else {
        napi_reject_deferred(env, submitted->deferred, error_value(env, submitted->error));
        perilune_error_free(submitted->error);
    }
    free(submitted);
    count_in_flight(environment, -1);
    release_environment(environment);
}

static void drop_submitted(Environment *environment, Item *item)
{
    Submitted *submitted = (Submitted *)item;
    perilune_trace_free(submitted->trace);
    perilune_error_free(submitted->error);
    free(submitted);
    release_environment(environment);
}

static void call_done(perilune_code code, perilune_trace *trace, perilune_error *error, void *user_data)
{
    Submitted *submitted = user_data;
    (void)code;
    submitted->trace = trace;
    submitted->error = error;
    post(submitted->environment, &submitted->item);
}

/* run(script, query, body, options) -> promise of a trace */
static napi_value run(napi_env env, napi_callback_info info)
{
    ARGUMENTS(4);
    Given with;
    Submitted *submitted;
    perilune_error *error = NULL;
    perilune_code code;
    napi_value promise;
    if (!given(env, environment->async_request, arguments, &with)) {
        return NULL;
    }
    submitted = calloc(1, sizeof *submitted);
    if (!submitted) {
        given_done(&with);
        return throw_type(env, "out of memory");
    }
    submitted->item.tell = tell_submitted;
    submitted->item.drop = drop_submitted;
    submitted->environment = environment;
    if (napi_create_promise(env, &submitted->deferred, &promise) != napi_ok) {
        given_done(&with);
        free(submitted);
        return NULL;
    }
    atomic_fetch_add(&environment->references, 1);
    count_in_flight(environment, 1);
    code = perilune_script_submit(with.script, with.query.data, with.query.len, with.body.data, with.body.len,
                                  with.request ? with.request : environment->async_request, call_done, submitted, &error);
    given_done(&with);
    if (code != PERILUNE_OK) {
        submitted->error = error;
        tell_submitted(env, environment, &submitted->item);
    }
    return promise;
}

/* ---- Runs that are served ---- */

/* A run by name, of which JavaScript knows a number only. When it is over, the next one has it, with its request and its handle: nothing
 * is made for a run that another could use. The engine's threads write `trace` and `error`, before they post it; all else is the
 * loop's. It lives as long as the environment, of which a run that is under way holds a reference. */
struct Served {
    Item item;
    Environment *environment;
    Served *next_free;
    uint32_t number;
    perilune_request *request;
    perilune_cancel *cancel;
    perilune_trace *trace;
    perilune_error *error;
};

static void free_all_served(Environment *environment)
{
    uint32_t i;
    for (i = 0; i < environment->served_len; i++) {
        Served *served = environment->all_served[i];
        perilune_request_free(served->request);
        perilune_cancel_free(served->cancel);
        free(served);
    }
    free(environment->all_served);
}

static void cancel_all_served(Environment *environment)
{
    uint32_t i;
    for (i = 0; i < environment->served_len; i++) {
        perilune_cancel_now(environment->all_served[i]->cancel);
    }
}

/* A handle can't be taken back: whoever has it next must not be ended by what ended this one. */
static void renew_cancel(Served *served)
{
    perilune_cancel_free(served->cancel);
    served->cancel = perilune_cancel_new();
    perilune_request_set_cancel(served->request, served->cancel, NULL);
}

/* NULL without memory. */
static Served *new_served(Environment *environment)
{
    Served *served = environment->free_served;
    if (served) {
        environment->free_served = served->next_free;
        return served;
    }
    /* At each power of two there is no more room. */
    if ((environment->served_len & (environment->served_len - 1)) == 0) {
        size_t room = environment->served_len ? 2 * (size_t)environment->served_len : 1;
        Served **larger = realloc(environment->all_served, room * sizeof *larger);
        if (!larger) {
            return NULL;
        }
        environment->all_served = larger;
    }
    served = calloc(1, sizeof *served);
    if (served) {
        served->environment = environment;
        served->request = perilune_request_new();
        renew_cancel(served);
        served->number = environment->served_len;
        environment->all_served[environment->served_len++] = served;
    }
    return served;
}

static void free_served(Served *served)
{
    if (perilune_cancel_is_cancelled(served->cancel)) {
        renew_cancel(served);
    }
    served->next_free = served->environment->free_served;
    served->environment->free_served = served;
}

static void drop_served(Environment *environment, Item *item)
{
    Served *served = (Served *)item;
    perilune_trace_free(served->trace);
    perilune_error_free(served->error);
    release_environment(environment);
}

static void tell_served(napi_env env, Environment *environment, Item *item)
{
    Served *served = (Served *)item;
    perilune_trace *trace = served->trace;
    napi_value undefined, told, exception, arguments[5];
    napi_get_undefined(env, &undefined);
    napi_create_uint32(env, served->number, &arguments[0]);
    arguments[1] = arguments[2] = arguments[3] = arguments[4] = undefined;
    if (trace) {
        perilune_trace_view view;
        size_t len;
        const char *json = perilune_trace_json(trace, &len);
        view.size = sizeof view;
        perilune_trace_read(trace, &view, NULL);
        napi_create_double(env, (double)view.id, &arguments[1]);
        arguments[2] = string_of(env, json, len);
        if (view.response_status || view.status == PERILUNE_STATUS_QUEUE_TIMEOUT) {
            arguments[3] = trace_value(env, environment, trace);
        } else {
            perilune_trace_free(trace);
        }
        if (!arguments[2] || !arguments[3]) {
            arguments[2] = arguments[3] = undefined;
            napi_get_and_clear_last_exception(env, &arguments[4]);
        }
    } else {
        arguments[4] = error_value(env, served->error);
        perilune_error_free(served->error);
    }
    served->trace = NULL;
    served->error = NULL;
    /* Before it is told: what it is told to may begin the next run. */
    free_served(served);
    count_in_flight(environment, -1);
    napi_get_reference_value(env, environment->served, &told);
    if (napi_call_function(env, undefined, told, 5, arguments, NULL) == napi_pending_exception &&
        napi_get_and_clear_last_exception(env, &exception) == napi_ok) {
        napi_fatal_exception(env, exception);
    }
    release_environment(environment);
}

static void call_served(perilune_code code, perilune_trace *trace, perilune_error *error, void *user_data)
{
    Served *served = user_data;
    (void)code;
    served->trace = trace;
    served->error = error;
    /* It is made by the first call: here, and not on the loop. */
    perilune_trace_json(trace, NULL);
    post(served->environment, &served->item);
}

enum { NAME, QUERY, BODY, FORM, META, TEXTS };

static napi_value serve_texts(napi_env env, Environment *environment, const perilune_engine *engine, const Text *texts)
{
    perilune_script *script = NULL;
    perilune_error *error = NULL;
    Served *served;
    napi_value number = NULL;
    perilune_code code = perilune_engine_get(engine, texts[NAME].data, texts[NAME].len, &script, &error);
    if (code == PERILUNE_NOT_FOUND) {
        perilune_error_free(error);
        return NULL;
    }
    if (code != PERILUNE_OK) {
        return throw_error(env, error);
    }
    served = new_served(environment);
    if (!served) {
        perilune_script_free(script);
        return throw_type(env, "out of memory");
    }
    served->item.tell = tell_served;
    served->item.drop = drop_served;
    perilune_request_set_form(served->request, texts[FORM].data, texts[FORM].len, NULL);
    perilune_request_set_meta(served->request, texts[META].data, texts[META].len, NULL);
    atomic_fetch_add(&environment->references, 1);
    count_in_flight(environment, 1);
    code = perilune_script_submit(script, texts[QUERY].data, texts[QUERY].len, texts[BODY].data, texts[BODY].len, served->request,
                                  call_served, served, &error);
    perilune_script_free(script);
    /* The run has copies: what waits for the next one should not keep them too. */
    perilune_request_set_form(served->request, NULL, 0, NULL);
    perilune_request_set_meta(served->request, NULL, 0, NULL);
    if (code != PERILUNE_OK) {
        free_served(served);
        count_in_flight(environment, -1);
        release_environment(environment);
        return throw_error(env, error);
    }
    napi_create_uint32(env, served->number, &number);
    return number;
}

/* serve(engine, name, query, body, form, meta) -> the number of the run, of which `setServed`'s function is told; undefined when no script
 * serves under the name */
static napi_value serve(napi_env env, napi_callback_info info)
{
    ARGUMENTS(1 + TEXTS);
    perilune_engine *engine = external(env, arguments[0]);
    Text texts[TEXTS];
    int i = 0;
    napi_value number = NULL;
    if (!engine) {
        return NULL;
    }
    while (i < TEXTS && text_of(env, arguments[1 + i], &texts[i])) {
        i++;
    }
    if (i == TEXTS) {
        number = serve_texts(env, environment, engine, texts);
    }
    while (i) {
        text_done(&texts[--i]);
    }
    return number;
}

/* serveCancel(number): ends a run that is under way. */
static napi_value serve_cancel(napi_env env, napi_callback_info info)
{
    ARGUMENTS(1);
    uint32_t number = UINT32_MAX;
    napi_get_value_uint32(env, arguments[0], &number);
    if (number < environment->served_len) {
        perilune_cancel_now(environment->all_served[number]->cancel);
    }
    return NULL;
}

/* setServed(function): told of each run of `serve` how it ended: (number, id, JSON, trace, error). The trace is only handed over where
 * the JSON does not say what to answer. */
static napi_value set_served(napi_env env, napi_callback_info info)
{
    ARGUMENTS(1);
    napi_create_reference(env, arguments[0], 1, &environment->served);
    return NULL;
}

/* scriptInfo(script) -> [name, version, hash, source] */
static napi_value script_info(napi_env env, napi_callback_info info)
{
    ARGUMENTS(1);
    perilune_script *script = external(env, arguments[0]);
    napi_value list, version;
    const char *text;
    size_t len;
    if (!script) {
        return NULL;
    }
    napi_create_array(env, &list);
    text = perilune_script_name(script, &len);
    napi_set_element(env, list, 0, string_of(env, text, len));
    napi_create_double(env, (double)perilune_script_version(script), &version);
    napi_set_element(env, list, 1, version);
    text = perilune_script_hash(script, &len);
    napi_set_element(env, list, 2, string_of(env, text, len));
    text = perilune_script_source(script, &len);
    napi_set_element(env, list, 3, string_of(env, text, len));
    return list;
}

/* cancelNew() -> cancel */
static napi_value cancel_new(napi_env env, napi_callback_info info)
{
    ARGUMENTS(1);
    atomic_fetch_add(&environment->references, 1);
    return external_value(env, perilune_cancel_new(), free_cancel, environment);
}

/* cancelNow(cancel) */
static napi_value cancel_now(napi_env env, napi_callback_info info)
{
    ARGUMENTS(1);
    perilune_cancel *cancel = external(env, arguments[0]);
    if (cancel) {
        perilune_cancel_now(cancel);
    }
    return NULL;
}

/* parseBytes(text) -> number */
static napi_value parse_bytes(napi_env env, napi_callback_info info)
{
    ARGUMENTS(1);
    Text text;
    uint64_t bytes;
    perilune_error *error = NULL;
    perilune_code code;
    napi_value value = NULL;
    if (!text_of(env, arguments[0], &text)) {
        return NULL;
    }
    code = perilune_parse_bytes(text.data, text.len, &bytes, &error);
    text_done(&text);
    if (code != PERILUNE_OK) {
        return throw_error(env, error);
    }
    napi_create_double(env, (double)bytes, &value);
    return value;
}

/* liveObjects() -> number */
static napi_value live_objects(napi_env env, napi_callback_info info)
{
    napi_value value = NULL;
    (void)info;
    napi_create_double(env, (double)perilune_live_objects(), &value);
    return value;
}

/* setDispatch(function): what calls functions of JavaScript's, see `dispatch` */
static napi_value set_dispatch(napi_env env, napi_callback_info info)
{
    ARGUMENTS(1);
    napi_create_reference(env, arguments[0], 1, &environment->dispatch);
    return NULL;
}

NAPI_MODULE_INIT()
{
    static const struct {
        const char *name;
        napi_callback function;
    } functions[] = {
        {"cancelNew", cancel_new},
        {"cancelNow", cancel_now},
        {"engineCheck", engine_check},
        {"engineCompileAsync", engine_compile_async},
        {"engineFunction", engine_function},
        {"engineHas", engine_has},
        {"engineLimit", engine_limit},
        {"engineLoadDir", engine_load_dir},
        {"engineMetrics", engine_metrics},
        {"engineModule", engine_module},
        {"engineNames", engine_names},
        {"engineNew", engine_new},
        {"engineRemove", engine_remove},
        {"engineScript", engine_script},
        {"engineWatch", engine_watch},
        {"liveObjects", live_objects},
        {"parseBytes", parse_bytes},
        {"run", run},
        {"runSync", run_sync},
        {"scriptInfo", script_info},
        {"serve", serve},
        {"serveCancel", serve_cancel},
        {"setDispatch", set_dispatch},
        {"setServed", set_served},
        {"settle", settle_call},
        {"watchClose", watch_close},
    };
    Environment *environment = calloc(1, sizeof *environment);
    napi_value value = NULL;
    size_t i;
    if (!environment) {
        return throw_type(env, "out of memory");
    }
    atomic_init(&environment->references, 1);
    pthread_mutex_init(&environment->lock, NULL);
    environment->env = env;
    environment->sync_request = perilune_request_new();
    perilune_request_set_poll(environment->sync_request, POLL_NS, poll_loop, environment, NULL, NULL);
    environment->async_request = perilune_request_new();
    environment->ending = perilune_cancel_new();
    perilune_request_set_cancel(environment->async_request, environment->ending, NULL);
    napi_create_string_utf8(env, "perilune", NAPI_AUTO_LENGTH, &value);
    if (napi_create_threadsafe_function(env, NULL, NULL, value, 0, 1, NULL, NULL, environment, on_wake, &environment->wake) != napi_ok) {
        release_environment(environment);
        return NULL;
    }
    napi_unref_threadsafe_function(env, environment->wake);
    napi_set_instance_data(env, environment, NULL, NULL);
    /* After the threadsafe function, and so called before it is gone. */
    napi_add_env_cleanup_hook(env, close_environment, environment);
    for (i = 0; i < sizeof functions / sizeof *functions; i++) {
        napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &value);
        napi_set_named_property(env, exports, functions[i].name, value);
    }
    napi_create_string_utf8(env, perilune_version(), NAPI_AUTO_LENGTH, &value);
    napi_set_named_property(env, exports, "version", value);
    return exports;
}
