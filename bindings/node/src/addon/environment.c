/* An environment of Node's, main or worker, and its loop: what threads have to say waits in a list, of which a threadsafe function tells
 * the loop once for many. */

#include "addon.h"

/* While a synchronous run waits or runs, how often it looks whether other runs wait for functions of this thread. */
#define POLL_NS 1000000

Environment *pn_environment_retain(Environment *environment)
{
    atomic_fetch_add(&environment->references, 1);
    return environment;
}

void pn_environment_release(Environment *environment)
{
    if (atomic_fetch_sub(&environment->references, 1) == 1) {
        pn_runs_free(environment);
        perilune_request_free(environment->sync_request);
        pthread_mutex_destroy(&environment->lock);
        free(environment->scratch);
        free(environment);
    }
}

void pn_wake(Environment *environment)
{
    if (!environment->is_awake) {
        environment->is_awake = true;
        napi_call_threadsafe_function(environment->wake, NULL, napi_tsfn_nonblocking);
    }
}

void pn_post(Environment *environment, Item *item)
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
    pn_wake(environment);
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
    pn_calls_tell(environment);
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

void pn_count_in_flight(Environment *environment, int change)
{
    environment->in_flight += change;
    if (change > 0 && environment->in_flight == 1) {
        napi_ref_threadsafe_function(environment->env, environment->wake);
    } else if (environment->in_flight == 0) {
        napi_unref_threadsafe_function(environment->env, environment->wake);
    }
}

char *pn_scratch(napi_env env, Environment *environment, size_t size)
{
    const size_t least = 4096, most = 1 << 20;
    /* That one was large is no reason to keep so much. */
    if (!environment->scratch || size > environment->scratch_size || (environment->scratch_size > most && size <= most)) {
        free(environment->scratch);
        environment->scratch_size = size > least ? size : least;
        environment->scratch = malloc(environment->scratch_size);
    }
    if (!environment->scratch) {
        environment->scratch_size = 0;
        pn_throw_memory(env);
    }
    return environment->scratch;
}

void pn_tell(napi_env env, napi_value function, size_t len, const napi_value *arguments)
{
    napi_value undefined, exception;
    napi_get_undefined(env, &undefined);
    if (napi_call_function(env, undefined, function, len, arguments, NULL) == napi_pending_exception &&
        napi_get_and_clear_last_exception(env, &exception) == napi_ok) {
        napi_fatal_exception(env, exception);
    }
}

static void close_environment(void *data)
{
    Environment *environment = data;
    Item *item;
    pthread_mutex_lock(&environment->lock);
    environment->is_closed = true;
    pthread_mutex_unlock(&environment->lock);
    pn_calls_end(environment);
    pn_runs_cancel(environment);
    while ((item = take(environment))) {
        item->drop(environment, item);
    }
    napi_release_threadsafe_function(environment->wake, napi_tsfn_abort);
    pn_environment_release(environment);
}

Environment *pn_environment_new(napi_env env)
{
    Environment *environment = calloc(1, sizeof *environment);
    if (!environment) {
        pn_throw_memory(env);
        return NULL;
    }
    atomic_init(&environment->references, 1);
    pthread_mutex_init(&environment->lock, NULL);
    environment->env = env;
    environment->last_waiting = &environment->waiting;
    environment->sync_request = perilune_request_new();
    perilune_request_set_poll(environment->sync_request, POLL_NS, pn_poll, environment, NULL, NULL);
    if (napi_create_threadsafe_function(env, NULL, NULL, pn_string(env, perilune_str("perilune")), 0, 1, NULL, NULL, environment, on_wake,
                                        &environment->wake) != napi_ok) {
        pn_environment_release(environment);
        return NULL;
    }
    napi_unref_threadsafe_function(env, environment->wake);
    napi_set_instance_data(env, environment, NULL, NULL);
    /* After the threadsafe function, and so called before it is gone. */
    napi_add_env_cleanup_hook(env, close_environment, environment);
    return environment;
}
