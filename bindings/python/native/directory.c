/* Named scripts from a directory: loading it, and following it. Uses text.c, object.c, interpreter.c and error.c. */
#include "native.h"

typedef struct Watch {
    PyObject_HEAD
    perilune_watch *watch;
    PyObject *watcher;
    /* What the watch's own thread is given, and frees: this object, until that is gone. Under the GIL. */
    struct Watch **watched;
} Watch;

static PyObject *loaded(const void *report, size_t index)
{
    return pl_text(perilune_script_name(perilune_report_loaded(report, index)));
}

static PyObject *removed(const void *report, size_t index)
{
    return pl_text(perilune_report_removed(report, index));
}

static PyObject *failed(const void *report, size_t index)
{
    const perilune_error *error = perilune_report_failed(report, index);
    return Py_BuildValue("(NN)", pl_text(perilune_error_subject(error)), pl_exception(error));
}

/* (names that are loaded, names that are removed, [(path, exception)]) */
static PyObject *report_to_python(const perilune_report *report)
{
    return Py_BuildValue("(NNN)", pl_list(perilune_report_loaded_len(report), loaded, report),
                         pl_list(perilune_report_removed_len(report), removed, report),
                         pl_list(perilune_report_failed_len(report), failed, report));
}

/* engine._load_dir(path): a report */
PyObject *pl_load_dir(Engine *engine, PyObject *args)
{
    Text path;
    perilune_report *report = NULL;
    perilune_error *error = NULL;
    PyObject *result;
    if (!PyArg_ParseTuple(args, "s#", PARSED(path))) {
        return NULL;
    }
    WITHOUT_GIL(perilune_engine_load_dir(engine->engine, TEXT(path), &report, &error));
    if (error) {
        return pl_raise(error);
    }
    result = report_to_python(report);
    perilune_report_free(report);
    return result;
}

static void call_watcher(const perilune_report *report, void *user_data)
{
    Watch **watched = user_data;
    PyGILState_STATE gil;
    PyObject *result, *watcher;
    if (!pl_enter(&gil)) {
        return;
    }
    watcher = *watched ? (*watched)->watcher : NULL;
    if (watcher) {
        Py_INCREF(watcher);
        result = PyObject_CallFunction(watcher, "(N)", report_to_python(report));
        if (!result) {
            PyErr_WriteUnraisable(watcher);
        }
        Py_XDECREF(result);
        Py_DECREF(watcher);
    }
    pl_leave(gil);
}

static PyObject *watch_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Engine *engine;
    Text path;
    PyObject *watcher;
    perilune_error *error = NULL;
    Watch *self;
    if (!PyArg_ParseTuple(args, "O!s#O", pl_state.engine_type, &engine, PARSED(path), &watcher)) {
        return NULL;
    }
    self = pl_object_new(type);
    if (!self) {
        return NULL;
    }
    Py_INCREF(watcher);
    self->watcher = watcher;
    self->watched = malloc(sizeof *self->watched);
    if (!self->watched) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    *self->watched = self;
    WITHOUT_GIL(perilune_engine_watch(engine->engine, TEXT(path), call_watcher, self->watched, free, &self->watch, &error));
    if (error) {
        self->watched = NULL;
        Py_DECREF(self);
        return pl_raise(error);
    }
    return (PyObject *)self;
}

/* Waits for a callback that is under way, with the GIL released for it. */
static void watch_end(Watch *self)
{
    perilune_watch *watch = self->watch;
    if (watch) {
        *self->watched = NULL;
        self->watched = NULL;
        self->watch = NULL;
        WITHOUT_GIL(perilune_watch_free(watch));
    }
}

static PyObject *watch_close(Watch *self, PyObject *args)
{
    watch_end(self);
    Py_RETURN_NONE;
}

static int watch_traverse(Watch *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->watcher);
    return 0;
}

static int watch_clear(Watch *self)
{
    Py_CLEAR(self->watcher);
    return 0;
}

static void watch_dealloc(Watch *self)
{
    PyObject_GC_UnTrack(self);
    watch_end(self);
    Py_CLEAR(self->watcher);
    pl_object_free(self);
}

int pl_add_watch(PyObject *module)
{
    static PyMethodDef methods[] = {METHOD("_close", watch_close, METH_NOARGS), {NULL, NULL, 0, NULL}};
    static PyType_Slot slots[] = {
        SLOT(Py_tp_new, watch_new),     SLOT(Py_tp_dealloc, watch_dealloc), SLOT(Py_tp_traverse, watch_traverse),
        SLOT(Py_tp_clear, watch_clear), SLOT(Py_tp_methods, methods),       {0, NULL},
    };
    return pl_add_type(module, "perilune._native.Watch", sizeof(Watch), Py_TPFLAGS_HAVE_GC, slots, NULL);
}
