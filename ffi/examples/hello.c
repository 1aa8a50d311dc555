#include <perilune.h>
#include <stdio.h>

int main(void)
{
    perilune_engine *engine = NULL;
    perilune_script *script = NULL;
    perilune_trace *trace = NULL;
    perilune_error *error = NULL;

    if (perilune_engine_new(NULL, &engine, &error) != PERILUNE_OK ||
        perilune_engine_compile(engine, perilune_str("hello"), perilune_str("print('Hello', ARGS.monster)"),
                                &script, &error) != PERILUNE_OK ||
        perilune_script_run(script, perilune_str("monster=Manticore"), perilune_str(NULL), NULL, &trace,
                            &error) != PERILUNE_OK) {
        fprintf(stderr, "%s\n", perilune_error_message(error).data);
    } else {
        perilune_slice out = perilune_trace_stdout(trace);
        fwrite(out.data, 1, out.len, stdout);
    }
    perilune_error_free(error);
    perilune_trace_free(trace);
    perilune_script_free(script);
    perilune_engine_free(engine);
    return 0;
}
