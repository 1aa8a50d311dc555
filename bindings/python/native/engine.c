/* The engine. Uses text.c, object.c, interpreter.c, error.c, function.c, directory.c, request.c and endpoints.c. */
#include "native.h"

/* Options of workers: their numbers and values in turn. */
static int set_workers(perilune_options *options, Text program, PyObject *numbers, perilune_error **error)
{
    Py_ssize_t i;
    int ok = perilune_options_set_workers(options, TEXT(program), error) == PERILUNE_OK;
    for (i = 0; ok && i + 1 < PyTuple_Size(numbers); i += 2) {
        long option = PyLong_AsLong(PyTuple_GetItem(numbers, i));
        unsigned long long value = PyLong_AsUnsignedLongLong(PyTuple_GetItem(numbers, i + 1));
        ok = !PyErr_Occurred() &&
             perilune_options_set_worker_option(options, (perilune_worker_option)option, value, error) == PERILUNE_OK;
    }
    return ok;
}

static perilune_engine *made(Py_ssize_t pool_size, Py_ssize_t threads, Py_ssize_t backlog, PyObject *limits, Text workers, PyObject *numbers,
                             perilune_error **error)
{
    perilune_options *options = perilune_options_new();
    perilune_engine *engine = NULL;
    perilune_limit limit;
    uint64_t value;
    Py_ssize_t at = 0;
    int more = 0, ok = (pool_size <= 0 || perilune_options_set_pool_size(options, (size_t)pool_size, error) == PERILUNE_OK) &&
                       (threads <= 0 || perilune_options_set_threads(options, (size_t)threads, error) == PERILUNE_OK) &&
                       (backlog < 0 || perilune_options_set_backlog(options, (size_t)backlog, error) == PERILUNE_OK) &&
                       set_workers(options, workers, numbers, error);
    while (ok && (more = pl_limits_next(limits, &at, &limit, &value)) > 0) {
        ok = perilune_options_set_limit(options, limit, value, error) == PERILUNE_OK;
    }
    if (ok && more == 0) {
        perilune_engine_new(options, &engine, error);
    }
    perilune_options_free(options);
    return engine;
}

/* Engine(pool_size, threads, backlog, limits, program of workers, their options): 0, 0, -1 and no entry for what is as the library says; None
 * for no workers */
static PyObject *engine_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Py_ssize_t pool_size, threads, backlog;
    PyObject *limits, *numbers;
    Text workers;
    perilune_engine *engine;
    perilune_error *error = NULL;
    Engine *self;
    if (!PyArg_ParseTuple(args, "nnnO!z#O!", &pool_size, &threads, &backlog, &PyDict_Type, &limits, PARSED(workers), &PyTuple_Type, &numbers)) {
        return NULL;
    }
    engine = made(pool_size, threads, backlog, limits, workers, numbers, &error);
    if (!engine) {
        return error ? pl_raise(error) : NULL;
    }
    self = pl_object_new(type);
    if (!self) {
        perilune_engine_free(engine);
        return NULL;
    }
    self->engine = engine;
    self->functions = PyDict_New();
    self->failures = PyDict_New();
    if (!self->functions || !self->failures) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int engine_traverse(Engine *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->functions);
    Py_VISIT(self->failures);
    return 0;
}

static int engine_clear(Engine *self)
{
    /* The dictionaries stay: a run that is under way on another thread may look into them. */
    PyDict_Clear(self->functions);
    PyDict_Clear(self->failures);
    return 0;
}

static void engine_dealloc(Engine *self)
{
    PyObject_GC_UnTrack(self);
    perilune_engine_free(self->engine);
    Py_CLEAR(self->functions);
    Py_CLEAR(self->failures);
    pl_object_free(self);
}

static PyObject *engine_module(Engine *self, PyObject *args)
{
    Text name, source;
    perilune_error *error = NULL;
    if (!PyArg_ParseTuple(args, "s#s#", PARSED(name), PARSED(source))) {
        return NULL;
    }
    WITHOUT_GIL(perilune_engine_module(self->engine, TEXT(name), TEXT(source), &error));
    return pl_done(error);
}

static PyObject *engine_remove(Engine *self, PyObject *args)
{
    Text name;
    perilune_error *error = NULL;
    if (!PyArg_ParseTuple(args, "s#", PARSED(name))) {
        return NULL;
    }
    WITHOUT_GIL(perilune_engine_remove(self->engine, TEXT(name), &error));
    return pl_done(error);
}

static PyObject *name_at(const void *scripts, size_t index)
{
    return pl_text(perilune_script_name(perilune_scripts_at(scripts, index)));
}

static PyObject *engine_names(Engine *self, PyObject *args)
{
    perilune_scripts *scripts = NULL;
    perilune_error *error = NULL;
    PyObject *names;
    WITHOUT_GIL(perilune_engine_list(self->engine, perilune_str(NULL), &scripts, &error));
    if (error) {
        return pl_raise(error);
    }
    names = pl_list(perilune_scripts_len(scripts), name_at, scripts);
    perilune_scripts_free(scripts);
    return names;
}

static PyObject *diagnostic_at(const void *found, size_t index)
{
    return Py_BuildValue("(sIIN)", perilune_diagnostics_severity(found, index) == PERILUNE_SEVERITY_ERROR ? "error" : "warning",
                         (unsigned int)perilune_diagnostics_line(found, index),
                         (unsigned int)perilune_diagnostics_column(found, index), pl_text(perilune_diagnostics_message(found, index)));
}

/* [(severity, line, column, message)] */
static PyObject *engine_check(Engine *self, PyObject *args)
{
    Text name, source;
    perilune_diagnostics *found = NULL;
    perilune_error *error = NULL;
    PyObject *list;
    if (!PyArg_ParseTuple(args, "s#s#", PARSED(name), PARSED(source))) {
        return NULL;
    }
    WITHOUT_GIL(perilune_engine_check(self->engine, TEXT(name), TEXT(source), &found, &error));
    if (error) {
        return pl_raise(error);
    }
    list = pl_list(perilune_diagnostics_len(found), diagnostic_at, found);
    perilune_diagnostics_free(found);
    return list;
}

/* _metrics(prometheus): its text form, or JSON */
static PyObject *engine_metrics(Engine *self, PyObject *args)
{
    int prometheus;
    perilune_metrics *metrics = NULL;
    perilune_error *error = NULL;
    PyObject *result;
    if (!PyArg_ParseTuple(args, "p", &prometheus)) {
        return NULL;
    }
    WITHOUT_GIL(perilune_engine_metrics(self->engine, &metrics, &error));
    if (error) {
        return pl_raise(error);
    }
    result = pl_text(prometheus ? perilune_metrics_prometheus(metrics) : perilune_metrics_json(metrics));
    perilune_metrics_free(metrics);
    return result;
}

/* None without workers, or why the parts are missing, in the order of their numbers */
static PyObject *engine_sandbox(Engine *self, PyObject *args)
{
    perilune_error *error = NULL;
    perilune_sandbox *sandbox = NULL;
    perilune_slice missing[PERILUNE_SANDBOX_RESOURCES];
    PyObject *result;
    perilune_sandbox_part part;
    WITHOUT_GIL(perilune_engine_sandbox(self->engine, &sandbox, &error));
    if (error) {
        return pl_raise(error);
    }
    if (!sandbox) {
        Py_RETURN_NONE;
    }
    for (part = PERILUNE_SANDBOX_SYSTEM_CALLS; part <= PERILUNE_SANDBOX_RESOURCES; part++) {
        missing[part - 1] = perilune_sandbox_missing(sandbox, part);
    }
    result = Py_BuildValue("(z#z#z#z#)", missing[0].data, (Py_ssize_t)missing[0].len, missing[1].data, (Py_ssize_t)missing[1].len,
                           missing[2].data, (Py_ssize_t)missing[2].len, missing[3].data, (Py_ssize_t)missing[3].len);
    perilune_sandbox_free(sandbox);
    return result;
}

static PyObject *engine_limits(Engine *self, PyObject *args)
{
    return pl_limits(self->engine);
}

int pl_add_engine(PyObject *module)
{
    static PyMethodDef methods[] = {
        METHOD("_function", pl_add_function, METH_VARARGS), METHOD("_module", engine_module, METH_VARARGS),
        METHOD("_remove", engine_remove, METH_VARARGS),     METHOD("_names", engine_names, METH_NOARGS),
        METHOD("_check", engine_check, METH_VARARGS),       METHOD("_metrics", engine_metrics, METH_VARARGS),
        METHOD("_limits", engine_limits, METH_NOARGS),      METHOD("_load_dir", pl_load_dir, METH_VARARGS),
        METHOD("_ask_metrics", pl_ask_metrics, METH_VARARGS), METHOD("_sandbox", engine_sandbox, METH_NOARGS),
        {NULL, NULL, 0, NULL},
    };
    static PyType_Slot slots[] = {
        SLOT(Py_tp_new, engine_new),     SLOT(Py_tp_dealloc, engine_dealloc), SLOT(Py_tp_traverse, engine_traverse),
        SLOT(Py_tp_clear, engine_clear), SLOT(Py_tp_methods, methods),        {0, NULL},
    };
    return pl_add_type(module, "perilune._native.Engine", sizeof(Engine), Py_TPFLAGS_HAVE_GC, slots, &pl_state.engine_type);
}
