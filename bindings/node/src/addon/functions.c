/* Host functions: the loop makes a script's call, and the run waits for its answer without a thread; or it is made at once where a synchronous
 * run has the loop's thread. */

#include "addon.h"

typedef struct {
    Environment *environment;
    uint32_t engine;
    char name[];
} Function;

/* A call that waits for an answer. It is known to JavaScript by its number: what comes late or twice finds nothing. */
struct HostCall {
    HostCall *next;
    /* NULL in a synchronous run, whose thread has this on its stack. */
    perilune_pending *pending;
    uint32_t engine;
    uint64_t run, number;
    perilune_value **arguments;
    size_t len;
    /* In a synchronous run. */
    perilune_value *result;
    char *failure; /* NULL beside no result: there is no memory */
    size_t failure_len;
    const char *name;
};

/* The one global: a thread's own, since a thread's number may be that of one that is gone. */
static _Thread_local Environment *synchronous;

Environment *pn_set_synchronous(Environment *environment)
{
    Environment *before = synchronous;
    synchronous = environment;
    return before;
}

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

static void free_arguments(HostCall *call)
{
    size_t i;
    for (i = 0; i < call->len; i++) {
        perilune_value_free(call->arguments[i]);
    }
    call->len = 0;
}

/* Of one that is no synchronous run's. */
static void free_call(HostCall *call)
{
    free_arguments(call);
    free(call);
}

/* Takes the result, or copies the failure. */
static void answer(Environment *environment, uint64_t number, perilune_value *result, perilune_slice failure)
{
    HostCall *call;
    pthread_mutex_lock(&environment->lock);
    call = unlink_call(environment, number);
    pthread_mutex_unlock(&environment->lock);
    if (!call) {
        perilune_value_free(result);
    } else if (call->pending) {
        if (result) {
            perilune_pending_resolve(call->pending, result);
        } else {
            perilune_pending_reject(call->pending, failure);
        }
        free_call(call);
    } else if (result) {
        call->result = result;
    } else {
        call->failure = malloc(failure.len + 1);
        if (call->failure) {
            memcpy(call->failure, failure.data, failure.len);
            call->failure_len = failure.len;
        }
    }
}

static void end_list(HostCall *call)
{
    HostCall *next;
    for (; call; call = next) {
        next = call->next;
        if (call->pending) {
            perilune_pending_reject(call->pending, perilune_str("the host is ending"));
            free_call(call);
        }
    }
}

void pn_calls_end(Environment *environment)
{
    HostCall *first, *open;
    pthread_mutex_lock(&environment->lock);
    first = environment->first_call;
    open = environment->open;
    environment->first_call = environment->last_call = environment->open = NULL;
    pthread_mutex_unlock(&environment->lock);
    end_list(first);
    end_list(open);
}

/* With the text of the exception that is pending, which is cleared. */
static void answer_exception(napi_env env, Environment *environment, uint64_t number)
{
    napi_value exception, message;
    Text text;
    bool is_pending = false;
    text.owned = NULL;
    napi_is_exception_pending(env, &is_pending);
    if (is_pending && napi_get_and_clear_last_exception(env, &exception) == napi_ok &&
        napi_get_named_property(env, exception, "message", &message) == napi_ok && pn_texts_of(env, &message, 1, &text) && text.slice.data) {
        answer(environment, number, NULL, text.slice);
    } else {
        answer(environment, number, NULL, perilune_str("the function failed"));
    }
    pn_texts_done(&text, 1);
    napi_is_exception_pending(env, &is_pending);
    if (is_pending) {
        napi_get_and_clear_last_exception(env, &exception);
    }
}

/* settle(number, isError, value): the answer of a call. */
napi_value pn_settle(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    Environment *environment = arguments.environment;
    double exact = 0;
    uint64_t number;
    bool is_error = false;
    Text text;
    perilune_value *result;
    napi_get_value_double(env, arguments.values[0], &exact);
    number = (uint64_t)exact;
    napi_get_value_bool(env, arguments.values[1], &is_error);
    if (!is_error && (result = pn_value_from_js(env, arguments.values[2]))) {
        answer(environment, number, result, perilune_str(NULL));
    } else if (is_error && pn_texts_of(env, &arguments.values[2], 1, &text)) {
        answer(environment, number, NULL, text.slice.data ? text.slice : perilune_str(""));
        pn_texts_done(&text, 1);
    } else {
        answer_exception(env, environment, number);
    }
    return NULL;
}

/* setDispatch(function): what calls functions of JavaScript's, see `dispatch` */
napi_value pn_set_dispatch(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    napi_create_reference(env, arguments.values[0], 1, &arguments.environment->dispatch);
    return NULL;
}

/* Calls what `setDispatch` was given, which settles the call, at once or later. */
static void dispatch(Environment *environment, HostCall *call, bool is_synchronous)
{
    napi_env env = environment->env;
    napi_handle_scope scope;
    napi_value function = NULL, this, arguments[6], result;
    uint64_t number = call->number;
    size_t i;
    napi_open_handle_scope(env, &scope);
    napi_get_reference_value(env, environment->dispatch, &function);
    napi_get_undefined(env, &this);
    napi_create_uint32(env, call->engine, &arguments[0]);
    arguments[1] = pn_string(env, perilune_str(call->name));
    arguments[2] = pn_number(env, (double)call->run);
    napi_create_array_with_length(env, call->len, &arguments[3]);
    for (i = 0; i < call->len; i++) {
        napi_set_element(env, arguments[3], (uint32_t)i, pn_value_to_js(env, call->arguments[i]));
    }
    free_arguments(call);
    napi_get_boolean(env, is_synchronous, &arguments[4]);
    arguments[5] = pn_number(env, (double)number);
    if (napi_call_function(env, this, function, 6, arguments, &result) != napi_ok) {
        answer_exception(env, environment, number);
    }
    napi_close_handle_scope(env, scope);
}

/* One at a time, as a function may run scripts, and so come here again. */
void pn_calls_tell(Environment *environment)
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
        if (perilune_pending_is_gone(call->pending)) {
            pthread_mutex_unlock(&environment->lock);
            perilune_pending_free(call->pending);
            free_call(call);
        } else {
            call->next = environment->open;
            environment->open = call;
            pthread_mutex_unlock(&environment->lock);
            dispatch(environment, call, false);
        }
        pthread_mutex_lock(&environment->lock);
    }
    pthread_mutex_unlock(&environment->lock);
}

/* Reads all arguments of a call; where one can't be read, the library has told the script why. */
static bool read_arguments(perilune_call *call, HostCall *host_call)
{
    size_t len = perilune_call_len(call);
    while (host_call->len < len) {
        if (!perilune_call_value(call, host_call->len, &host_call->arguments[host_call->len])) {
            return false;
        }
        host_call->len++;
    }
    return true;
}

/* Has the loop make a call, and answer it. */
static void call_later(const Function *function, perilune_call *call)
{
    Environment *environment = function->environment;
    size_t len = perilune_call_len(call), name_len = strlen(function->name) + 1;
    HostCall *host_call = calloc(1, sizeof *host_call + len * sizeof *host_call->arguments + name_len);
    char *name;
    if (!host_call) {
        perilune_call_fail(call, perilune_str("out of memory"));
        return;
    }
    host_call->arguments = (perilune_value **)(host_call + 1);
    name = (char *)(host_call->arguments + len);
    /* The function may be gone before the loop comes to it. */
    memcpy(name, function->name, name_len);
    host_call->name = name;
    host_call->engine = function->engine;
    host_call->run = perilune_call_run_id(call);
    if (!read_arguments(call, host_call)) {
        free_call(host_call);
        return;
    }
    pthread_mutex_lock(&environment->lock);
    if (!environment->is_closed) {
        host_call->pending = perilune_call_defer(call);
        host_call->number = ++environment->calls;
        if (environment->last_call) {
            environment->last_call->next = host_call;
        } else {
            environment->first_call = host_call;
        }
        environment->last_call = host_call;
        pn_wake(environment);
        host_call = NULL;
    }
    pthread_mutex_unlock(&environment->lock);
    if (host_call) {
        free_call(host_call);
        perilune_call_fail(call, perilune_str("the host is ending"));
    }
}

/* Makes a call on the loop's thread, in a synchronous run. */
static void call_now(const Function *function, perilune_call *call)
{
    Environment *environment = function->environment;
    HostCall host_call;
    perilune_value *few[8];
    size_t len = perilune_call_len(call);
    memset(&host_call, 0, sizeof host_call);
    host_call.name = function->name;
    host_call.engine = function->engine;
    host_call.run = perilune_call_run_id(call);
    host_call.arguments = len <= sizeof few / sizeof *few ? few : malloc(len * sizeof *few);
    if (!host_call.arguments) {
        perilune_call_fail(call, perilune_str("out of memory"));
        return;
    }
    if (read_arguments(call, &host_call)) {
        pthread_mutex_lock(&environment->lock);
        host_call.number = ++environment->calls;
        host_call.next = environment->open;
        environment->open = &host_call;
        pthread_mutex_unlock(&environment->lock);
        dispatch(environment, &host_call, true);
        pthread_mutex_lock(&environment->lock);
        unlink_call(environment, host_call.number);
        pthread_mutex_unlock(&environment->lock);
        if (host_call.result) {
            perilune_call_return_value(call, host_call.result);
        } else if (host_call.failure) {
            perilune_call_fail(call, perilune_bytes(host_call.failure, host_call.failure_len));
        } else {
            perilune_call_fail(call, perilune_str("out of memory"));
        }
        free(host_call.failure);
    }
    free_arguments(&host_call);
    if (host_call.arguments != few) {
        free(host_call.arguments);
    }
}

static void call_function(perilune_call *call, void *user_data)
{
    const Function *function = user_data;
    (synchronous == function->environment ? call_now : call_later)(function, call);
}

static void free_function(void *data)
{
    Function *function = data;
    pn_environment_release(function->environment);
    free(function);
}

/* engineFunction(engine, name, number): `setDispatch`'s function is given that number. */
napi_value pn_engine_function(napi_env env, napi_callback_info info)
{
    EngineCall call;
    const Text *name = &call.texts[0];
    Function *function;
    perilune_error *error = NULL;
    perilune_code code;
    if (!pn_engine_call(env, info, 1, &call)) {
        return NULL;
    }
    function = malloc(sizeof *function + name->slice.len + 1);
    if (!function) {
        pn_engine_call_done(&call);
        return pn_throw_memory(env);
    }
    function->environment = pn_environment_retain(call.arguments.environment);
    napi_get_value_uint32(env, call.arguments.values[2], &function->engine);
    memcpy(function->name, name->slice.data ? name->slice.data : "", name->slice.len);
    function->name[name->slice.len] = 0;
    code = perilune_engine_async_function(call.engine, name->slice, call_function, function, free_function, &error);
    pn_engine_call_ok(env, &call, code, &error);
    return NULL;
}

int32_t pn_poll(void *user_data)
{
    Environment *environment = user_data;
    napi_env env = environment->env;
    napi_handle_scope scope;
    napi_value undefined;
    bool is_same, is_over;
    pn_calls_tell(environment);
    napi_open_handle_scope(env, &scope);
    napi_get_undefined(env, &undefined);
    /* The cheapest of what is refused once no JavaScript may run. */
    is_over = napi_strict_equals(env, undefined, undefined, &is_same) != napi_ok;
    napi_close_handle_scope(env, scope);
    return is_over;
}
