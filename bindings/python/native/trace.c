/* What came of a run: the trace, whose fields are made when they are read, and the exception that a host function raised in it. Uses
 * text.c, object.c, error.c and function.c. */
#include "native.h"

typedef struct {
    PyObject_HEAD
    perilune_trace *trace;
    PyObject *cause;
} Trace;

/* What of a host function's exceptions ended the run, if one did. */
static PyObject *cause_of(Engine *engine, const perilune_trace *trace)
{
    PyObject *pair = pl_failure_of(engine, perilune_trace_id(trace)), *cause = NULL, *message;
    perilune_slice text;
    if (pair) {
        text = perilune_trace_error_message(trace);
        message = text.data ? pl_text(text) : NULL;
        if (message && PySequence_Contains(message, PyTuple_GetItem(pair, 0)) == 1) {
            cause = PyTuple_GetItem(pair, 1);
            Py_INCREF(cause);
        }
        Py_XDECREF(message);
        Py_DECREF(pair);
        PyErr_Clear();
    }
    return cause;
}

PyObject *pl_outcome(Engine *engine, perilune_trace *trace, const perilune_error *error)
{
    Trace *self;
    if (!trace) {
        return pl_exception(error);
    }
    self = pl_object_new(pl_state.trace_class);
    if (!self) {
        perilune_trace_free(trace);
        return NULL;
    }
    self->trace = trace;
    self->cause = cause_of(engine, trace);
    return (PyObject *)self;
}

void pl_outcome_free(Engine *engine, perilune_trace *trace, perilune_error *error)
{
    if (trace) {
        Py_XDECREF(pl_failure_of(engine, perilune_trace_id(trace)));
    }
    perilune_trace_free(trace);
    perilune_error_free(error);
}

/* A cause has a traceback, whose frames may have the trace. */
static int trace_traverse(Trace *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->cause);
    return 0;
}

static int trace_clear(Trace *self)
{
    Py_CLEAR(self->cause);
    return 0;
}

static PyObject *trace_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyErr_SetString(PyExc_TypeError, "traces are made by runs");
    return NULL;
}

static void trace_dealloc(Trace *self)
{
    PyObject_GC_UnTrack(self);
    perilune_trace_free(self->trace);
    Py_CLEAR(self->cause);
    pl_object_free(self);
}

enum { NAMES = sizeof pl_state.kinds / sizeof *pl_state.kinds };

static PyObject *name_of(PyObject *const *names, int32_t number)
{
    PyObject *name = names[number >= 0 && number < NAMES ? number : NAMES - 1];
    Py_INCREF(name);
    return name;
}

static PyObject *trace_status(Trace *self, void *closure)
{
    return name_of(pl_state.statuses, perilune_trace_status(self->trace));
}

static PyObject *trace_ok(Trace *self, void *closure)
{
    return PyBool_FromLong(perilune_trace_status(self->trace) == PERILUNE_STATUS_SUCCESS);
}

static PyObject *trace_id(Trace *self, void *closure)
{
    return PyLong_FromUnsignedLongLong(perilune_trace_id(self->trace));
}

static const uint64_t nanosecond = 1, millisecond = 1000000;

static PyObject *trace_duration(Trace *self, const uint64_t *unit)
{
    return PyLong_FromUnsignedLongLong(perilune_trace_duration_ns(self->trace) / *unit);
}

typedef struct {
    perilune_slice (*read)(const perilune_trace *);
    enum { AS_TEXT, AS_TEXT_OR_NONE, AS_BYTES } as;
} Output;

static const Output out = {perilune_trace_stdout, AS_TEXT}, out_bytes = {perilune_trace_stdout, AS_BYTES},
                    err = {perilune_trace_stderr, AS_TEXT}, err_bytes = {perilune_trace_stderr, AS_BYTES},
                    json = {perilune_trace_json, AS_TEXT}, value_json = {perilune_trace_value, AS_TEXT_OR_NONE};

static PyObject *trace_output(Trace *self, const Output *output)
{
    perilune_slice slice = output->read(self->trace);
    switch (output->as) {
    case AS_TEXT_OR_NONE:
        return pl_text_or_none(slice);
    case AS_BYTES:
        return pl_bytes(slice);
    default:
        return pl_text(slice);
    }
}

static PyObject *trace_to_json(Trace *self, PyObject *args)
{
    return trace_output(self, &json);
}

static PyObject *trace_cause(Trace *self, void *closure)
{
    PyObject *cause = self->cause ? self->cause : Py_None;
    Py_INCREF(cause);
    return cause;
}

static int view_of(Trace *self, perilune_trace_view *view)
{
    view->size = sizeof *view;
    if (perilune_trace_read(self->trace, view, NULL) != PERILUNE_OK) {
        PyErr_SetString(PyExc_SystemError, "the library is older than the module");
        return -1;
    }
    return 0;
}

static PyObject *header_at(const void *trace, size_t index)
{
    perilune_slice name = perilune_str(NULL), value = name;
    perilune_trace_header(trace, index, &name, &value, NULL);
    return Py_BuildValue("(NN)", pl_text(name), pl_text(value));
}

/* (status, content type, content, [(name, value)]), or None */
static PyObject *trace_response(Trace *self, void *closure)
{
    perilune_trace_view view;
    if (view_of(self, &view) < 0) {
        return NULL;
    }
    if (!view.response_status) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("(INNN)", (unsigned int)view.response_status, pl_text_or_none(view.response_content_type),
                         pl_bytes(view.response_content), pl_list(view.response_headers_len, header_at, self->trace));
}

/* All that is seldom read, as one dictionary: Python makes objects of it. */
static PyObject *trace_details(Trace *self, void *closure)
{
    perilune_trace_view view;
    if (view_of(self, &view) < 0) {
        return NULL;
    }
    return Py_BuildValue(
        "{s:L,s:K,s:K,s:K,s:K,s:K,s:N,s:i,s:i,s:N,s:N,s:N,s:N,s:I}", "executed_at_ns", (long long)view.executed_at_unix_ns, "queued_ns",
        (unsigned long long)view.queued_ns, "waited_ns", (unsigned long long)view.waited_ns, "memory_bytes", (unsigned long long)view.memory_bytes, "host_calls",
        (unsigned long long)view.host_calls, "version", (unsigned long long)view.version, "script",
        pl_text(view.script), "stdout_truncated", (int)view.stdout_truncated, "stderr_truncated",
        (int)view.stderr_truncated, "error_kind", name_of(pl_state.kinds, view.error_kind), "error_message",
        pl_text_or_none(view.error_message), "error_script", pl_text_or_none(view.error_script), "error_traceback",
        pl_text_or_none(view.error_traceback), "error_line", (unsigned int)view.error_line);
}

int pl_add_trace(PyObject *module)
{
    static PyMethodDef methods[] = {METHOD("to_json", trace_to_json, METH_NOARGS), {NULL, NULL, 0, NULL}};
    static PyGetSetDef getters[] = {
        GETTER("status", trace_status, NULL),
        GETTER("ok", trace_ok, NULL),
        GETTER("id", trace_id, NULL),
        GETTER("duration", trace_duration, &millisecond),
        GETTER("duration_ns", trace_duration, &nanosecond),
        GETTER("stdout", trace_output, &out),
        GETTER("stdout_bytes", trace_output, &out_bytes),
        GETTER("stderr", trace_output, &err),
        GETTER("stderr_bytes", trace_output, &err_bytes),
        GETTER("_value_json", trace_output, &value_json),
        GETTER("_response", trace_response, NULL),
        GETTER("_details", trace_details, NULL),
        GETTER("_cause", trace_cause, NULL),
        {NULL, NULL, NULL, NULL, NULL},
    };
    static PyType_Slot slots[] = {
        SLOT(Py_tp_new, trace_new),     SLOT(Py_tp_dealloc, trace_dealloc), SLOT(Py_tp_traverse, trace_traverse),
        SLOT(Py_tp_clear, trace_clear), SLOT(Py_tp_methods, methods),       SLOT(Py_tp_getset, getters), {0, NULL},
    };
    return pl_add_type(module, "perilune._native.Trace", sizeof(Trace), Py_TPFLAGS_HAVE_GC, slots, NULL);
}
