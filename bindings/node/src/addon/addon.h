/* Perilune for Node: what TypeScript can't do itself, over perilune.h. This header is what the files beside it share; each function is
 * declared under the name of the file that has it.
 *
 * All state is an environment's, main or worker, for worker threads load an addon again. It is counted: callbacks of the engine may come
 * after the environment is gone, and find it closed. */

#ifndef PERILUNE_ADDON_H
#define PERILUNE_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "perilune.h"

#pragma GCC visibility push(hidden)

typedef struct Environment Environment;
typedef struct Item Item;
typedef struct HostCall HostCall;
typedef struct Run Run;

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
    /* Calls of host functions that the loop was not told of, and those that it has yet to answer. */
    HostCall *first_call, *last_call, *open;
    uint64_t calls;
    /* The rest is the loop's. */
    napi_env env;
    napi_threadsafe_function wake;
    int in_flight;
    /* What `setDispatch` and `setAnswered` were given. */
    napi_ref dispatch, answered;
    /* What a synchronous run is made with that is given nothing but texts. */
    perilune_request *sync_request;
    /* The runs on the engine's threads, each at its number; and those of them that are free. */
    Run **runs, *free_runs;
    uint32_t runs_len;
    /* Those of exchanges that wait for `exchangesSubmit`, the first first. */
    Run *waiting, **last_waiting;
    /* Where what crosses is put together: see pn_scratch. */
    char *scratch;
    size_t scratch_size;
};

/* A run on the engine's threads, of which JavaScript has a promise; or an exchange, of which it has the number. When it is over, the next
 * one has it, with its request and its handle: nothing is made for a run that another could use. The engine's threads write `trace` and
 * `error`, before they post it, and have the exchange while its run is under way, as has the thread that reads its body; all else is the
 * loop's. It lives as long as the environment, of which a run that is under way holds a reference. */
struct Run {
    Item item;
    Environment *environment;
    Run *next; /* where it is free or waits */
    uint32_t number;
    perilune_request *request;
    perilune_cancel *cancel;
    /* Of a script's run. */
    napi_deferred deferred;
    perilune_trace *trace;
    perilune_error *error;
    /* Of an exchange. */
    perilune_exchange *exchange;
    napi_async_work work;
    size_t body_len;
    bool is_whole;
};

/* ---- environment.c ---- */

/* That of the module that is being loaded. NULL with an exception pending. */
Environment *pn_environment_new(napi_env env);
Environment *pn_environment_retain(Environment *environment);
/* From any thread. */
void pn_environment_release(Environment *environment);
/* Under the lock, so that the threadsafe function is not gone. */
void pn_wake(Environment *environment);
/* From any thread: has the loop tell the item, or drops it when the environment is gone. */
void pn_post(Environment *environment, Item *item);
/* What is in flight keeps the process alive. */
void pn_count_in_flight(Environment *environment, int change);
/* Room for so many bytes, until the next call. NULL with an exception pending. */
char *pn_scratch(napi_env env, Environment *environment, size_t size);
/* Calls a function of JavaScript's from the loop, where nobody catches what it throws: that ends the process. */
void pn_tell(napi_env env, napi_value function, size_t len, const napi_value *arguments);

/* ---- errors.c ---- */

/* An Error whose properties TypeScript makes a class of. */
napi_value pn_error_value(napi_env env, const perilune_error *error);
/* The same of an error that is freed. */
napi_value pn_error_take(napi_env env, perilune_error *error);
/* Whether the code is that of success; if not, the error is thrown and freed. By its address, so that the call that sets it can stand for
 * the code. */
bool pn_ok(napi_env env, perilune_code code, perilune_error *const *error);
napi_value pn_throw_type(napi_env env, const char *text);
napi_value pn_throw_memory(napi_env env);

/* ---- arguments.c ---- */

/* The most that a function of the addon is given. */
enum { PN_ARGUMENTS = 7 };

typedef struct {
    Environment *environment;
    /* NULL where they are missing, which is told faster than that they are undefined. */
    napi_value values[PN_ARGUMENTS];
} Arguments;

/* A text of JavaScript's: a string as UTF-8, or the bytes of a Buffer. Always a copy: the bytes could be changed, moved or freed by what a
 * run calls, and those of a SharedArrayBuffer by another thread at any time. Not to be moved: the slice may be in itself. */
typedef struct {
    perilune_slice slice; /* NULL for undefined and null */
    char *owned;
    char inside[256];
} Text;

Arguments pn_arguments(napi_env env, napi_callback_info info);
/* All of them or, with an exception pending, none. */
bool pn_texts_of(napi_env env, const napi_value *values, unsigned len, Text *texts);
void pn_texts_done(Text *texts, unsigned len);
/* Whether it is missing, undefined or null. */
bool pn_is_nothing(napi_env env, napi_value value);
/* A number or a BigInt, as near as 64 bits come to it; whether a BigInt has no more. */
bool pn_number_of(napi_env env, napi_value value, uint64_t *number);
/* The object in an external; NULL with an exception pending. */
void *pn_external_of(napi_env env, napi_value value);
/* An external of an object, which is freed where there can be none: NULL with an exception pending then. */
napi_value pn_external(napi_env env, void *object, napi_finalize finalize, void *hint);

/* ---- values.c ---- */

napi_value pn_string(napi_env env, perilune_slice text);
napi_value pn_number(napi_env env, double number);
napi_value pn_list(napi_env env, size_t len, const napi_value *values);
bool pn_is_ascii(perilune_slice bytes);
/* A string of what is UTF-8, else a Buffer. */
napi_value pn_text_or_buffer(napi_env env, perilune_slice bytes);
napi_value pn_value_to_js(napi_env env, const perilune_value *value);
/* NULL with an exception pending. TypeScript has made plain values of all before, and of no more levels than there may be. */
perilune_value *pn_value_from_js(napi_env env, napi_value value);

/* ---- trace.c ---- */

/* The string of a trace, which is freed. NULL with an exception pending. */
napi_value pn_trace_value(napi_env env, Environment *environment, perilune_trace *trace);
napi_value pn_trace_json(napi_env env, napi_callback_info info);

/* ---- functions.c ---- */

/* The environment whose synchronous run this thread makes from now on, or none; returns the one before. */
Environment *pn_set_synchronous(Environment *environment);
/* On the loop's thread: makes the calls that wait. */
void pn_calls_tell(Environment *environment);
/* All scripts whose calls wait are told that the host ends. */
void pn_calls_end(Environment *environment);
/* What a synchronous run polls: other runs may wait for this thread to call a function, and a worker may be told to end. */
int32_t pn_poll(void *environment);
napi_value pn_engine_function(napi_env env, napi_callback_info info);
napi_value pn_set_dispatch(napi_env env, napi_callback_info info);
napi_value pn_settle(napi_env env, napi_callback_info info);

/* ---- request.c ---- */

/* Adds form, meta and options, of which each may be missing. False with an exception pending. */
bool pn_request_fill(napi_env env, perilune_request *request, const Text *form, const Text *meta, napi_value options);
napi_value pn_cancel_new(napi_env env, napi_callback_info info);
napi_value pn_cancel_now(napi_env env, napi_callback_info info);

/* ---- run.c ---- */

/* A free one. NULL with an exception pending. */
Run *pn_run_new(napi_env env, Environment *environment);
void pn_run_free(Run *run);
void pn_runs_cancel(Environment *environment);
void pn_runs_free(Environment *environment);
napi_value pn_run(napi_env env, napi_callback_info info);
napi_value pn_run_sync(napi_env env, napi_callback_info info);

/* ---- endpoints.c ---- */

napi_value pn_endpoints_ask(napi_env env, napi_callback_info info);
napi_value pn_endpoints_links(napi_env env, napi_callback_info info);
napi_value pn_endpoints_metrics(napi_env env, napi_callback_info info);
napi_value pn_endpoints_new(napi_env env, napi_callback_info info);
napi_value pn_endpoints_publish(napi_env env, napi_callback_info info);
napi_value pn_exchange_cancel(napi_env env, napi_callback_info info);
napi_value pn_exchange_push(napi_env env, napi_callback_info info);
napi_value pn_exchange_read(napi_env env, napi_callback_info info);
napi_value pn_exchange_stored(napi_env env, napi_callback_info info);
napi_value pn_exchanges_submit(napi_env env, napi_callback_info info);
napi_value pn_set_answered(napi_env env, napi_callback_info info);

/* ---- engine.c ---- */

/* What most functions of an engine are given: (engine, text …, anything else …). */
typedef struct {
    Arguments arguments;
    perilune_engine *engine;
    unsigned len;
    Text texts[2];
} EngineCall;

/* False with an exception pending. */
bool pn_engine_call(napi_env env, napi_callback_info info, unsigned texts, EngineCall *call);
void pn_engine_call_done(EngineCall *call);
/* The same with what the engine said: whether it was done. If not, the error is thrown. */
bool pn_engine_call_ok(napi_env env, EngineCall *call, perilune_code code, perilune_error *const *error);
napi_value pn_engine_check(napi_env env, napi_callback_info info);
napi_value pn_engine_limit(napi_env env, napi_callback_info info);
napi_value pn_engine_metrics(napi_env env, napi_callback_info info);
napi_value pn_engine_module(napi_env env, napi_callback_info info);
napi_value pn_engine_new(napi_env env, napi_callback_info info);

/* ---- script.c ---- */

napi_value pn_engine_compile(napi_env env, napi_callback_info info);
napi_value pn_engine_compile_async(napi_env env, napi_callback_info info);
napi_value pn_engine_get(napi_env env, napi_callback_info info);
napi_value pn_engine_names(napi_env env, napi_callback_info info);
napi_value pn_engine_put(napi_env env, napi_callback_info info);
napi_value pn_engine_sandbox(napi_env env, napi_callback_info info);
napi_value pn_engine_remove(napi_env env, napi_callback_info info);
napi_value pn_script_info(napi_env env, napi_callback_info info);

/* ---- directory.c ---- */

napi_value pn_engine_load_dir(napi_env env, napi_callback_info info);
napi_value pn_engine_watch(napi_env env, napi_callback_info info);
napi_value pn_watch_close(napi_env env, napi_callback_info info);

#pragma GCC visibility pop

#endif
