/* The interpreter as the engine's calls find it: the GIL, signals, and exceptions that wait for the end of a run. Uses nothing of the
 * other files. */
#include "native.h"

#include <time.h>

int pl_enter(PyGILState_STATE *gil)
{
    atomic_fetch_add(&pl_state.inside, 1);
    if (atomic_load(&pl_state.ending)) {
        atomic_fetch_sub(&pl_state.inside, 1);
        return 0;
    }
    *gil = PyGILState_Ensure();
    return 1;
}

void pl_leave(PyGILState_STATE gil)
{
    PyGILState_Release(gil);
    atomic_fetch_sub(&pl_state.inside, 1);
}

PyObject *pl_after_fork(PyObject *module, PyObject *args)
{
    pl_state.main_thread = PyThread_get_thread_ident();
    /* Those that were inside are the parent's. */
    atomic_store(&pl_state.inside, 0);
    Py_RETURN_NONE;
}

/* From here on nothing asks for the GIL; those that have it or wait for it are waited for, ten seconds at most. */
PyObject *pl_end(PyObject *module, PyObject *args)
{
    struct timespec pause = {0, 1000000};
    int i;
    atomic_store(&pl_state.ending, true);
    Py_BEGIN_ALLOW_THREADS
    for (i = 0; i < 10000 && atomic_load(&pl_state.inside) > 0; i++) {
        nanosleep(&pause, NULL);
    }
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static _Thread_local Pending *innermost;

void pl_pending_begin(Pending *own, perilune_cancel *cancel)
{
    memset(own, 0, sizeof *own);
    own->cancel = cancel;
    own->outer = innermost;
    innermost = own;
}

int pl_pending_end(Pending *own)
{
    innermost = own->outer;
    if (own->type) {
        PyErr_Restore(own->type, own->value, own->traceback);
    }
    return PyErr_Occurred() != NULL;
}

Pending *pl_pending(void)
{
    return innermost;
}

void pl_pending_take(Pending *pending)
{
    if (!pending->type) {
        PyErr_Fetch(&pending->type, &pending->value, &pending->traceback);
        perilune_cancel_now(pending->cancel);
    }
    PyErr_Clear();
}

int32_t pl_poll(void *user_data)
{
    PyGILState_STATE gil;
    int32_t stop;
    if (innermost && innermost->type) {
        return 1;
    }
    if (PyThread_get_thread_ident() != pl_state.main_thread || !pl_enter(&gil)) {
        return 0;
    }
    stop = PyErr_CheckSignals() < 0;
    if (stop && innermost) {
        pl_pending_take(innermost);
    }
    pl_leave(gil);
    return stop;
}
