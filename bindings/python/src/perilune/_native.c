/* Perilune for CPython: objects that hold those of perilune.h, and nothing that Python can do as well.
 *
 * On the limited API of 3.9. The GIL is released around everything that compiles, runs, waits or takes a lock of the engine's, and taken
 * back by what the engine calls, but for the end of a submitted run. Types are static to the process: a subinterpreter with a GIL of its
 * own refuses the module.
 *
 * Who owns what: an object owns its perilune_*; a Script, a Trace under way and a submitted run own their Engine object, so that it is
 * there whenever a host function is called. A host function is looked up by its name in that object, where the collector of
 * cycles sees it. */

#define Py_LIMITED_API 0x03090000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include "perilune.h"

/* In the stable ABI from 3.10 on; 3.9 has it under the same number. */
#ifndef METH_FASTCALL
#define METH_FASTCALL 0x0080
#endif

/* How often a run on the main thread looks for signals. */
#define POLL_NS 5000000
/* How deep values nest: as deep as the engine takes them. */
#define MAX_DEPTH 128
/* Up to here a double holds every integer. */
#define MAX_EXACT 9007199254740992

typedef struct {
    PyObject_HEAD
    perilune_engine *engine;
    PyObject *functions; /* name -> callable */
    PyObject *failures;  /* number of a run -> (text, exception): what its host functions raised last */
} Engine;

typedef struct {
    PyObject_HEAD
    perilune_script *script;
    Engine *engine;
} Script;

typedef struct {
    PyObject_HEAD
    perilune_request *request;
} Request;

typedef struct {
    PyObject_HEAD
    perilune_cancel *cancel;
} Cancel;

typedef struct {
    PyObject_HEAD
    perilune_trace *trace;
    PyObject *cause;
} Trace;

/* What a watch's own thread is given: the object, until that is gone. Under the GIL. */
typedef struct {
    PyObject *watch;
} Watched;

typedef struct {
    PyObject_HEAD
    perilune_watch *watch;
    PyObject *watcher;
    Watched *watched; /* the thread's, who frees it */
} Watch;

typedef struct {
    PyObject_HEAD
    struct Queue *queue;
} Completions;

static PyTypeObject *engine_type, *script_type, *request_type, *cancel_type, *watch_type, *completions_type;
/* By their numbers; the last is for one that has no place, of a library that is newer than this file. */
enum { NAMES = 32 };
static PyObject *statuses[NAMES], *kinds[NAMES];

static PyObject *named(PyObject *const *names, int32_t number)
{
    return names[number >= 0 && number < NAMES ? number : NAMES - 1];
}
/* Set by `setup`: the class of traces, what makes an exception of an error, the thread that sees to signals. */
static PyTypeObject *trace_class;
static PyObject *make_error;
static unsigned long main_thread;
/* For runs that have no request of their own. */
static perilune_request *polled;

/* ---- What the engine calls ---- */

/* Once the interpreter ends, no thread may ask for the GIL: CPython would end the thread, through frames that can't be unwound. */
static atomic_bool ending;
static atomic_int inside;

static int enter(PyGILState_STATE *gil)
{
    atomic_fetch_add(&inside, 1);
    if (atomic_load(&ending)) {
        atomic_fetch_sub(&inside, 1);
        return 0;
    }
    *gil = PyGILState_Ensure();
    return 1;
}

static void leave(PyGILState_STATE gil)
{
    PyGILState_Release(gil);
    atomic_fetch_sub(&inside, 1);
}

/* What was raised in a host function and is no error of a script's, such as SystemExit: it waits here for the end of the run on the same
 * thread, which raises it. */
typedef struct Frame {
    PyObject *type, *value, *traceback;
    perilune_cancel *cancel; /* ends what else goes on; NULL where nothing does */
    struct Frame *outer;
} Frame;

static _Thread_local Frame *frame;

static void frame_push(Frame *own)
{
    memset(own, 0, sizeof *own);
    own->outer = frame;
    frame = own;
}

/* Whether something is to be raised; it is then set. */
static int frame_pop(Frame *own)
{
    frame = own->outer;
    if (own->type) {
        PyErr_Restore(own->type, own->value, own->traceback);
    }
    return PyErr_Occurred() != NULL;
}

static int32_t poll_signals(void *user_data)
{
    PyGILState_STATE gil;
    int32_t stop = 0;
    (void)user_data;
    if (frame && frame->type) {
        return 1;
    }
    if (PyThread_get_thread_ident() != main_thread || !enter(&gil)) {
        return 0;
    }
    stop = PyErr_CheckSignals() < 0;
    if (stop && frame) {
        PyErr_Fetch(&frame->type, &frame->value, &frame->traceback);
        perilune_cancel_now(frame->cancel);
    }
    leave(gil);
    return stop;
}

/* ---- Values ---- */

static PyObject *number_to_python(double number)
{
    /* An int has no negative zero. */
    if (floor(number) == number && fabs(number) <= MAX_EXACT && !(number == 0 && signbit(number))) {
        return PyLong_FromDouble(number);
    }
    return PyFloat_FromDouble(number);
}

/* Text where it is some, else bytes. */
static PyObject *string_to_python(const char *data, size_t len)
{
    PyObject *text = PyUnicode_DecodeUTF8(data, (Py_ssize_t)len, NULL);
    if (!text && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
        text = PyBytes_FromStringAndSize(data, (Py_ssize_t)len);
    }
    return text;
}

static PyObject *value_to_python(const perilune_value *value)
{
    size_t i, len = perilune_value_len(value);
    PyObject *result, *item, *key;
    const char *data;
    switch (perilune_value_type(value)) {
    case PERILUNE_TYPE_BOOLEAN:
        return PyBool_FromLong(perilune_value_boolean(value));
    case PERILUNE_TYPE_NUMBER:
        return number_to_python(perilune_value_number(value));
    case PERILUNE_TYPE_STRING:
        data = perilune_value_string(value, &len);
        return string_to_python(data, len);
    case PERILUNE_TYPE_ARRAY:
        result = PyList_New((Py_ssize_t)len);
        for (i = 0; result && i < len; i++) {
            item = value_to_python(perilune_value_at(value, i));
            if (!item || PyList_SetItem(result, (Py_ssize_t)i, item) < 0) {
                Py_CLEAR(result);
            }
        }
        return result;
    case PERILUNE_TYPE_OBJECT:
        result = PyDict_New();
        for (i = 0; result && i < len; i++) {
            size_t key_len;
            data = perilune_value_key(value, i, &key_len);
            key = string_to_python(data, key_len);
            item = key ? value_to_python(perilune_value_at(value, i)) : NULL;
            if (!item || PyDict_SetItem(result, key, item) < 0) {
                Py_CLEAR(result);
            }
            Py_XDECREF(key);
            Py_XDECREF(item);
        }
        return result;
    default:
        Py_RETURN_NONE;
    }
}

/* The bytes of a str or bytes, which `object` keeps. */
static int text_of(PyObject *object, const char **data, Py_ssize_t *len)
{
    if (PyBytes_Check(object)) {
        char *bytes;
        if (PyBytes_AsStringAndSize(object, &bytes, len) < 0) {
            return -1;
        }
        *data = bytes;
        return 0;
    }
    return PyArg_Parse(object, "s#", data, len) ? 0 : -1;
}

/* As int writes it, whatever a subclass does. */
static PyObject *integer_text(PyObject *number)
{
    return PyObject_CallMethod((PyObject *)&PyLong_Type, "__repr__", "(O)", number);
}

/* In place of a conversion's own error. NULL. */
static void *too_wide(void)
{
    PyErr_Clear();
    PyErr_SetString(PyExc_OverflowError, "an integer of more than 64 bits can't be given to a script: pass it as text");
    return NULL;
}

static perilune_value *value_from_python(PyObject *object, int depth);

static perilune_value *array_from_python(PyObject *sequence, int depth)
{
    perilune_value *array = perilune_value_new_array(), *element;
    Py_ssize_t i, len = PySequence_Size(sequence);
    for (i = 0; i < len; i++) {
        PyObject *item = PySequence_GetItem(sequence, i);
        element = item ? value_from_python(item, depth + 1) : NULL;
        Py_XDECREF(item);
        if (!element || perilune_value_push(array, element, NULL) != PERILUNE_OK) {
            break;
        }
    }
    if (len < 0 || i < len) {
        perilune_value_free(array);
        return NULL;
    }
    return array;
}

static perilune_value *object_from_python(PyObject *dict, int depth)
{
    perilune_value *object = perilune_value_new_object(), *member;
    /* A list of its own: what follows can run Python code, which may change the dictionary. */
    PyObject *items = PyDict_Items(dict), *key, *item, *text;
    Py_ssize_t at, len, count = items ? PyList_Size(items) : 0;
    const char *data;
    for (at = 0; at < count; at++) {
        key = PyTuple_GetItem(PyList_GetItem(items, at), 0);
        item = PyTuple_GetItem(PyList_GetItem(items, at), 1);
        if (PyUnicode_Check(key) || PyBytes_Check(key)) {
            text = key;
            Py_INCREF(text);
        } else if (PyLong_Check(key) && !PyBool_Check(key)) {
            text = integer_text(key);
        } else {
            PyErr_Format(PyExc_TypeError, "a key must be str, bytes or int, not %R", key);
            text = NULL;
        }
        member = text && text_of(text, &data, &len) == 0 ? value_from_python(item, depth + 1) : NULL;
        if (member && perilune_value_set(object, data, (size_t)len, member, NULL) != PERILUNE_OK) {
            PyErr_SetString(PyExc_ValueError, "a member was refused");
            member = NULL;
        }
        Py_XDECREF(text);
        if (!member) {
            break;
        }
    }
    Py_XDECREF(items);
    if (!items || at < count) {
        perilune_value_free(object);
        return NULL;
    }
    return object;
}

static perilune_value *value_from_python(PyObject *object, int depth)
{
    const char *data;
    Py_ssize_t len;
    if (depth > MAX_DEPTH) {
        PyErr_Format(PyExc_ValueError, "a value is nested deeper than %d levels", MAX_DEPTH);
        return NULL;
    }
    if (object == Py_None) {
        return perilune_value_new_null();
    }
    if (PyBool_Check(object)) {
        return perilune_value_new_boolean(object == Py_True);
    }
    if (PyLong_Check(object)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
        if (overflow) {
            unsigned long long large = PyLong_AsUnsignedLongLong(object);
            return PyErr_Occurred() ? too_wide() : perilune_value_new_uint64(large);
        }
        return perilune_value_new_int64(number);
    }
    if (PyFloat_Check(object)) {
        return perilune_value_new_number(PyFloat_AsDouble(object));
    }
    if (PyUnicode_Check(object) || PyBytes_Check(object)) {
        return text_of(object, &data, &len) < 0 ? NULL : perilune_value_new_string(data, (size_t)len);
    }
    if (PyList_Check(object) || PyTuple_Check(object)) {
        return array_from_python(object, depth);
    }
    if (PyDict_Check(object)) {
        return object_from_python(object, depth);
    }
    PyErr_Format(PyExc_TypeError, "%R can't be given to a script: pass None, bool, int, float, str, bytes, list, tuple or dict",
                 (PyObject *)Py_TYPE(object));
    return NULL;
}

/* ---- Errors ---- */

static PyObject *text_or_empty(const char *data, size_t len)
{
    return PyUnicode_DecodeUTF8(data ? data : "", data ? (Py_ssize_t)len : 0, "replace");
}

/* The exception of an error, which stays the caller's. */
static PyObject *exception_of(const perilune_error *error)
{
    size_t message_len, reason_len, subject_len, line, column, offset;
    const char *message = perilune_error_message(error, &message_len);
    const char *reason = perilune_error_reason(error, &reason_len);
    const char *subject = perilune_error_subject(error, &subject_len);
    PyObject *m, *r, *s, *exception = NULL;
    perilune_error_position(error, &line, &column, &offset);
    m = text_or_empty(message, message_len);
    r = text_or_empty(reason, reason_len);
    s = text_or_empty(subject, subject_len);
    if (m && r && s) {
        exception = PyObject_CallFunction(make_error, "iOOOnnn", (int)perilune_error_code(error), m, r, s, (Py_ssize_t)line,
                                          (Py_ssize_t)column, (Py_ssize_t)offset);
    }
    Py_XDECREF(m);
    Py_XDECREF(r);
    Py_XDECREF(s);
    return exception;
}

/* Raises an error, and frees it. */
static PyObject *raise_error(perilune_error *error)
{
    PyObject *exception = exception_of(error);
    perilune_error_free(error);
    if (exception) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
    return NULL;
}

/* ---- Host functions ---- */

typedef struct {
    Engine *engine; /* borrowed: every run has it */
    char name[];
} Function;

/* "TYPE: TEXT" of an exception, as UTF-8 that can be read back; NULL without memory for it. */
static PyObject *describe(PyObject *type, PyObject *value)
{
    PyObject *name = PyObject_GetAttrString(type, "__name__"), *text, *whole = NULL, *bytes;
    PyErr_Clear();
    text = value ? PyObject_Str(value) : NULL;
    PyErr_Clear();
    if (!name || !PyUnicode_Check(name)) {
        Py_XDECREF(name);
        name = PyUnicode_FromString("Exception");
    }
    if (name && text && PyUnicode_GetLength(text) > 0) {
        whole = PyUnicode_FromFormat("%U: %U", name, text);
    } else {
        Py_XINCREF(name);
        whole = name;
    }
    bytes = whole ? PyUnicode_AsEncodedString(whole, "utf-8", "backslashreplace") : NULL;
    Py_XDECREF(name);
    Py_XDECREF(text);
    Py_XDECREF(whole);
    return bytes;
}

/* Tells the script what was raised, and remembers it for the one who reads the trace. */
static void fail(perilune_call *call, Function *function)
{
    PyObject *type, *value, *traceback, *text, *whole, *key, *pair;
    char *data = NULL;
    Py_ssize_t len;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value && traceback) {
        PyException_SetTraceback(value, traceback);
    }
    text = describe(type, value);
    if (!text || PyBytes_AsStringAndSize(text, &data, &len) < 0) {
        perilune_call_fail(call, "an exception without a text", PERILUNE_STRLEN);
    } else {
        perilune_call_fail(call, data, (size_t)len);
    }
    if (type && !PyErr_GivenExceptionMatches(type, PyExc_Exception) && frame) {
        /* The one who makes the run has it raised. */
        if (!frame->type) {
            frame->type = type;
            frame->value = value;
            frame->traceback = traceback;
            type = value = traceback = NULL;
            perilune_cancel_now(frame->cancel);
        }
    } else if (data && value) {
        whole = PyUnicode_FromFormat("host.%s: %s", function->name, data);
        key = PyLong_FromUnsignedLongLong(perilune_call_run_id(call));
        pair = whole && key ? PyTuple_Pack(2, whole, value) : NULL;
        if (pair) {
            PyDict_SetItem(function->engine->failures, key, pair);
        }
        Py_XDECREF(whole);
        Py_XDECREF(key);
        Py_XDECREF(pair);
    }
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

/* An argument; NULL where it can't cross, of which the call knows, or with an exception. */
static PyObject *argument(perilune_call *call, size_t index)
{
    double number;
    bool boolean;
    const char *data;
    size_t len;
    perilune_value *value;
    PyObject *result;
    switch (perilune_call_type(call, index)) {
    case PERILUNE_TYPE_NULL:
        Py_RETURN_NONE;
    case PERILUNE_TYPE_BOOLEAN:
        return perilune_call_boolean(call, index, &boolean) ? PyBool_FromLong(boolean) : NULL;
    case PERILUNE_TYPE_NUMBER:
        return perilune_call_number(call, index, &number) ? number_to_python(number) : NULL;
    case PERILUNE_TYPE_STRING:
        return perilune_call_string(call, index, &data, &len) ? string_to_python(data, len) : NULL;
    default:
        if (!perilune_call_value(call, index, &value)) {
            return NULL;
        }
        result = value_to_python(value);
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
        perilune_value *value = value_from_python(result, 0);
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
    if (!enter(&gil)) {
        perilune_call_fail(call, "the interpreter is ending", PERILUNE_STRLEN);
        return;
    }
    if (frame && frame->type) {
        perilune_call_fail(call, "the run is ending", PERILUNE_STRLEN);
        leave(gil);
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
    leave(gil);
}

/* ---- Types ---- */

static void *new_object(PyTypeObject *type)
{
    return PyType_GenericAlloc(type, 0);
}

static void free_object(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

/* A text that may be None: str, bytes or anything with a buffer. `kept` holds a copy, where one was made. */
static int optional_text(PyObject *object, const char **data, Py_ssize_t *len, PyObject **kept)
{
    *data = NULL;
    *len = 0;
    *kept = NULL;
    if (object == NULL || object == Py_None) {
        return 0;
    }
    if (!PyBytes_Check(object) && !PyUnicode_Check(object)) {
        PyObject *view = PyMemoryView_FromObject(object);
        if (!view) {
            PyErr_Format(PyExc_TypeError, "a text must be str, bytes or a buffer, not %S", (PyObject *)Py_TYPE(object));
            return -1;
        }
        /* A copy: it may be changed while the GIL is not held. */
        *kept = PyBytes_FromObject(view);
        Py_DECREF(view);
        if (!*kept) {
            return -1;
        }
        object = *kept;
    }
    return text_of(object, data, len);
}

/* ---- Engine ---- */

static PyObject *engine_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Py_ssize_t pool_size, backlog, at = 0;
    PyObject *limits, *key, *value;
    perilune_options *options;
    perilune_engine *engine = NULL;
    perilune_error *error = NULL;
    perilune_code code = PERILUNE_OK;
    Engine *self;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "nnO!", &pool_size, &backlog, &PyDict_Type, &limits)) {
        return NULL;
    }
    options = perilune_options_new();
    if (pool_size > 0) {
        code = perilune_options_set_pool_size(options, (size_t)pool_size, &error);
    }
    if (code == PERILUNE_OK && backlog >= 0) {
        code = perilune_options_set_backlog(options, (size_t)backlog, &error);
    }
    while (code == PERILUNE_OK && PyDict_Next(limits, &at, &key, &value)) {
        code = perilune_options_set_limit(options, (perilune_limit)PyLong_AsLong(key), PyLong_AsUnsignedLongLong(value), &error);
        if (PyErr_Occurred()) {
            perilune_options_free(options);
            perilune_error_free(error);
            return NULL;
        }
    }
    if (code == PERILUNE_OK) {
        code = perilune_engine_new(options, &engine, &error);
    }
    perilune_options_free(options);
    if (code != PERILUNE_OK) {
        return raise_error(error);
    }
    self = new_object(type);
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
    if (self->functions) {
        PyDict_Clear(self->functions);
    }
    if (self->failures) {
        PyDict_Clear(self->failures);
    }
    return 0;
}

static void engine_dealloc(Engine *self)
{
    PyObject_GC_UnTrack(self);
    perilune_engine_free(self->engine);
    Py_CLEAR(self->functions);
    Py_CLEAR(self->failures);
    free_object((PyObject *)self);
}

static PyObject *engine_function(Engine *self, PyObject *args)
{
    const char *name;
    Py_ssize_t len;
    PyObject *callable;
    Function *function;
    perilune_error *error = NULL;
    perilune_code code;
    if (!PyArg_ParseTuple(args, "s#O", &name, &len, &callable)) {
        return NULL;
    }
    function = malloc(sizeof *function + (size_t)len + 1);
    if (!function) {
        return PyErr_NoMemory();
    }
    function->engine = self;
    memcpy(function->name, name, (size_t)len + 1);
    code = perilune_engine_function(self->engine, name, (size_t)len, call_function, function, free, &error);
    if (code != PERILUNE_OK) {
        return raise_error(error);
    }
    if (PyDict_SetItemString(self->functions, name, callable) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *engine_module(Engine *self, PyObject *args)
{
    const char *name, *source;
    Py_ssize_t name_len, source_len;
    perilune_error *error = NULL;
    perilune_code code;
    if (!PyArg_ParseTuple(args, "s#s#", &name, &name_len, &source, &source_len)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    code = perilune_engine_module(self->engine, name, (size_t)name_len, source, (size_t)source_len, &error);
    Py_END_ALLOW_THREADS
    if (code != PERILUNE_OK) {
        return raise_error(error);
    }
    Py_RETURN_NONE;
}

static PyObject *engine_remove(Engine *self, PyObject *args)
{
    const char *name;
    Py_ssize_t len;
    perilune_error *error = NULL;
    perilune_code code;
    if (!PyArg_ParseTuple(args, "s#", &name, &len)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    code = perilune_engine_remove(self->engine, name, (size_t)len, &error);
    Py_END_ALLOW_THREADS
    if (code != PERILUNE_OK) {
        return raise_error(error);
    }
    Py_RETURN_NONE;
}

static PyObject *engine_names(Engine *self, PyObject *args)
{
    perilune_scripts *scripts = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    PyObject *list;
    size_t i, len;
    (void)args;
    Py_BEGIN_ALLOW_THREADS
    code = perilune_engine_list(self->engine, NULL, 0, &scripts, &error);
    Py_END_ALLOW_THREADS
    if (code != PERILUNE_OK) {
        return raise_error(error);
    }
    len = perilune_scripts_len(scripts);
    list = PyList_New((Py_ssize_t)len);
    for (i = 0; list && i < len; i++) {
        size_t name_len;
        const char *name = perilune_script_name(perilune_scripts_at(scripts, i), &name_len);
        PyObject *text = text_or_empty(name, name_len);
        if (!text || PyList_SetItem(list, (Py_ssize_t)i, text) < 0) {
            Py_CLEAR(list);
        }
    }
    perilune_scripts_free(scripts);
    return list;
}

static PyObject *engine_check(Engine *self, PyObject *args)
{
    const char *name, *source;
    Py_ssize_t name_len, source_len;
    perilune_diagnostics *found = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    PyObject *list;
    size_t i, len;
    if (!PyArg_ParseTuple(args, "s#s#", &name, &name_len, &source, &source_len)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    code = perilune_engine_check(self->engine, name, (size_t)name_len, source, (size_t)source_len, &found, &error);
    Py_END_ALLOW_THREADS
    if (code != PERILUNE_OK) {
        return raise_error(error);
    }
    len = perilune_diagnostics_len(found);
    list = PyList_New((Py_ssize_t)len);
    for (i = 0; list && i < len; i++) {
        size_t text_len;
        const char *text = perilune_diagnostics_message(found, i, &text_len);
        PyObject *item = Py_BuildValue("iIIs#", (int)perilune_diagnostics_severity(found, i),
                                       (unsigned int)perilune_diagnostics_line(found, i),
                                       (unsigned int)perilune_diagnostics_column(found, i), text, (Py_ssize_t)text_len);
        if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) < 0) {
            Py_CLEAR(list);
        }
    }
    perilune_diagnostics_free(found);
    return list;
}

static PyObject *engine_metrics(Engine *self, PyObject *args)
{
    int prometheus;
    size_t len;
    const char *text;
    perilune_metrics *metrics = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    PyObject *result;
    if (!PyArg_ParseTuple(args, "p", &prometheus)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    code = perilune_engine_metrics(self->engine, &metrics, &error);
    Py_END_ALLOW_THREADS
    if (code != PERILUNE_OK) {
        return raise_error(error);
    }
    text = prometheus ? perilune_metrics_prometheus(metrics, &len) : perilune_metrics_json(metrics, &len);
    result = text_or_empty(text, len);
    perilune_metrics_free(metrics);
    return result;
}

static PyObject *engine_limit(Engine *self, PyObject *args)
{
    int limit;
    if (!PyArg_ParseTuple(args, "i", &limit)) {
        return NULL;
    }
    return PyLong_FromUnsignedLongLong(perilune_engine_limit(self->engine, limit));
}

/* (names that are loaded, names that are removed, [(path, exception)]) */
static PyObject *report_to_python(const perilune_report *report)
{
    PyObject *loaded = PyList_New(0), *removed = PyList_New(0), *failed = PyList_New(0), *item, *path, *exception;
    size_t i, len;
    int ok = loaded && removed && failed;
    for (i = 0; ok && i < perilune_report_loaded_len(report); i++) {
        const char *name = perilune_script_name(perilune_report_loaded(report, i), &len);
        item = text_or_empty(name, len);
        ok = item && PyList_Append(loaded, item) == 0;
        Py_XDECREF(item);
    }
    for (i = 0; ok && i < perilune_report_removed_len(report); i++) {
        const char *name = perilune_report_removed(report, i, &len);
        item = text_or_empty(name, len);
        ok = item && PyList_Append(removed, item) == 0;
        Py_XDECREF(item);
    }
    for (i = 0; ok && i < perilune_report_failed_len(report); i++) {
        const perilune_error *error = perilune_report_failed(report, i);
        const char *subject = perilune_error_subject(error, &len);
        path = text_or_empty(subject, len);
        exception = exception_of(error);
        item = path && exception ? PyTuple_Pack(2, path, exception) : NULL;
        ok = item && PyList_Append(failed, item) == 0;
        Py_XDECREF(path);
        Py_XDECREF(exception);
        Py_XDECREF(item);
    }
    item = ok ? PyTuple_Pack(3, loaded, removed, failed) : NULL;
    Py_XDECREF(loaded);
    Py_XDECREF(removed);
    Py_XDECREF(failed);
    return item;
}

static PyObject *engine_load_dir(Engine *self, PyObject *args)
{
    const char *path;
    Py_ssize_t len;
    perilune_report *report = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    PyObject *result;
    if (!PyArg_ParseTuple(args, "s#", &path, &len)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    code = perilune_engine_load_dir(self->engine, path, (size_t)len, &report, &error);
    Py_END_ALLOW_THREADS
    if (code != PERILUNE_OK) {
        return raise_error(error);
    }
    result = report_to_python(report);
    perilune_report_free(report);
    return result;
}

static void call_watcher(const perilune_report *report, void *user_data)
{
    Watched *watched = user_data;
    PyGILState_STATE gil;
    PyObject *told, *result, *watcher;
    if (!enter(&gil)) {
        return;
    }
    watcher = watched->watch ? ((Watch *)watched->watch)->watcher : NULL;
    if (watcher) {
        Py_INCREF(watcher);
        told = report_to_python(report);
        result = told ? PyObject_CallFunctionObjArgs(watcher, told, NULL) : NULL;
        if (!result) {
            PyErr_WriteUnraisable(watcher);
        }
        Py_XDECREF(told);
        Py_XDECREF(result);
        Py_DECREF(watcher);
    }
    leave(gil);
}

static PyObject *watch_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Engine *engine;
    const char *path;
    Py_ssize_t len;
    PyObject *watcher;
    perilune_error *error = NULL;
    perilune_code code;
    Watch *self;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O!s#O", engine_type, &engine, &path, &len, &watcher)) {
        return NULL;
    }
    self = new_object(type);
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
    self->watched->watch = (PyObject *)self;
    Py_BEGIN_ALLOW_THREADS
    code = perilune_engine_watch(engine->engine, path, (size_t)len, call_watcher, self->watched, free, &self->watch, &error);
    Py_END_ALLOW_THREADS
    if (code != PERILUNE_OK) {
        self->watched = NULL;
        Py_DECREF(self);
        return raise_error(error);
    }
    return (PyObject *)self;
}

/* Waits for a callback that is under way, with the GIL released for it. */
static void watch_end(Watch *self)
{
    perilune_watch *watch = self->watch;
    if (watch) {
        self->watched->watch = NULL;
        self->watched = NULL;
        self->watch = NULL;
        Py_BEGIN_ALLOW_THREADS
        perilune_watch_free(watch);
        Py_END_ALLOW_THREADS
    }
}

static PyObject *watch_close(Watch *self, PyObject *args)
{
    (void)args;
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
    free_object((PyObject *)self);
}

/* ---- Request and Cancel ---- */

static PyObject *cancel_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Cancel *self = new_object(type);
    (void)args;
    (void)kwargs;
    if (self) {
        self->cancel = perilune_cancel_new();
    }
    return (PyObject *)self;
}

static PyObject *cancel_now(Cancel *self, PyObject *args)
{
    (void)args;
    Py_BEGIN_ALLOW_THREADS
    perilune_cancel_now(self->cancel);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static void cancel_dealloc(Cancel *self)
{
    perilune_cancel_free(self->cancel);
    free_object((PyObject *)self);
}

typedef perilune_code (*text_setter)(perilune_request *, const char *, size_t, perilune_error **);

static int set_text(perilune_request *request, text_setter set, PyObject *object)
{
    const char *data;
    Py_ssize_t len;
    PyObject *kept;
    perilune_error *error = NULL;
    int ok = optional_text(object, &data, &len, &kept) == 0;
    if (ok && data && set(request, data, (size_t)len, &error) != PERILUNE_OK) {
        raise_error(error);
        ok = 0;
    }
    Py_XDECREF(kept);
    return ok;
}

static int set_params(perilune_request *request, PyObject *params)
{
    PyObject *key, *value;
    Py_ssize_t at = 0, key_len, value_len;
    const char *key_data, *value_data;
    perilune_error *error = NULL;
    if (params == Py_None) {
        return 1;
    }
    while (PyDict_Next(params, &at, &key, &value)) {
        if (text_of(key, &key_data, &key_len) < 0 || text_of(value, &value_data, &value_len) < 0) {
            return 0;
        }
        if (perilune_request_add_param(request, key_data, (size_t)key_len, value_data, (size_t)value_len, &error) != PERILUNE_OK) {
            raise_error(error);
            return 0;
        }
    }
    return 1;
}

static int set_limits(perilune_request *request, PyObject *limits)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    perilune_error *error = NULL;
    if (limits == Py_None) {
        return 1;
    }
    while (PyDict_Next(limits, &at, &key, &value)) {
        unsigned long long number = PyLong_AsUnsignedLongLong(value);
        long limit = PyLong_AsLong(key);
        if (PyErr_Occurred()) {
            return 0;
        }
        if (perilune_request_set_limit(request, (perilune_limit)limit, number, &error) != PERILUNE_OK) {
            raise_error(error);
            return 0;
        }
    }
    return 1;
}

/* Request(query, params, json, form, config, meta, seed, limits, cancel), each of which may be None */
static PyObject *request_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *query, *params, *json, *form, *config, *meta, *seed, *limits, *cancel;
    Request *self;
    perilune_request *request;
    int ok = 1;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "OOOOOOOOO", &query, &params, &json, &form, &config, &meta, &seed, &limits, &cancel)) {
        return NULL;
    }
    self = new_object(type);
    if (!self) {
        return NULL;
    }
    request = self->request = perilune_request_new();
    ok = set_text(request, perilune_request_set_query, query) && set_params(request, params) &&
         set_text(request, perilune_request_set_json, json) && set_text(request, perilune_request_set_form, form) &&
         set_text(request, perilune_request_set_config, config) && set_text(request, perilune_request_set_meta, meta) &&
         set_limits(request, limits);
    if (ok && seed != Py_None) {
        unsigned long long number = PyLong_AsUnsignedLongLong(seed);
        ok = !PyErr_Occurred() && perilune_request_set_seed(request, number, NULL) == PERILUNE_OK;
    }
    if (ok && cancel != Py_None) {
        ok = PyObject_TypeCheck(cancel, cancel_type) &&
             perilune_request_set_cancel(request, ((Cancel *)cancel)->cancel, NULL) == PERILUNE_OK;
    }
    /* Asks only on the main thread. */
    ok = ok && perilune_request_set_poll(request, POLL_NS, poll_signals, NULL, NULL, NULL) == PERILUNE_OK;
    if (!ok) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "not a request");
        }
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static void request_dealloc(Request *self)
{
    perilune_request_free(self->request);
    free_object((PyObject *)self);
}

/* ---- Trace ---- */

/* What of a host function's exceptions ended the run, if one did. */
static PyObject *cause_of(Engine *engine, const perilune_trace *trace)
{
    PyObject *key, *pair, *cause = NULL, *message;
    size_t len;
    const char *text;
    if (PyDict_Size(engine->failures) == 0) {
        return NULL;
    }
    key = PyLong_FromUnsignedLongLong(perilune_trace_id(trace));
    pair = key ? PyDict_GetItemWithError(engine->failures, key) : NULL;
    if (pair) {
        Py_INCREF(pair);
        PyDict_DelItem(engine->failures, key);
        text = perilune_trace_error_message(trace, &len);
        message = text ? text_or_empty(text, len) : NULL;
        if (message && PySequence_Contains(message, PyTuple_GetItem(pair, 0)) == 1) {
            cause = PyTuple_GetItem(pair, 1);
            Py_INCREF(cause);
        }
        Py_XDECREF(message);
        Py_DECREF(pair);
    }
    Py_XDECREF(key);
    PyErr_Clear();
    return cause;
}

/* Nobody will ask for it; an exception is pending. */
static void forget_failure(Engine *engine, const perilune_trace *trace)
{
    PyObject *type, *value, *traceback;
    if (trace) {
        PyErr_Fetch(&type, &value, &traceback);
        Py_XDECREF(cause_of(engine, trace));
        PyErr_Restore(type, value, traceback);
    }
}

/* The object of a trace, which it takes. */
static PyObject *trace_object(Engine *engine, perilune_trace *trace)
{
    Trace *self = new_object(trace_class);
    if (!self) {
        perilune_trace_free(trace);
        return NULL;
    }
    self->trace = trace;
    self->cause = cause_of(engine, trace);
    return (PyObject *)self;
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
    (void)type;
    (void)args;
    (void)kwargs;
    PyErr_SetString(PyExc_TypeError, "traces are made by runs");
    return NULL;
}

static void trace_dealloc(Trace *self)
{
    PyObject_GC_UnTrack(self);
    perilune_trace_free(self->trace);
    Py_CLEAR(self->cause);
    free_object((PyObject *)self);
}

static PyObject *status_of(perilune_status status)
{
    PyObject *name = named(statuses, status);
    Py_INCREF(name);
    return name;
}

static PyObject *trace_status(Trace *self, void *closure)
{
    (void)closure;
    return status_of(perilune_trace_status(self->trace));
}

static PyObject *trace_ok(Trace *self, void *closure)
{
    (void)closure;
    return PyBool_FromLong(perilune_trace_status(self->trace) == PERILUNE_STATUS_SUCCESS);
}

static PyObject *trace_id(Trace *self, void *closure)
{
    (void)closure;
    return PyLong_FromUnsignedLongLong(perilune_trace_id(self->trace));
}

static PyObject *trace_duration(Trace *self, void *closure)
{
    return PyLong_FromUnsignedLongLong(perilune_trace_duration_ns(self->trace) / (closure ? 1000000 : 1));
}

/* The closure of getters that hand out bytes and not text. */
#define BYTES ((void *)1)

typedef const char *(*reader)(const perilune_trace *, size_t *);

static PyObject *output(Trace *self, reader read, void *closure)
{
    size_t len;
    const char *data = read(self->trace, &len);
    return closure ? PyBytes_FromStringAndSize(data, (Py_ssize_t)len) : text_or_empty(data, len);
}

static PyObject *trace_stdout(Trace *self, void *closure)
{
    return output(self, perilune_trace_stdout, closure);
}

static PyObject *trace_stderr(Trace *self, void *closure)
{
    return output(self, perilune_trace_stderr, closure);
}

static PyObject *trace_value(Trace *self, void *closure)
{
    size_t len;
    const char *data = perilune_trace_value(self->trace, &len);
    (void)closure;
    if (!data) {
        Py_RETURN_NONE;
    }
    return text_or_empty(data, len);
}

static PyObject *trace_json(Trace *self, PyObject *args)
{
    (void)args;
    return output(self, perilune_trace_json, NULL);
}

static PyObject *trace_json_bytes(Trace *self, void *closure)
{
    (void)closure;
    return output(self, perilune_trace_json, BYTES);
}

static PyObject *trace_cause(Trace *self, void *closure)
{
    PyObject *cause = self->cause ? self->cause : Py_None;
    (void)closure;
    Py_INCREF(cause);
    return cause;
}

static PyObject *maybe_text(const char *data, size_t len)
{
    if (!data) {
        Py_RETURN_NONE;
    }
    return text_or_empty(data, len);
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

/* (status, content type, content, [(name, value)]), or None */
static PyObject *trace_response(Trace *self, void *closure)
{
    perilune_trace_view view;
    PyObject *headers, *pair;
    size_t i;
    (void)closure;
    if (view_of(self, &view) < 0) {
        return NULL;
    }
    if (!view.response_status) {
        Py_RETURN_NONE;
    }
    headers = PyList_New(0);
    for (i = 0; headers && i < view.response_headers_len; i++) {
        const char *name = "", *value = "";
        size_t name_len = 0, value_len = 0;
        perilune_trace_header(self->trace, i, &name, &name_len, &value, &value_len, NULL);
        pair = Py_BuildValue("(NN)", text_or_empty(name, name_len), text_or_empty(value, value_len));
        if (!pair || PyList_Append(headers, pair) < 0) {
            Py_CLEAR(headers);
        }
        Py_XDECREF(pair);
    }
    return headers ? Py_BuildValue("INy#N", (unsigned int)view.response_status,
                                   maybe_text(view.response_content_type, view.response_content_type_len), view.response_content,
                                   (Py_ssize_t)view.response_content_len, headers)
                   : NULL;
}

/* All that is seldom read, as one dictionary: Python makes objects of it. */
static PyObject *trace_details(Trace *self, void *closure)
{
    perilune_trace_view view;
    (void)closure;
    if (view_of(self, &view) < 0) {
        return NULL;
    }
    PyObject *kind = named(kinds, view.error_kind);
    Py_INCREF(kind);
    return Py_BuildValue(
        "{s:L,s:K,s:K,s:K,s:K,s:N,s:i,s:i,s:N,s:N,s:N,s:N,s:I}", "executed_at_ns", (long long)view.executed_at_unix_ns, "queued_ns",
        (unsigned long long)view.queued_ns, "memory_bytes", (unsigned long long)view.memory_bytes, "host_calls",
        (unsigned long long)view.host_calls, "version", (unsigned long long)view.version, "script",
        text_or_empty(view.script, view.script_len), "stdout_truncated", (int)view.stdout_truncated, "stderr_truncated",
        (int)view.stderr_truncated, "error_kind", kind, "error_message",
        maybe_text(view.error_message, view.error_message_len), "error_script", maybe_text(view.error_script, view.error_script_len),
        "error_traceback", maybe_text(view.error_traceback, view.error_traceback_len), "error_line", (unsigned int)view.error_line);
}

/* ---- Script ---- */

/* Script(engine, how, name, source): how is "compile", "put" or "get" */
static PyObject *script_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Engine *engine;
    const char *how, *name, *source = NULL;
    Py_ssize_t name_len, source_len = 0;
    perilune_script *script = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    Script *self;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O!ss#|s#", engine_type, &engine, &how, &name, &name_len, &source, &source_len)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    if (how[0] == 'g') {
        code = perilune_engine_get(engine->engine, name, (size_t)name_len, &script, &error);
    } else if (how[0] == 'p') {
        code = perilune_engine_put(engine->engine, name, (size_t)name_len, source, (size_t)source_len, &script, &error);
    } else {
        code = perilune_engine_compile(engine->engine, name, (size_t)name_len, source, (size_t)source_len, &script, &error);
    }
    Py_END_ALLOW_THREADS
    if (code != PERILUNE_OK) {
        return raise_error(error);
    }
    self = new_object(type);
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
    free_object((PyObject *)self);
}

static PyObject *script_name(Script *self, void *closure)
{
    size_t len;
    const char *name = perilune_script_name(self->script, &len);
    (void)closure;
    return text_or_empty(name, len);
}

static PyObject *script_version(Script *self, void *closure)
{
    (void)closure;
    return PyLong_FromUnsignedLongLong(perilune_script_version(self->script));
}

static PyObject *script_hash(Script *self, void *closure)
{
    size_t len;
    const char *hash = perilune_script_hash(self->script, &len);
    (void)closure;
    return text_or_empty(hash, len);
}

static PyObject *script_source(Script *self, void *closure)
{
    size_t len;
    const char *source = perilune_script_source(self->script, &len);
    (void)closure;
    return text_or_empty(source, len);
}

/* What a run is given: (query, json, request), each of which may be None. */
typedef struct {
    const char *query, *body;
    Py_ssize_t query_len, body_len;
    PyObject *kept_query, *kept_body;
    const perilune_request *request;
} Given;

static int given(Given *given, PyObject *query, PyObject *body, PyObject *request)
{
    memset(given, 0, sizeof *given);
    if (request != Py_None && !PyObject_TypeCheck(request, request_type)) {
        PyErr_SetString(PyExc_TypeError, "not a request");
        return -1;
    }
    given->request = request == Py_None ? NULL : ((Request *)request)->request;
    if (optional_text(query, &given->query, &given->query_len, &given->kept_query) < 0 ||
        optional_text(body, &given->body, &given->body_len, &given->kept_body) < 0) {
        Py_XDECREF(given->kept_query);
        Py_XDECREF(given->kept_body);
        return -1;
    }
    return 0;
}

static void given_done(Given *given)
{
    Py_XDECREF(given->kept_query);
    Py_XDECREF(given->kept_body);
}

static PyObject *script_run(Script *self, PyObject *const *args, Py_ssize_t count)
{
    Given with;
    Frame own;
    perilune_trace *trace = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "_run takes query, json and request");
        return NULL;
    }
    if (given(&with, args[0], args[1], args[2]) < 0) {
        return NULL;
    }
    if (!with.request) {
        with.request = polled;
    }
    frame_push(&own);
    Py_BEGIN_ALLOW_THREADS
    code = perilune_script_run(self->script, with.query, (size_t)with.query_len, with.body, (size_t)with.body_len, with.request, &trace,
                               &error);
    Py_END_ALLOW_THREADS
    given_done(&with);
    if (frame_pop(&own)) {
        forget_failure(self->engine, trace);
        perilune_trace_free(trace);
        perilune_error_free(error);
        return NULL;
    }
    return code == PERILUNE_OK ? trace_object(self->engine, trace) : raise_error(error);
}

/* ---- Runs on the engine's threads ---- */

typedef struct Queue Queue;

/* A run that was handed to the engine, and what came of it. */
typedef struct Submitted {
    struct Submitted *next;
    Queue *queue;
    Engine *engine;
    PyObject *future;
    perilune_trace *trace;
    perilune_error *error;
} Submitted;

/* Where the runs of an event loop end. The engine's threads put them there without the GIL, for which they would fight with the loop's
 * thread; who finds it empty wakes the loop, which takes all at once. No lock is needed, nor does a fork find one held: the list grows at
 * its head or is taken whole, so that a head that is the same again is as good as one that never left. */
struct Queue {
    _Atomic(Submitted *) ended; /* the last one first */
    atomic_int users;           /* the loop's object, and each run that is under way: it may yet write to `ready` */
    int ready[2];               /* what the loop reads, and what is written to: it can be read while there are some */
};

/* In place of a list: nobody will take from it any more. */
static Submitted closed;

static int ready_open(int ready[2])
{
#ifdef __linux__
    ready[0] = ready[1] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return ready[0] < 0 ? -1 : 0;
#else
    int i;
    if (pipe(ready) < 0) {
        return -1;
    }
    for (i = 0; i < 2; i++) {
        fcntl(ready[i], F_SETFL, O_NONBLOCK);
        fcntl(ready[i], F_SETFD, FD_CLOEXEC);
    }
    return 0;
#endif
}

static void queue_release(Queue *queue)
{
    if (atomic_fetch_sub(&queue->users, 1) == 1) {
        close(queue->ready[0]);
        if (queue->ready[1] != queue->ready[0]) {
            close(queue->ready[1]);
        }
        free(queue);
    }
}

/* With the GIL. */
static void submitted_free(Submitted *run)
{
    forget_failure(run->engine, run->trace);
    perilune_trace_free(run->trace);
    perilune_error_free(run->error);
    Py_DECREF(run->engine);
    Py_DECREF(run->future);
    free(run);
}

/* On a thread of the engine's, or on that which submits or cancels. */
static void run_ended(perilune_code code, perilune_trace *trace, perilune_error *error, void *user_data)
{
    static const uint64_t one = 1;
    Submitted *run = user_data, *before;
    Queue *queue = run->queue;
    PyGILState_STATE gil;
    (void)code;
    run->trace = trace;
    run->error = error;
    before = atomic_load(&queue->ended);
    do {
        run->next = before;
    } while (before != &closed && !atomic_compare_exchange_weak(&queue->ended, &before, run));
    if (!before) {
        while (write(queue->ready[1], &one, sizeof one) < 0 && errno == EINTR) {
        }
    } else if (before == &closed && enter(&gil)) {
        submitted_free(run);
        leave(gil);
    } else if (before == &closed) {
        /* Nobody is there any more; what Python has goes with the process. */
        perilune_trace_free(trace);
        perilune_error_free(error);
    }
    queue_release(queue);
}

/* submit(request, completions, future): what comes of the run goes to the completions, with the future */
static PyObject *script_submit(Script *self, PyObject *const *args, Py_ssize_t count)
{
    Submitted *run;
    perilune_error *error = NULL;
    perilune_code code;
    if (count != 3 || !PyObject_TypeCheck(args[0], request_type) || !PyObject_TypeCheck(args[1], completions_type)) {
        PyErr_SetString(PyExc_TypeError, "_submit takes a request, completions and a future");
        return NULL;
    }
    run = calloc(1, sizeof *run);
    if (!run) {
        return PyErr_NoMemory();
    }
    run->queue = ((Completions *)args[1])->queue;
    run->engine = self->engine;
    run->future = args[2];
    Py_INCREF(run->engine);
    Py_INCREF(run->future);
    atomic_fetch_add(&run->queue->users, 1);
    Py_BEGIN_ALLOW_THREADS
    code = perilune_script_submit(self->script, NULL, 0, NULL, 0, ((Request *)args[0])->request, run_ended, run, &error);
    Py_END_ALLOW_THREADS
    if (code != PERILUNE_OK) {
        queue_release(run->queue);
        submitted_free(run);
        return raise_error(error);
    }
    Py_RETURN_NONE;
}

static PyObject *completions_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Queue *queue = malloc(sizeof *queue);
    Completions *self;
    (void)args;
    (void)kwargs;
    if (!queue) {
        return PyErr_NoMemory();
    }
    if (ready_open(queue->ready) < 0) {
        free(queue);
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    atomic_init(&queue->ended, NULL);
    atomic_init(&queue->users, 1);
    self = new_object(type);
    if (self) {
        self->queue = queue;
    } else {
        queue_release(queue);
    }
    return (PyObject *)self;
}

static PyObject *completions_fileno(Completions *self, PyObject *args)
{
    (void)args;
    return PyLong_FromLong(self->queue->ready[0]);
}

/* All runs that have ended since the last time, the first one first: [(future, trace or exception)] */
static PyObject *completions_take(Completions *self, PyObject *args)
{
    uint64_t read_too;
    Submitted *last, *next, *first = NULL;
    PyObject *list = PyList_New(0), *outcome, *pair;
    (void)args;
    if (!list) {
        return NULL;
    }
    /* Before the list is taken: who comes after that finds it empty, and writes. */
    while (read(self->queue->ready[0], &read_too, sizeof read_too) < 0 && errno == EINTR) {
    }
    last = atomic_load(&self->queue->ended);
    /* It is closed under the GIL only, and so not meanwhile. */
    if (last == &closed) {
        return list;
    }
    for (last = atomic_exchange(&self->queue->ended, NULL); last; last = next) {
        next = last->next;
        last->next = first;
        first = last;
    }
    for (; first; first = next) {
        next = first->next;
        outcome = first->trace ? trace_object(first->engine, first->trace) : exception_of(first->error);
        first->trace = NULL;
        pair = outcome ? PyTuple_Pack(2, first->future, outcome) : NULL;
        if (!pair || PyList_Append(list, pair) < 0) {
            PyErr_WriteUnraisable(first->future);
        }
        Py_XDECREF(outcome);
        Py_XDECREF(pair);
        submitted_free(first);
    }
    return list;
}

/* A loop that is dropped without being closed is part of a cycle: it has this, which has futures, which have the loop. What the engine's
 * threads add meanwhile is not seen, and so counts as in use. */
static int completions_traverse(Completions *self, visitproc visit, void *arg)
{
    Submitted *run = atomic_load(&self->queue->ended);
    Py_VISIT(Py_TYPE(self));
    for (; run && run != &closed; run = run->next) {
        Py_VISIT(run->engine);
        Py_VISIT(run->future);
    }
    return 0;
}

static int completions_clear(Completions *self)
{
    Submitted *run = atomic_exchange(&self->queue->ended, &closed), *next;
    for (; run && run != &closed; run = next) {
        next = run->next;
        submitted_free(run);
    }
    return 0;
}

static void completions_dealloc(Completions *self)
{
    PyObject_GC_UnTrack(self);
    completions_clear(self);
    queue_release(self->queue);
    free_object((PyObject *)self);
}

/* ---- Batches ---- */

typedef struct {
    perilune_cancel *cancel;
    PyObject *progress; /* NULL for none */
    Frame *frame;
    atomic_llong last_ns;
} Batch;

static long long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* After each run of a batch, on any of its threads: tells Python and looks for signals, but not more often than a person sees. */
static void batch_progress(size_t done, size_t total, void *user_data)
{
    Batch *batch = user_data;
    long long now = now_ns(), last = atomic_load(&batch->last_ns);
    PyGILState_STATE gil;
    PyObject *result;
    int is_main = PyThread_get_thread_ident() == main_thread;
    if (done < total && now - last < (is_main ? POLL_NS : 20 * POLL_NS)) {
        return;
    }
    if (!atomic_compare_exchange_strong(&batch->last_ns, &last, now) && done < total) {
        return;
    }
    if ((!is_main && !batch->progress) || !enter(&gil)) {
        return;
    }
    result = Py_None;
    Py_INCREF(result);
    if (!batch->frame->type && batch->progress) {
        Py_DECREF(result);
        result = PyObject_CallFunction(batch->progress, "n", (Py_ssize_t)done);
    }
    if (!result || (is_main && PyErr_CheckSignals() < 0)) {
        if (!batch->frame->type) {
            PyErr_Fetch(&batch->frame->type, &batch->frame->value, &batch->frame->traceback);
        }
        PyErr_Clear();
        perilune_cancel_now(batch->cancel);
    }
    Py_XDECREF(result);
    leave(gil);
}

/* run_batch([request], progress or None) -> [trace or exception] */
static PyObject *script_run_batch(Script *self, PyObject *args)
{
    PyObject *requests, *progress, *list = NULL, *item;
    const perilune_request **given_requests;
    perilune_trace **traces;
    perilune_error **errors, *error = NULL;
    perilune_code code;
    Py_ssize_t i, count;
    Frame own;
    Batch batch;
    if (!PyArg_ParseTuple(args, "O!O", &PyList_Type, &requests, &progress)) {
        return NULL;
    }
    count = PyList_Size(requests);
    given_requests = calloc((size_t)count + 1, sizeof *given_requests);
    traces = calloc((size_t)count + 1, sizeof *traces);
    errors = calloc((size_t)count + 1, sizeof *errors);
    if (!given_requests || !traces || !errors) {
        PyErr_NoMemory();
        goto done;
    }
    for (i = 0; i < count; i++) {
        item = PyList_GetItem(requests, i);
        if (!PyObject_TypeCheck(item, request_type)) {
            PyErr_Format(PyExc_TypeError, "requests[%zd] is not a request", i);
            goto done;
        }
        given_requests[i] = ((Request *)item)->request;
    }
    batch.cancel = perilune_cancel_new();
    batch.progress = progress == Py_None ? NULL : progress;
    batch.frame = &own;
    atomic_init(&batch.last_ns, now_ns());
    frame_push(&own);
    own.cancel = batch.cancel;
    Py_BEGIN_ALLOW_THREADS
    code = perilune_script_run_batch(self->script, given_requests, (size_t)count, batch.cancel, batch_progress, &batch, traces, errors,
                                     &error);
    Py_END_ALLOW_THREADS
    perilune_cancel_free(batch.cancel);
    if (frame_pop(&own)) {
        perilune_error_free(error);
    } else if (code != PERILUNE_OK) {
        raise_error(error);
    } else {
        list = PyList_New(count);
    }
    for (i = 0; i < count; i++) {
        item = NULL;
        if (list) {
            item = traces[i] ? trace_object(self->engine, traces[i]) : exception_of(errors[i]);
            traces[i] = NULL;
            if (!item || PyList_SetItem(list, i, item) < 0) {
                Py_CLEAR(list);
            }
        }
        forget_failure(self->engine, traces[i]);
        perilune_trace_free(traces[i]);
        perilune_error_free(errors[i]);
    }
done:
    free(given_requests);
    free(traces);
    free(errors);
    return list;
}

/* ---- The module ---- */

static PyObject *module_setup(PyObject *module, PyObject *args)
{
    PyObject *class, *maker;
    unsigned long thread;
    (void)module;
    /* Those that share the main one's GIL could load the module; its state is the process's. */
    if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0) {
        PyErr_SetString(PyExc_ImportError, "perilune can't be used in a subinterpreter");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "OOk", &class, &maker, &thread)) {
        return NULL;
    }
    Py_INCREF(class);
    Py_INCREF(maker);
    Py_XDECREF((PyObject *)trace_class);
    Py_XDECREF(make_error);
    trace_class = (PyTypeObject *)class;
    make_error = maker;
    main_thread = thread;
    if (!polled) {
        polled = perilune_request_new();
        perilune_request_set_poll(polled, POLL_NS, poll_signals, NULL, NULL, NULL);
    }
    Py_RETURN_NONE;
}

static PyObject *module_after_fork(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    main_thread = PyThread_get_thread_ident();
    /* Those that were inside are the parent's. */
    atomic_store(&inside, 0);
    Py_RETURN_NONE;
}

/* From here on nothing asks for the GIL; those that have it or wait for it are waited for, ten seconds at most. */
static PyObject *module_end(PyObject *module, PyObject *args)
{
    struct timespec pause = {0, 1000000};
    int i;
    (void)module;
    (void)args;
    atomic_store(&ending, true);
    Py_BEGIN_ALLOW_THREADS
    for (i = 0; i < 10000 && atomic_load(&inside) > 0; i++) {
        nanosleep(&pause, NULL);
    }
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *module_live_objects(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    return PyLong_FromSize_t(perilune_live_objects());
}

static PyObject *module_parse_bytes(PyObject *module, PyObject *args)
{
    const char *text;
    Py_ssize_t len;
    uint64_t bytes;
    perilune_error *error = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "s#", &text, &len)) {
        return NULL;
    }
    if (perilune_parse_bytes(text, (size_t)len, &bytes, &error) != PERILUNE_OK) {
        return raise_error(error);
    }
    return PyLong_FromUnsignedLongLong(bytes);
}

#define METHOD(name, function, flags) {name, (PyCFunction)(void (*)(void))function, flags, NULL}
#define GETTER(name, function, closure) {name, (getter)function, NULL, NULL, closure}
#define MILLISECONDS ((void *)1)

static PyMethodDef engine_methods[] = {
    METHOD("_function", engine_function, METH_VARARGS), METHOD("_module", engine_module, METH_VARARGS),
    METHOD("_remove", engine_remove, METH_VARARGS),     METHOD("_names", engine_names, METH_NOARGS),
    METHOD("_check", engine_check, METH_VARARGS),       METHOD("_metrics", engine_metrics, METH_VARARGS),
    METHOD("_limit", engine_limit, METH_VARARGS),       METHOD("_load_dir", engine_load_dir, METH_VARARGS),
    {NULL, NULL, 0, NULL},
};
static PyMethodDef script_methods[] = {
    METHOD("_run", script_run, METH_FASTCALL),
    METHOD("_submit", script_submit, METH_FASTCALL),
    METHOD("_run_batch", script_run_batch, METH_VARARGS),
    {NULL, NULL, 0, NULL},
};
static PyMethodDef cancel_methods[] = {METHOD("cancel", cancel_now, METH_NOARGS), {NULL, NULL, 0, NULL}};
static PyMethodDef watch_methods[] = {METHOD("_close", watch_close, METH_NOARGS), {NULL, NULL, 0, NULL}};
static PyMethodDef completions_methods[] = {
    METHOD("fileno", completions_fileno, METH_NOARGS), METHOD("take", completions_take, METH_NOARGS), {NULL, NULL, 0, NULL}};
static PyMethodDef trace_methods[] = {METHOD("to_json", trace_json, METH_NOARGS), {NULL, NULL, 0, NULL}};
static PyMethodDef module_methods[] = {
    METHOD("setup", module_setup, METH_VARARGS),
    METHOD("after_fork", module_after_fork, METH_NOARGS),
    METHOD("end", module_end, METH_NOARGS),
    METHOD("live_objects", module_live_objects, METH_NOARGS),
    METHOD("parse_bytes", module_parse_bytes, METH_VARARGS),
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef script_getters[] = {
    GETTER("name", script_name, NULL),
    GETTER("version", script_version, NULL),
    GETTER("hash", script_hash, NULL),
    GETTER("source", script_source, NULL),
    {NULL, NULL, NULL, NULL, NULL},
};
static PyGetSetDef trace_getters[] = {
    GETTER("status", trace_status, NULL),
    GETTER("ok", trace_ok, NULL),
    GETTER("id", trace_id, NULL),
    GETTER("duration", trace_duration, MILLISECONDS),
    GETTER("duration_ns", trace_duration, NULL),
    GETTER("stdout", trace_stdout, NULL),
    GETTER("stdout_bytes", trace_stdout, BYTES),
    GETTER("stderr", trace_stderr, NULL),
    GETTER("stderr_bytes", trace_stderr, BYTES),
    GETTER("_value_json", trace_value, NULL),
    GETTER("_response", trace_response, NULL),
    GETTER("_json_bytes", trace_json_bytes, NULL),
    GETTER("_details", trace_details, NULL),
    GETTER("_cause", trace_cause, NULL),
    {NULL, NULL, NULL, NULL, NULL},
};

#define SLOT(slot, function) {slot, (void *)function}

static PyType_Slot engine_slots[] = {
    SLOT(Py_tp_new, engine_new),     SLOT(Py_tp_dealloc, engine_dealloc),   SLOT(Py_tp_traverse, engine_traverse),
    SLOT(Py_tp_clear, engine_clear), SLOT(Py_tp_methods, engine_methods), {0, NULL},
};
static PyType_Slot script_slots[] = {
    SLOT(Py_tp_new, script_new),         SLOT(Py_tp_dealloc, script_dealloc), SLOT(Py_tp_traverse, script_traverse),
    SLOT(Py_tp_methods, script_methods), SLOT(Py_tp_getset, script_getters),  {0, NULL},
};
static PyType_Slot request_slots[] = {SLOT(Py_tp_new, request_new), SLOT(Py_tp_dealloc, request_dealloc), {0, NULL}};
static PyType_Slot cancel_slots[] = {
    SLOT(Py_tp_new, cancel_new), SLOT(Py_tp_dealloc, cancel_dealloc), SLOT(Py_tp_methods, cancel_methods), {0, NULL}};
static PyType_Slot watch_slots[] = {
    SLOT(Py_tp_new, watch_new),     SLOT(Py_tp_dealloc, watch_dealloc), SLOT(Py_tp_traverse, watch_traverse),
    SLOT(Py_tp_clear, watch_clear), SLOT(Py_tp_methods, watch_methods), {0, NULL}};
static PyType_Slot completions_slots[] = {
    SLOT(Py_tp_new, completions_new),     SLOT(Py_tp_dealloc, completions_dealloc), SLOT(Py_tp_traverse, completions_traverse),
    SLOT(Py_tp_clear, completions_clear), SLOT(Py_tp_methods, completions_methods), {0, NULL}};
static PyType_Slot trace_slots[] = {
    SLOT(Py_tp_new, trace_new),         SLOT(Py_tp_dealloc, trace_dealloc), SLOT(Py_tp_traverse, trace_traverse),
    SLOT(Py_tp_clear, trace_clear),     SLOT(Py_tp_methods, trace_methods), SLOT(Py_tp_getset, trace_getters), {0, NULL}};

#define BASE Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE

static PyType_Spec specs[] = {
    {"perilune._native.Engine", sizeof(Engine), 0, BASE | Py_TPFLAGS_HAVE_GC, engine_slots},
    {"perilune._native.Script", sizeof(Script), 0, BASE | Py_TPFLAGS_HAVE_GC, script_slots},
    {"perilune._native.Request", sizeof(Request), 0, BASE, request_slots},
    {"perilune._native.Cancel", sizeof(Cancel), 0, BASE, cancel_slots},
    {"perilune._native.Watch", sizeof(Watch), 0, BASE | Py_TPFLAGS_HAVE_GC, watch_slots},
    {"perilune._native.Completions", sizeof(Completions), 0, BASE | Py_TPFLAGS_HAVE_GC, completions_slots},
    {"perilune._native.Trace", sizeof(Trace), 0, BASE | Py_TPFLAGS_HAVE_GC, trace_slots},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT, "perilune._native", "What perilune is made of.", -1, module_methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void)
{
    PyTypeObject **kept[] = {&engine_type, &script_type, &request_type, &cancel_type, &watch_type, &completions_type, NULL};
    PyObject *module = PyModule_Create(&module_def);
    size_t i;
    for (i = 0; i < NAMES; i++) {
        statuses[i] = PyUnicode_InternFromString(perilune_status_name((perilune_status)i));
        kinds[i] = PyUnicode_InternFromString(perilune_error_kind_name((perilune_error_kind)i));
    }
    for (i = 0; module && i < sizeof specs / sizeof *specs; i++) {
        PyObject *type = PyType_FromSpec(&specs[i]);
        if (!type || PyModule_AddObject(module, strrchr(specs[i].name, '.') + 1, type) < 0) {
            Py_XDECREF(type);
            Py_CLEAR(module);
            break;
        }
        if (kept[i]) {
            Py_INCREF(type);
            *kept[i] = (PyTypeObject *)type;
        }
    }
    if (module && PyModule_AddStringConstant(module, "version", perilune_version()) < 0) {
        Py_CLEAR(module);
    }
    return module;
}
