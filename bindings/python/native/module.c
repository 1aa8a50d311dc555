/* The module: what is global, made once, and the types and functions that it has. Uses all other files. */
#include "native.h"

State pl_state;

/* setup(class of traces, maker of exceptions, what begins coroutines, main thread) */
static PyObject *module_setup(PyObject *module, PyObject *args)
{
    PyObject *class, *maker, *begin;
    unsigned long thread;
    /* Those that share the main one's GIL could load the module; its state is the process's. */
    if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0) {
        PyErr_SetString(PyExc_ImportError, "perilune can't be used in a subinterpreter");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "OOOk", &class, &maker, &begin, &thread)) {
        return NULL;
    }
    Py_INCREF(class);
    Py_INCREF(maker);
    Py_INCREF(begin);
    Py_XDECREF((PyObject *)pl_state.trace_class);
    Py_XDECREF(pl_state.make_error);
    Py_XDECREF(pl_state.begin_later);
    pl_state.trace_class = (PyTypeObject *)class;
    pl_state.make_error = maker;
    pl_state.begin_later = begin;
    pl_state.main_thread = thread;
    if (!pl_state.polled) {
        pl_state.polled = perilune_request_new();
        perilune_request_set_poll(pl_state.polled, POLL_NS, pl_poll, NULL, NULL, NULL);
    }
    Py_RETURN_NONE;
}

static PyObject *module_live_objects(PyObject *module, PyObject *args)
{
    return PyLong_FromSize_t(perilune_live_objects());
}

static PyObject *module_parse_bytes(PyObject *module, PyObject *args)
{
    Text text;
    uint64_t bytes;
    perilune_error *error = NULL;
    if (!PyArg_ParseTuple(args, "s#", PARSED(text))) {
        return NULL;
    }
    perilune_parse_bytes(TEXT(text), &bytes, &error);
    return error ? pl_raise(error) : PyLong_FromUnsignedLongLong(bytes);
}

PyMODINIT_FUNC PyInit__native(void)
{
    static PyMethodDef methods[] = {
        METHOD("setup", module_setup, METH_VARARGS),
        METHOD("after_fork", pl_after_fork, METH_NOARGS),
        METHOD("end", pl_end, METH_NOARGS),
        METHOD("live_objects", module_live_objects, METH_NOARGS),
        METHOD("parse_bytes", module_parse_bytes, METH_VARARGS),
        {NULL, NULL, 0, NULL},
    };
    static struct PyModuleDef definition = {
        PyModuleDef_HEAD_INIT, "perilune._native", "What perilune is made of.", -1, methods, NULL, NULL, NULL, NULL};
    PyObject *module = PyModule_Create(&definition);
    size_t i;
    for (i = 0; i < sizeof pl_state.kinds / sizeof *pl_state.kinds; i++) {
        pl_state.statuses[i] = PyUnicode_InternFromString(perilune_status_name((perilune_status)i));
        pl_state.kinds[i] = PyUnicode_InternFromString(perilune_error_kind_name((perilune_error_kind)i));
    }
    if (module && (pl_add_engine(module) < 0 || pl_add_script(module) < 0 || pl_add_request(module) < 0 || pl_add_cancel(module) < 0 ||
                   pl_add_watch(module) < 0 || pl_add_completions(module) < 0 || pl_add_exchange(module) < 0 || pl_add_endpoints(module) < 0 ||
                   pl_add_trace(module) < 0 || pl_add_answer(module) < 0 ||
                   PyModule_AddStringConstant(module, "version", perilune_version()) < 0)) {
        Py_CLEAR(module);
    }
    return module;
}
