/* Many runs leave nothing behind: no object, and no memory. The number of runs is an argument. */

#include "check.h"

enum { THREADS = 4, ALLOWED_KIB = 8 << 10 };

typedef struct work {
    const perilune_script *script;
    long runs;
} work;

static void *run_often(void *argument)
{
    const work *work = argument;
    static const char BODY[] = "{\"n\":1,\"tags\":[\"a\",\"b\",\"c\"],\"monster\":\"Manticore\"}";
    for (long i = 0; i < work->runs; i++) {
        perilune_trace *trace = NULL;
        perilune_error *error = NULL;
        perilune_trace_view view;
        view.size = sizeof view;
        /* One in a hundred is refused, so that errors are made, too. */
        size_t body_len = i % 100 == 0 ? 5 : sizeof BODY - 1;
        perilune_script_run(work->script, perilune_str("monster=Manticore"), perilune_bytes(BODY, body_len), NULL,
                            &trace, &error);
        if (trace != NULL) {
            perilune_trace_read(trace, &view, NULL);
            CHECK(view.stdout_bytes.len == 16);
            CHECK(perilune_trace_json(trace).data != NULL);
        }
        CHECK((trace == NULL) == (i % 100 == 0));
        perilune_trace_free(trace);
        perilune_error_free(error);
    }
    return NULL;
}

static void run_in_threads(const perilune_script *script, long runs)
{
    work work = {script, runs};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, run_often, &work);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static long resident_kib(void)
{
    long kib = -1;
    char line[128];
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        sscanf(line, "VmRSS: %ld", &kib);
    }
    fclose(status);
    return kib;
}

int main(int argc, char **argv)
{
    long runs = argc > 1 ? atol(argv[1]) : 1000;
    perilune_engine *engine = engine_of(2);
    perilune_script *script = compiled(engine, "print('Hello', GET.monster)");
    run_in_threads(script, runs / 5);
    size_t live = perilune_live_objects();
    long before = resident_kib();
    run_in_threads(script, runs);
    long after = resident_kib();
    CHECK_INT(perilune_live_objects(), live);
    CHECK(before > 0);
    CHECK(after - before <= ALLOWED_KIB);
    printf("%ld KiB, then %ld KiB\n", before, after);
    perilune_script_free(script);
    perilune_engine_free(engine);
    CHECK_INT(perilune_live_objects(), 0);
    return check_end();
}
