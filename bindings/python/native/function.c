/* Host functions: a script's call as a call of Python's, and what that raised, told to the script and kept for the trace. Uses text.c,
 * interpreter.c, error.c and value.c. */
#include "native.h"

typedef struct {
    Engine *engine; /* borrowed: every run has it */
    char name[];
} Function;

/* "TYPE: TEXT" of an exception, as UTF-8 that can be read back; NULL without memory for it. */
static PyObject *describe(PyObject *type, PyObject *value)
{
    PyObject *name = PyObject_GetAttrString(type, "__name__"), *text, *whole, *bytes;
    PyErr_Clear();
    text = value ? PyObject_Str(value) : NULL;
    PyErr_Clear();
    if (name && !PyUnicode_Check(name)) {
        Py_CLEAR(name);
    }
    whole = PyUnicode_FromFormat(text && PyUnicode_GetLength(text) > 0 ? "%V: %U" : "%V", name, "Exception", text);
    bytes = whole ? PyUnicode_AsEncodedString(whole, "utf-8", "backslashreplace") : NULL;
    Py_XDECREF(name);
    Py_XDECREF(text);
    Py_XDECREF(whole);
    return bytes;
}

/* For the one who reads the trace. */
static void remember(perilune_call *call, Function *function, const char *data, PyObject *value)
{
    PyObject *key = PyLong_FromUnsignedLongLong(perilune_call_run_id(call));
    PyObject *pair = Py_BuildValue("(NO)", PyUnicode_FromFormat("host.%s: %s", function->name, data), value);
    if (key && pair) {
        PyDict_SetItem(function->engine->failures, key, pair);
    }
    Py_XDECREF(key);
    Py_XDECREF(pair);
}

PyObject *pl_failure_of(Engine *engine, uint64_t run_id)
{
    PyObject *type, *value, *traceback, *key, *pair;
    if (PyDict_Size(engine->failures) == 0) {
        return NULL;
    }
    PyErr_Fetch(&type, &value, &traceback);
    key = PyLong_FromUnsignedLongLong(run_id);
    pair = key ? PyDict_GetItemWithError(engine->failures, key) : NULL;
    if (pair) {
        Py_INCREF(pair);
        PyDict_DelItem(engine->failures, key);
    }
    Py_XDECREF(key);
    PyErr_Restore(type, value, traceback);
    return pair;
}

/* Tells the script what was raised. */
static void fail(perilune_call *call, Function *function)
{
    static const char unknown[] = "an exception without a text";
    PyObject *type, *value, *traceback, *description;
    Text text = {unknown, sizeof unknown - 1, NULL};
    int is_described;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value && traceback) {
        PyException_SetTraceback(value, traceback);
    }
    description = describe(type, value);
    is_described = description && pl_text_from(description, &text) == 0;
    perilune_call_fail(call, TEXT(text));
    if (pl_pending() && !PyErr_GivenExceptionMatches(type, PyExc_Exception)) {
        /* The one who makes the run has it raised. */
        PyErr_Restore(type, value, traceback);
        pl_pending_take(pl_pending());
    } else {
        if (is_described && value) {
            remember(call, function, text.data, value);
        }
        PyErr_Clear();
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    }
    Py_XDECREF(description);
}

/* An argument; NULL where it can't cross, of which the call knows, or with an exception. */
static PyObject *argument(perilune_call *call, size_t index)
{
    double number;
    bool boolean;
    perilune_slice string;
    perilune_value *value;
    PyObject *result;
    switch (perilune_call_type(call, index)) {
    case PERILUNE_TYPE_NULL:
        Py_RETURN_NONE;
    case PERILUNE_TYPE_BOOLEAN:
        return perilune_call_boolean(call, index, &boolean) ? PyBool_FromLong(boolean) : NULL;
    case PERILUNE_TYPE_NUMBER:
        return perilune_call_number(call, index, &number) ? pl_number(number) : NULL;
    case PERILUNE_TYPE_STRING:
        return perilune_call_string(call, index, &string) ? pl_text_or_bytes(string) : NULL;
    default:
        if (!perilune_call_value(call, index, &value)) {
            return NULL;
        }
        result = pl_value_to_python(value);
        perilune_value_free(value);
        return result;
    }
}

static void give_back(perilune_call *call, PyObject *result)
{
    if (result == Py_None) {
        perilune_call_return_null(call);
    } else if (PyFloat_Check(result)) {
        perilune_call_return_number(call, PyFloat_AsDouble(result));
    } else {
        perilune_value *value = pl_value_from_python(result);
        if (value) {
            perilune_call_return_value(call, value);
        }
    }
}

static void call_function(perilune_call *call, void *user_data)
{
    Function *function = user_data;
    PyGILState_STATE gil;
    PyObject *callable, *arguments, *item, *result;
    size_t i, len = perilune_call_len(call);
    if (!pl_enter(&gil)) {
        perilune_call_fail(call, perilune_str("the interpreter is ending"));
        return;
    }
    if (pl_pending() && pl_pending()->type) {
        perilune_call_fail(call, perilune_str("the run is ending"));
        pl_leave(gil);
        return;
    }
    callable = PyDict_GetItemString(function->engine->functions, function->name);
    /* Making the arguments can run Python code, which may replace it. */
    Py_XINCREF(callable);
    arguments = callable ? PyTuple_New((Py_ssize_t)len) : NULL;
    for (i = 0; arguments && i < len; i++) {
        item = argument(call, i);
        if (!item || PyTuple_SetItem(arguments, (Py_ssize_t)i, item) < 0) {
            Py_CLEAR(arguments);
        }
    }
    if (arguments) {
        result = PyObject_Call(callable, arguments, NULL);
        Py_DECREF(arguments);
        if (result) {
            give_back(call, result);
            Py_DECREF(result);
        }
    }
    Py_XDECREF(callable);
    if (PyErr_Occurred()) {
        fail(call, function);
    }
    pl_leave(gil);
}

/* engine._function(name, callable) */
PyObject *pl_add_function(Engine *engine, PyObject *args)
{
    Text name;
    PyObject *callable;
    perilune_error *error = NULL;
    Function *function;
    if (!PyArg_ParseTuple(args, "s#O", PARSED(name), &callable)) {
        return NULL;
    }
    function = malloc(sizeof *function + (size_t)name.len + 1);
    if (!function) {
        return PyErr_NoMemory();
    }
    function->engine = engine;
    memcpy(function->name, name.data, (size_t)name.len + 1);
    perilune_engine_function(engine->engine, TEXT(name), call_function, function, free, &error);
    if (!error && PyDict_SetItemString(engine->functions, name.data, callable) < 0) {
        return NULL;
    }
    return pl_done(error);
}
