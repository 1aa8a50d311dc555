#include <perilune.h>
#include <stdio.h>

int main(void)
{
    perilune_engine *engine = NULL;
    perilune_script *script = NULL;
    perilune_trace *trace = NULL;
    perilune_error *error = NULL;

    if (perilune_engine_new(NULL, &engine, &error) != PERILUNE_OK ||
        perilune_engine_compile(engine, "hello", PERILUNE_STRLEN, "print('Hello', ARGS.monster)",
                                PERILUNE_STRLEN, &script, &error) != PERILUNE_OK ||
        perilune_script_run(script, "monster=Manticore", PERILUNE_STRLEN, NULL, 0, NULL, &trace,
                            &error) != PERILUNE_OK) {
        fprintf(stderr, "%s\n", perilune_error_message(error, NULL));
    } else {
        size_t len;
        const char *out = perilune_trace_stdout(trace, &len);
        fwrite(out, 1, len, stdout);
    }
    perilune_error_free(error);
    perilune_trace_free(trace);
    perilune_script_free(script);
    perilune_engine_free(engine);
    return 0;
}
