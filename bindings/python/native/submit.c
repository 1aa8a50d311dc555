/* Runs on the engine's own threads, and where those of an event loop end. Uses object.c, interpreter.c, error.c, request.c and trace.c. */
#include "native.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

/* Where the runs of an event loop end. The engine's threads put them there without the GIL, for which they would fight with the loop's
 * thread; who finds it empty wakes the loop, which takes all at once. No lock is needed, nor does a fork find one held: the list grows at
 * its head or is taken whole, so that a head that is the same again is as good as one that never left. */
typedef struct Queue {
    _Atomic(Submitted *) ended; /* the last one first */
    atomic_int users;           /* the loop's object, and each run that is under way: it may yet write to `ready` */
    int ready[2];               /* what the loop reads, and what is written to: it can be read while there are some */
} Queue;

typedef struct {
    PyObject_HEAD
    Queue *queue;
} Completions;

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

static Submitted *submitted_new(PyObject *owner, PyObject *context, PyObject *completions, PyObject *future)
{
    Submitted *run;
    if (!PyObject_TypeCheck(completions, pl_state.completions_type)) {
        PyErr_SetString(PyExc_TypeError, "not completions");
        return NULL;
    }
    run = calloc(1, sizeof *run);
    if (!run) {
        PyErr_NoMemory();
        return NULL;
    }
    run->queue = ((Completions *)completions)->queue;
    run->owner = owner;
    run->context = context;
    run->future = future;
    Py_INCREF(owner);
    Py_INCREF(context);
    Py_INCREF(future);
    atomic_fetch_add(&run->queue->users, 1);
    return run;
}

/* What the future is told: a trace or an exception; None where the exchange is the owner's again. */
static PyObject *outcome_of(Submitted *run)
{
    PyObject *outcome;
    if (run->exchange) {
        ((Exchange *)run->owner)->exchange = run->exchange;
        run->exchange = NULL;
        Py_RETURN_NONE;
    }
    outcome = pl_outcome((Engine *)run->owner, run->trace, run->error);
    run->trace = NULL;
    return outcome;
}

/* With the GIL. */
static void submitted_free(Submitted *run)
{
    if (run->exchange) {
        Py_DECREF(outcome_of(run));
    } else if (run->trace || run->error) {
        pl_outcome_free((Engine *)run->owner, run->trace, run->error);
    }
    Py_DECREF(run->owner);
    Py_DECREF(run->context);
    Py_DECREF(run->future);
    free(run);
}

/* On a thread of the engine's, or on that which submits or cancels. */
static void ended(Submitted *run)
{
    static const uint64_t one = 1;
    Submitted *before;
    Queue *queue = run->queue;
    PyGILState_STATE gil;
    before = atomic_load(&queue->ended);
    do {
        run->next = before;
    } while (before != &closed && !atomic_compare_exchange_weak(&queue->ended, &before, run));
    if (!before) {
        while (write(queue->ready[1], &one, sizeof one) < 0 && errno == EINTR) {
        }
    } else if (before == &closed && pl_enter(&gil)) {
        submitted_free(run);
        pl_leave(gil);
    } else if (before == &closed) {
        /* Nobody is there any more; what Python has goes with the process. */
        perilune_trace_free(run->trace);
        perilune_error_free(run->error);
        perilune_exchange_free(run->exchange);
    }
    queue_release(queue);
}

static void script_ended(perilune_code code, perilune_trace *trace, perilune_error *error, void *user_data)
{
    Submitted *run = user_data;
    run->trace = trace;
    run->error = error;
    ended(run);
}

static void exchange_ended(perilune_exchange *exchange, void *user_data)
{
    Submitted *run = user_data;
    run->exchange = exchange;
    ended(run);
}

/* What was not submitted: no thread of the engine's has it. */
static PyObject *refused(Submitted *run, perilune_error *error)
{
    queue_release(run->queue);
    submitted_free(run);
    return pl_raise(error);
}

/* script._submit(request, context, completions, future): what comes of the run goes to the completions, with the future; coroutines of the host
 * begin in the context */
PyObject *pl_script_submit(Script *self, PyObject *const *args, Py_ssize_t count)
{
    const perilune_request *request;
    Submitted *run;
    perilune_error *error = NULL;
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "_submit takes a request, a context, completions and a future");
        return NULL;
    }
    request = pl_request_of(args[0]);
    run = request ? submitted_new((PyObject *)self->engine, args[1], args[2], args[3]) : NULL;
    if (!run) {
        return NULL;
    }
    WITHOUT_GIL(perilune_script_submit(self->script, perilune_str(NULL), perilune_str(NULL), request, script_ended, run, &error));
    return error ? refused(run, error) : pl_done(NULL);
}

perilune_cancel *pl_cancel_of(Exchange *self)
{
    if (!self->cancel) {
        self->cancel = perilune_cancel_new();
    }
    return self->cancel;
}

/* exchange.submit(context, completions, future): the same with an exchange, which has no step until it is taken from there */
PyObject *pl_exchange_submit(Exchange *self, PyObject *const *args, Py_ssize_t count)
{
    perilune_exchange *exchange = self->exchange;
    perilune_cancel *cancel = pl_cancel_of(self);
    Submitted *run;
    perilune_error *error = NULL;
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "submit takes a context, completions and a future");
        return NULL;
    }
    run = submitted_new((PyObject *)self, args[0], args[1], args[2]);
    if (!run) {
        return NULL;
    }
    self->exchange = NULL;
    WITHOUT_GIL(perilune_exchange_submit(exchange, cancel, exchange_ended, run, &error));
    if (error && exchange) {
        self->exchange = exchange;
    }
    return error ? refused(run, error) : pl_done(NULL);
}

static PyObject *completions_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Queue *queue = malloc(sizeof *queue);
    Completions *self;
    if (!queue) {
        return PyErr_NoMemory();
    }
    if (ready_open(queue->ready) < 0) {
        free(queue);
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    atomic_init(&queue->ended, NULL);
    atomic_init(&queue->users, 1);
    self = pl_object_new(type);
    if (self) {
        self->queue = queue;
    } else {
        queue_release(queue);
    }
    return (PyObject *)self;
}

static PyObject *completions_fileno(Completions *self, PyObject *args)
{
    return PyLong_FromLong(self->queue->ready[0]);
}

/* All runs that have ended since the last time, the first one first: [(future, trace, exception, or None for an exchange)] */
static PyObject *completions_take(Completions *self, PyObject *args)
{
    uint64_t read_too;
    Submitted *last, *next, *first = NULL;
    PyObject *list = PyList_New(0), *outcome, *pair;
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
        outcome = outcome_of(first);
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
        Py_VISIT(run->owner);
        Py_VISIT(run->context);
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
    pl_object_free(self);
}

int pl_add_completions(PyObject *module)
{
    static PyMethodDef methods[] = {
        METHOD("fileno", completions_fileno, METH_NOARGS), METHOD("take", completions_take, METH_NOARGS), {NULL, NULL, 0, NULL}};
    static PyType_Slot slots[] = {
        SLOT(Py_tp_new, completions_new),     SLOT(Py_tp_dealloc, completions_dealloc), SLOT(Py_tp_traverse, completions_traverse),
        SLOT(Py_tp_clear, completions_clear), SLOT(Py_tp_methods, methods),             {0, NULL},
    };
    return pl_add_type(module, "perilune._native.Completions", sizeof(Completions), Py_TPFLAGS_HAVE_GC, slots, &pl_state.completions_type);
}
