/* What the files of the extension share: the objects, what is global, and each file's functions.
 *
 * Perilune for CPython: objects that hold those of perilune.h, and nothing that Python can do as well. On the limited API of 3.9. The
 * GIL is released around everything that compiles, runs, waits or takes a lock of the engine's (but for a question to endpoints, which says why), and
 * taken back by what the engine calls, but for the end of a submitted run. Types are static to the process: a subinterpreter with a GIL of its own
 * refuses the module.
 *
 * Who owns what: an object owns its perilune_*; a Script, endpoints, an exchange and a submitted run own their Engine object, so that it is
 * there whenever a host function is called. A host function is looked up by its name in that object, where the collector of
 * cycles sees it.
 *
 * A file uses the functions of those that are declared above its own, and of no other. */
#ifndef PERILUNE_NATIVE_H
#define PERILUNE_NATIVE_H

#define Py_LIMITED_API 0x03090000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdatomic.h>

#include "perilune.h"

/* In the stable ABI from 3.10 on; 3.9 has it under the same number. */
#ifndef METH_FASTCALL
#define METH_FASTCALL 0x0080
#endif

/* How often a run on the main thread looks for signals. */
#define POLL_NS 5000000

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

/* A request to Script Endpoints. */
typedef struct {
    PyObject_HEAD
    perilune_exchange *exchange; /* NULL while another thread has it */
    perilune_cancel *cancel;     /* NULL until somebody wants it */
    Engine *engine;
} Exchange;

/* A run that was handed to the engine, and what came of it: of a script, a trace or an error; of an exchange, that. Host functions have it as
 * the user data of their calls. */
typedef struct Submitted {
    struct Submitted *next;
    struct Queue *queue;
    PyObject *owner;   /* the Engine, or the Exchange */
    PyObject *context; /* a contextvars.Context for coroutines of the host, or None */
    PyObject *future;
    perilune_trace *trace;
    perilune_error *error;
    perilune_exchange *exchange;
} Submitted;

/* All that is global, in module.c. It is written under the GIL, but for the atomics. */
typedef struct {
    /* Made with the module. */
    PyTypeObject *engine_type, *request_type, *cancel_type, *completions_type, *exchange_type, *answer_type;
    /* The library's names by their numbers; the last is for one that has no place, of a library that is newer than this module. */
    PyObject *statuses[32], *kinds[32];
    /* Set by `setup`: the class of traces, what makes an exception of an error, what begins coroutines, the thread that sees to signals. */
    PyTypeObject *trace_class;
    PyObject *make_error;
    /* Has an event loop run a coroutine of the host. */
    PyObject *begin_later;
    unsigned long main_thread;
    /* For runs that have no request of their own: it polls. */
    perilune_request *polled;
    /* Once the interpreter ends, no thread may ask for the GIL: CPython would end the thread, through frames that can't be unwound. */
    atomic_bool ending;
    /* How many threads that the engine called have the GIL or wait for it. */
    atomic_int inside;
} State;

/* The compiler then reaches them without the tables for symbols of other libraries. */
#pragma GCC visibility push(hidden)

extern State pl_state;

/* ---- text.c ---- */
/* A text of Python's, which its object keeps, or `kept`: a copy, where one had to be made. */
typedef struct {
    const char *data;
    Py_ssize_t len;
    PyObject *kept;
} Text;

/* A text as the library takes it. */
#define TEXT(text) perilune_bytes((text).data, (size_t)(text).len)
/* Where "s#" puts one. */
#define PARSED(text) &(text).data, &(text).len

/* A str or bytes. */
int pl_text_from(PyObject *object, Text *text);
/* A str, bytes, anything with a buffer, or None, whose data is NULL. What it keeps, pl_text_done gives back. */
int pl_text_from_any(PyObject *object, Text *text);
void pl_text_done(Text *text);
/* A str, with U+FFFD where it is no UTF-8; the first makes "" of NULL, the second None. */
PyObject *pl_text(perilune_slice slice);
PyObject *pl_text_or_none(perilune_slice slice);
/* A str where it is some, else bytes. */
PyObject *pl_text_or_bytes(perilune_slice slice);
PyObject *pl_bytes(perilune_slice slice);
/* A list of what `item` makes of each index. */
PyObject *pl_list(size_t len, PyObject *(*item)(const void *from, size_t index), const void *from);

/* ---- object.c ---- */
#define METHOD(name, function, flags) {name, (PyCFunction)(void (*)(void))function, flags, NULL}
#define GETTER(name, function, closure) {name, (getter)function, NULL, NULL, (void *)closure}
#define SLOT(slot, function) {slot, (void *)function}

void *pl_object_new(PyTypeObject *type);
/* The end of each tp_dealloc. */
void pl_object_free(void *self);
/* Makes a type, and keeps it where it is wanted. Neither name nor slots are copied. */
int pl_add_type(PyObject *module, const char *name, size_t size, unsigned int flags, PyType_Slot *slots, PyTypeObject **kept);

/* ---- interpreter.c ---- */
#define WITHOUT_GIL(...) do { Py_BEGIN_ALLOW_THREADS __VA_ARGS__; Py_END_ALLOW_THREADS } while (0)

/* Takes the GIL on a thread that the engine called, and gives it back. 0 where that can't be any more. */
int pl_enter(PyGILState_STATE *gil);
void pl_leave(PyGILState_STATE gil);
PyObject *pl_after_fork(PyObject *module, PyObject *args);
PyObject *pl_end(PyObject *module, PyObject *args);

/* What was raised inside a run and is no error of the script's, such as SystemExit: it waits here for the end of the run on the same
 * thread, which raises it. */
typedef struct Pending {
    PyObject *type, *value, *traceback;
    perilune_cancel *cancel; /* ends what else goes on; NULL where nothing does */
    struct Pending *outer;
} Pending;

void pl_pending_begin(Pending *own, perilune_cancel *cancel);
/* Whether something is to be raised; it is then set. */
int pl_pending_end(Pending *own);
/* That of the innermost run on this thread; NULL outside of runs. */
Pending *pl_pending(void);
/* Moves there what is raised now, or drops it where something waits already. */
void pl_pending_take(Pending *pending);
/* Looks for signals, on the main thread: perilune_poll. */
int32_t pl_poll(void *user_data);

/* ---- error.c ---- */
/* The exception of an error, which stays the caller's. */
PyObject *pl_exception(const perilune_error *error);
/* Raises an error, and frees it. NULL. */
void *pl_raise(perilune_error *error);
/* None, or what an error raises. */
PyObject *pl_done(perilune_error *error);

/* ---- value.c ---- */
PyObject *pl_number(double number);
PyObject *pl_value_to_python(const perilune_value *value);
/* NULL with an exception where it can't be given to a script. */
perilune_value *pl_value_from_python(PyObject *object);

/* ---- function.c ---- */
PyObject *pl_add_function(Engine *engine, PyObject *args);
/* What a run's host functions raised last, (text, exception), which is kept no longer; NULL for nothing. What is raised now stays. */
PyObject *pl_failure_of(Engine *engine, uint64_t run_id);
int pl_add_answer(PyObject *module);

/* ---- directory.c ---- */
PyObject *pl_load_dir(Engine *engine, PyObject *args);
int pl_add_watch(PyObject *module);

/* ---- request.c ---- */
/* The next of a dictionary of limits by their names: 1, 0 at its end, or -1 with an exception. */
int pl_limits_next(PyObject *limits, Py_ssize_t *at, perilune_limit *limit, uint64_t *value);
/* All limits of an engine by their names: times in seconds, as Python has them. */
PyObject *pl_limits(const perilune_engine *engine);
/* NULL with an exception where it is none. */
const perilune_request *pl_request_of(PyObject *object);
int pl_add_request(PyObject *module);
int pl_add_cancel(PyObject *module);

/* ---- trace.c ---- */
/* What came of a run: the object of its trace, which it takes, or the exception of its error. */
PyObject *pl_outcome(Engine *engine, perilune_trace *trace, const perilune_error *error);
/* Frees what nobody will ask for; an exception that is set stays. */
void pl_outcome_free(Engine *engine, perilune_trace *trace, perilune_error *error);
int pl_add_trace(PyObject *module);

/* ---- submit.c ---- */
PyObject *pl_script_submit(Script *self, PyObject *const *args, Py_ssize_t count);
PyObject *pl_exchange_submit(Exchange *self, PyObject *const *args, Py_ssize_t count);
/* What ends an exchange's run: lent. */
perilune_cancel *pl_cancel_of(Exchange *self);
int pl_add_completions(PyObject *module);

/* ---- exchange.c ---- */
/* Takes one that was just made. */
PyObject *pl_exchange_of(Engine *engine, perilune_exchange *exchange);
int pl_add_exchange(PyObject *module);

/* ---- endpoints.c ---- */
PyObject *pl_ask_metrics(Engine *engine, PyObject *args);
int pl_add_endpoints(PyObject *module);

/* ---- engine.c ---- */
int pl_add_engine(PyObject *module);

/* ---- batch.c ---- */
PyObject *pl_script_run_batch(Script *self, PyObject *args);

/* ---- script.c ---- */
int pl_add_script(PyObject *module);

#pragma GCC visibility pop

#endif
