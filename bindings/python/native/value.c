/* Values of host functions: Python's to the library's and back. Uses text.c. */
#include "native.h"

#include <math.h>

PyObject *pl_number(double number)
{
    /* An int has no negative zero. */
    if (floor(number) == number && fabs(number) <= PERILUNE_MAX_EXACT && !(number == 0 && signbit(number))) {
        return PyLong_FromDouble(number);
    }
    return PyFloat_FromDouble(number);
}

static PyObject *element_to_python(const void *array, size_t index)
{
    return pl_value_to_python(perilune_value_at(array, index));
}

static PyObject *object_to_python(const perilune_value *object, size_t len)
{
    PyObject *dict = PyDict_New(), *key, *item;
    size_t i;
    for (i = 0; dict && i < len; i++) {
        key = pl_text_or_bytes(perilune_value_key(object, i));
        item = key ? pl_value_to_python(perilune_value_at(object, i)) : NULL;
        if (!item || PyDict_SetItem(dict, key, item) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(key);
        Py_XDECREF(item);
    }
    return dict;
}

PyObject *pl_value_to_python(const perilune_value *value)
{
    switch (perilune_value_type(value)) {
    case PERILUNE_TYPE_BOOLEAN:
        return PyBool_FromLong(perilune_value_boolean(value));
    case PERILUNE_TYPE_NUMBER:
        return pl_number(perilune_value_number(value));
    case PERILUNE_TYPE_STRING:
        return pl_text_or_bytes(perilune_value_string(value));
    case PERILUNE_TYPE_ARRAY:
        return pl_list(perilune_value_len(value), element_to_python, value);
    case PERILUNE_TYPE_OBJECT:
        return object_to_python(value, perilune_value_len(value));
    default:
        Py_RETURN_NONE;
    }
}

static perilune_value *integer_from_python(PyObject *object)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
    unsigned long long large;
    if (!overflow) {
        return perilune_value_new_int64(number);
    }
    large = PyLong_AsUnsignedLongLong(object);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        PyErr_SetString(PyExc_OverflowError, "an integer of more than 64 bits can't be given to a script: pass it as text");
        return NULL;
    }
    return perilune_value_new_uint64(large);
}

static perilune_value *from_python(PyObject *object, int depth);

/* Takes the place of `container`, which is freed, where a part of it was refused. */
static perilune_value *unless(int refused, perilune_value *container)
{
    if (!refused) {
        return container;
    }
    if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "a part of a value was refused");
    }
    perilune_value_free(container);
    return NULL;
}

static perilune_value *array_from_python(PyObject *sequence, int depth)
{
    perilune_value *array = perilune_value_new_array(), *element;
    Py_ssize_t i, len = PySequence_Size(sequence);
    int refused = len < 0;
    for (i = 0; !refused && i < len; i++) {
        PyObject *item = PySequence_GetItem(sequence, i);
        element = item ? from_python(item, depth + 1) : NULL;
        refused = !element || perilune_value_push(array, element, NULL) != PERILUNE_OK;
        Py_XDECREF(item);
    }
    return unless(refused, array);
}

static PyObject *key_text(PyObject *key)
{
    if (PyUnicode_Check(key) || PyBytes_Check(key)) {
        Py_INCREF(key);
        return key;
    }
    if (PyLong_Check(key) && !PyBool_Check(key)) {
        /* As int writes it, whatever a subclass does. */
        return PyObject_CallMethod((PyObject *)&PyLong_Type, "__repr__", "(O)", key);
    }
    PyErr_Format(PyExc_TypeError, "a key must be str, bytes or int, not %R", key);
    return NULL;
}

static perilune_value *object_from_python(PyObject *dict, int depth)
{
    perilune_value *object = perilune_value_new_object(), *member;
    /* A list of its own: what follows can run Python code, which may change the dictionary. */
    PyObject *items = PyDict_Items(dict), *pair, *key;
    Py_ssize_t at, count = items ? PyList_Size(items) : 0;
    int refused = !items;
    for (at = 0; !refused && at < count; at++) {
        Text text;
        pair = PyList_GetItem(items, at);
        key = key_text(PyTuple_GetItem(pair, 0));
        member = key && pl_text_from(key, &text) == 0 ? from_python(PyTuple_GetItem(pair, 1), depth + 1) : NULL;
        refused = !member || perilune_value_set(object, TEXT(text), member, NULL) != PERILUNE_OK;
        Py_XDECREF(key);
    }
    Py_XDECREF(items);
    return unless(refused, object);
}

static perilune_value *from_python(PyObject *object, int depth)
{
    Text text;
    if (depth > PERILUNE_MAX_DEPTH) {
        PyErr_Format(PyExc_ValueError, "a value is nested deeper than %d levels", PERILUNE_MAX_DEPTH);
        return NULL;
    }
    if (object == Py_None) {
        return perilune_value_new_null();
    }
    if (PyBool_Check(object)) {
        return perilune_value_new_boolean(object == Py_True);
    }
    if (PyLong_Check(object)) {
        return integer_from_python(object);
    }
    if (PyFloat_Check(object)) {
        return perilune_value_new_number(PyFloat_AsDouble(object));
    }
    if (PyUnicode_Check(object) || PyBytes_Check(object)) {
        return pl_text_from(object, &text) < 0 ? NULL : perilune_value_new_string(TEXT(text));
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

perilune_value *pl_value_from_python(PyObject *object)
{
    return from_python(object, 0);
}
