/* Named scripts, and modules. */

#include "check.h"

static void check_runs(const perilune_engine *engine, const char *name, const char *wanted, uint64_t version)
{
    perilune_error *error = NULL;
    perilune_trace *trace = NULL;
    CHECK_OK(perilune_engine_run(engine, perilune_str(name), perilune_str("q=1"), perilune_str(NULL), NULL, &trace,
                                 &error));
    perilune_trace_view view = view_of(trace);
    CHECK_TEXT(view.value, wanted);
    CHECK_INT(view.version, version);
    CHECK_TEXT(view.script, name);
    perilune_trace_free(trace);
}

static void versions(const perilune_engine *engine)
{
    perilune_error *error = NULL;
    perilune_script *first = NULL;
    perilune_script *second = NULL;
    perilune_trace *trace = NULL;

    CHECK_FAILS_KEPT(perilune_engine_run(engine, perilune_str("a"), perilune_str(NULL), perilune_str(NULL), NULL,
                                         &trace, &error), PERILUNE_NOT_FOUND);
    CHECK_TEXT(perilune_error_message(error), "Not found");
    perilune_error_free(error);
    error = NULL;

    CHECK_OK(perilune_engine_put(engine, perilune_str("a"), perilune_str("return GET.q"), &first, &error));
    CHECK_INT(perilune_script_version(first), 1);
    check_runs(engine, "a", "\"1\"", 1);
    CHECK_FAILS(perilune_engine_put(engine, perilune_str("a"), perilune_str("return +"), &second, &error),
                PERILUNE_COMPILE_ERROR);
    check_runs(engine, "a", "\"1\"", 1);
    CHECK_OK(perilune_engine_put(engine, perilune_str("a"), perilune_str("return GET.q"), NULL, &error));
    check_runs(engine, "a", "\"1\"", 1);
    CHECK_OK(perilune_engine_put(engine, perilune_str("a"), perilune_str("return 2"), &second, &error));
    CHECK_INT(perilune_script_version(second), 2);
    check_runs(engine, "a", "2", 2);
    perilune_script_free(second);

    /* A handle stays the version that it is. */
    trace = run_of(first, "q=old", NULL, NULL);
    perilune_slice value = perilune_trace_value(trace);
    CHECK_TEXT(value, "\"old\"");
    perilune_trace_free(trace);
    perilune_script_free(first);

    CHECK_OK(perilune_engine_get(engine, perilune_str("a"), &first, &error));
    CHECK_INT(perilune_script_version(first), 2);
    CHECK_OK(perilune_engine_remove(engine, perilune_str("a"), &error));
    CHECK_FAILS(perilune_engine_remove(engine, perilune_str("a"), &error), PERILUNE_NOT_FOUND);
    CHECK_FAILS(perilune_engine_get(engine, perilune_str("a"), &second, &error), PERILUNE_NOT_FOUND);
    perilune_trace_free(run_of(first, NULL, NULL, NULL));
    perilune_script_free(first);

    CHECK_OK(perilune_engine_put(engine, perilune_str("a"), perilune_str("return 3"), NULL, &error));
    check_runs(engine, "a", "3", 3);
    CHECK_OK(perilune_engine_remove(engine, perilune_str("a"), &error));
}

static void lists(const perilune_engine *engine)
{
    static const char *const NAMES[] = {"b", "shop/x", "a", "shop/a", "club/z"};
    static const struct {
        const char *instance;
        const char *wanted[5];
    } CASES[] = {
        {NULL, {"a", "b", "club/z", "shop/a", "shop/x"}},
        {"", {"a", "b"}},
        {"shop", {"shop/a", "shop/x"}},
        {"club", {"club/z"}},
        {"none", {NULL}},
    };
    perilune_error *error = NULL;
    for (size_t i = 0; i < LEN(NAMES); i++) {
        CHECK_OK(perilune_engine_put(engine, perilune_str(NAMES[i]), perilune_str("return 1"), NULL, &error));
    }
    for (size_t i = 0; i < LEN(CASES); i++) {
        perilune_scripts *scripts = NULL;
        CHECK_OK(perilune_engine_list(engine, perilune_str(CASES[i].instance), &scripts, &error));
        size_t count = 0;
        for (; count < 5 && CASES[i].wanted[count] != NULL; count++) {
            perilune_slice name = perilune_script_name(perilune_scripts_at(scripts, count));
            CHECK_TEXT(name, CASES[i].wanted[count]);
        }
        CHECK_INT(perilune_scripts_len(scripts), count);
        CHECK(perilune_scripts_at(scripts, count) == NULL);
        CHECK(perilune_scripts_at(scripts, SIZE_MAX) == NULL);
        /* A script of a list is lent; a clone is the caller's. */
        perilune_script *kept = perilune_script_clone(perilune_scripts_at(scripts, 0));
        perilune_scripts_free(scripts);
        if (count > 0) {
            perilune_trace_free(run_of(kept, NULL, NULL, NULL));
        }
        perilune_script_free(kept);
    }
}

static void modules(const perilune_engine *engine)
{
    perilune_error *error = NULL;
    perilune_script *script = compiled(engine, "print(require('greet')('x'), require('greet') == require('greet'))");
    CHECK_OK(perilune_engine_module(engine, perilune_str("greet"),
                                    perilune_str("return function(n) return 'Hi ' .. n end"), &error));
    check_prints(script, NULL, "Hi x\ttrue\n");
    CHECK_FAILS(perilune_engine_module(engine, perilune_str("greet"), perilune_str("return +"), &error),
                PERILUNE_COMPILE_ERROR);
    check_prints(script, NULL, "Hi x\ttrue\n");
    CHECK_OK(perilune_engine_module(engine, perilune_str("greet"),
                                    perilune_str("return function(n) return 'Ho ' .. n end"), &error));
    check_prints(script, NULL, "Ho x\ttrue\n");
    perilune_script_free(script);
}

void test_scripts(void)
{
    perilune_engine *engine = engine_of(1);
    versions(engine);
    lists(engine);
    modules(engine);
    perilune_engine_free(engine);
}
