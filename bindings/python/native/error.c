/* The library's errors as exceptions, which the package's `make` makes. Uses text.c. */
#include "native.h"

PyObject *pl_exception(const perilune_error *error)
{
    size_t line, column, offset;
    perilune_error_position(error, &line, &column, &offset);
    return PyObject_CallFunction(pl_state.make_error, "sNNNnnn", perilune_code_name(perilune_error_code(error)),
                                 pl_text(perilune_error_message(error)), pl_text(perilune_error_reason(error)),
                                 pl_text(perilune_error_subject(error)), (Py_ssize_t)line, (Py_ssize_t)column, (Py_ssize_t)offset);
}

void *pl_raise(perilune_error *error)
{
    PyObject *exception = pl_exception(error);
    perilune_error_free(error);
    if (exception) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
    return NULL;
}

PyObject *pl_done(perilune_error *error)
{
    if (error) {
        return pl_raise(error);
    }
    Py_RETURN_NONE;
}
