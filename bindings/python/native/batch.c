/* Many runs at once, on threads of the engine's, while the caller waits. Uses text.c, interpreter.c, error.c, request.c and trace.c. */
#include "native.h"

#include <time.h>

typedef struct {
    PyObject *progress; /* NULL for none */
    Pending pending;
    atomic_llong last_ns;
} Batch;

static long long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* After each run of a batch, on any of its threads: tells Python and looks for signals, but not more often than a person sees. */
static void batch_progress(size_t done, size_t total, void *user_data)
{
    Batch *batch = user_data;
    long long now = now_ns(), last = atomic_load(&batch->last_ns);
    PyGILState_STATE gil;
    PyObject *result = NULL;
    int is_main = PyThread_get_thread_ident() == pl_state.main_thread, tells;
    if (done < total && now - last < (is_main ? POLL_NS : 20 * POLL_NS)) {
        return;
    }
    if (!atomic_compare_exchange_strong(&batch->last_ns, &last, now) && done < total) {
        return;
    }
    if ((!is_main && !batch->progress) || !pl_enter(&gil)) {
        return;
    }
    tells = batch->progress && !batch->pending.type;
    if (tells) {
        result = PyObject_CallFunction(batch->progress, "n", (Py_ssize_t)done);
    }
    if ((tells && !result) || (is_main && PyErr_CheckSignals() < 0)) {
        pl_pending_take(&batch->pending);
    }
    Py_XDECREF(result);
    pl_leave(gil);
}

/* [trace or exception], or NULL where an exception is set. Takes the traces and errors. */
static PyObject *outcomes(Engine *engine, perilune_trace **traces, perilune_error **errors, Py_ssize_t count)
{
    PyObject *list = PyErr_Occurred() ? NULL : PyList_New(count), *item;
    Py_ssize_t i;
    for (i = 0; i < count; i++) {
        if (list) {
            item = pl_outcome(engine, traces[i], errors[i]);
            traces[i] = NULL;
            if (!item || PyList_SetItem(list, i, item) < 0) {
                Py_CLEAR(list);
            }
        }
        pl_outcome_free(engine, traces[i], errors[i]);
    }
    return list;
}

/* _run_batch([request], progress or None) -> [trace or exception] */
PyObject *pl_script_run_batch(Script *self, PyObject *args)
{
    PyObject *requests, *progress, *list = NULL;
    const perilune_request **given;
    perilune_trace **traces;
    perilune_error **errors, *error = NULL;
    perilune_cancel *cancel;
    Py_ssize_t i, count;
    Batch batch;
    if (!PyArg_ParseTuple(args, "O!O", &PyList_Type, &requests, &progress)) {
        return NULL;
    }
    count = PyList_Size(requests);
    given = calloc((size_t)count + 1, sizeof *given);
    traces = calloc((size_t)count + 1, sizeof *traces);
    errors = calloc((size_t)count + 1, sizeof *errors);
    if (!given || !traces || !errors) {
        PyErr_NoMemory();
        goto done;
    }
    for (i = 0; i < count; i++) {
        given[i] = pl_request_of(PyList_GetItem(requests, i));
        if (!given[i]) {
            goto done;
        }
    }
    cancel = perilune_cancel_new();
    batch.progress = progress == Py_None ? NULL : progress;
    atomic_init(&batch.last_ns, now_ns());
    pl_pending_begin(&batch.pending, cancel);
    WITHOUT_GIL(perilune_script_run_batch(self->script, given, (size_t)count, cancel, batch_progress, &batch, traces, errors, &error));
    perilune_cancel_free(cancel);
    if (pl_pending_end(&batch.pending)) {
        perilune_error_free(error);
    } else if (error) {
        pl_raise(error);
    }
    list = outcomes(self->engine, traces, errors, count);
done:
    free(given);
    free(traces);
    free(errors);
    return list;
}
