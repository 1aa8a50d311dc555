/* A request to Script Endpoints on its way to the answer. Uses text.c, object.c, interpreter.c, error.c, function.c and submit.c. */
#include "native.h"

PyObject *pl_exchange_of(Engine *engine, perilune_exchange *exchange)
{
    Exchange *self = pl_object_new(pl_state.exchange_type);
    if (self) {
        self->exchange = exchange;
        self->engine = engine;
        Py_INCREF(engine);
    } else {
        perilune_exchange_free(exchange);
    }
    return (PyObject *)self;
}

static PyObject *exchange_step(Exchange *self, void *closure)
{
    return PyLong_FromLong(perilune_exchange_step(self->exchange));
}

/* push(bytes): whether more are wanted */
static PyObject *exchange_push(Exchange *self, PyObject *data)
{
    Text text;
    bool more = false;
    perilune_error *error = NULL;
    if (pl_text_from_any(data, &text) < 0) {
        return NULL;
    }
    perilune_exchange_push(self->exchange, TEXT(text), &more, &error);
    pl_text_done(&text);
    return error ? pl_raise(error) : PyBool_FromLong(more);
}

/* Reads a body that has ended, or makes a run, on this thread. Others find no exchange meanwhile. */
static PyObject *go_on(Exchange *self, bool runs)
{
    perilune_exchange *exchange = self->exchange;
    perilune_cancel *cancel = runs ? pl_cancel_of(self) : NULL;
    perilune_error *error = NULL;
    self->exchange = NULL;
    WITHOUT_GIL(runs ? perilune_exchange_run(exchange, cancel, &error) : perilune_exchange_read(exchange, true, &error));
    if (exchange) {
        self->exchange = exchange;
    }
    return pl_done(error);
}

static PyObject *exchange_read(Exchange *self, PyObject *args)
{
    return go_on(self, false);
}

static PyObject *exchange_run(Exchange *self, PyObject *args)
{
    return go_on(self, true);
}

/* Ends its run, which may not have begun. */
static PyObject *exchange_cancel(Exchange *self, PyObject *args)
{
    perilune_cancel *cancel = pl_cancel_of(self);
    WITHOUT_GIL(perilune_cancel_now(cancel));
    Py_RETURN_NONE;
}

/* (script, link) that is to be stored */
static PyObject *exchange_link(Exchange *self, PyObject *args)
{
    perilune_slice script, link;
    perilune_error *error = NULL;
    perilune_exchange_link(self->exchange, &script, &link, &error);
    return error ? pl_raise(error) : Py_BuildValue("(NN)", pl_text(script), pl_text(link));
}

/* stored(why it was not, or None) */
static PyObject *exchange_stored(Exchange *self, PyObject *reason)
{
    Text text;
    perilune_error *error = NULL;
    if (pl_text_from_any(reason, &text) < 0) {
        return NULL;
    }
    WITHOUT_GIL(perilune_exchange_stored(self->exchange, TEXT(text), &error));
    pl_text_done(&text);
    return pl_done(error);
}

static PyObject *header_at(const void *headers, size_t index)
{
    const perilune_header *header = (const perilune_header *)headers + index;
    return Py_BuildValue("(NN)", pl_bytes(header->name), pl_bytes(header->value));
}

/* (status, [(name, value)], body, whether the connection is to be closed) */
static PyObject *exchange_answer(Exchange *self, PyObject *args)
{
    perilune_answer_view view = {.size = sizeof view};
    perilune_error *error = NULL;
    perilune_exchange_answer(self->exchange, &view, &error);
    return error ? pl_raise(error)
                 : Py_BuildValue("(INNN)", (unsigned int)view.status, pl_list(view.headers_len, header_at, view.headers),
                                 pl_bytes(view.body), PyBool_FromLong(view.close != 0));
}

static int exchange_traverse(Exchange *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->engine);
    return 0;
}

static void exchange_dealloc(Exchange *self)
{
    perilune_answer_view view = {.size = sizeof view};
    PyObject_GC_UnTrack(self);
    if (perilune_exchange_answer(self->exchange, &view, NULL) == PERILUNE_OK) {
        /* Nobody asks for what a host function raised in its run. */
        Py_XDECREF(pl_failure_of(self->engine, view.run_id));
    }
    perilune_exchange_free(self->exchange);
    perilune_cancel_free(self->cancel);
    Py_CLEAR(self->engine);
    pl_object_free(self);
}

int pl_add_exchange(PyObject *module)
{
    static PyMethodDef methods[] = {
        METHOD("push", exchange_push, METH_O),          METHOD("read", exchange_read, METH_NOARGS),
        METHOD("run", exchange_run, METH_NOARGS),       METHOD("submit", pl_exchange_submit, METH_FASTCALL),
        METHOD("cancel", exchange_cancel, METH_NOARGS), METHOD("link", exchange_link, METH_NOARGS),
        METHOD("stored", exchange_stored, METH_O),      METHOD("answer", exchange_answer, METH_NOARGS),
        {NULL, NULL, 0, NULL},
    };
    static PyGetSetDef getters[] = {GETTER("step", exchange_step, NULL), {NULL, NULL, NULL, NULL, NULL}};
    static PyType_Slot slots[] = {
        SLOT(Py_tp_dealloc, exchange_dealloc), SLOT(Py_tp_traverse, exchange_traverse),
        SLOT(Py_tp_methods, methods),          SLOT(Py_tp_getset, getters), {0, NULL},
    };
    if (PyModule_AddIntConstant(module, "STEP_BODY", PERILUNE_STEP_BODY) < 0 ||
        PyModule_AddIntConstant(module, "STEP_RUN", PERILUNE_STEP_RUN) < 0 ||
        PyModule_AddIntConstant(module, "STEP_RESET", PERILUNE_STEP_RESET) < 0) {
        return -1;
    }
    return pl_add_type(module, "perilune._native.Exchange", sizeof(Exchange), Py_TPFLAGS_HAVE_GC, slots, &pl_state.exchange_type);
}
