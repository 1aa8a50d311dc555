/* What the tests share: checks that print their place and count, and short forms of what most tests begin with. */

#ifndef CHECK_H
#define CHECK_H

#define _POSIX_C_SOURCE 200809L

#include <perilune.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(got, wanted) check_int((long long)(got), (long long)(wanted), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, wanted) check_text((got), (wanted), strlen(wanted), #got, __FILE__, __LINE__)
#define CHECK_BYTES(got, wanted) check_text((got), (wanted), sizeof(wanted) - 1, #got, __FILE__, __LINE__)
#define CHECK_HAS(text, part) check_has((text), (part), #text, __FILE__, __LINE__)
#define CHECK_NONE(got) check_none((got), #got, __FILE__, __LINE__)
/* Does what must work, and shows the error where it does not; `error` is a variable of the test. */
#define CHECK_OK(call) check_ok((call), &error, #call, __FILE__, __LINE__)
/* Does what must fail, and frees the error, or keeps it for what is checked next. */
#define CHECK_FAILS(call, code) check_fails((call), &error, (code), true, #call, __FILE__, __LINE__)
#define CHECK_FAILS_KEPT(call, code) check_fails((call), &error, (code), false, #call, __FILE__, __LINE__)

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

void check_that(bool holds, const char *what, const char *file, int line);
void check_int(long long got, long long wanted, const char *what, const char *file, int line);
void check_text(perilune_slice got, const char *wanted, size_t wanted_len, const char *what, const char *file, int line);
/* A slice that is NULL, and has no length either. */
void check_none(perilune_slice got, const char *what, const char *file, int line);
void check_has(const char *text, const char *part, const char *what, const char *file, int line);
void check_ok(perilune_code code, perilune_error **error, const char *what, const char *file, int line);
void check_fails(perilune_code code, perilune_error **error, perilune_code wanted, bool frees, const char *what,
                 const char *file, int line);

/* How many checks failed until now, and what main returns. */
long check_failures(void);
int check_end(void);

/* An engine of so many VMs, with the default limits. */
perilune_engine *engine_of(size_t vms);
/* A script of the name "test". */
perilune_script *compiled(const perilune_engine *engine, const char *source);
/* What comes of a run, with texts that end at their NUL byte; NULL is none. */
perilune_trace *run_of(const perilune_script *script, const char *query, const char *body,
                       const perilune_request *request);
perilune_trace_view view_of(const perilune_trace *trace);
/* Runs a script once for its output. */
void check_prints(const perilune_script *script, const char *query, const char *wanted);

/* What one thread waits for and another does: no test sleeps. */
typedef struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
} gate;

#define GATE {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

void gate_add(gate *gate, int count);
void gate_wait(gate *gate, int count);
int gate_count(gate *gate);

/* A destroy callback whose user data is the gate that counts its calls. */
void count_destroy(void *user_data);

void test_run(void);
void test_status(void);
void test_request(void);
void test_errors(void);
void test_arguments(void);
void test_scripts(void);
void test_directory(void);
void test_functions(void);
void test_arguments_of_functions(void);
void test_later(void);
void test_destroy(void);
void test_values(void);
void test_batch(void);
void test_submit(void);
void test_metrics(void);
void test_check(void);
void test_version(void);
void test_fork(void);
void test_stacks(void);
void test_endpoints(void);

#endif
