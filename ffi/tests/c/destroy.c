/* The data of a host function is freed once, whatever becomes of it; and functions that run other scripts. */

#include "check.h"

static void nothing(perilune_call *call, void *user_data)
{
    (void)call;
    (void)user_data;
}

static void registrations_that_fail(const perilune_engine *engine, perilune_script *script)
{
    const struct {
        const perilune_engine *engine;
        const char *name;
        perilune_function function;
        perilune_code code;
    } CASES[] = {
        {NULL, "f", nothing, PERILUNE_INVALID_ARGUMENT},
        {engine, NULL, nothing, PERILUNE_INVALID_ARGUMENT},
        {engine, "\xff", nothing, PERILUNE_INVALID_ARGUMENT},
        {engine, "f", NULL, PERILUNE_INVALID_ARGUMENT},
        {engine, "", nothing, PERILUNE_NAME_ERROR},
        {engine, "a b", nothing, PERILUNE_NAME_ERROR},
        {engine, "a.b", nothing, PERILUNE_NAME_ERROR},
    };
    perilune_error *error = NULL;
    for (size_t i = 0; i < LEN(CASES); i++) {
        gate destroyed = GATE;
        CHECK_FAILS(perilune_engine_function(CASES[i].engine, perilune_str(CASES[i].name), CASES[i].function,
                                             &destroyed, count_destroy, &error),
                    CASES[i].code);
        CHECK_INT(gate_count(&destroyed), 1);
        CHECK_FAILS(perilune_script_function(CASES[i].engine == NULL ? NULL : script, perilune_str(CASES[i].name),
                                             CASES[i].function, &destroyed, count_destroy, &error),
                    CASES[i].code);
        CHECK_INT(gate_count(&destroyed), 2);
        /* Without a place for the error it is the same. */
        perilune_code code = perilune_engine_function(CASES[i].engine, perilune_str(CASES[i].name),
                                                      CASES[i].function, &destroyed, count_destroy, NULL);
        CHECK_INT(code, CASES[i].code);
        CHECK_INT(gate_count(&destroyed), 3);
    }
    CHECK_FAILS_KEPT(perilune_engine_function(engine, perilune_str("a b"), nothing, NULL, NULL,
                                              &error), PERILUNE_NAME_ERROR);
    perilune_slice subject = perilune_error_subject(error);
    CHECK_TEXT(subject, "a b");
    CHECK(perilune_error_reason(error).len > 0);
    CHECK(!perilune_error_position(error, NULL, NULL, NULL));
    perilune_error_free(error);
}

static void replaced_and_freed(void)
{
    perilune_error *error = NULL;
    gate first = GATE, second = GATE, own = GATE;
    perilune_engine *engine = engine_of(1);
    CHECK_OK(perilune_engine_function(engine, perilune_str("f"), nothing, &first, count_destroy, &error));
    perilune_script *script = compiled(engine, "host.f()");
    perilune_trace_free(run_of(script, NULL, NULL, NULL));
    CHECK_INT(gate_count(&first), 0);
    CHECK_OK(perilune_engine_function(engine, perilune_str("f"), nothing, &second, count_destroy, &error));
    /* The VM has the old one until its next run. */
    perilune_trace_free(run_of(script, NULL, NULL, NULL));
    CHECK_INT(gate_count(&first), 1);

    CHECK_OK(perilune_script_function(script, perilune_str("g"), nothing, &own, count_destroy, &error));
    perilune_script *clone = perilune_script_clone(script);
    perilune_script_free(script);
    CHECK_INT(gate_count(&own), 0);
    perilune_trace_free(run_of(clone, NULL, NULL, NULL));
    perilune_engine_free(engine);
    CHECK_INT(gate_count(&second), 0);
    perilune_script_free(clone);
    gate_wait(&second, 1);
    gate_wait(&own, 1);
    CHECK_INT(gate_count(&first), 1);
    CHECK_INT(gate_count(&second), 1);
    CHECK_INT(gate_count(&own), 1);
}

static void answers_own(perilune_call *call, void *user_data)
{
    (void)user_data;
    perilune_call_return_string(call, perilune_str("own"));
}

static void answers_engines(perilune_call *call, void *user_data)
{
    (void)user_data;
    perilune_call_return_string(call, perilune_str("engine's"));
}

/* A script's own go before the engine's, and are not its clones' when they come later. */
static void own_functions(void)
{
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    perilune_script *script = compiled(engine, "print(host.f())");
    perilune_script *clone = perilune_script_clone(script);
    CHECK_OK(perilune_script_function(script, perilune_str("f"), answers_own, NULL, NULL, &error));
    CHECK_OK(perilune_engine_function(engine, perilune_str("f"), answers_engines, NULL, NULL, &error));
    check_prints(script, NULL, "own\n");
    check_prints(clone, NULL, "engine's\n");
    perilune_script_free(clone);
    perilune_script_free(script);
    perilune_engine_free(engine);
}

/* Runs the script that its argument names, and answers what that returned. */
static void runs_another(perilune_call *call, void *user_data)
{
    perilune_slice name = perilune_str(NULL);
    perilune_error *error = NULL;
    perilune_trace *trace = NULL;
    (void)user_data;
    if (!perilune_call_string(call, 0, &name)) {
        return;
    }
    perilune_engine *engine = perilune_call_engine(call);
    if (perilune_engine_run(engine, name, perilune_str("n=5"), perilune_str(NULL), NULL, &trace,
                            &error) == PERILUNE_OK) {
        perilune_slice value = perilune_trace_value(trace);
        perilune_call_return_json(call, value.data == NULL ? perilune_str("null") : value);
    } else {
        perilune_call_fail(call, perilune_error_message(error));
    }
    perilune_trace_free(trace);
    perilune_error_free(error);
    perilune_engine_free(engine);
}

static void runs_within_runs(void)
{
    static const struct {
        const char *name;
        const char *source;
    } SCRIPTS[] = {
        {"leaf", "return GET.n * 2"},
        {"middle", "return host.run('leaf') + 1"},
        {"endless", "local ok, e = pcall(host.run, 'endless') return ok and e or e:match('as deep as runs may nest')"},
    };
    perilune_error *error = NULL;
    /* One VM: a run that waited for another would wait for ever. */
    perilune_engine *engine = engine_of(1);
    CHECK_OK(perilune_engine_function(engine, perilune_str("run"), runs_another, NULL, NULL, &error));
    for (size_t i = 0; i < LEN(SCRIPTS); i++) {
        CHECK_OK(perilune_engine_put(engine, perilune_str(SCRIPTS[i].name), perilune_str(SCRIPTS[i].source), NULL,
                                     &error));
    }
    perilune_script *script = compiled(engine, "print(host.run('middle'), host.run('endless'))"
                                               "print(pcall(host.run, 'none'))");
    check_prints(script, NULL, "11\tas deep as runs may nest\nfalse\thost.run: Not found\n");
    perilune_script_free(script);
    perilune_engine_free(engine);
}

void test_destroy(void)
{
    perilune_engine *engine = engine_of(1);
    perilune_script *script = compiled(engine, "");
    registrations_that_fail(engine, script);
    perilune_script_free(script);
    perilune_engine_free(engine);
    replaced_and_freed();
    own_functions();
    runs_within_runs();
}
