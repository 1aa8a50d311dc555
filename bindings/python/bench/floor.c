/* The C ABI's own cost of the call that bench.py times: nanoseconds per run, the least of some rounds. */
#define _POSIX_C_SOURCE 199309L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "perilune.h"

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(int argc, char **argv)
{
    const char *query = "monster=Manticore", *body = "{\"n\": 1}";
    int round, i, runs = 20000;
    double best = 1e18;
    size_t printed = 0;
    perilune_engine *engine = NULL;
    perilune_script *script = NULL;
    perilune_trace *trace;
    if (argc != 2 || perilune_engine_new(NULL, &engine, NULL) != PERILUNE_OK ||
        perilune_engine_compile(engine, perilune_str("hello"), perilune_str(argv[1]), &script, NULL) != PERILUNE_OK) {
        return 1;
    }
    for (round = 0; round < 10; round++) {
        double began = now(), each;
        for (i = 0; i < runs; i++) {
            if (perilune_script_run(script, perilune_bytes(query, strlen(query)), perilune_bytes(body, strlen(body)), NULL, &trace, NULL) != PERILUNE_OK ||
                perilune_trace_status(trace) != PERILUNE_STATUS_SUCCESS) {
                return 1;
            }
            printed += perilune_trace_stdout(trace).len;
            perilune_trace_free(trace);
        }
        each = (now() - began) / runs;
        best = each < best ? each : best;
    }
    printf("%.1f %zu\n", best, printed);
    perilune_script_free(script);
    perilune_engine_free(engine);
    return 0;
}
