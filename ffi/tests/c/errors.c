/* Calls that do nothing: with which code, in which words, and where. */

#include "check.h"

static void bad_payloads(const perilune_engine *engine)
{
    enum part { QUERY, BODY, CONFIG, META };
    static const struct {
        enum part part;
        const char *text;
        size_t len;
        const char *message;
        const char *reason;
        const char *subject;
        size_t line, column, offset;
    } CASES[] = {
        {BODY, "nonsense", 8, "JSON parse error - Expecting object: line 1 column 1 (char 0)", "Expecting object", "body",
         1, 1, 0},
        {BODY, "[1]", 3, "JSON parse error - Expecting object: line 1 column 1 (char 0)", "Expecting object", "body", 1,
         1, 0},
        {BODY, "{\"a\":\n x}", 9, NULL, NULL, "body", 2, 2, 7},
        {BODY, "{\"a\":1}\0", 8, NULL, NULL, "body", 1, 8, 7},
        {BODY, "{\"\xff\":1}", 7, NULL, NULL, "body", 1, 3, 2},
        {CONFIG, "{\n\"a\": x}", 9, NULL, NULL, "config", 2, 6, 7},
        {META, "{\n\"a\": x}", 9, NULL, NULL, "meta", 2, 6, 7},
        {QUERY, NULL, 524289, "Request size limit exceeded (524288).", "", "", 0, 0, 0},
        {BODY, NULL, 524289, "Request size limit exceeded (524288).", "", "", 0, 0, 0},
    };
    perilune_error *error = NULL;
    perilune_script *script = compiled(engine, "print('ran')");
    char *large = malloc(524289);
    memset(large, ' ', 524289);
    for (size_t i = 0; i < LEN(CASES); i++) {
        const char *text = CASES[i].text == NULL ? large : CASES[i].text;
        /* By the call, where it can be, and by an object. */
        for (int by_object = 0; by_object < 2; by_object++) {
            enum part part = CASES[i].part;
            perilune_request *request = perilune_request_new();
            if (part == CONFIG || part == META || by_object) {
                perilune_code (*const SETTERS[])(perilune_request *, perilune_slice, perilune_error **) = {
                    perilune_request_set_query, perilune_request_set_json, perilune_request_set_config,
                    perilune_request_set_meta};
                CHECK_OK(SETTERS[part](request, perilune_bytes(text, CASES[i].len), &error));
            }
            perilune_trace *trace = NULL;
            bool query = part == QUERY && !by_object;
            bool body = part == BODY && !by_object;
            CHECK_FAILS_KEPT(perilune_script_run(script, perilune_bytes(query ? text : NULL, query ? CASES[i].len : 0),
                                                 perilune_bytes(body ? text : NULL, body ? CASES[i].len : 0), request, &trace, &error),
                             PERILUNE_PAYLOAD_ERROR);
            CHECK(trace == NULL);
            perilune_slice message = perilune_error_message(error);
            CHECK_INT(strlen(message.data), message.len);
            if (CASES[i].message != NULL) {
                CHECK_TEXT(message, CASES[i].message);
            } else {
                CHECK_HAS(message.data, "JSON parse error - ");
            }
            perilune_slice reason = perilune_error_reason(error);
            if (CASES[i].reason != NULL) {
                CHECK_TEXT(reason, CASES[i].reason);
            } else {
                CHECK(reason.len > 0 && strlen(reason.data) == reason.len);
            }
            perilune_slice subject = perilune_error_subject(error);
            CHECK_TEXT(subject, CASES[i].subject);
            size_t line = 9, column = 9, offset = 9;
            CHECK_INT(perilune_error_position(error, &line, &column, &offset), CASES[i].line > 0);
            CHECK_INT(line, CASES[i].line);
            CHECK_INT(column, CASES[i].column);
            CHECK_INT(offset, CASES[i].offset);
            perilune_error_free(error);
            error = NULL;
            perilune_request_free(request);
        }
    }
    free(large);
    perilune_script_free(script);
}

static void sources_that_do_not_compile(const perilune_engine *engine)
{
    char long_name[252];
    memset(long_name, 'n', sizeof long_name);
    const struct {
        const char *name;
        size_t name_len;
        const char *source;
        size_t source_len;
        size_t line;
    } CASES[] = {
        {"bad", 3, "x = = 1", 7, 1},
        {"bad", 3, "local x\n\nreturn +", 17, 3},
        {"bad", 3, "x = '\xff", 6, 1},
        {"bad", 3, "x = 1\0+", 7, 1},
        {long_name, 251, "", 0, 1},
    };
    perilune_error *error = NULL;
    for (size_t i = 0; i < LEN(CASES); i++) {
        perilune_script *script = NULL;
        CHECK_FAILS_KEPT(perilune_engine_compile(engine, perilune_bytes(CASES[i].name, CASES[i].name_len),
                                                 perilune_bytes(CASES[i].source, CASES[i].source_len), &script, &error),
                         PERILUNE_COMPILE_ERROR);
        CHECK(script == NULL);
        size_t line = 0, column = 9;
        CHECK(perilune_error_position(error, &line, &column, NULL));
        CHECK_INT(line, CASES[i].line);
        CHECK_INT(column, 0);
        perilune_slice subject = perilune_error_subject(error);
        CHECK(subject.len == CASES[i].name_len && memcmp(subject.data, CASES[i].name, subject.len) == 0);
        perilune_slice reason = perilune_error_reason(error);
        CHECK(reason.len > 0);
        /* NAME:LINE: reason */
        char wanted[1024];
        snprintf(wanted, sizeof wanted, "%s:%zu: %s", subject.data, line, reason.data);
        perilune_slice message = perilune_error_message(error);
        CHECK_TEXT(message, wanted);
        perilune_error_free(error);
        error = NULL;
    }
}

/* Without a place for it, an error is only a code; and what is there is left as it is. */
static void errors_are_optional(const perilune_engine *engine)
{
    perilune_script *script = NULL;
    CHECK_INT(perilune_engine_compile(engine, perilune_str("x"), perilune_str("+"), &script,
                                      NULL), PERILUNE_COMPILE_ERROR);
    perilune_error *kept = NULL;
    CHECK_INT(perilune_engine_compile(engine, perilune_str("x"), perilune_str("+"), &script,
                                      &kept), PERILUNE_COMPILE_ERROR);
    perilune_error *before = kept;
    CHECK_INT(perilune_engine_compile(engine, perilune_str("x"), perilune_str(""), &script, &kept), PERILUNE_OK);
    CHECK(kept == before);
    perilune_script_free(script);
    perilune_error_free(kept);

    perilune_slice message = perilune_error_message(NULL);
    CHECK_TEXT(message, "");
    CHECK_INT(perilune_error_code(NULL), PERILUNE_INVALID_ARGUMENT);
}

void test_errors(void)
{
    perilune_engine *engine = engine_of(1);
    bad_payloads(engine);
    sources_that_do_not_compile(engine);
    errors_are_optional(engine);
    perilune_engine_free(engine);
}
