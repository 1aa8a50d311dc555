/* Script Endpoints, and what an app of ASGI's asks them. Uses text.c, object.c, interpreter.c, error.c and exchange.c. */
#include "native.h"

typedef struct {
    PyObject_HEAD
    perilune_endpoints *endpoints;
    Engine *engine;
} Endpoints;

/* What can't be is a wrong argument. */
static void *refuse(perilune_error *error)
{
    PyObject *text;
    if (perilune_error_code(error) != PERILUNE_INVALID_ARGUMENT) {
        return pl_raise(error);
    }
    text = pl_text(perilune_error_message(error));
    perilune_error_free(error);
    if (text) {
        PyErr_SetObject(PyExc_TypeError, text);
        Py_DECREF(text);
    }
    return NULL;
}

typedef perilune_code (*Add)(perilune_endpoints_setup *, perilune_slice, perilune_slice, perilune_error **);

/* Adds pairs of texts, each of which may be None; whether it did. */
static int add_all(perilune_endpoints_setup *setup, Add add, PyObject *pairs, perilune_error **error)
{
    Text first, second;
    Py_ssize_t i;
    for (i = 0; i < PyList_Size(pairs); i++) {
        if (!PyArg_ParseTuple(PyList_GetItem(pairs, i), "z#z#", PARSED(first), PARSED(second)) ||
            add(setup, TEXT(first), TEXT(second), error) != PERILUNE_OK) {
            return 0;
        }
    }
    return 1;
}

/* Endpoints(engine, [(instance or None, key)], [(script, link or None)], rate or None) */
static PyObject *endpoints_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Engine *engine;
    PyObject *keys, *public, *rate;
    perilune_endpoints_setup *setup = NULL;
    perilune_endpoints *endpoints = NULL;
    perilune_error *error = NULL;
    double runs = 0;
    Endpoints *self;
    if (!PyArg_ParseTuple(args, "O!O!O!O:endpoints", pl_state.engine_type, &engine, &PyList_Type, &keys, &PyList_Type, &public, &rate)) {
        return NULL;
    }
    if (rate != Py_None) {
        runs = PyFloat_AsDouble(rate);
        if (PyErr_Occurred()) {
            return NULL;
        }
    }
    if (perilune_endpoints_setup_new(engine->engine, &setup, &error) == PERILUNE_OK &&
        add_all(setup, perilune_endpoints_setup_add_key, keys, &error) && add_all(setup, perilune_endpoints_setup_add_public, public, &error) &&
        (rate == Py_None || perilune_endpoints_setup_set_rate(setup, runs, &error) == PERILUNE_OK)) {
        perilune_endpoints_new(setup, &endpoints, &error);
    }
    perilune_endpoints_setup_free(setup);
    if (!endpoints) {
        return error ? refuse(error) : NULL;
    }
    self = pl_object_new(type);
    if (!self) {
        perilune_endpoints_free(endpoints);
        return NULL;
    }
    self->endpoints = endpoints;
    self->engine = engine;
    Py_INCREF(engine);
    return (PyObject *)self;
}

/* Lent by a list or tuple; NULL with an exception. */
static PyObject *item(PyObject *sequence, Py_ssize_t index)
{
    if (PyTuple_Check(sequence)) {
        return PyTuple_GetItem(sequence, index);
    }
    if (PyList_Check(sequence)) {
        return PyList_GetItem(sequence, index);
    }
    PyErr_SetString(PyExc_TypeError, "headers must be a list of pairs of bytes");
    return NULL;
}

static int header_from(PyObject *pair, perilune_header *header)
{
    PyObject *name = item(pair, 0), *value = name ? item(pair, 1) : NULL;
    Text texts[2];
    if (!value || pl_text_from(name, &texts[0]) < 0 || pl_text_from(value, &texts[1]) < 0) {
        return -1;
    }
    header->name = TEXT(texts[0]);
    header->value = TEXT(texts[1]);
    return 0;
}

/* _ask(method, path, query, mount, address, headers): an exchange. The path is not decoded, and has no query. The GIL is not released: all
 * is lent by objects that other threads may change, and nobody who has a lock that is taken here wants it. */
static PyObject *endpoints_ask(Endpoints *self, PyObject *const *args, Py_ssize_t count)
{
    Text texts[5];
    perilune_header *headers;
    perilune_head head = {.size = sizeof head};
    perilune_exchange *exchange = NULL;
    perilune_error *error = NULL;
    Py_ssize_t i, len;
    int is_read = count == 6 && PyList_Check(args[5]);
    if (!is_read) {
        PyErr_SetString(PyExc_TypeError, "_ask takes method, path, query, mount, address and a list of headers");
    }
    for (i = 0; is_read && i < 5; i++) {
        is_read = pl_text_from(args[i], &texts[i]) == 0;
    }
    if (!is_read) {
        return NULL;
    }
    len = PyList_Size(args[5]);
    headers = PyMem_Calloc((size_t)len, sizeof *headers);
    if (!headers) {
        return PyErr_NoMemory();
    }
    for (i = 0; is_read && i < len; i++) {
        is_read = header_from(PyList_GetItem(args[5], i), &headers[i]) == 0;
    }
    if (is_read) {
        head.method = TEXT(texts[0]);
        head.path = TEXT(texts[1]);
        head.query = TEXT(texts[2]);
        head.mount = TEXT(texts[3]);
        head.address = TEXT(texts[4]);
        perilune_endpoints_ask(self->endpoints, &head, headers, (size_t)len, &exchange, &error);
    }
    PyMem_Free(headers);
    return exchange ? pl_exchange_of(self->engine, exchange) : error ? pl_raise(error) : NULL;
}

/* _publish(script, link or None) */
static PyObject *endpoints_publish(Endpoints *self, PyObject *args)
{
    Text script, link;
    perilune_error *error = NULL;
    if (!PyArg_ParseTuple(args, "s#z#:publish", PARSED(script), PARSED(link))) {
        return NULL;
    }
    WITHOUT_GIL(perilune_endpoints_publish(self->endpoints, TEXT(script), TEXT(link), &error));
    return error ? refuse(error) : pl_done(NULL);
}

static PyObject *endpoints_unpublish(Endpoints *self, PyObject *args)
{
    Text script;
    perilune_error *error = NULL;
    if (!PyArg_ParseTuple(args, "s#:unpublish", PARSED(script))) {
        return NULL;
    }
    WITHOUT_GIL(perilune_endpoints_unpublish(self->endpoints, TEXT(script), &error));
    return pl_done(error);
}

static PyObject *link_at(const void *links, size_t index)
{
    return Py_BuildValue("(NN)", pl_text(perilune_links_script(links, index)), pl_text(perilune_links_link(links, index)));
}

/* [(script, link)] */
static PyObject *endpoints_links(Endpoints *self, PyObject *args)
{
    perilune_links *links;
    PyObject *list;
    WITHOUT_GIL(links = perilune_endpoints_links(self->endpoints));
    list = pl_list(perilune_links_len(links), link_at, links);
    perilune_links_free(links);
    return list;
}

static int endpoints_traverse(Endpoints *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->engine);
    return 0;
}

static void endpoints_dealloc(Endpoints *self)
{
    PyObject_GC_UnTrack(self);
    perilune_endpoints_free(self->endpoints);
    Py_CLEAR(self->engine);
    pl_object_free(self);
}

/* engine._ask_metrics(method, path): an exchange that has its answer */
PyObject *pl_ask_metrics(Engine *engine, PyObject *args)
{
    Text method, path;
    perilune_exchange *exchange = NULL;
    perilune_error *error = NULL;
    if (!PyArg_ParseTuple(args, "s#s#", PARSED(method), PARSED(path))) {
        return NULL;
    }
    WITHOUT_GIL(perilune_endpoints_metrics(engine->engine, TEXT(method), TEXT(path), &exchange, &error));
    return error ? pl_raise(error) : pl_exchange_of(engine, exchange);
}

int pl_add_endpoints(PyObject *module)
{
    static PyMethodDef methods[] = {
        METHOD("_ask", endpoints_ask, METH_FASTCALL),
        METHOD("_publish", endpoints_publish, METH_VARARGS),
        METHOD("_unpublish", endpoints_unpublish, METH_VARARGS),
        METHOD("_links", endpoints_links, METH_NOARGS),
        {NULL, NULL, 0, NULL},
    };
    static PyType_Slot slots[] = {
        SLOT(Py_tp_new, endpoints_new), SLOT(Py_tp_dealloc, endpoints_dealloc), SLOT(Py_tp_traverse, endpoints_traverse),
        SLOT(Py_tp_methods, methods), {0, NULL},
    };
    return pl_add_type(module, "perilune._native.Endpoints", sizeof(Endpoints), Py_TPFLAGS_HAVE_GC, slots, NULL);
}
