/* Texts and lists, from Python to the library and back. Uses nothing of the other files. */
#include "native.h"

int pl_text_from(PyObject *object, Text *text)
{
    text->kept = NULL;
    if (PyBytes_Check(object)) {
        return PyBytes_AsStringAndSize(object, (char **)&text->data, &text->len);
    }
    return PyArg_Parse(object, "s#", PARSED(*text)) ? 0 : -1;
}

int pl_text_from_any(PyObject *object, Text *text)
{
    PyObject *view, *copy;
    memset(text, 0, sizeof *text);
    if (object == Py_None) {
        return 0;
    }
    if (PyBytes_Check(object) || PyUnicode_Check(object)) {
        return pl_text_from(object, text);
    }
    view = PyMemoryView_FromObject(object);
    if (!view) {
        PyErr_Format(PyExc_TypeError, "a text must be str, bytes or a buffer, not %S", (PyObject *)Py_TYPE(object));
        return -1;
    }
    /* It may be changed while the GIL is not held. */
    copy = PyBytes_FromObject(view);
    Py_DECREF(view);
    if (copy && pl_text_from(copy, text) == 0) {
        text->kept = copy;
    }
    return text->kept ? 0 : -1;
}

void pl_text_done(Text *text)
{
    Py_CLEAR(text->kept);
}

PyObject *pl_text(perilune_slice slice)
{
    return PyUnicode_DecodeUTF8(slice.data ? slice.data : "", (Py_ssize_t)slice.len, "replace");
}

PyObject *pl_text_or_none(perilune_slice slice)
{
    if (!slice.data) {
        Py_RETURN_NONE;
    }
    return pl_text(slice);
}

PyObject *pl_text_or_bytes(perilune_slice slice)
{
    PyObject *text = PyUnicode_DecodeUTF8(slice.data, (Py_ssize_t)slice.len, NULL);
    if (!text && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
        text = pl_bytes(slice);
    }
    return text;
}

PyObject *pl_bytes(perilune_slice slice)
{
    return PyBytes_FromStringAndSize(slice.data, (Py_ssize_t)slice.len);
}

PyObject *pl_list(size_t len, PyObject *(*item)(const void *from, size_t index), const void *from)
{
    PyObject *list = PyList_New((Py_ssize_t)len), *made;
    size_t i;
    for (i = 0; list && i < len; i++) {
        made = item(from, i);
        if (!made || PyList_SetItem(list, (Py_ssize_t)i, made) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}
