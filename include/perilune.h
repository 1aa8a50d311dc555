/*
 * Perilune runs untrusted Luau scripts inside a program, at microsecond cost: a script and a request in, a trace out.
 *
 * ONE RUN
 *
 *     #include <perilune.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         perilune_engine *engine = NULL;
 *         perilune_script *script = NULL;
 *         perilune_trace *trace = NULL;
 *         perilune_error *error = NULL;
 *
 *         if (perilune_engine_new(NULL, &engine, &error) != PERILUNE_OK ||
 *             perilune_engine_compile(engine, perilune_str("hello"), perilune_str("print('Hello', ARGS.monster)"),
 *                                     &script, &error) != PERILUNE_OK ||
 *             perilune_script_run(script, perilune_str("monster=Manticore"), perilune_str(NULL), NULL, &trace,
 *                                 &error) != PERILUNE_OK) {
 *             fprintf(stderr, "%s\n", perilune_error_message(error).data);
 *         } else {
 *             perilune_slice out = perilune_trace_stdout(trace);
 *             fwrite(out.data, 1, out.len, stdout);
 *         }
 *         perilune_error_free(error);
 *         perilune_trace_free(trace);
 *         perilune_script_free(script);
 *         perilune_engine_free(engine);
 *         return 0;
 *     }
 *
 *     cc hello.c $(pkg-config --cflags --libs perilune)
 *
 * Make one engine for a process, compile each script once, and run it as often as you like, from as many threads as you like.
 *
 * THREADS
 *
 * A function that takes a `const T *` may be called with the same object by many threads at once. One that takes a `T *` has the
 * object for itself, as every perilune_*_free has. Nothing belongs to the thread that made it. Callbacks come from the engine's
 * threads where that is said of them; the user data that goes with them must bear that.
 *
 * STACKS
 *
 * Any stack of 32 KiB will do, of a thread or one that a host made itself (makecontext, a fiber, a coroutine of C++), as long as that
 * does not lie inside the thread's own. Where a thread's own stack has 1 MiB left, runs are on it; elsewhere each is on one of its VM's,
 * 2 MiB of address space that are kept. Callbacks of a run are where it is, and return there: a function of the host has at least 512 KiB.
 *
 * OWNERSHIP
 *
 * An object that comes out of a function by a `T **` or as a `T *` is the caller's, who frees it with the perilune_*_free of its type,
 * once; a `const T *` is lent, as are all texts, for as long as is said. perilune_*_free takes NULL. What is handed in is copied or only
 * used during the call, but where a function says that it is given away. The order in which objects are freed does not matter: a
 * script keeps its engine.
 *
 * ERRORS
 *
 * What can fail returns a perilune_code. When it is not PERILUNE_OK, nothing was done, no output was written, and if `error` is not NULL,
 * *error is set to an object that says why. When it is PERILUNE_OK, *error is left as it is. There is no last error of a thread. An error
 * *in* a script is no such error: it is in the trace.
 *
 * A pointer that must not be NULL and is gives PERILUNE_INVALID_ARGUMENT, or what is said of NULL; so do texts that must be UTF-8
 * and are not, and numbers that mean nothing. A bug of this library gives PERILUNE_PANIC; it does not end the program.
 *
 * TEXTS
 *
 * Texts and other bytes are a perilune_slice, a pointer and a length in bytes, by value: perilune_str("...") makes one of a text that
 * ends at its first NUL byte, perilune_bytes(data, len) of any other. A slice needs no NUL byte at its end, and may have some inside. One
 * whose pointer is NULL is none at all, and is called NULL below: perilune_str(NULL). A slice that is lent has no NUL byte behind it, but
 * where that is said: print it with "%.*s".
 *
 * VERSIONS
 *
 * Numbers of codes, statuses, kinds, limits and types are never given a second meaning; new ones can come. A struct begins with its
 * size, which its user sets, and grows at its end: a program that was compiled with an older header goes on working. Within one
 * PERILUNE_ABI nothing is taken away.
 *
 * FORK
 *
 * After fork(), an engine works in the child if no other thread was inside this library at the fork.
 *
 * Made by cbindgen of the sources in ffi/. Licensed under MIT or Apache-2.0.
 */

#ifndef PERILUNE_H
#define PERILUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** The version of this header. */
#define PERILUNE_VERSION "0.1.0"

/** Text or other bytes, whose owner is somebody else. */
typedef struct perilune_slice {
    /** The first byte; NULL is no slice at all. */
    const char *data;
    /** How many bytes there are. */
    size_t len;
} perilune_slice;

/** The bytes at a place. */
static inline perilune_slice perilune_bytes(const void *data, size_t len)
{
    perilune_slice slice;
    slice.data = (const char *)data;
    slice.len = len;
    return slice;
}

/** The text that ends at its NUL byte; NULL is none. */
static inline perilune_slice perilune_str(const char *text)
{
    return perilune_bytes(text, text == NULL ? 0 : strlen(text));
}

/**
 * The version of this header: MAJOR * 1,000,000 + MINOR * 1,000 + PATCH.
 */
#define PERILUNE_VERSION_NUMBER 1000

/**
 * The ABI of this header. A library of the same number can be used; it changes only when something is taken away or given
 * another meaning, never when something is added.
 */
#define PERILUNE_ABI 2

/**
 * How deep arrays and objects may nest: values, JSON and what scripts return.
 */
#define PERILUNE_MAX_DEPTH 128

/**
 * The largest integer that scripts have as a number, 2^53; one that is further from zero is a string of its digits.
 */
#define PERILUNE_MAX_EXACT 9007199254740992

/**
 * A call of a host function that is under way: what the script gave, what it gets, and the run that it is part of. Lent to the
 * function until that returns, on its thread only.
 */
typedef struct perilune_call perilune_call;

/**
 * Ends runs from outside: see perilune_request_set_cancel.
 */
typedef struct perilune_cancel perilune_cancel;

/**
 * What perilune_engine_check found, in the order of the places: errors, or else warnings.
 */
typedef struct perilune_diagnostics perilune_diagnostics;

/**
 * The Script Endpoints of an engine's scripts: what an HTTP host answers, without a socket. It does no I/O and starts no thread; the
 * host moves bytes between its server and an exchange for each request. Many threads may ask it at once.
 *
 *     perilune_endpoints_ask ---> PERILUNE_STEP_ANSWER  send it
 *                                 PERILUNE_STEP_BODY    perilune_exchange_push as long as it says so, and perilune_exchange_read
 *                                 PERILUNE_STEP_RUN     perilune_exchange_run, or perilune_exchange_submit
 *                                 PERILUNE_STEP_RESET   store the link, and perilune_exchange_stored
 *
 * A body leads to an answer or to a run, a run and a reset to an answer. What is answered stands in bindings/endpoints/README.md of the
 * repository. The host's are limits of time and size for heads and bodies, the server's own headers, and reading or dropping the
 * body of a request that is answered before it.
 */
typedef struct perilune_endpoints perilune_endpoints;

/**
 * How Script Endpoints are to be.
 */
typedef struct perilune_endpoints_setup perilune_endpoints_setup;

/**
 * Runs scripts: a pool of VMs, and the limits of all that runs in them. Make one for a process and share it.
 */
typedef struct perilune_engine perilune_engine;

/**
 * Why a call did nothing. Its texts end with a NUL byte, which their lengths do not count.
 */
typedef struct perilune_error perilune_error;

/**
 * A request to Script Endpoints and, in the end, the answer to it. It can go from thread to thread, and be freed at any step.
 */
typedef struct perilune_exchange perilune_exchange;

/**
 * The public scripts of endpoints and their links, sorted by name.
 */
typedef struct perilune_links perilune_links;

/**
 * What an engine counted, at one time.
 */
typedef struct perilune_metrics perilune_metrics;

/**
 * How an engine is to be: what is not set is as its constants say.
 */
typedef struct perilune_options perilune_options;

/**
 * A call of a host function that is answered later: see perilune_call_defer. Its host answers it once, from any thread, or frees it. May be
 * used from several threads, but by none any more once it is answered or freed.
 */
typedef struct perilune_pending perilune_pending;

/**
 * What came of loading a directory, or of a change in a watched one.
 */
typedef struct perilune_report perilune_report;

/**
 * A request: what a script sees as GET, POST, CONFIG and META, and what holds for the run. It keeps copies of what it is
 * given, and can be used for any number of runs, also at once.
 */
typedef struct perilune_request perilune_request;

/**
 * What keeps workers from the system, as one of them told it.
 */
typedef struct perilune_sandbox perilune_sandbox;

/**
 * A script that can be run. It keeps its engine alive.
 */
typedef struct perilune_script perilune_script;

/**
 * Some scripts, sorted by name.
 */
typedef struct perilune_scripts perilune_scripts;

/**
 * What a run hands back. It never changes.
 */
typedef struct perilune_trace perilune_trace;

/**
 * A value of a host function: as JSON, but strings are any bytes. One that is owned is freed by the caller, or given away
 * to a call that says so; one that is lent lives as long as what it is a part of.
 */
typedef struct perilune_value perilune_value;

/**
 * Keeps named scripts as the files of a directory are.
 */
typedef struct perilune_watch perilune_watch;

/**
 * How a run ended.
 */
typedef int32_t perilune_status;

/**
 * What kind of error ended a run.
 */
typedef int32_t perilune_error_kind;

/**
 * A limit. An engine's are ceilings; those of a script and a request only lower them.
 */
typedef int32_t perilune_limit;

/**
 * What a call came to: PERILUNE_OK, or why it did nothing.
 */
typedef int32_t perilune_code;

/**
 * How the worker processes of an engine are to be.
 */
typedef int32_t perilune_worker_option;

/**
 * A part of what keeps workers from the system.
 */
typedef int32_t perilune_sandbox_part;

/**
 * What is told how a submitted run ended, once. Called on one of the engine's threads, which other runs wait for, or on the
 * caller's when the run can't begin or is cancelled while it waits: so it must not block, and it must return as usual.
 *
 * @param code       PERILUNE_OK, or why there is no trace
 * @param trace      what came of the run, which the function frees; NULL when there is none
 * @param error      why there is none, which the function frees; NULL when there is a trace
 * @param user_data  as it was handed over
 */
typedef void (*perilune_done)(perilune_code code,
                              struct perilune_trace *trace,
                              struct perilune_error *error,
                              void *user_data);

/**
 * Told after each run of a batch how many are done of how many. Called from several threads, also at once, and not always in order.
 * It must return as usual.
 */
typedef void (*perilune_progress)(size_t done,
                                  size_t total,
                                  void *user_data);

/**
 * Asked now and then while a run is under way, on the thread that makes it: whether to end it, by anything but 0. It may
 * begin other runs, and must not unwind.
 */
typedef int32_t (*perilune_poll)(void *user_data);

/**
 * Frees what a callback was given as its user data. Called once, when the callback will not be called any more: on any thread, and
 * inside any call of this library, so it must not wait for a lock that is held around such calls. It must return as usual.
 */
typedef void (*perilune_destroy)(void *user_data);

/**
 * All of a trace at once: see perilune_trace_read. What it points to is lent until the trace is freed. A slice is NULL
 * where its comment says so, and else never, also with a length of 0. Later versions add fields at the end.
 */
typedef struct perilune_trace_view {
    /**
     * sizeof(perilune_trace_view), set by the caller before the call.
     */
    size_t size;
    /**
     * 1, 2, 3 ... per engine.
     */
    uint64_t id;
    /**
     * How the run ended.
     */
    perilune_status status;
    /**
     * The error that ended it; PERILUNE_KIND_NONE when it succeeded.
     */
    perilune_error_kind error_kind;
    /**
     * When it began, in nanoseconds since 1970-01-01T00:00:00Z.
     */
    int64_t executed_at_unix_ns;
    /**
     * From the building of the script's tables to the end of its result, in nanoseconds.
     */
    uint64_t duration_ns;
    /**
     * Waiting for a VM, in nanoseconds.
     */
    uint64_t queued_ns;
    /**
     * The highest known growth of the VM's heap, in bytes.
     */
    uint64_t memory_bytes;
    /**
     * Calls of host functions.
     */
    uint64_t host_calls;
    /**
     * The version of the script that ran.
     */
    uint64_t version;
    /**
     * The name of the script that ran: UTF-8.
     */
    perilune_slice script;
    /**
     * What the script wrote to stdout, to the byte.
     */
    perilune_slice stdout_bytes;
    /**
     * What the script wrote to stderr, to the byte, and then the uncaught error.
     */
    perilune_slice stderr_bytes;
    /**
     * 1 where output past the limit was dropped, else 0.
     */
    uint32_t stdout_truncated;
    /**
     * 1 where output past the limit was dropped, else 0; the uncaught error never is.
     */
    uint32_t stderr_truncated;
    /**
     * What the script returned, as JSON text: the value for one, an array for several; NULL for nothing.
     */
    perilune_slice value;
    /**
     * The text of the error: UTF-8. NULL when the run succeeded.
     */
    perilune_slice error_message;
    /**
     * The script in which it was raised: UTF-8. NULL when none was running.
     */
    perilune_slice error_script;
    /**
     * The chain of calls, innermost first, a line each: UTF-8. NULL when the run succeeded.
     */
    perilune_slice error_traceback;
    /**
     * The line where it was raised, from 1; 0 when there is none.
     */
    uint32_t error_line;
    /**
     * The status of the script's set_response, 100 to 599; 0 when it set none, and then all that follows is empty.
     */
    uint32_t response_status;
    /**
     * The media type of the response: ASCII. NULL when there is no response.
     */
    perilune_slice response_content_type;
    /**
     * The body of the response, to the byte. NULL when there is no response.
     */
    perilune_slice response_content;
    /**
     * How many header lines it has: see perilune_trace_header.
     */
    size_t response_headers_len;
    /**
     * Waiting for host functions that answer later, in nanoseconds.
     */
    uint64_t waited_ns;
} perilune_trace_view;

/**
 * A header line.
 */
typedef struct perilune_header {
    /**
     * UTF-8.
     */
    perilune_slice name;
    /**
     * Any bytes.
     */
    perilune_slice value;
} perilune_header;

/**
 * What a value or an argument is.
 */
typedef int32_t perilune_type;

/**
 * Told once that nobody waits for a call any more, on any thread, also inside calls of this library: it must not block, nor wait for a lock
 * that is held around such calls. It must return as usual.
 */
typedef void (*perilune_gone)(void *user_data);

/**
 * A function of the host that scripts call as host.NAME(...). It is called on the threads that make runs, on several at once.
 * What it sets last by perilune_call_return_* is what the script gets, nil if it sets nothing; by perilune_call_fail, the script
 * gets a Lua error. It must return as usual: neither a C++ exception nor longjmp may leave it.
 */
typedef void (*perilune_function)(struct perilune_call *call,
                                  void *user_data);

/**
 * Told of a change in a watched directory, and first of what was loaded from it, before perilune_engine_watch returns. Called on the
 * watch's own thread, one call at a time; the report is lent until it returns. It must return as usual.
 */
typedef void (*perilune_watcher)(const struct perilune_report *report,
                                 void *user_data);

/**
 * All of a snapshot at once: see perilune_metrics_read. What it points to is lent until the snapshot is freed. Later versions add
 * fields at the end.
 */
typedef struct perilune_metrics_view {
    /**
     * sizeof(perilune_metrics_view), set by the caller before the call.
     */
    size_t size;
    /**
     * Runs that are over, by how they ended.
     */
    uint64_t runs_success;
    uint64_t runs_failure;
    uint64_t runs_timeout;
    uint64_t runs_memory_limit;
    uint64_t runs_cancelled;
    uint64_t runs_queue_timeout;
    /**
     * VMs that wait for a run.
     */
    uint64_t vms_ready;
    /**
     * VMs that are lent to a run, or being made for one.
     */
    uint64_t vms_in_use;
    /**
     * VMs that were closed since the engine was made.
     */
    uint64_t vms_retired;
    /**
     * VMs that were made to replace those.
     */
    uint64_t vms_rebuilt;
    /**
     * Bytes of stdout and stderr that were handed back.
     */
    uint64_t captured_bytes;
    /**
     * Bytes of stdout and stderr that were dropped.
     */
    uint64_t dropped_bytes;
    /**
     * Calls of host functions by scripts.
     */
    uint64_t host_calls;
    /**
     * Sources that compiled, and that did not.
     */
    uint64_t compiles_succeeded;
    uint64_t compiles_failed;
    /**
     * Named scripts that serve now.
     */
    uint64_t scripts;
    /**
     * The upper bounds of the buckets of both histograms, in nanoseconds.
     */
    const uint64_t *bounds_ns;
    size_t bounds_len;
    /**
     * How many runs fell into each bucket, and at the end, one more than there are bounds, how many were beyond the last. Not
     * cumulative.
     */
    const uint64_t *run_duration_counts;
    uint64_t run_duration_sum_ns;
    uint64_t run_duration_count;
    /**
     * The same of how long runs waited for a VM.
     */
    const uint64_t *queue_duration_counts;
    uint64_t queue_duration_sum_ns;
    uint64_t queue_duration_count;
    /**
     * Runs whose worker ended.
     */
    uint64_t runs_crashed;
} perilune_metrics_view;

/**
 * What a request's head says beside its headers: all as it came, nothing decoded. Later versions add fields at the end.
 */
typedef struct perilune_head {
    /**
     * sizeof(perilune_head), set by the caller.
     */
    size_t size;
    /**
     * "GET", "POST", ...: UTF-8.
     */
    perilune_slice method;
    /**
     * The path; a scheme and host before it are passed over.
     */
    perilune_slice path;
    /**
     * What stands behind the first "?", without it. NULL where the path may have it: all of a request's target can be the path.
     */
    perilune_slice query;
    /**
     * The path that the endpoints are mounted below, which the path may have in front or not: UTF-8. NULL at the root.
     */
    perilune_slice mount;
    /**
     * The client's address: UTF-8. NULL where it has none, as behind a Unix socket.
     */
    perilune_slice address;
} perilune_head;

/**
 * What is to be done next for a request to Script Endpoints.
 */
typedef int32_t perilune_step;

/**
 * An answer: see perilune_exchange_answer. What it points to is lent until the exchange is freed. Later versions add fields at the end.
 */
typedef struct perilune_answer_view {
    /**
     * sizeof(perilune_answer_view), set by the caller before the call.
     */
    size_t size;
    /**
     * 200 to 599.
     */
    uint32_t status;
    /**
     * 1 where the connection is to be closed behind the answer, since the rest of the request's body is not read, or there is none; else 0.
     */
    uint32_t close;
    /**
     * The body, to the byte; empty with a length of 0. Its length is the server's to tell: none with status 204 and 304.
     */
    perilune_slice body;
    /**
     * The header lines: names in lower case, values to the byte. A name may be there several times: a line for each.
     */
    const struct perilune_header *headers;
    /**
     * How many there are.
     */
    size_t headers_len;
    /**
     * The id of the run that it is of, as perilune_call_run_id has it; 0 where no run was made.
     */
    uint64_t run_id;
} perilune_answer_view;

/**
 * What is told that a submitted exchange has its answer, once. Called on one of the engine's threads, which other runs wait for, or on
 * the caller's when the run can't begin or is cancelled while it waits: so it must not block, and it must return as usual.
 *
 * @param exchange   as it was submitted, at PERILUNE_STEP_ANSWER: it is the function's again, to be freed here or later
 * @param user_data  as it was handed over
 */
typedef void (*perilune_answered)(struct perilune_exchange *exchange,
                                  void *user_data);

/**
 * How much a finding of perilune_engine_check matters.
 */
typedef int32_t perilune_severity;

/**
 * It was done.
 */
#define PERILUNE_OK 0

/**
 * An argument is NULL, is no text, has a wrong size or is not one of the values that there are.
 */
#define PERILUNE_INVALID_ARGUMENT 1

/**
 * The source does not compile, or is over its limit.
 */
#define PERILUNE_COMPILE_ERROR 2

/**
 * The request can't be given to a script: not JSON, no object, or over its limits.
 */
#define PERILUNE_PAYLOAD_ERROR 3

/**
 * No script serves under the name.
 */
#define PERILUNE_NOT_FOUND 4

/**
 * A host function can't have the name.
 */
#define PERILUNE_NAME_ERROR 5

/**
 * A host function began a run inside too many others.
 */
#define PERILUNE_NESTED 6

/**
 * A file or directory can't be read or watched.
 */
#define PERILUNE_FILE_ERROR 7

/**
 * The engine failed: the system gave no memory or thread, or a bug.
 */
#define PERILUNE_INTERNAL 8

/**
 * A bug in this library was met, and stopped at its boundary. What the call worked on is as it was, or gone.
 */
#define PERILUNE_PANIC 9

/**
 * The script came to its end within its limits.
 */
#define PERILUNE_STATUS_SUCCESS 0

/**
 * An error that the script did not catch, or a result that can't be handed back.
 */
#define PERILUNE_STATUS_FAILURE 1

/**
 * The run was past its deadline.
 */
#define PERILUNE_STATUS_TIMEOUT 2

/**
 * The script needed more memory than its limit.
 */
#define PERILUNE_STATUS_MEMORY_LIMIT 3

/**
 * The run was cancelled.
 */
#define PERILUNE_STATUS_CANCELLED 4

/**
 * No VM came free in time; the script did not run.
 */
#define PERILUNE_STATUS_QUEUE_TIMEOUT 5

/**
 * The worker process that had the run ended: see perilune_options_set_workers.
 */
#define PERILUNE_STATUS_CRASHED 6

/**
 * None: the run succeeded.
 */
#define PERILUNE_KIND_NONE 0

/**
 * An error raised in the script and not caught.
 */
#define PERILUNE_KIND_RUNTIME 1

/**
 * The returned value can't be JSON, or is too large.
 */
#define PERILUNE_KIND_VALUE 2

/**
 * More calls of host functions than the limit.
 */
#define PERILUNE_KIND_HOST_CALLS 3

/**
 * As PERILUNE_STATUS_TIMEOUT.
 */
#define PERILUNE_KIND_TIMEOUT 4

/**
 * As PERILUNE_STATUS_MEMORY_LIMIT.
 */
#define PERILUNE_KIND_MEMORY_LIMIT 5

/**
 * As PERILUNE_STATUS_CANCELLED.
 */
#define PERILUNE_KIND_CANCELLED 6

/**
 * As PERILUNE_STATUS_QUEUE_TIMEOUT.
 */
#define PERILUNE_KIND_QUEUE_TIMEOUT 7

/**
 * An error of a host function that the script did not catch, or raised again as it was.
 */
#define PERILUNE_KIND_HOST 8

/**
 * As PERILUNE_STATUS_CRASHED.
 */
#define PERILUNE_KIND_CRASHED 9

/**
 * Wall clock for one run, in nanoseconds. 30 s where nothing else is set.
 */
#define PERILUNE_LIMIT_TIMEOUT_NS 1

/**
 * Waiting for a VM, in nanoseconds; 5 s.
 */
#define PERILUNE_LIMIT_QUEUE_NS 2

/**
 * What the VM's heap grows by, in bytes; 64 MiB.
 */
#define PERILUNE_LIMIT_MEMORY 3

/**
 * Captured stdout and stderr, in bytes, each; 512 KiB.
 */
#define PERILUNE_LIMIT_OUTPUT 4

/**
 * The returned value as JSON, in bytes; 512 KiB.
 */
#define PERILUNE_LIMIT_VALUE 5

/**
 * Calls of host functions; 10,000.
 */
#define PERILUNE_LIMIT_HOST_CALLS 6

/**
 * Query, body, config and meta together, in bytes; 512 KiB. An engine's only.
 */
#define PERILUNE_LIMIT_REQUEST 7

/**
 * Parameters in the query; 1,000. An engine's only.
 */
#define PERILUNE_LIMIT_PARAMETERS 8

/**
 * A source, in bytes; 1 MiB. An engine's only.
 */
#define PERILUNE_LIMIT_SOURCE 9

/**
 * Each is replaced after so many runs, at least 1. Without limit where nothing else is set.
 */
#define PERILUNE_WORKER_MAX_RUNS 1

/**
 * No run begins in one that was started longer ago, in nanoseconds. Without limit where nothing else is set.
 */
#define PERILUNE_WORKER_MAX_AGE_NS 2

/**
 * For how long a source is refused that ended three workers in a row, in nanoseconds: twice as long after each that it ends then. 1 s where
 * nothing else is set; 0 refuses none.
 */
#define PERILUNE_WORKER_BACKOFF_NS 3

/**
 * How long a worker and its host wait for each other without sleeping, in nanoseconds. 20 µs where nothing else is set, and nothing on a
 * machine with one processor.
 */
#define PERILUNE_WORKER_SPIN_NS 4

/**
 * 1 has the engine fail where a part of the sandbox is missing. 0 where nothing else is set.
 */
#define PERILUNE_WORKER_REQUIRE_SANDBOX 5

/**
 * Only system calls that computing needs (seccomp).
 */
#define PERILUNE_SANDBOX_SYSTEM_CALLS 1

/**
 * No file can be opened, and no port (Landlock).
 */
#define PERILUNE_SANDBOX_FILES 2

/**
 * A user and a network of its own (namespaces).
 */
#define PERILUNE_SANDBOX_NAMESPACES 3

/**
 * Bounds of memory, processes, descriptors and files (resource limits), no dumps, and an end with the host.
 */
#define PERILUNE_SANDBOX_RESOURCES 4

/**
 * Nothing: json.null, nil, or an argument that is not there.
 */
#define PERILUNE_TYPE_NULL 0

/**
 * True or false.
 */
#define PERILUNE_TYPE_BOOLEAN 1

/**
 * A double.
 */
#define PERILUNE_TYPE_NUMBER 2

/**
 * Bytes.
 */
#define PERILUNE_TYPE_STRING 3

/**
 * Elements in order.
 */
#define PERILUNE_TYPE_ARRAY 4

/**
 * Members.
 */
#define PERILUNE_TYPE_OBJECT 5

/**
 * Of an argument: a table, array or object.
 */
#define PERILUNE_TYPE_TABLE 6

/**
 * Of an argument: what can't cross, such as a function.
 */
#define PERILUNE_TYPE_OTHER 7

/**
 * It compiles, and may not do what its author expects.
 */
#define PERILUNE_SEVERITY_WARNING 1

/**
 * It does not compile.
 */
#define PERILUNE_SEVERITY_ERROR 2

/**
 * Nothing: its run is under way.
 */
#define PERILUNE_STEP_NONE 0

/**
 * Send the answer: see perilune_exchange_answer.
 */
#define PERILUNE_STEP_ANSWER 1

/**
 * Read the body: see perilune_exchange_push.
 */
#define PERILUNE_STEP_BODY 2

/**
 * Have the run made: see perilune_exchange_run and perilune_exchange_submit.
 */
#define PERILUNE_STEP_RUN 3

/**
 * Store a link: see perilune_exchange_link.
 */
#define PERILUNE_STEP_RESET 4

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library as text, such as "0.1.0". Static.
 */
const char *perilune_version(void);

/**
 * The version of the library as a number, to be compared with PERILUNE_VERSION_NUMBER, the header's.
 */
uint32_t perilune_version_number(void);

/**
 * The ABI of the library, to be compared with PERILUNE_ABI, the header's: a program that loads the library at run time looks
 * here first.
 */
uint32_t perilune_abi(void);

/**
 * How many objects the caller has to free at this time, in the whole process: for finding leaks in tests. Exact while no
 * other thread makes or frees one.
 */
size_t perilune_live_objects(void);

/**
 * The name of a status in JSON, such as "success"; "unknown" for a number that is none. Static.
 */
const char *perilune_status_name(perilune_status status);

/**
 * The name of a kind of error in JSON, such as "runtime"; "" for PERILUNE_KIND_NONE, "unknown" for a number that is none.
 * Static.
 */
const char *perilune_error_kind_name(perilune_error_kind kind);

/**
 * The name of a limit, such as "host_calls"; "unknown" for a number that is none. Static.
 */
const char *perilune_limit_name(perilune_limit limit);

/**
 * The unit of a limit: "ns" for nanoseconds, "bytes", or "" where things are counted; "unknown" for a number that is none. Static.
 */
const char *perilune_limit_unit(perilune_limit limit);

/**
 * Frees an error. NULL is nothing to free.
 */
void perilune_error_free(struct perilune_error *error);

/**
 * The code that came with the error: never PERILUNE_OK. NULL has PERILUNE_INVALID_ARGUMENT.
 */
perilune_code perilune_error_code(const struct perilune_error *error);

/**
 * The text of the error for people: what, where, and what to do. In the words of Syncano's Script Endpoint for what a
 * client of one may see. Lent until the error is freed; NULL has "".
 */
perilune_slice perilune_error_message(const struct perilune_error *error);

/**
 * What is wrong, without the place that perilune_error_message begins or ends with: of a compile error, a name, a file, or
 * JSON that can't be read; "" for others. Lent until the error is freed; NULL has "".
 */
perilune_slice perilune_error_reason(const struct perilune_error *error);

/**
 * What the error is about: the name of the script that does not compile, the name that a host function can't have, the path
 * of a file, or which part of a request is not JSON ("body", "config", "meta"); "" for others. Lent until the error is
 * freed; NULL has "".
 */
perilune_slice perilune_error_subject(const struct perilune_error *error);

/**
 * Where the source or the JSON is wrong.
 *
 * @param line    set to the line, from 1, if not NULL; 0 where there is no such place
 * @param column  set to the character in the line, from 1, if not NULL; 0 where it is not known
 * @param offset  set to the character in the whole text, from 0, if not NULL
 * @return        whether the error has a place
 */
bool perilune_error_position(const struct perilune_error *error,
                             size_t *line,
                             size_t *column,
                             size_t *offset);

/**
 * The name of a code, such as "invalid_argument"; "unknown" for a number that is none. Static.
 */
const char *perilune_code_name(perilune_code code);

/**
 * Makes options, which the caller frees. NULL only after a bug.
 */
struct perilune_options *perilune_options_new(void);

/**
 * Frees options. NULL is nothing to free. An engine made of them goes on.
 */
void perilune_options_free(struct perilune_options *options);

/**
 * How many VMs the engine may have, and so how many runs at once, with those that wait. 0 is what is not set: as many as the machine has threads.
 *
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_options_set_pool_size(struct perilune_options *options,
                                             size_t vms,
                                             struct perilune_error **error);

/**
 * How many threads make submitted runs, and those of a batch; no more than there are VMs. 0 is what is not set: as many as there are VMs, up to 64
 * or what the machine has. A run that waits for a function of perilune_engine_async_function takes none, so that VMs may be thousands; one
 * that computes, or waits in a function which blocks, has one to itself until it ends.
 *
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_options_set_threads(struct perilune_options *options,
                                           size_t threads,
                                           struct perilune_error **error);

/**
 * How many submitted runs may wait for a VM; beyond, they end as PERILUNE_STATUS_QUEUE_TIMEOUT at once. 10,000 where nothing
 * else is set.
 *
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_options_set_backlog(struct perilune_options *options,
                                           size_t runs,
                                           struct perilune_error **error);

/**
 * Has runs made in worker processes, which can do nothing but compute: a fault in the VM, or a script that goes on where nothing can stop it,
 * costs one run, whose status is PERILUNE_STATUS_CRASHED or PERILUNE_STATUS_TIMEOUT. There are as many as the engine may have VMs, a spare one
 * and one that compiles. Host functions are called in this process. Where nothing is set, runs are made in this process.
 *
 * @param program  the path of the workers' program: the command perilune, or perilune-worker, of this library's version. "" is the one that
 *                 was installed with libperilune.so, which is found from where that lies. NULL for no workers
 * @param error    where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_options_set_workers(struct perilune_options *options,
                                           perilune_slice program,
                                           struct perilune_error **error);

/**
 * Sets how worker processes are to be, where there are to be any.
 *
 * @param option  one of PERILUNE_WORKER_*
 * @param value   in the unit that the constant says
 * @param error   where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_options_set_worker_option(struct perilune_options *options,
                                                 perilune_worker_option option,
                                                 uint64_t value,
                                                 struct perilune_error **error);

/**
 * Sets a limit: the ceiling of every run.
 *
 * @param limit  one of PERILUNE_LIMIT_*
 * @param value  in the unit that the constant says
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_options_set_limit(struct perilune_options *options,
                                         perilune_limit limit,
                                         uint64_t value,
                                         struct perilune_error **error);

/**
 * Reads a size in bytes as people write it: "65536", "512KiB", "64 MiB", "1GiB".
 *
 * @param text   UTF-8
 * @param bytes  set to the size
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_parse_bytes(perilune_slice text,
                                   uint64_t *bytes,
                                   struct perilune_error **error);

/**
 * Makes an engine. Nothing is started yet but the first worker process, where there are to be any: VMs and threads come with the first run.
 *
 * @param options  how it is to be, copied; NULL for the defaults
 * @param engine   set to the engine, which the caller frees
 * @param error    where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_engine_new(const struct perilune_options *options,
                                  struct perilune_engine **engine,
                                  struct perilune_error **error);

/**
 * Frees a handle to an engine. NULL is nothing to free. The engine goes with its last handle and the last of its scripts and runs;
 * nothing is waited for.
 */
void perilune_engine_free(struct perilune_engine *engine);

/**
 * A second handle to the same engine, which the caller frees. NULL has NULL.
 */
struct perilune_engine *perilune_engine_clone(const struct perilune_engine *engine);

/**
 * One of an engine's limits, in the unit that its constant says; 0 for a number that is none, and for NULL.
 *
 * @param limit  one of PERILUNE_LIMIT_*
 */
uint64_t perilune_engine_limit(const struct perilune_engine *engine,
                               perilune_limit limit);

/**
 * Compiles a script. It is not kept under its name: see perilune_engine_put.
 *
 * @param name    shown in errors and traces; UTF-8, at most 250 bytes
 * @param source  Luau source; UTF-8, copied
 * @param script  set to the script, which the caller frees
 * @param error   where an error goes, if not NULL; the caller frees it
 * @return        PERILUNE_OK, or PERILUNE_COMPILE_ERROR
 */
perilune_code perilune_engine_compile(const struct perilune_engine *engine,
                                      perilune_slice name,
                                      perilune_slice source,
                                      struct perilune_script **script,
                                      struct perilune_error **error);

/**
 * Runs the script that serves under a name: perilune_script_run, with the look-up. It is looked up once, so that a run goes on with
 * the version that it began with.
 *
 * @param name     UTF-8
 * @param query    as for perilune_script_run
 * @param body     as for perilune_script_run
 * @param request  as for perilune_script_run
 * @param trace    set to what came of it, which the caller frees
 * @param error    where an error goes, if not NULL; the caller frees it
 * @return         as for perilune_script_run, or PERILUNE_NOT_FOUND
 */
perilune_code perilune_engine_run(const struct perilune_engine *engine,
                                  perilune_slice name,
                                  perilune_slice query,
                                  perilune_slice body,
                                  const struct perilune_request *request,
                                  struct perilune_trace **trace,
                                  struct perilune_error **error);

/**
 * Gives all scripts a module, require "NAME", from their next run on; one of the same name is replaced. Each run that requires it
 * runs it once.
 *
 * @param name    UTF-8
 * @param source  Luau source; UTF-8, copied
 * @param error   where an error goes, if not NULL; the caller frees it
 * @return        PERILUNE_OK, or PERILUNE_COMPILE_ERROR
 */
perilune_code perilune_engine_module(const struct perilune_engine *engine,
                                     perilune_slice name,
                                     perilune_slice source,
                                     struct perilune_error **error);

/**
 * What is wrong with a source, and what may do something else than its author expects, line by line. Runs nothing.
 *
 * @param name         shown in what is found; UTF-8
 * @param source       Luau source; UTF-8
 * @param diagnostics  set to what was found, which the caller frees
 * @param error        where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_engine_check(const struct perilune_engine *engine,
                                    perilune_slice name,
                                    perilune_slice source,
                                    struct perilune_diagnostics **diagnostics,
                                    struct perilune_error **error);

/**
 * What the engine counted until now, in this process.
 *
 * @param metrics  set to a snapshot, which the caller frees
 * @param error    where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_engine_metrics(const struct perilune_engine *engine,
                                      struct perilune_metrics **metrics,
                                      struct perilune_error **error);

/**
 * What keeps the engine's workers from the system, beside their VMs. It may start one.
 *
 * @param sandbox  set to it, which the caller frees; to NULL where the engine has no workers
 * @param error    where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_engine_sandbox(const struct perilune_engine *engine,
                                      struct perilune_sandbox **sandbox,
                                      struct perilune_error **error);

/**
 * Frees it. NULL is nothing to free.
 */
void perilune_sandbox_free(struct perilune_sandbox *sandbox);

/**
 * Why a part is missing, ended by a NUL byte, which the length does not count; its data is NULL where the part is in place. Lent until the
 * sandbox is freed. NULL has NULL, and so has a part that is none.
 *
 * @param part  one of PERILUNE_SANDBOX_*
 */
perilune_slice perilune_sandbox_missing(const struct perilune_sandbox *sandbox,
                                        perilune_sandbox_part part);

/**
 * Frees a script. NULL is nothing to free. Its runs go on, and what serves under its name does too.
 */
void perilune_script_free(struct perilune_script *script);

/**
 * A second handle to the script, with limits and functions of its own from here on, which the caller frees. NULL has NULL.
 */
struct perilune_script *perilune_script_clone(const struct perilune_script *script);

/**
 * The name that it was compiled with: UTF-8, not ended by a NUL byte. Lent until the script is freed. NULL has NULL.
 */
perilune_slice perilune_script_name(const struct perilune_script *script);

/**
 * Which version of its name it is: counted from 1 for named scripts, and 1 for one that was only compiled. NULL has 0.
 */
uint64_t perilune_script_version(const struct perilune_script *script);

/**
 * The SHA-256 of its source in lower-case hex, 64 characters, not ended by a NUL byte. Lent until the script is freed. NULL has
 * NULL.
 */
perilune_slice perilune_script_hash(const struct perilune_script *script);

/**
 * The source that it was compiled from: UTF-8, not ended by a NUL byte. Lent until the script is freed. NULL has NULL.
 */
perilune_slice perilune_script_source(const struct perilune_script *script);

/**
 * Lowers the limits for all runs of this handle, in place of those set before. A value above the engine's changes nothing.
 *
 * @param limits  PERILUNE_LIMIT_*, but those that are an engine's only
 * @param values  as many, in the units that the constants say
 * @param count   how many; with 0, the limits are the engine's
 * @param error   where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_script_set_limits(struct perilune_script *script,
                                         const perilune_limit *limits,
                                         const uint64_t *values,
                                         size_t count,
                                         struct perilune_error **error);

/**
 * Runs a script: what comes of it is in the trace, errors of the script included. The fast path: query and body are only borrowed
 * for the call.
 *
 * @param query    the raw query without the "?", any bytes; NULL for the request's, or none
 * @param body     a JSON object; NULL for the request's, or none. No bytes are no body
 * @param request  the rest; NULL for none
 * @param trace    set to what came of it, which the caller frees
 * @param error    where an error goes, if not NULL; the caller frees it
 * @return         PERILUNE_OK whenever there is a trace; else why no run began: PERILUNE_PAYLOAD_ERROR, PERILUNE_NESTED,
 *                 PERILUNE_INTERNAL
 */
perilune_code perilune_script_run(const struct perilune_script *script,
                                  perilune_slice query,
                                  perilune_slice body,
                                  const struct perilune_request *request,
                                  struct perilune_trace **trace,
                                  struct perilune_error **error);

/**
 * Has a run made on the engine's own threads, as soon as there is a VM. The request's cancel handle ends it, also while it waits.
 *
 * @param query      as for perilune_script_run, but copied
 * @param body       as for perilune_script_run, but copied
 * @param request    as for perilune_script_run, but copied
 * @param done       called once, if this returns PERILUNE_OK, and maybe before it does; never else
 * @param user_data  handed to done, on another thread
 * @param error      where an error goes, if not NULL; the caller frees it
 * @return           PERILUNE_OK when done is or will be called: what is wrong with the request is told there
 */
perilune_code perilune_script_submit(const struct perilune_script *script,
                                     perilune_slice query,
                                     perilune_slice body,
                                     const struct perilune_request *request,
                                     perilune_done done,
                                     void *user_data,
                                     struct perilune_error **error);

/**
 * Runs a script once for each request, on as many threads as the engine has (perilune_options_set_threads), and returns when all are done. What one run does
 * changes no other's result.
 *
 * @param requests   as many requests as count says, none of them NULL
 * @param cancel     ends the whole batch; NULL for none
 * @param progress   told after each run; NULL for nothing
 * @param user_data  handed to progress
 * @param traces     as many places as count says: each is set to what came of the request at its place, which the caller frees, or
 *                   to NULL where no run began
 * @param errors     as many places as count says: each is set to why no run began, which the caller frees, or to NULL; NULL
 *                   if they are not wanted
 * @param error      where an error goes, if not NULL; the caller frees it
 * @return           PERILUNE_OK when all places were set; else nothing was run
 */
perilune_code perilune_script_run_batch(const struct perilune_script *script,
                                        const struct perilune_request *const *requests,
                                        size_t count,
                                        const struct perilune_cancel *cancel,
                                        perilune_progress progress,
                                        void *user_data,
                                        struct perilune_trace **traces,
                                        struct perilune_error **errors,
                                        struct perilune_error **error);

/**
 * Makes a request with nothing in it, which the caller frees. NULL only after a bug.
 */
struct perilune_request *perilune_request_new(void);

/**
 * A second request of the same content, which the caller frees. NULL is copied as NULL.
 */
struct perilune_request *perilune_request_clone(const struct perilune_request *request);

/**
 * Frees a request. NULL is nothing to free. Runs that were submitted with it go on.
 */
void perilune_request_free(struct perilune_request *request);

/**
 * The raw query, without the "?". Replaces an earlier one, and parameters that were added.
 *
 * @param query  any bytes, copied; NULL is an empty query
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_request_set_query(struct perilune_request *request,
                                         perilune_slice query,
                                         struct perilune_error **error);

/**
 * Adds a parameter that is decoded already. Replaces a raw query; a repeated key keeps its last value.
 *
 * @param key    UTF-8, copied
 * @param value  UTF-8, copied
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_request_add_param(struct perilune_request *request,
                                         perilune_slice key,
                                         perilune_slice value,
                                         struct perilune_error **error);

/**
 * The body, a JSON object. Read when it is run, and refused then if it is none.
 *
 * @param body   copied; no bytes are no body, and so is NULL
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_request_set_json(struct perilune_request *request,
                                        perilune_slice body,
                                        struct perilune_error **error);

/**
 * The body, an urlencoded form.
 *
 * @param body   any bytes, copied; NULL is no body
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_request_set_form(struct perilune_request *request,
                                        perilune_slice body,
                                        struct perilune_error **error);

/**
 * The host's settings for the script, CONFIG, as JSON. Read when it is run.
 *
 * @param json   copied; NULL is none
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_request_set_config(struct perilune_request *request,
                                          perilune_slice json,
                                          struct perilune_error **error);

/**
 * What the host knows of the request, META, as JSON. Read when it is run.
 *
 * @param json   copied; NULL is none
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_request_set_meta(struct perilune_request *request,
                                        perilune_slice json,
                                        struct perilune_error **error);

/**
 * Makes math.random repeat: two runs with one seed see the same numbers.
 *
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_request_set_seed(struct perilune_request *request,
                                        uint64_t seed,
                                        struct perilune_error **error);

/**
 * Lowers a limit for the runs of this request. A value above the engine's changes nothing.
 *
 * @param limit  one of PERILUNE_LIMIT_*, but those that are an engine's only
 * @param value  in the unit that the constant says
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_request_set_limit(struct perilune_request *request,
                                         perilune_limit limit,
                                         uint64_t value,
                                         struct perilune_error **error);

/**
 * For whom the runs of this request are. A worker process serves one tenant only; runs without a tenant share theirs. Where runs are in this
 * process, it changes nothing.
 *
 * @param tenant  any bytes, copied; NULL is none
 * @param error   where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_request_set_tenant(struct perilune_request *request,
                                          perilune_slice tenant,
                                          struct perilune_error **error);

/**
 * Has the handle end this request's runs.
 *
 * @param cancel  stays the caller's; NULL for none
 * @param error   where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_request_set_cancel(struct perilune_request *request,
                                          const struct perilune_cancel *cancel,
                                          struct perilune_error **error);

/**
 * Has a function asked about every period while this request's runs wait for a VM or run, on the thread that makes the run,
 * so that signals that came meanwhile can be seen to. When it returns anything but 0, the run ends as
 * PERILUNE_STATUS_CANCELLED. It is not asked while a host function is called, nor in runs that are over before the period is.
 *
 * @param period_ns  nanoseconds; less than a millisecond is one
 * @param poll       NULL for none
 * @param user_data  handed to poll, and at last to destroy; on several threads at once, if the request is
 * @param destroy    called once when no run will call poll any more, also when this call fails; NULL for nothing
 * @param error      where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_request_set_poll(struct perilune_request *request,
                                        uint64_t period_ns,
                                        perilune_poll poll,
                                        void *user_data,
                                        perilune_destroy destroy,
                                        struct perilune_error **error);

/**
 * Makes a handle for no run yet, which the caller frees. NULL only after a bug.
 */
struct perilune_cancel *perilune_cancel_new(void);

/**
 * Frees a handle. NULL is nothing to free. Requests that were given it still have it, and the runs go on.
 */
void perilune_cancel_free(struct perilune_cancel *cancel);

/**
 * Ends the runs of all requests that were given the handle, before they begin or while they run, as
 * PERILUNE_STATUS_CANCELLED. Returns at once; a run ends at its next safe point, which is microseconds away. Can't be taken
 * back. NULL does nothing. From any thread, but not from a signal handler.
 */
void perilune_cancel_now(const struct perilune_cancel *cancel);

/**
 * Whether perilune_cancel_now was called. NULL was not.
 */
bool perilune_cancel_is_cancelled(const struct perilune_cancel *cancel);

/**
 * Makes a trace of what a view says, for a host that keeps traces in a form of its own: its JSON is then as that of the run. All is copied.
 *
 * @param view     as perilune_trace_read fills one, its size included
 * @param headers  as many lines as the view says
 * @param trace    set to the trace, which the caller frees
 * @param error    where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_trace_new(const struct perilune_trace_view *view,
                                 const struct perilune_header *headers,
                                 struct perilune_trace **trace,
                                 struct perilune_error **error);

/**
 * Frees a trace, and with it all that was lent of it. NULL is nothing to free.
 */
void perilune_trace_free(struct perilune_trace *trace);

/**
 * Fills a view with all of a trace.
 *
 * @param view   its size must be set to sizeof(perilune_trace_view) before; a shorter one, of an older header, is filled as
 *               far as it goes
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_trace_read(const struct perilune_trace *trace,
                                  struct perilune_trace_view *view,
                                  struct perilune_error **error);

/**
 * How the run ended. NULL has PERILUNE_STATUS_FAILURE.
 */
perilune_status perilune_trace_status(const struct perilune_trace *trace);

/**
 * The run's number: 1, 2, 3 ... per engine. NULL has 0.
 */
uint64_t perilune_trace_id(const struct perilune_trace *trace);

/**
 * How long the run took, in nanoseconds. NULL has 0.
 */
uint64_t perilune_trace_duration_ns(const struct perilune_trace *trace);

/**
 * What the script wrote to stdout, to the byte; not ended by a NUL byte. Lent until the trace is freed. NULL has NULL.
 */
perilune_slice perilune_trace_stdout(const struct perilune_trace *trace);

/**
 * What the script wrote to stderr, to the byte, and then the uncaught error; not ended by a NUL byte. Lent until the trace is
 * freed. NULL has NULL.
 */
perilune_slice perilune_trace_stderr(const struct perilune_trace *trace);

/**
 * What the script returned, as JSON text: the value for one, an array for several, NULL for nothing; not ended by a NUL byte.
 * Lent until the trace is freed. NULL has NULL.
 */
perilune_slice perilune_trace_value(const struct perilune_trace *trace);

/**
 * The text of the error that ended the run, NULL when it succeeded; not ended by a NUL byte. Lent until the trace is freed.
 * NULL has NULL.
 */
perilune_slice perilune_trace_error_message(const struct perilune_trace *trace);

/**
 * The trace as one line of JSON, in the form of Syncano's Script Endpoint; ended by a NUL byte, which the length does not
 * count. Made by the first call. Lent until the trace is freed. NULL has NULL.
 */
perilune_slice perilune_trace_json(const struct perilune_trace *trace);

/**
 * One header line of the script's response, in the order of their names: a name for which the script gave a list, such as two
 * cookies, has several. Name and value are lent until the trace is freed, not ended
 * by a NUL byte, and without control characters: they can be sent as they are.
 *
 * @param index  from 0
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_trace_header(const struct perilune_trace *trace,
                                    size_t index,
                                    perilune_slice *name,
                                    perilune_slice *value,
                                    struct perilune_error **error);

/**
 * The name that the function was called by. Lent until the function returns. NULL has NULL.
 */
perilune_slice perilune_call_name(const struct perilune_call *call);

/**
 * How many arguments there are. NULL has 0.
 */
size_t perilune_call_len(const struct perilune_call *call);

/**
 * What an argument is: PERILUNE_TYPE_TABLE for any table, PERILUNE_TYPE_OTHER for what can't cross, such as a function. NULL, and
 * an argument that is not there, is PERILUNE_TYPE_NULL.
 *
 * @param index  from 0
 */
perilune_type perilune_call_type(const struct perilune_call *call,
                                 size_t index);

/**
 * Reads an argument that is a number.
 *
 * @param index   from 0
 * @param number  set to it
 * @return        whether it is one. If not, the script gets a Lua error that says so, unless the function sets a result later: so
 *                the function can just return
 */
bool perilune_call_number(struct perilune_call *call,
                          size_t index,
                          double *number);

/**
 * Reads an argument that is a boolean.
 *
 * @param index    from 0
 * @param boolean  set to it
 * @return         as for perilune_call_number
 */
bool perilune_call_boolean(struct perilune_call *call,
                           size_t index,
                           bool *boolean);

/**
 * Reads an argument that is a string: any bytes, not ended by a NUL byte. A number is not converted.
 *
 * @param index   from 0
 * @param string  set to its bytes, lent until the function returns
 * @return        as for perilune_call_number
 */
bool perilune_call_string(struct perilune_call *call,
                          size_t index,
                          perilune_slice *string);

/**
 * Reads any argument as JSON text, ended by a NUL byte, which the length does not count. Bytes that are not UTF-8 become U+FFFD.
 *
 * @param index  from 0
 * @param json   set to the text, lent until the function returns
 * @return       whether the argument can be JSON; if not, as for perilune_call_number
 */
bool perilune_call_json(struct perilune_call *call,
                        size_t index,
                        perilune_slice *json);

/**
 * Reads any argument as a value, which the caller frees.
 *
 * @param index  from 0
 * @param value  set to it, if not NULL
 * @return       whether the argument can be a value; if not, as for perilune_call_number
 */
bool perilune_call_value(struct perilune_call *call,
                         size_t index,
                         struct perilune_value **value);

/**
 * The script gets nil.
 */
void perilune_call_return_null(struct perilune_call *call);

/**
 * The script gets a boolean.
 */
void perilune_call_return_boolean(struct perilune_call *call,
                                  bool boolean);

/**
 * The script gets a number; an integer may be more than a double holds: see perilune_call_return_int64.
 */
void perilune_call_return_number(struct perilune_call *call,
                                 double number);

/**
 * The script gets an integer: a number up to +-PERILUNE_MAX_EXACT, where a double has it exactly, and its digits as a string beyond.
 */
void perilune_call_return_int64(struct perilune_call *call,
                                int64_t integer);

/**
 * As perilune_call_return_int64.
 */
void perilune_call_return_uint64(struct perilune_call *call,
                                 uint64_t integer);

/**
 * The script gets a string.
 *
 * @param string  any bytes, copied; none is ""
 */
void perilune_call_return_string(struct perilune_call *call,
                                 perilune_slice string);

/**
 * The script gets what a JSON text says, or a Lua error if it says nothing.
 *
 * @param json  copied
 */
void perilune_call_return_json(struct perilune_call *call,
                               perilune_slice json);

/**
 * The script gets a value.
 *
 * @param value  one that is owned: given away. NULL is nil
 */
void perilune_call_return_value(struct perilune_call *call,
                                struct perilune_value *value);

/**
 * The script gets a Lua error, "host.NAME: MESSAGE", which it can catch.
 *
 * @param message  copied; what is not UTF-8 becomes U+FFFD. NULL is ""
 */
void perilune_call_fail(struct perilune_call *call,
                        perilune_slice message);

/**
 * Has a call answered after the function has returned: by perilune_pending_resolve, perilune_pending_resolve_json or perilune_pending_reject,
 * from any thread, once. The caller owns what is returned. What the function sets as the result is not looked at then. Arguments are lent
 * until the function returns, as always.
 *
 * @return  NULL where that is not possible: the call is NULL or has been deferred, or the function is none of perilune_engine_async_function
 *          or perilune_script_async_function
 */
struct perilune_pending *perilune_call_defer(struct perilune_call *call);

/**
 * The engine that the script runs in, for running others; the caller frees it. A function that held its engine itself, in its user
 * data, would keep it alive for ever. NULL has NULL.
 */
struct perilune_engine *perilune_call_engine(const struct perilune_call *call);

/**
 * What the run was submitted with: the user_data of perilune_script_submit or perilune_exchange_submit. NULL for all other runs.
 */
void *perilune_call_user_data(const struct perilune_call *call);

/**
 * The number of the run: perilune_trace_id of the trace to come. NULL has 0.
 */
uint64_t perilune_call_run_id(const struct perilune_call *call);

/**
 * The name of the script that runs, not ended by a NUL byte. Lent until the function returns. NULL has NULL.
 */
perilune_slice perilune_call_script(const struct perilune_call *call);

/**
 * What is left of the run's timeout, in nanoseconds; when a function returns later, the run ends there. NULL has 0.
 */
uint64_t perilune_call_remaining_ns(const struct perilune_call *call);

/**
 * Whether the run was cancelled: it ends when the function returns. NULL was not.
 */
bool perilune_call_is_cancelled(const struct perilune_call *call);

/**
 * The script gets a value, and the handle is freed. NULL does nothing but free the value.
 *
 * @param value  one that is owned: given away. NULL is nil
 */
void perilune_pending_resolve(struct perilune_pending *pending,
                              struct perilune_value *value);

/**
 * The script gets what a JSON text says, or a Lua error if it says nothing; the handle is freed. NULL does nothing.
 *
 * @param json  copied
 */
void perilune_pending_resolve_json(struct perilune_pending *pending,
                                   perilune_slice json);

/**
 * The script gets a Lua error, "host.NAME: MESSAGE", which it can catch; the handle is freed. NULL does nothing.
 *
 * @param message  copied; what is not UTF-8 becomes U+FFFD. NULL is ""
 */
void perilune_pending_reject(struct perilune_pending *pending,
                             perilune_slice message);

/**
 * Frees a handle: the script gets a Lua error that says that there was no answer. NULL is nothing to free.
 */
void perilune_pending_free(struct perilune_pending *pending);

/**
 * Whether nobody waits for the answer any more: the run was cancelled, timed out, or was given up. NULL is gone.
 */
bool perilune_pending_is_gone(const struct perilune_pending *pending);

/**
 * Has a callback called once when nobody waits for the answer any more, or at once where that is so. It is not called after an answer; but where
 * both come at the same time, it may be under way on another thread while that is given. A second callback replaces the first. The handle
 * is still to be answered or freed.
 *
 * @param callback   NULL for none
 * @param user_data  handed to the callback, and at last to destroy
 * @param destroy    called once when the callback will not be called any more, also where pending is NULL; NULL for nothing
 */
void perilune_pending_on_gone(const struct perilune_pending *pending,
                              perilune_gone callback,
                              void *user_data,
                              perilune_destroy destroy);

/**
 * Gives all scripts a function of the host, host.NAME(...), from their next run on; one of the same name is replaced. A run that
 * has begun goes on with those that it began with.
 *
 * @param name       letters, digits and _
 * @param function   what scripts call, on several threads at once
 * @param user_data  handed to the function, and at last to destroy
 * @param destroy    called once when the function will not be called any more, also when this call fails; NULL for nothing
 * @param error      where an error goes, if not NULL; the caller frees it
 * @return           PERILUNE_OK, or PERILUNE_NAME_ERROR
 */
perilune_code perilune_engine_function(const struct perilune_engine *engine,
                                       perilune_slice name,
                                       perilune_function function,
                                       void *user_data,
                                       perilune_destroy destroy,
                                       struct perilune_error **error);

/**
 * Gives runs of this handle a function of their own, beside the engine's and before one of the same name: see
 * perilune_engine_function.
 *
 * @param name       letters, digits and _
 * @param user_data  handed to the function, and at last to destroy
 * @param destroy    called once when the function will not be called any more, also when this call fails; NULL for nothing
 * @param error      where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_script_function(struct perilune_script *script,
                                       perilune_slice name,
                                       perilune_function function,
                                       void *user_data,
                                       perilune_destroy destroy,
                                       struct perilune_error **error);

/**
 * As perilune_engine_function, for a function that may answer after it has returned: see perilune_call_defer. While it has not, a run of
 * perilune_script_submit takes no thread, and its timeout or cancel handle ends it at once. The thread waits where Luau can't leave what
 * calls the function: inside a comparator of table.sort, a function of string.gsub, a metamethod, or a module that is being loaded; and for all
 * other runs.
 *
 * @param name       letters, digits and _
 * @param function   what scripts call, on several threads at once
 * @param user_data  handed to the function, and at last to destroy
 * @param destroy    called once when the function will not be called any more, also when this call fails; NULL for nothing
 * @param error      where an error goes, if not NULL; the caller frees it
 * @return           PERILUNE_OK, or PERILUNE_NAME_ERROR
 */
perilune_code perilune_engine_async_function(const struct perilune_engine *engine,
                                             perilune_slice name,
                                             perilune_function function,
                                             void *user_data,
                                             perilune_destroy destroy,
                                             struct perilune_error **error);

/**
 * As perilune_script_function, for a function that may answer later: see perilune_engine_async_function.
 *
 * @param name       letters, digits and _
 * @param user_data  handed to the function, and at last to destroy
 * @param destroy    called once when the function will not be called any more, also when this call fails; NULL for nothing
 * @param error      where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_script_async_function(struct perilune_script *script,
                                             perilune_slice name,
                                             perilune_function function,
                                             void *user_data,
                                             perilune_destroy destroy,
                                             struct perilune_error **error);

/**
 * Makes null, which the caller frees. NULL only after a bug.
 */
struct perilune_value *perilune_value_new_null(void);

/**
 * Makes a boolean, which the caller frees. NULL only after a bug.
 */
struct perilune_value *perilune_value_new_boolean(bool boolean);

/**
 * Makes a number, which the caller frees. NULL only after a bug.
 */
struct perilune_value *perilune_value_new_number(double number);

/**
 * Makes of an integer what scripts know it as, which the caller frees: a number up to +-PERILUNE_MAX_EXACT, where a double has it exactly, and
 * a string of its digits beyond. NULL only after a bug.
 */
struct perilune_value *perilune_value_new_int64(int64_t integer);

/**
 * As perilune_value_new_int64.
 */
struct perilune_value *perilune_value_new_uint64(uint64_t integer);

/**
 * Makes a string, which the caller frees. NULL for a slice that is NULL but has a length.
 *
 * @param string  any bytes, copied
 */
struct perilune_value *perilune_value_new_string(perilune_slice string);

/**
 * Makes an empty array, which the caller frees. NULL only after a bug.
 */
struct perilune_value *perilune_value_new_array(void);

/**
 * Makes an empty object, which the caller frees. NULL only after a bug.
 */
struct perilune_value *perilune_value_new_object(void);

/**
 * Frees a value that is owned. NULL is nothing to free.
 */
void perilune_value_free(struct perilune_value *value);

/**
 * Adds an element to the end of an array.
 *
 * @param array    one that is owned
 * @param element  one that is owned: given away, also when this fails (but for an array put into itself)
 * @param error    where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_value_push(struct perilune_value *array,
                                  struct perilune_value *element,
                                  struct perilune_error **error);

/**
 * Adds a member to an object; of a repeated key the last counts.
 *
 * @param object  one that is owned
 * @param key     any bytes, copied
 * @param member  one that is owned: given away, also when this fails (but for an object put into itself)
 * @param error   where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_value_set(struct perilune_value *object,
                                 perilune_slice key,
                                 struct perilune_value *member,
                                 struct perilune_error **error);

/**
 * What a value is. NULL is PERILUNE_TYPE_NULL.
 */
perilune_type perilune_value_type(const struct perilune_value *value);

/**
 * Whether it is true; anything that is no boolean is not, and so is NULL.
 */
bool perilune_value_boolean(const struct perilune_value *value);

/**
 * The number; 0 for anything else, and for NULL.
 */
double perilune_value_number(const struct perilune_value *value);

/**
 * The bytes of a string, not ended by a NUL byte; "" for anything else, and for NULL. Lent as long as the value lives and is
 * not changed.
 */
perilune_slice perilune_value_string(const struct perilune_value *value);

/**
 * How many elements or members there are; 0 for anything that is no array or object, and for NULL.
 */
size_t perilune_value_len(const struct perilune_value *value);

/**
 * An element of an array, or the value of a member of an object, in no order. NULL where there is none, and for NULL. Lent as
 * long as the value lives and is not changed.
 *
 * @param index  from 0
 */
const struct perilune_value *perilune_value_at(const struct perilune_value *value,
                                               size_t index);

/**
 * The key of a member of an object, of which perilune_value_at is the value; any bytes, not ended by a NUL byte. NULL where there
 * is none, and for NULL. Lent as long as the value lives and is not changed.
 *
 * @param index  from 0
 */
perilune_slice perilune_value_key(const struct perilune_value *value,
                                  size_t index);

/**
 * The member of an object that has a key. NULL where there is none, and for NULL. Lent as long as the value lives and is not
 * changed.
 */
const struct perilune_value *perilune_value_get(const struct perilune_value *value,
                                                perilune_slice key);

/**
 * Compiles a script and lets it serve under a name, NAME or INSTANCE/NAME. A source that does not compile changes nothing: what
 * served before goes on. The source that serves already keeps its version.
 *
 * @param name    UTF-8, 1 to 250 bytes without control characters
 * @param source  Luau source; UTF-8, copied
 * @param script  set to the script, which the caller frees; NULL if it is not wanted
 * @param error   where an error goes, if not NULL; the caller frees it
 * @return        PERILUNE_OK, or PERILUNE_COMPILE_ERROR, also for a name that can't be one
 */
perilune_code perilune_engine_put(const struct perilune_engine *engine,
                                  perilune_slice name,
                                  perilune_slice source,
                                  struct perilune_script **script,
                                  struct perilune_error **error);

/**
 * The script that serves under a name now. The handle stays that version, whatever is put under the name later.
 *
 * @param name    UTF-8
 * @param script  set to the script, which the caller frees
 * @param error   where an error goes, if not NULL; the caller frees it
 * @return        PERILUNE_OK, or PERILUNE_NOT_FOUND
 */
perilune_code perilune_engine_get(const struct perilune_engine *engine,
                                  perilune_slice name,
                                  struct perilune_script **script,
                                  struct perilune_error **error);

/**
 * Takes the script of a name out of service. Its runs go on.
 *
 * @param name   UTF-8
 * @param error  where an error goes, if not NULL; the caller frees it
 * @return       PERILUNE_OK, or PERILUNE_NOT_FOUND
 */
perilune_code perilune_engine_remove(const struct perilune_engine *engine,
                                     perilune_slice name,
                                     struct perilune_error **error);

/**
 * The scripts that serve now, sorted by name.
 *
 * @param instance  only those of this instance, "" for those without one; NULL for all
 * @param scripts   set to the list, which the caller frees
 * @param error     where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_engine_list(const struct perilune_engine *engine,
                                   perilune_slice instance,
                                   struct perilune_scripts **scripts,
                                   struct perilune_error **error);

/**
 * Frees a list. NULL is nothing to free. The scripts go on serving.
 */
void perilune_scripts_free(struct perilune_scripts *scripts);

/**
 * How many scripts are in the list. NULL has 0.
 */
size_t perilune_scripts_len(const struct perilune_scripts *scripts);

/**
 * One script of the list, lent until the list is freed: perilune_script_clone makes a handle of the caller's own. NULL where there is
 * none, and for NULL.
 *
 * @param index  from 0
 */
const struct perilune_script *perilune_scripts_at(const struct perilune_scripts *scripts,
                                                  size_t index);

/**
 * Lets the *.lua files of a directory serve: PATH/NAME.lua as NAME, PATH/INSTANCE/NAME.lua as INSTANCE/NAME. Files that can't are
 * in the report, and change nothing; the others serve.
 *
 * @param path    UTF-8
 * @param report  set to what came of it, which the caller frees; NULL if it is not wanted
 * @param error   where an error goes, if not NULL; the caller frees it
 * @return        PERILUNE_OK, or PERILUNE_FILE_ERROR
 */
perilune_code perilune_engine_load_dir(const struct perilune_engine *engine,
                                       perilune_slice path,
                                       struct perilune_report **report,
                                       struct perilune_error **error);

/**
 * Loads a directory as perilune_engine_load_dir does, and keeps the scripts as the files are, until the watch is freed: an edit is
 * live in about 0.1 s, a broken one is reported and changes nothing, a file that is gone removes its script. In a child of fork()
 * there is no watch: make a new one.
 *
 * @param path       UTF-8
 * @param watcher    told of each change; NULL for nothing
 * @param user_data  handed to the watcher, and at last to destroy
 * @param destroy    called once when the watcher will not be called any more, also when this call fails; NULL for nothing
 * @param watch      set to the watch, which the caller frees
 * @param error      where an error goes, if not NULL; the caller frees it
 * @return           PERILUNE_OK, PERILUNE_FILE_ERROR or PERILUNE_INTERNAL
 */
perilune_code perilune_engine_watch(const struct perilune_engine *engine,
                                    perilune_slice path,
                                    perilune_watcher watcher,
                                    void *user_data,
                                    perilune_destroy destroy,
                                    struct perilune_watch **watch,
                                    struct perilune_error **error);

/**
 * Ends a watch: waits for what is under way, the watcher included, which may itself free the watch. The scripts stay as they are. NULL
 * is nothing to free.
 */
void perilune_watch_free(struct perilune_watch *watch);

/**
 * A second report of the same content, which the caller frees: for a watcher that tells somebody later. NULL is copied as NULL.
 */
struct perilune_report *perilune_report_clone(const struct perilune_report *report);

/**
 * Frees a report that is owned. NULL is nothing to free.
 */
void perilune_report_free(struct perilune_report *report);

/**
 * How many scripts are new or changed. NULL has 0.
 */
size_t perilune_report_loaded_len(const struct perilune_report *report);

/**
 * A script that is new or changed, lent as long as the report. NULL where there is none, and for NULL.
 *
 * @param index  from 0
 */
const struct perilune_script *perilune_report_loaded(const struct perilune_report *report,
                                                     size_t index);

/**
 * How many names no longer serve, because their files are gone. NULL has 0.
 */
size_t perilune_report_removed_len(const struct perilune_report *report);

/**
 * A name that no longer serves, ended by a NUL byte, lent as long as the report. NULL where there is none, and for NULL.
 *
 * @param index  from 0
 */
perilune_slice perilune_report_removed(const struct perilune_report *report,
                                       size_t index);

/**
 * How many files could not be put. What served under their names before goes on. NULL has 0.
 */
size_t perilune_report_failed_len(const struct perilune_report *report);

/**
 * Why a file could not be put, lent as long as the report; perilune_error_subject is its path. NULL where there is none, and for
 * NULL.
 *
 * @param index  from 0
 */
const struct perilune_error *perilune_report_failed(const struct perilune_report *report,
                                                    size_t index);

/**
 * Frees a snapshot. NULL is nothing to free.
 */
void perilune_metrics_free(struct perilune_metrics *metrics);

/**
 * Fills a view with all of a snapshot.
 *
 * @param view   its size must be set to sizeof(perilune_metrics_view) before; a shorter one, of an older header, is filled as
 *               far as it goes
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_metrics_read(const struct perilune_metrics *metrics,
                                    struct perilune_metrics_view *view,
                                    struct perilune_error **error);

/**
 * The snapshot as one line of JSON, ended by a NUL byte, which the length does not count. Lent until the snapshot is freed. NULL has
 * NULL.
 */
perilune_slice perilune_metrics_json(const struct perilune_metrics *metrics);

/**
 * The snapshot in Prometheus' text form, to be served as "text/plain; version=0.0.4"; ended by a NUL byte, which the length does not
 * count. Lent until the snapshot is freed. NULL has NULL.
 */
perilune_slice perilune_metrics_prometheus(const struct perilune_metrics *metrics);

/**
 * Begins with endpoints that have no key yet.
 *
 * @param engine  the engine whose scripts they serve, by the names INSTANCE/NAME
 * @param setup   set to an object to be set up, which the caller frees
 * @param error   where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_endpoints_setup_new(const struct perilune_engine *engine,
                                           struct perilune_endpoints_setup **setup,
                                           struct perilune_error **error);

/**
 * Frees what was set up. NULL is nothing to free. Endpoints that were made of it go on.
 */
void perilune_endpoints_setup_free(struct perilune_endpoints_setup *setup);

/**
 * Adds a key: there must be at least one, and none may be empty.
 *
 * @param instance  the instance that it is of: UTF-8; NULL for a key of all
 * @param key       UTF-8
 * @param error     where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_endpoints_setup_add_key(struct perilune_endpoints_setup *setup,
                                               perilune_slice instance,
                                               perilune_slice key,
                                               struct perilune_error **error);

/**
 * Makes a script public: it needs no key at its link.
 *
 * @param script  its name, INSTANCE/NAME: UTF-8
 * @param link    40 hex digits in lower case; NULL for a random one
 * @param error   where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_endpoints_setup_add_public(struct perilune_endpoints_setup *setup,
                                                  perilune_slice script,
                                                  perilune_slice link,
                                                  struct perilune_error **error);

/**
 * How many runs of one instance there may be in a second, on average, and as many at once, at least 1. As many as there are asked for
 * where nothing is set.
 *
 * @param rate   above 0
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_endpoints_setup_set_rate(struct perilune_endpoints_setup *setup,
                                                double rate,
                                                struct perilune_error **error);

/**
 * Makes endpoints. They keep their engine alive.
 *
 * @param setup      how they are to be, copied
 * @param endpoints  set to them, which the caller frees
 * @param error      where an error goes, if not NULL; the caller frees it
 * @return           PERILUNE_OK, or PERILUNE_INVALID_ARGUMENT where they can't be so: without a key, with an empty one, a name, link or rate
 *                   that is none
 */
perilune_code perilune_endpoints_new(const struct perilune_endpoints_setup *setup,
                                     struct perilune_endpoints **endpoints,
                                     struct perilune_error **error);

/**
 * Frees endpoints. NULL is nothing to free. Exchanges that they began go on.
 */
void perilune_endpoints_free(struct perilune_endpoints *endpoints);

/**
 * Begins with a request whose head was read. What is wrong with it is answered: an error is one of the host's.
 *
 * @param head      its size must be set
 * @param headers   names, in any case, and values, as they came; of HTTP/2 those with a colon, too
 * @param count     how many
 * @param exchange  set to what is to be done, which the caller frees: see perilune_exchange_step
 * @param error     where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_endpoints_ask(const struct perilune_endpoints *endpoints,
                                     const struct perilune_head *head,
                                     const struct perilune_header *headers,
                                     size_t count,
                                     struct perilune_exchange **exchange,
                                     struct perilune_error **error);

/**
 * Answers /metrics, for Prometheus, and /healthz: for whom, is the host's to decide, since no key is asked for.
 *
 * @param method    UTF-8
 * @param path      as it came, without the query and below what this is mounted on
 * @param exchange  set to an answer, which the caller frees
 * @param error     where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_endpoints_metrics(const struct perilune_engine *engine,
                                         perilune_slice method,
                                         perilune_slice path,
                                         struct perilune_exchange **exchange,
                                         struct perilune_error **error);

/**
 * Makes a script public from now on, or gives one that is so this link.
 *
 * @param script  its name, INSTANCE/NAME: UTF-8
 * @param link    40 hex digits in lower case; NULL for a random one, which perilune_endpoints_links tells
 * @param error   where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_endpoints_publish(const struct perilune_endpoints *endpoints,
                                         perilune_slice script,
                                         perilune_slice link,
                                         struct perilune_error **error);

/**
 * Has a script need a key again, from now on; one that is not public stays as it is.
 *
 * @param script  its name, INSTANCE/NAME: UTF-8
 * @param error   where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_endpoints_unpublish(const struct perilune_endpoints *endpoints,
                                           perilune_slice script,
                                           struct perilune_error **error);

/**
 * The public scripts and their links as they are now, for a host that stores them; the caller frees the list. NULL has NULL.
 */
struct perilune_links *perilune_endpoints_links(const struct perilune_endpoints *endpoints);

/**
 * Frees a list, and with it all that was lent of it. NULL is nothing to free.
 */
void perilune_links_free(struct perilune_links *links);

/**
 * How many there are. NULL has 0.
 */
size_t perilune_links_len(const struct perilune_links *links);

/**
 * The name of a public script: UTF-8. Lent until the list is freed. NULL beyond the last.
 *
 * @param index  from 0
 */
perilune_slice perilune_links_script(const struct perilune_links *links,
                                     size_t index);

/**
 * Its link. Lent until the list is freed. NULL beyond the last.
 *
 * @param index  from 0
 */
perilune_slice perilune_links_link(const struct perilune_links *links,
                                   size_t index);

/**
 * Frees an exchange, and with it all that was lent of it. NULL is nothing to free. Not between perilune_exchange_submit and the call of
 * `answered`.
 */
void perilune_exchange_free(struct perilune_exchange *exchange);

/**
 * What is to be done next: one of PERILUNE_STEP_*. NULL has PERILUNE_STEP_NONE.
 */
perilune_step perilune_exchange_step(const struct perilune_exchange *exchange);

/**
 * Fills a view with the answer, at PERILUNE_STEP_ANSWER.
 *
 * @param view   its size must be set to sizeof(perilune_answer_view) before; a shorter one, of an older header, is filled as
 *               far as it goes
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_exchange_answer(const struct perilune_exchange *exchange,
                                       struct perilune_answer_view *view,
                                       struct perilune_error **error);

/**
 * At PERILUNE_STEP_BODY, takes the next bytes of the body: a copy.
 *
 * @param data   as many as came
 * @param more   set to whether more are wanted. Where not, the body ends here, whatever the client sends
 * @param error  where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_exchange_push(struct perilune_exchange *exchange,
                                     perilune_slice data,
                                     bool *more,
                                     struct perilune_error **error);

/**
 * At PERILUNE_STEP_BODY, goes on with a body that has ended; the next step is a run or an answer. Takes time by the body's length, at
 * most some milliseconds per MiB.
 *
 * @param is_whole  false where it ended where it should not, as the server tells of one in chunks; one that is shorter than the head said
 *                  is known to be
 * @param error     where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_exchange_read(struct perilune_exchange *exchange,
                                     bool is_whole,
                                     struct perilune_error **error);

/**
 * At PERILUNE_STEP_RUN, makes the run on this thread; the next step is the answer, also where no run began.
 *
 * @param cancel  ends the run, for when the client is gone; NULL for none
 * @param error   where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_exchange_run(struct perilune_exchange *exchange,
                                    const struct perilune_cancel *cancel,
                                    struct perilune_error **error);

/**
 * At PERILUNE_STEP_RUN, has the run made on the engine's own threads, as soon as there is a VM. The exchange is given away until
 * `answered` is called with it.
 *
 * @param cancel     ends the run, also while it waits, for when the client is gone; NULL for none
 * @param answered   called once, if this returns PERILUNE_OK, and maybe before it does; never else
 * @param user_data  handed to answered, on another thread
 * @param error      where an error goes, if not NULL; the caller frees it
 * @return           PERILUNE_OK when answered is or will be called; else the exchange is the caller's still
 */
perilune_code perilune_exchange_submit(struct perilune_exchange *exchange,
                                       const struct perilune_cancel *cancel,
                                       perilune_answered answered,
                                       void *user_data,
                                       struct perilune_error **error);

/**
 * At PERILUNE_STEP_RESET, the public script that is to have another link, and that link: to be stored where it outlives the process, if
 * links are to. It does not count before perilune_exchange_stored.
 *
 * @param script  set to its name: UTF-8. Lent until the next step
 * @param link    set to its link to be. Lent until the next step
 * @param error   where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_exchange_link(const struct perilune_exchange *exchange,
                                     perilune_slice *script,
                                     perilune_slice *link,
                                     struct perilune_error **error);

/**
 * At PERILUNE_STEP_RESET, goes on with a link that was stored, or could not be; the next step is the answer. Two that come at once are to
 * be stored and gone on with one after the other.
 *
 * @param reason  NULL where it was stored: from now on it counts. Else why not, which the client is told: UTF-8; all stays as it was
 * @param error   where an error goes, if not NULL; the caller frees it
 */
perilune_code perilune_exchange_stored(struct perilune_exchange *exchange,
                                       perilune_slice reason,
                                       struct perilune_error **error);

/**
 * Frees what was found. NULL is nothing to free.
 */
void perilune_diagnostics_free(struct perilune_diagnostics *diagnostics);

/**
 * How many there are. NULL has 0.
 */
size_t perilune_diagnostics_len(const struct perilune_diagnostics *diagnostics);

/**
 * Whether it is an error or a warning; 0 where there is none, and for NULL.
 *
 * @param index  from 0
 */
perilune_severity perilune_diagnostics_severity(const struct perilune_diagnostics *diagnostics,
                                                size_t index);

/**
 * The line that it is about, from 1; 0 where there is none, and for NULL.
 *
 * @param index  from 0
 */
uint32_t perilune_diagnostics_line(const struct perilune_diagnostics *diagnostics,
                                   size_t index);

/**
 * Where in that line it is, in characters from 1; 0 where there is none, and for NULL.
 *
 * @param index  from 0
 */
uint32_t perilune_diagnostics_column(const struct perilune_diagnostics *diagnostics,
                                     size_t index);

/**
 * What is wrong, in one line of UTF-8 without the place, not ended by a NUL byte. Lent until the findings are freed. NULL where there
 * is none, and for NULL.
 *
 * @param index  from 0
 */
perilune_slice perilune_diagnostics_message(const struct perilune_diagnostics *diagnostics,
                                            size_t index);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PERILUNE_H */
