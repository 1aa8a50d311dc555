/* Scripts from a directory: loading it, and watching it. A watch tells of changes on a thread of its own; they go to the loop. */

#include "addon.h"

/* [loaded names, removed names, [[path, error]]] */
static napi_value report_value(napi_env env, const perilune_report *report)
{
    napi_value lists[3];
    size_t i;
    for (i = 0; i < 3; i++) {
        napi_create_array(env, &lists[i]);
    }
    for (i = 0; i < perilune_report_loaded_len(report); i++) {
        napi_set_element(env, lists[0], (uint32_t)i, pn_string(env, perilune_script_name(perilune_report_loaded(report, i))));
    }
    for (i = 0; i < perilune_report_removed_len(report); i++) {
        napi_set_element(env, lists[1], (uint32_t)i, pn_string(env, perilune_report_removed(report, i)));
    }
    for (i = 0; i < perilune_report_failed_len(report); i++) {
        const perilune_error *error = perilune_report_failed(report, i);
        napi_value one[2];
        one[0] = pn_string(env, perilune_error_subject(error));
        one[1] = pn_error_value(env, error);
        napi_set_element(env, lists[2], (uint32_t)i, pn_list(env, 2, one));
    }
    return pn_list(env, 3, lists);
}

/* engineLoadDir(engine, path) -> report */
napi_value pn_engine_load_dir(napi_env env, napi_callback_info info)
{
    EngineCall call;
    perilune_report *report = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    napi_value value;
    if (!pn_engine_call(env, info, 1, &call)) {
        return NULL;
    }
    code = perilune_engine_load_dir(call.engine, call.texts[0].slice, &report, &error);
    if (!pn_engine_call_ok(env, &call, code, &error)) {
        return NULL;
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
        pn_environment_release(watcher->environment);
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
    napi_value callback = NULL, report;
    if (change->watcher->callback) {
        napi_get_reference_value(env, change->watcher->callback, &callback);
    }
    if (callback) {
        report = report_value(env, change->report);
        pn_tell(env, callback, 1, &report);
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
        pn_post(watcher->environment, &change->item);
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
napi_value pn_engine_watch(napi_env env, napi_callback_info info)
{
    EngineCall call;
    perilune_error *error = NULL;
    perilune_code code;
    Watch *watch;
    Watcher *watcher;
    if (!pn_engine_call(env, info, 1, &call)) {
        return NULL;
    }
    watch = calloc(1, sizeof *watch);
    watcher = calloc(1, sizeof *watcher);
    if (!watch || !watcher) {
        free(watch);
        free(watcher);
        pn_engine_call_done(&call);
        return pn_throw_memory(env);
    }
    watcher->environment = pn_environment_retain(call.arguments.environment);
    /* The watch's, and the engine's until it calls release_watcher. */
    atomic_init(&watcher->references, 2);
    napi_create_reference(env, call.arguments.values[2], 0, &watcher->callback);
    watch->watcher = watcher;
    code = perilune_engine_watch(call.engine, call.texts[0].slice, call_watcher, watcher, release_watcher,
                                 &watch->watch, &error);
    if (!pn_engine_call_ok(env, &call, code, &error)) {
        napi_delete_reference(env, watcher->callback);
        release_watcher(watcher);
        free(watch);
        return NULL;
    }
    return pn_external(env, watch, free_watch, NULL);
}

/* watchClose(watch) */
napi_value pn_watch_close(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    Watch *watch = pn_external_of(env, arguments.values[0]);
    if (watch) {
        watch_end(env, watch);
    }
    return NULL;
}
