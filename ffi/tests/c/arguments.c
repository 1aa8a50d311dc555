/* Arguments that mean nothing, and texts at their edges. What is NULL has a table of its own: nulls.awk. */

#include "check.h"

/* As a text that must be UTF-8. */
static void texts(const perilune_engine *engine)
{
    static const struct {
        const char *text;
        size_t len;
        perilune_code code;
        const char *message;
    } CASES[] = {
        {"name", 4, PERILUNE_OK, NULL},
        {"name and more", 4, PERILUNE_OK, NULL},
        {"n\xc3\xbc", 3, PERILUNE_OK, NULL},
        {NULL, 0, PERILUNE_INVALID_ARGUMENT, "name is NULL"},
        {NULL, 4, PERILUNE_INVALID_ARGUMENT, "name is NULL"},
        {"ok\xff", 3, PERILUNE_INVALID_ARGUMENT, "name is not UTF-8 from byte 2 on"},
        {"n\xc3\xbc", 2, PERILUNE_INVALID_ARGUMENT, "name is not UTF-8 from byte 1 on"},
        {"x", SIZE_MAX - 1, PERILUNE_INVALID_ARGUMENT, "name: no object has 18446744073709551614 bytes"},
        {"x", SIZE_MAX, PERILUNE_INVALID_ARGUMENT, "name: no object has 18446744073709551615 bytes"},
        {"x", SIZE_MAX / 2 + 1, PERILUNE_INVALID_ARGUMENT, "name: no object has 9223372036854775808 bytes"},
        {"", 0, PERILUNE_COMPILE_ERROR, NULL},
        {"a\0b", 3, PERILUNE_COMPILE_ERROR, NULL},
    };
    perilune_error *error = NULL;
    for (size_t i = 0; i < LEN(CASES); i++) {
        perilune_script *script = NULL;
        if (CASES[i].code == PERILUNE_OK) {
            CHECK_OK(perilune_engine_put(engine, perilune_bytes(CASES[i].text, CASES[i].len), perilune_str(""),
                                         &script, &error));
            perilune_slice name = perilune_script_name(script);
            CHECK(name.len == CASES[i].len && memcmp(name.data, CASES[i].text, name.len) == 0);
        } else {
            CHECK_FAILS_KEPT(perilune_engine_put(engine, perilune_bytes(CASES[i].text, CASES[i].len), perilune_str(""),
                                                 &script, &error),
                             CASES[i].code);
            CHECK(script == NULL);
            if (CASES[i].message != NULL) {
                CHECK_TEXT(perilune_error_message(error), CASES[i].message);
            }
            perilune_error_free(error);
            error = NULL;
        }
        perilune_script_free(script);
    }
}

/* As bytes. */
static void bytes(const perilune_engine *engine)
{
    static const struct {
        const char *query;
        size_t len;
        perilune_code code;
        const char *wanted;
    } CASES[] = {
        {NULL, 0, PERILUNE_OK, "nil\n"},
        {NULL, 3, PERILUNE_INVALID_ARGUMENT, NULL},
        {"", 0, PERILUNE_OK, "nil\n"},
        {"a=bc", 3, PERILUNE_OK, "1 b\n"},
        {"a=bc", 4, PERILUNE_OK, "2 bc\n"},
        {"a=%ff", 5, PERILUNE_OK, "1 \xff\n"},
        {"a=b", SIZE_MAX - 1, PERILUNE_INVALID_ARGUMENT, NULL},
    };
    perilune_error *error = NULL;
    perilune_script *script = compiled(engine, "print(GET.a and #GET.a .. ' ' .. GET.a)");
    for (size_t i = 0; i < LEN(CASES); i++) {
        perilune_trace *trace = NULL;
        perilune_code code = perilune_script_run(script, perilune_bytes(CASES[i].query, CASES[i].len),
                                                 perilune_str(NULL), NULL, &trace, &error);
        CHECK_INT(code, CASES[i].code);
        CHECK((trace != NULL) == (code == PERILUNE_OK) && (error == NULL) == (code == PERILUNE_OK));
        if (trace != NULL) {
            perilune_slice out = perilune_trace_stdout(trace);
            CHECK_TEXT(out, CASES[i].wanted);
        }
        perilune_trace_free(trace);
        perilune_error_free(error);
        error = NULL;
    }
    perilune_script_free(script);

    /* A NUL byte inside of a text is one of its bytes. */
    script = compiled(engine, "print(#GET.a)");
    perilune_trace *trace = NULL;
    CHECK_OK(perilune_script_run(script, perilune_bytes("a=x\0y", 5), perilune_str(NULL), NULL, &trace, &error));
    perilune_slice out = perilune_trace_stdout(trace);
    CHECK_TEXT(out, "3\n");
    perilune_trace_free(trace);
    perilune_script_free(script);
}

static const int32_t NO_LIMITS[] = {0, -1, 10, 99, INT32_MAX, INT32_MIN};

static void limits_that_are_none(const perilune_engine *engine)
{
    static const perilune_limit OF_ENGINES[] = {PERILUNE_LIMIT_REQUEST, PERILUNE_LIMIT_PARAMETERS,
                                                PERILUNE_LIMIT_SOURCE};
    perilune_error *error = NULL;
    perilune_options *options = perilune_options_new();
    perilune_request *request = perilune_request_new();
    perilune_script *script = compiled(engine, "");
    uint64_t value = 1;
    for (size_t i = 0; i < LEN(NO_LIMITS); i++) {
        perilune_limit limit = NO_LIMITS[i];
        CHECK_FAILS(perilune_options_set_limit(options, limit, value, &error), PERILUNE_INVALID_ARGUMENT);
        CHECK_FAILS(perilune_request_set_limit(request, limit, value, &error), PERILUNE_INVALID_ARGUMENT);
        CHECK_FAILS(perilune_script_set_limits(script, &limit, &value, 1, &error), PERILUNE_INVALID_ARGUMENT);
        CHECK_INT(perilune_engine_limit(engine, limit), 0);
    }
    for (size_t i = 0; i < LEN(OF_ENGINES); i++) {
        perilune_limit limit = OF_ENGINES[i];
        CHECK_OK(perilune_options_set_limit(options, limit, value, &error));
        CHECK_FAILS(perilune_request_set_limit(request, limit, value, &error), PERILUNE_INVALID_ARGUMENT);
        CHECK_FAILS(perilune_script_set_limits(script, &limit, &value, 1, &error), PERILUNE_INVALID_ARGUMENT);
    }
    /* The first of two is not kept when the second is none. */
    const perilune_limit two[] = {PERILUNE_LIMIT_OUTPUT, 99};
    const uint64_t values[] = {0, 1};
    CHECK_FAILS(perilune_script_set_limits(script, two, values, 2, &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_script_set_limits(script, two, values, SIZE_MAX - 1, &error), PERILUNE_INVALID_ARGUMENT);
    perilune_script_free(script);
    perilune_request_free(request);
    perilune_options_free(options);
}

static void limits_of_engines(void)
{
    static const struct {
        perilune_limit limit;
        uint64_t standard;
        uint64_t value;
    } CASES[] = {
        {PERILUNE_LIMIT_TIMEOUT_NS, 30000000000u, 1500000000},
        {PERILUNE_LIMIT_QUEUE_NS, 5000000000u, 0},
        {PERILUNE_LIMIT_MEMORY, 64 << 20, 1 << 20},
        {PERILUNE_LIMIT_OUTPUT, 512 << 10, 0},
        {PERILUNE_LIMIT_VALUE, 512 << 10, 77},
        {PERILUNE_LIMIT_HOST_CALLS, 10000, UINT64_MAX},
        {PERILUNE_LIMIT_REQUEST, 512 << 10, 1000},
        {PERILUNE_LIMIT_PARAMETERS, 1000, 2},
        {PERILUNE_LIMIT_SOURCE, 1 << 20, 10},
    };
    perilune_error *error = NULL;
    perilune_options *options = perilune_options_new();
    perilune_engine *standard = NULL;
    CHECK_OK(perilune_engine_new(NULL, &standard, &error));
    for (size_t i = 0; i < LEN(CASES); i++) {
        CHECK_INT(perilune_engine_limit(standard, CASES[i].limit), CASES[i].standard);
        CHECK_OK(perilune_options_set_limit(options, CASES[i].limit, CASES[i].value, &error));
    }
    CHECK_OK(perilune_options_set_backlog(options, 0, &error));
    CHECK_OK(perilune_options_set_pool_size(options, 0, &error));
    perilune_engine *lowered = NULL;
    CHECK_OK(perilune_engine_new(options, &lowered, &error));
    perilune_options_free(options);
    for (size_t i = 0; i < LEN(CASES); i++) {
        CHECK_INT(perilune_engine_limit(lowered, CASES[i].limit), CASES[i].value);
    }
    perilune_script *script = NULL;
    CHECK_FAILS(perilune_engine_compile(lowered, perilune_str("x"), perilune_str("return 12345"), &script, &error),
                PERILUNE_COMPILE_ERROR);
    script = compiled(lowered, "return 1");
    perilune_trace *trace = NULL;
    CHECK_FAILS(perilune_script_run(script, perilune_str("a=1&b=2&c=3"), perilune_str(NULL), NULL, &trace, &error),
                PERILUNE_PAYLOAD_ERROR);
    perilune_script_free(script);
    perilune_engine_free(lowered);
    perilune_engine_free(standard);
}

void test_arguments(void)
{
    perilune_engine *engine = engine_of(1);
    texts(engine);
    bytes(engine);
    limits_that_are_none(engine);
    perilune_engine_free(engine);
    limits_of_engines();
}
