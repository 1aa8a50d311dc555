/* Requests, what cancels them, and limits by their names. Uses text.c, object.c, interpreter.c and error.c. */
#include "native.h"

/* NULL at the end: the numbers begin with 1. */
static const char *limit_name(perilune_limit limit)
{
    const char *name = perilune_limit_name(limit);
    return strcmp(name, "unknown") == 0 ? NULL : name;
}

int pl_limits_next(PyObject *limits, Py_ssize_t *at, perilune_limit *limit, uint64_t *value)
{
    PyObject *name, *number;
    const char *known;
    if (!PyDict_Next(limits, at, &name, &number)) {
        return 0;
    }
    *value = PyLong_AsUnsignedLongLong(number);
    if (PyErr_Occurred()) {
        return -1;
    }
    for (*limit = 1; (known = limit_name(*limit)); ++*limit) {
        if (PyUnicode_CompareWithASCIIString(name, known) == 0) {
            return 1;
        }
    }
    PyErr_SetObject(PyExc_KeyError, name);
    return -1;
}

PyObject *pl_limits(const perilune_engine *engine)
{
    PyObject *limits = PyDict_New(), *number;
    perilune_limit limit;
    const char *name;
    for (limit = 1; limits && (name = limit_name(limit)); limit++) {
        uint64_t value = perilune_engine_limit(engine, limit);
        int is_time = strcmp(perilune_limit_unit(limit), "ns") == 0;
        number = is_time ? PyFloat_FromDouble((double)value / 1e9) : PyLong_FromUnsignedLongLong(value);
        if (!number || PyDict_SetItemString(limits, name, number) < 0) {
            Py_CLEAR(limits);
        }
        Py_XDECREF(number);
    }
    return limits;
}

/* ---- Cancel ---- */

typedef struct {
    PyObject_HEAD
    perilune_cancel *cancel;
} Cancel;

static PyObject *cancel_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Cancel *self = pl_object_new(type);
    if (self) {
        self->cancel = perilune_cancel_new();
    }
    return (PyObject *)self;
}

static PyObject *cancel_now(Cancel *self, PyObject *args)
{
    WITHOUT_GIL(perilune_cancel_now(self->cancel));
    Py_RETURN_NONE;
}

static void cancel_dealloc(Cancel *self)
{
    perilune_cancel_free(self->cancel);
    pl_object_free(self);
}

int pl_add_cancel(PyObject *module)
{
    static PyMethodDef methods[] = {METHOD("cancel", cancel_now, METH_NOARGS), {NULL, NULL, 0, NULL}};
    static PyType_Slot slots[] = {
        SLOT(Py_tp_new, cancel_new), SLOT(Py_tp_dealloc, cancel_dealloc), SLOT(Py_tp_methods, methods), {0, NULL}};
    return pl_add_type(module, "perilune._native.Cancel", sizeof(Cancel), 0, slots, &pl_state.cancel_type);
}

/* ---- Request ---- */

/* These return whether they did it; an exception is set, or `error`, where they did not. */

static int set_text(perilune_request *request, perilune_code (*set)(perilune_request *, perilune_slice, perilune_error **),
                    PyObject *object, perilune_error **error)
{
    Text text;
    int ok = pl_text_from_any(object, &text) == 0;
    ok = ok && (!text.data || set(request, TEXT(text), error) == PERILUNE_OK);
    pl_text_done(&text);
    return ok;
}

static int set_params(perilune_request *request, PyObject *params, perilune_error **error)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    Text name, text;
    while (params != Py_None && PyDict_Next(params, &at, &key, &value)) {
        if (pl_text_from(key, &name) < 0 || pl_text_from(value, &text) < 0 ||
            perilune_request_add_param(request, TEXT(name), TEXT(text), error) != PERILUNE_OK) {
            return 0;
        }
    }
    return 1;
}

static int set_limits(perilune_request *request, PyObject *limits, perilune_error **error)
{
    Py_ssize_t at = 0;
    perilune_limit limit;
    uint64_t value;
    int more = 0;
    while (limits != Py_None && (more = pl_limits_next(limits, &at, &limit, &value)) > 0) {
        if (perilune_request_set_limit(request, limit, value, error) != PERILUNE_OK) {
            return 0;
        }
    }
    return more == 0;
}

static int set_seed(perilune_request *request, PyObject *seed, perilune_error **error)
{
    unsigned long long number = seed == Py_None ? 0 : PyLong_AsUnsignedLongLong(seed);
    return seed == Py_None || (!PyErr_Occurred() && perilune_request_set_seed(request, number, error) == PERILUNE_OK);
}

static int set_cancel(perilune_request *request, PyObject *cancel, perilune_error **error)
{
    return cancel == Py_None || (PyObject_TypeCheck(cancel, pl_state.cancel_type) &&
                                 perilune_request_set_cancel(request, ((Cancel *)cancel)->cancel, error) == PERILUNE_OK);
}

/* Request(query, params, json, form, config, meta, seed, limits, cancel, tenant), each of which may be None */
static PyObject *request_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *query, *params, *json, *form, *config, *meta, *seed, *limits, *cancel, *tenant;
    perilune_request *request;
    perilune_error *error = NULL;
    Request *self;
    if (!PyArg_ParseTuple(args, "OOOOOOOOOO", &query, &params, &json, &form, &config, &meta, &seed, &limits, &cancel, &tenant)) {
        return NULL;
    }
    self = pl_object_new(type);
    if (!self) {
        return NULL;
    }
    request = self->request = perilune_request_new();
    if (set_text(request, perilune_request_set_query, query, &error) && set_params(request, params, &error) &&
        set_text(request, perilune_request_set_json, json, &error) && set_text(request, perilune_request_set_form, form, &error) &&
        set_text(request, perilune_request_set_config, config, &error) && set_text(request, perilune_request_set_meta, meta, &error) &&
        set_limits(request, limits, &error) && set_seed(request, seed, &error) && set_cancel(request, cancel, &error) &&
        set_text(request, perilune_request_set_tenant, tenant, &error) &&
        perilune_request_set_poll(request, POLL_NS, pl_poll, NULL, NULL, &error) == PERILUNE_OK) {
        return (PyObject *)self;
    }
    Py_DECREF(self);
    if (error) {
        return pl_raise(error);
    }
    if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_TypeError, "not a request");
    }
    return NULL;
}

static void request_dealloc(Request *self)
{
    perilune_request_free(self->request);
    pl_object_free(self);
}

int pl_add_request(PyObject *module)
{
    static PyType_Slot slots[] = {SLOT(Py_tp_new, request_new), SLOT(Py_tp_dealloc, request_dealloc), {0, NULL}};
    return pl_add_type(module, "perilune._native.Request", sizeof(Request), 0, slots, &pl_state.request_type);
}

const perilune_request *pl_request_of(PyObject *object)
{
    if (!PyObject_TypeCheck(object, pl_state.request_type)) {
        PyErr_SetString(PyExc_TypeError, "not a request");
        return NULL;
    }
    return ((Request *)object)->request;
}
