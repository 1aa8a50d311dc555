/* A compiled script, and a run of it on the caller's thread. Uses text.c, object.c, interpreter.c, error.c, request.c, trace.c, submit.c
 * and batch.c. */
#include "native.h"

/* Script(engine, how, name, source): how is "compile", "put" or "get" */
static PyObject *script_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Engine *engine;
    const char *how;
    Text name, source = {NULL, 0, NULL};
    perilune_script *script = NULL;
    perilune_error *error = NULL;
    Script *self;
    if (!PyArg_ParseTuple(args, "O!ss#|s#", pl_state.engine_type, &engine, &how, PARSED(name), PARSED(source))) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    if (how[0] == 'g') {
        perilune_engine_get(engine->engine, TEXT(name), &script, &error);
    } else if (how[0] == 'p') {
        perilune_engine_put(engine->engine, TEXT(name), TEXT(source), &script, &error);
    } else {
        perilune_engine_compile(engine->engine, TEXT(name), TEXT(source), &script, &error);
    }
    Py_END_ALLOW_THREADS
    if (error) {
        return pl_raise(error);
    }
    self = pl_object_new(type);
    if (!self) {
        perilune_script_free(script);
        return NULL;
    }
    self->script = script;
    self->engine = engine;
    Py_INCREF(engine);
    return (PyObject *)self;
}

static int script_traverse(Script *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->engine);
    return 0;
}

static void script_dealloc(Script *self)
{
    PyObject_GC_UnTrack(self);
    perilune_script_free(self->script);
    Py_CLEAR(self->engine);
    pl_object_free(self);
}

typedef perilune_slice (*ScriptText)(const perilune_script *);

static const ScriptText name = perilune_script_name, hash = perilune_script_hash, source = perilune_script_source;

static PyObject *script_text(Script *self, const ScriptText *read)
{
    return pl_text((*read)(self->script));
}

static PyObject *script_version(Script *self, void *closure)
{
    return PyLong_FromUnsignedLongLong(perilune_script_version(self->script));
}

/* _run(query, json, request), each of which may be None */
static PyObject *script_run(Script *self, PyObject *const *args, Py_ssize_t count)
{
    Text query, body;
    Pending pending;
    const perilune_request *request = pl_state.polled;
    perilune_trace *trace = NULL;
    perilune_error *error = NULL;
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "_run takes query, json and request");
        return NULL;
    }
    if (args[2] != Py_None) {
        request = pl_request_of(args[2]);
    }
    if (!request || pl_text_from_any(args[0], &query) < 0) {
        return NULL;
    }
    if (pl_text_from_any(args[1], &body) < 0) {
        pl_text_done(&query);
        return NULL;
    }
    pl_pending_begin(&pending, NULL);
    WITHOUT_GIL(perilune_script_run(self->script, TEXT(query), TEXT(body), request, &trace, &error));
    pl_text_done(&query);
    pl_text_done(&body);
    if (pl_pending_end(&pending)) {
        pl_outcome_free(self->engine, trace, error);
        return NULL;
    }
    return error ? pl_raise(error) : pl_outcome(self->engine, trace, NULL);
}

int pl_add_script(PyObject *module)
{
    static PyMethodDef methods[] = {
        METHOD("_run", script_run, METH_FASTCALL),
        METHOD("_submit", pl_script_submit, METH_FASTCALL),
        METHOD("_run_batch", pl_script_run_batch, METH_VARARGS),
        {NULL, NULL, 0, NULL},
    };
    static PyGetSetDef getters[] = {
        GETTER("name", script_text, &name),     GETTER("version", script_version, NULL), GETTER("hash", script_text, &hash),
        GETTER("source", script_text, &source), {NULL, NULL, NULL, NULL, NULL},
    };
    static PyType_Slot slots[] = {
        SLOT(Py_tp_new, script_new),  SLOT(Py_tp_dealloc, script_dealloc), SLOT(Py_tp_traverse, script_traverse),
        SLOT(Py_tp_methods, methods), SLOT(Py_tp_getset, getters),         {0, NULL},
    };
    return pl_add_type(module, "perilune._native.Script", sizeof(Script), Py_TPFLAGS_HAVE_GC, slots, NULL);
}
