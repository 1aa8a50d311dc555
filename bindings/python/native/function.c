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
static void remember(Engine *engine, uint64_t run_id, const char *name, const char *data, PyObject *value)
{
    PyObject *key = PyLong_FromUnsignedLongLong(run_id);
    PyObject *pair = Py_BuildValue("(NO)", PyUnicode_FromFormat("host.%s: %s", name, data), value);
    if (key && pair) {
        PyDict_SetItem(engine->failures, key, pair);
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

static const char UNKNOWN[] = "an exception without a text";

/* Tells the script what was raised. */
static void fail(perilune_call *call, Function *function)
{
    PyObject *type, *value, *traceback, *description;
    Text text = {UNKNOWN, sizeof UNKNOWN - 1, NULL};
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
            remember(function->engine, perilune_call_run_id(call), function->name, text.data, value);
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

/* The function as it is now, and the arguments of a call; NULL, maybe with an exception, where they can't be read or it is gone. */
static PyObject *prepare(perilune_call *call, Function *function, PyObject **callable)
{
    size_t i, len = perilune_call_len(call);
    PyObject *arguments, *item;
    *callable = PyDict_GetItemString(function->engine->functions, function->name);
    /* Making the arguments can run Python code, which may replace it. */
    Py_XINCREF(*callable);
    arguments = *callable ? PyTuple_New((Py_ssize_t)len) : NULL;
    for (i = 0; arguments && i < len; i++) {
        item = argument(call, i);
        if (!item || PyTuple_SetItem(arguments, (Py_ssize_t)i, item) < 0) {
            Py_CLEAR(arguments);
        }
    }
    return arguments;
}

static void call_function(perilune_call *call, void *user_data)
{
    Function *function = user_data;
    PyGILState_STATE gil;
    PyObject *callable, *arguments, *result;
    if (!pl_enter(&gil)) {
        perilune_call_fail(call, perilune_str("the interpreter is ending"));
        return;
    }
    if (pl_pending() && pl_pending()->type) {
        perilune_call_fail(call, perilune_str("the run is ending"));
        pl_leave(gil);
        return;
    }
    arguments = prepare(call, function, &callable);
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

/* ---- Coroutines of the host ---- */

/* The answer to a call, which a coroutine gives. */
typedef struct {
    PyObject_HEAD
    perilune_pending *pending; /* NULL once it is given */
    Engine *engine;
    uint64_t run_id;
    PyObject *name; /* bytes */
} Answer;

static perilune_pending *take_pending(Answer *self)
{
    perilune_pending *pending = self->pending;
    self->pending = NULL;
    return pending;
}

/* answer.give(value) */
static PyObject *answer_give(Answer *self, PyObject *result)
{
    perilune_value *value;
    if (!self->pending) {
        Py_RETURN_NONE;
    }
    value = pl_value_from_python(result);
    if (!value) {
        return NULL;
    }
    perilune_pending_resolve(take_pending(self), value);
    Py_RETURN_NONE;
}

/* answer.fail(exception) */
static PyObject *answer_fail(Answer *self, PyObject *exception)
{
    PyObject *description;
    Text text = {UNKNOWN, sizeof UNKNOWN - 1, NULL};
    if (!self->pending) {
        Py_RETURN_NONE;
    }
    description = describe((PyObject *)Py_TYPE(exception), exception);
    if (description && pl_text_from(description, &text) == 0) {
        remember(self->engine, self->run_id, PyBytes_AsString(self->name), text.data, exception);
    }
    PyErr_Clear();
    perilune_pending_reject(take_pending(self), TEXT(text));
    Py_XDECREF(description);
    Py_RETURN_NONE;
}

static void call_gone(void *user_data)
{
    PyGILState_STATE gil;
    PyObject *result;
    if (!pl_enter(&gil)) {
        return;
    }
    result = PyObject_CallFunctionObjArgs(user_data, NULL);
    if (!result) {
        PyErr_WriteUnraisable(user_data);
    }
    Py_XDECREF(result);
    pl_leave(gil);
}

static void free_gone(void *user_data)
{
    PyGILState_STATE gil;
    /* What Python has goes with the process otherwise. */
    if (pl_enter(&gil)) {
        Py_DECREF((PyObject *)user_data);
        pl_leave(gil);
    }
}

/* answer.on_gone(callable): called, on any thread, when nobody waits for the answer any more */
static PyObject *answer_on_gone(Answer *self, PyObject *callable)
{
    if (self->pending) {
        Py_INCREF(callable);
        perilune_pending_on_gone(self->pending, call_gone, callable, free_gone);
    }
    Py_RETURN_NONE;
}

static void answer_dealloc(Answer *self)
{
    perilune_pending_free(take_pending(self));
    Py_XDECREF((PyObject *)self->engine);
    Py_XDECREF(self->name);
    pl_object_free(self);
}

int pl_add_answer(PyObject *module)
{
    static PyMethodDef methods[] = {
        METHOD("give", answer_give, METH_O), METHOD("fail", answer_fail, METH_O), METHOD("on_gone", answer_on_gone, METH_O),
        {NULL, NULL, 0, NULL}};
    static PyType_Slot slots[] = {SLOT(Py_tp_dealloc, answer_dealloc), SLOT(Py_tp_methods, methods), {0, NULL}};
    return pl_add_type(module, "perilune._native.Answer", sizeof(Answer), 0, slots, &pl_state.answer_type);
}

static Answer *answer_new(perilune_call *call, Function *function)
{
    Answer *self = pl_object_new(pl_state.answer_type);
    if (self) {
        self->engine = function->engine;
        Py_INCREF((PyObject *)self->engine);
        self->run_id = perilune_call_run_id(call);
        self->name = PyBytes_FromString(function->name);
        if (!self->name) {
            Py_CLEAR(self);
        }
    }
    return self;
}

/* Has the event loop of the run's caller run the coroutine of a call. */
static void call_coroutine(perilune_call *call, void *user_data)
{
    Function *function = user_data;
    const Submitted *run = perilune_call_user_data(call);
    PyGILState_STATE gil;
    PyObject *callable, *arguments, *result, *type, *value, *traceback;
    Answer *answer;
    if (!run) {
        perilune_call_fail(call, perilune_str("the function is async, and waits for an event loop: use run_async"));
        return;
    }
    if (!pl_enter(&gil)) {
        perilune_call_fail(call, perilune_str("the interpreter is ending"));
        return;
    }
    arguments = prepare(call, function, &callable);
    answer = arguments ? answer_new(call, function) : NULL;
    if (answer) {
        answer->pending = perilune_call_defer(call);
        result = PyObject_CallFunctionObjArgs(pl_state.begin_later, run->future, run->context, callable, arguments, answer, NULL);
        if (!result) {
            PyErr_Fetch(&type, &value, &traceback);
            PyErr_NormalizeException(&type, &value, &traceback);
            Py_XDECREF(value ? answer_fail(answer, value) : NULL);
            Py_XDECREF(type);
            Py_XDECREF(value);
            Py_XDECREF(traceback);
        }
        Py_XDECREF(result);
    }
    Py_XDECREF((PyObject *)answer);
    Py_XDECREF(arguments);
    Py_XDECREF(callable);
    if (PyErr_Occurred()) {
        fail(call, function);
    }
    pl_leave(gil);
}

/* engine._function(name, callable, is_coroutine) */
PyObject *pl_add_function(Engine *engine, PyObject *args)
{
    Text name;
    PyObject *callable;
    perilune_error *error = NULL;
    Function *function;
    int is_coroutine;
    if (!PyArg_ParseTuple(args, "s#Op", PARSED(name), &callable, &is_coroutine)) {
        return NULL;
    }
    function = malloc(sizeof *function + (size_t)name.len + 1);
    if (!function) {
        return PyErr_NoMemory();
    }
    function->engine = engine;
    memcpy(function->name, name.data, (size_t)name.len + 1);
    if (is_coroutine) {
        perilune_engine_async_function(engine->engine, TEXT(name), call_coroutine, function, free, &error);
    } else {
        perilune_engine_function(engine->engine, TEXT(name), call_function, function, free, &error);
    }
    if (!error && PyDict_SetItemString(engine->functions, name.data, callable) < 0) {
        return NULL;
    }
    return pl_done(error);
}
