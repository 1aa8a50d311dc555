/* What all types of the module have in common: making a type, and making and freeing its objects. Uses nothing of the other files. */
#include "native.h"

void *pl_object_new(PyTypeObject *type)
{
    return PyType_GenericAlloc(type, 0);
}

void pl_object_free(void *self)
{
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

int pl_add_type(PyObject *module, const char *name, size_t size, unsigned int flags, PyType_Slot *slots, PyTypeObject **kept)
{
    PyType_Spec spec = {name, (int)size, 0, flags | Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
    PyObject *type = PyType_FromSpec(&spec);
    if (!type || PyModule_AddObject(module, strrchr(name, '.') + 1, type) < 0) {
        Py_XDECREF(type);
        return -1;
    }
    if (kept) {
        Py_INCREF(type);
        *kept = (PyTypeObject *)type;
    }
    return 0;
}
