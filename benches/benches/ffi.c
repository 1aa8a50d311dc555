/* The loop of the bench ffi/hello: as a host in C would, but that it throws away what it reads. */

#include <perilune.h>

uint64_t run_in_c(const perilune_script *script, perilune_slice query, perilune_slice body, uint64_t runs);

uint64_t run_in_c(const perilune_script *script, perilune_slice query, perilune_slice body, uint64_t runs)
{
    uint64_t written = 0;
    for (uint64_t i = 0; i < runs; i++) {
        perilune_trace *trace = NULL;
        perilune_error *error = NULL;
        perilune_trace_view view;
        view.size = sizeof view;
        if (perilune_script_run(script, query, body, NULL, &trace, &error) == PERILUNE_OK &&
            perilune_trace_read(trace, &view, &error) == PERILUNE_OK) {
            written += view.stdout_bytes.len;
        }
        perilune_error_free(error);
        perilune_trace_free(trace);
    }
    return written;
}
