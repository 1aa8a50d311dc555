/* Script Endpoints: each kind of step to its answer, on this thread and on the engine's; misuse of steps; links; the numbers to watch. */

#include "check.h"

#define BASE "/v1.1/instances/i/endpoints/scripts/"
#define LINK "0123456789abcdef0123456789abcdef01234567"
/* The limit of requests is set to it. */
#define LIMIT 1000

static perilune_head head_of(const char *method, const char *target)
{
    perilune_head head;
    memset(&head, 0, sizeof head);
    head.size = sizeof head;
    head.method = perilune_str(method);
    head.path = perilune_str(target);
    return head;
}

static perilune_exchange *asked(const perilune_endpoints *endpoints, const char *method, const char *target,
                                const char *key, const char *type)
{
    perilune_error *error = NULL;
    perilune_exchange *exchange = NULL;
    perilune_head head = head_of(method, target);
    perilune_header headers[2];
    size_t count = 0;
    if (key != NULL) {
        headers[count].name = perilune_str("X-API-KEY");
        headers[count++].value = perilune_str(key);
    }
    if (type != NULL) {
        headers[count].name = perilune_str("content-type");
        headers[count++].value = perilune_str(type);
    }
    CHECK_OK(perilune_endpoints_ask(endpoints, &head, headers, count, &exchange, &error));
    return exchange;
}

static perilune_answer_view answer_of(const perilune_exchange *exchange)
{
    perilune_error *error = NULL;
    perilune_answer_view view;
    memset(&view, 0, sizeof view);
    view.size = sizeof view;
    CHECK_OK(perilune_exchange_answer(exchange, &view, &error));
    return view;
}

/* The value of a header line, or "". */
static perilune_slice header_of(perilune_answer_view view, const char *name)
{
    for (size_t i = 0; i < view.headers_len; i++) {
        perilune_slice own = view.headers[i].name;
        if (own.len == strlen(name) && memcmp(own.data, name, own.len) == 0) {
            return view.headers[i].value;
        }
    }
    return perilune_str("");
}

static void check_answer(const perilune_exchange *exchange, unsigned status, const char *part)
{
    perilune_answer_view view = answer_of(exchange);
    char *body = calloc(1, view.body.len + 1);
    memcpy(body, view.body.data, view.body.len);
    CHECK_INT(perilune_exchange_step(exchange), PERILUNE_STEP_ANSWER);
    CHECK_INT(view.status, status);
    CHECK_HAS(body, part);
    free(body);
}

typedef struct answered {
    gate gate;
    perilune_exchange *exchange;
} answered;

static void on_answered(perilune_exchange *exchange, void *user_data)
{
    answered *waiting = user_data;
    waiting->exchange = exchange;
    gate_add(&waiting->gate, 1);
}

/* Goes on to the answer, by `submits` on the engine's threads. */
static perilune_exchange *finished(perilune_exchange *exchange, const char *body, bool submits)
{
    perilune_error *error = NULL;
    bool more = true;
    if (perilune_exchange_step(exchange) == PERILUNE_STEP_BODY) {
        /* A byte at a time, as a slow client sends it. */
        for (const char *at = body; *at != '\0' && more; at++) {
            CHECK_OK(perilune_exchange_push(exchange, perilune_bytes(at, 1), &more, &error));
        }
        CHECK_OK(perilune_exchange_read(exchange, true, &error));
    }
    if (perilune_exchange_step(exchange) == PERILUNE_STEP_RUN && !submits) {
        CHECK_OK(perilune_exchange_run(exchange, NULL, &error));
    } else if (perilune_exchange_step(exchange) == PERILUNE_STEP_RUN) {
        answered waiting = {GATE, NULL};
        CHECK_OK(perilune_exchange_submit(exchange, NULL, on_answered, &waiting, &error));
        gate_wait(&waiting.gate, 1);
        CHECK(waiting.exchange == exchange);
    } else if (perilune_exchange_step(exchange) == PERILUNE_STEP_RESET) {
        CHECK_OK(perilune_exchange_stored(exchange, perilune_str(NULL), &error));
    }
    return exchange;
}

static const struct {
    const char *method, *target, *key, *type, *body;
    perilune_step step;
    unsigned status;
    const char *part;
} CASES[] = {
    {"GET", BASE "hello/run/?x=1", "all", NULL, "", PERILUNE_STEP_RUN, 200, "\"stdout\":\"1\\n\""},
    {"GET", BASE "hello/run/?x=1&api_key=own", NULL, NULL, "", PERILUNE_STEP_RUN, 200, "\"status\":\"success\""},
    {"POST", BASE "hello/run/", "all", "application/json", "{\"x\":2}", PERILUNE_STEP_BODY, 200, "\"stdout\":\"2\\n\""},
    {"POST", BASE "hello/run/", "all", "application/x-www-form-urlencoded", "x=3", PERILUNE_STEP_BODY, 200, "3\\n"},
    {"POST", BASE "hello/run/", NULL, "application/json", "{\"x\":4,\"_api_key\":\"own\"}", PERILUNE_STEP_BODY, 200, "4\\n"},
    {"POST", BASE "hello/run/", NULL, "application/json", "{\"x\":4}", PERILUNE_STEP_BODY, 403, "permission"},
    {"POST", BASE "hello/run/", "all", "application/json", "{", PERILUNE_STEP_BODY, 400, "JSON parse error"},
    {"POST", BASE "hello/run/", "all", "image/png", "x", PERILUNE_STEP_BODY, 415, "Unsupported media type"},
    {"GET", BASE "p/" LINK "/hello/", NULL, NULL, "", PERILUNE_STEP_RUN, 200, "\"status\":\"success\""},
    {"GET", BASE "sent/run/", "all", NULL, "", PERILUNE_STEP_RUN, 201, "<b>"},
    {"GET", BASE "raises/run/", "all", NULL, "", PERILUNE_STEP_RUN, 200, "\"status\":\"failure\""},
    {"GET", BASE, "all", NULL, "", PERILUNE_STEP_ANSWER, 200, "\"objects\":[{\"name\":\"endless\""},
    {"GET", BASE "hello/", "all", NULL, "", PERILUNE_STEP_ANSWER, 200, "\"public_link\":\"" LINK "\""},
    {"GET", BASE "hello/traces/", "all", NULL, "", PERILUNE_STEP_ANSWER, 200, "/traces/1/"},
    {"GET", BASE "hello/traces/1/", "all", NULL, "", PERILUNE_STEP_ANSWER, 200, "\"id\":1"},
    {"PUT", BASE "hello/run/", "all", NULL, "", PERILUNE_STEP_ANSWER, 405, "not allowed"},
    {"GET", BASE "none/run/", "all", NULL, "", PERILUNE_STEP_ANSWER, 404, "Not found"},
    {"GET", BASE "hello/run/", "wrong", NULL, "", PERILUNE_STEP_ANSWER, 403, "No such API Key."},
    {"GET", "/v1.1/instances/j/endpoints/scripts/", "own", NULL, "", PERILUNE_STEP_ANSWER, 403, "No such API Key."},
    {"GET", "/v1.1/instances/j/endpoints/scripts/", "all", NULL, "", PERILUNE_STEP_ANSWER, 404, "Instance was not found."},
    {"GET", "/", NULL, NULL, "", PERILUNE_STEP_ANSWER, 404, "Not found"},
    {"POST", BASE "hello/reset_link/", "all", NULL, "", PERILUNE_STEP_RESET, 200, "\"public\":true"},
    {"POST", BASE "sent/reset_link/", "all", NULL, "", PERILUNE_STEP_ANSWER, 404, "Not found"},
};

static perilune_engine *serving(void)
{
    static const struct {
        const char *name, *source;
    } SCRIPTS[] = {
        {"i/hello", "print(ARGS.x)"},
        {"i/sent", "set_response{status = 201, content = '<b>', content_type = 'text/html', headers = {['X-Twice'] = {'one', 'two'}}}"},
        {"i/raises", "error('no')"},
        {"i/endless", "while true do end"},
    };
    perilune_error *error = NULL;
    perilune_engine *engine = NULL;
    perilune_options *options = perilune_options_new();
    CHECK_OK(perilune_options_set_limit(options, PERILUNE_LIMIT_REQUEST, LIMIT, &error));
    CHECK_OK(perilune_engine_new(options, &engine, &error));
    perilune_options_free(options);
    for (size_t i = 0; i < LEN(SCRIPTS); i++) {
        CHECK_OK(perilune_engine_put(engine, perilune_str(SCRIPTS[i].name), perilune_str(SCRIPTS[i].source), NULL, &error));
    }
    return engine;
}

static perilune_endpoints_setup *setup_of(const perilune_engine *engine)
{
    perilune_error *error = NULL;
    perilune_endpoints_setup *setup = NULL;
    CHECK_OK(perilune_endpoints_setup_new(engine, &setup, &error));
    CHECK_OK(perilune_endpoints_setup_add_key(setup, perilune_str(NULL), perilune_str("all"), &error));
    CHECK_OK(perilune_endpoints_setup_add_key(setup, perilune_str("i"), perilune_str("own"), &error));
    CHECK_OK(perilune_endpoints_setup_add_public(setup, perilune_str("i/hello"), perilune_str(LINK), &error));
    return setup;
}

static perilune_endpoints *endpoints_of(const perilune_endpoints_setup *setup)
{
    perilune_error *error = NULL;
    perilune_endpoints *endpoints = NULL;
    CHECK_OK(perilune_endpoints_new(setup, &endpoints, &error));
    return endpoints;
}

static void steps(const perilune_engine *engine)
{
    perilune_endpoints_setup *setup = setup_of(engine);
    for (int submits = 0; submits < 2; submits++) {
        perilune_endpoints *endpoints = endpoints_of(setup);
        for (size_t i = 0; i < LEN(CASES); i++) {
            perilune_exchange *exchange =
                asked(endpoints, CASES[i].method, CASES[i].target, CASES[i].key, CASES[i].type);
            CHECK_INT(perilune_exchange_step(exchange), CASES[i].step);
            /* Numbers of traces go on with the engine's. */
            bool is_first = strstr(CASES[i].target, "/traces/") == NULL || submits == 0;
            if (is_first) {
                check_answer(finished(exchange, CASES[i].body, submits), CASES[i].status, CASES[i].part);
            }
            perilune_exchange_free(exchange);
        }
        perilune_endpoints_free(endpoints);
    }
    perilune_endpoints_setup_free(setup);
}

static void headers(const perilune_endpoints *endpoints)
{
    perilune_exchange *exchange = finished(asked(endpoints, "GET", BASE "sent/run/", "all", NULL), "", false);
    perilune_answer_view view = answer_of(exchange);
    CHECK_INT(view.close, 0);
    CHECK_INT(view.headers_len, 3);
    CHECK_TEXT(view.body, "<b>");
    CHECK_TEXT(header_of(view, "content-type"), "text/html");
    CHECK_TEXT(header_of(view, "x-twice"), "one");
    CHECK_TEXT(view.headers[2].value, "two");
    CHECK(view.run_id != 0);
    perilune_exchange_free(exchange);
    exchange = asked(endpoints, "PUT", BASE "sent/run/", "all", NULL);
    CHECK_TEXT(header_of(answer_of(exchange), "allow"), "GET, POST");
    CHECK_INT(answer_of(exchange).run_id, 0);
    perilune_exchange_free(exchange);
}

/* A host keeps by it what its functions did in the run. */
static void run_ids(const perilune_endpoints *endpoints)
{
    for (int submits = 0; submits < 2; submits++) {
        perilune_exchange *exchange = finished(asked(endpoints, "GET", BASE "hello/run/", "all", NULL), "", submits);
        char part[40];
        snprintf(part, sizeof part, "\"id\":%llu,", (unsigned long long)answer_of(exchange).run_id);
        check_answer(exchange, 200, part);
        perilune_exchange_free(exchange);
    }
}

static void bodies(const perilune_endpoints *endpoints)
{
    perilune_error *error = NULL;
    bool more = false;
    perilune_exchange *exchange = asked(endpoints, "POST", BASE "hello/run/", "all", "application/json");
    CHECK_OK(perilune_exchange_push(exchange, perilune_str("{}"), &more, &error));
    CHECK(more);
    CHECK_OK(perilune_exchange_read(exchange, false, &error));
    check_answer(exchange, 400, "The body ended early.");
    CHECK_INT(answer_of(exchange).close, 1);
    perilune_exchange_free(exchange);

    /* Some is read that is dropped, and then no more. */
    static char piece[1 << 20];
    exchange = asked(endpoints, "POST", BASE "hello/run/", "all", "application/json");
    int pushed = 0;
    for (more = true; more && pushed < 20; pushed++) {
        CHECK_OK(perilune_exchange_push(exchange, perilune_bytes(piece, sizeof piece), &more, &error));
    }
    CHECK_INT(pushed, 9);
    CHECK_OK(perilune_exchange_read(exchange, true, &error));
    check_answer(exchange, 413, "Request size limit exceeded (1000).");
    perilune_exchange_free(exchange);
}

static void cancelled(const perilune_endpoints *endpoints)
{
    perilune_error *error = NULL;
    perilune_cancel *cancel = perilune_cancel_new();
    answered waiting = {GATE, NULL};
    perilune_exchange *exchange = asked(endpoints, "GET", BASE "endless/run/", "all", NULL);
    CHECK_OK(perilune_exchange_submit(exchange, cancel, on_answered, &waiting, &error));
    perilune_cancel_now(cancel);
    gate_wait(&waiting.gate, 1);
    check_answer(exchange, 200, "\"status\":\"cancelled\"");
    perilune_exchange_free(exchange);
    exchange = asked(endpoints, "GET", BASE "endless/run/", "all", NULL);
    CHECK_OK(perilune_exchange_run(exchange, cancel, &error));
    check_answer(exchange, 200, "\"status\":\"cancelled\"");
    perilune_exchange_free(exchange);
    perilune_cancel_free(cancel);
}

/* A function that is not for the step does nothing. */
static void misuse(const perilune_endpoints *endpoints)
{
    static const struct {
        const char *method, *target;
        perilune_step step;
    } STEPS[] = {
        {"GET", "/", PERILUNE_STEP_ANSWER},
        {"POST", BASE "hello/run/", PERILUNE_STEP_BODY},
        {"GET", BASE "hello/run/", PERILUNE_STEP_RUN},
        {"POST", BASE "hello/reset_link/", PERILUNE_STEP_RESET},
    };
    perilune_error *error = NULL;
    for (size_t i = 0; i < LEN(STEPS); i++) {
        perilune_exchange *exchange = asked(endpoints, STEPS[i].method, STEPS[i].target, "all", NULL);
        perilune_answer_view view;
        perilune_slice script, link;
        bool more;
        view.size = sizeof view;
        if (STEPS[i].step != PERILUNE_STEP_ANSWER) {
            CHECK_FAILS(perilune_exchange_answer(exchange, &view, &error), PERILUNE_INVALID_ARGUMENT);
        }
        if (STEPS[i].step != PERILUNE_STEP_BODY) {
            CHECK_FAILS(perilune_exchange_push(exchange, perilune_str("x"), &more, &error), PERILUNE_INVALID_ARGUMENT);
            CHECK_FAILS(perilune_exchange_read(exchange, true, &error), PERILUNE_INVALID_ARGUMENT);
        }
        if (STEPS[i].step != PERILUNE_STEP_RUN) {
            CHECK_FAILS(perilune_exchange_run(exchange, NULL, &error), PERILUNE_INVALID_ARGUMENT);
            CHECK_FAILS(perilune_exchange_submit(exchange, NULL, on_answered, NULL, &error), PERILUNE_INVALID_ARGUMENT);
        }
        if (STEPS[i].step != PERILUNE_STEP_RESET) {
            CHECK_FAILS(perilune_exchange_link(exchange, &script, &link, &error), PERILUNE_INVALID_ARGUMENT);
            CHECK_FAILS(perilune_exchange_stored(exchange, perilune_str(NULL), &error), PERILUNE_INVALID_ARGUMENT);
        }
        CHECK_INT(perilune_exchange_step(exchange), STEPS[i].step);
        perilune_exchange_free(exchange);
    }
    perilune_exchange *exchange = NULL;
    perilune_head head = head_of("GET", "/");
    head.size = 0;
    CHECK_FAILS(perilune_endpoints_ask(endpoints, &head, NULL, 0, &exchange, &error), PERILUNE_INVALID_ARGUMENT);
    head = head_of("\xff", "/");
    CHECK_FAILS(perilune_endpoints_ask(endpoints, &head, NULL, 0, &exchange, &error), PERILUNE_INVALID_ARGUMENT);
    head = head_of("GET", "/");
    CHECK_FAILS(perilune_endpoints_ask(endpoints, &head, NULL, 1, &exchange, &error), PERILUNE_INVALID_ARGUMENT);
    CHECK(exchange == NULL);
}

/* What stands in a query of its own is none of the path's, and links begin with what the endpoints are mounted below. */
static void heads(const perilune_endpoints *endpoints)
{
    perilune_error *error = NULL;
    perilune_exchange *exchange = NULL;
    perilune_head head = head_of("GET", BASE "hello/run/");
    head.query = perilune_str("x=5&api_key=all");
    head.address = perilune_str("10.0.0.1");
    CHECK_OK(perilune_endpoints_ask(endpoints, &head, NULL, 0, &exchange, &error));
    check_answer(finished(exchange, "", false), 200, "\"stdout\":\"5\\n\"");
    perilune_exchange_free(exchange);
    head = head_of("GET", BASE "hello/");
    head.query = perilune_str("api_key=all");
    head.mount = perilune_str("/below");
    CHECK_OK(perilune_endpoints_ask(endpoints, &head, NULL, 0, &exchange, &error));
    check_answer(exchange, 200, "\"self\":\"/below/v1.1/");
    perilune_exchange_free(exchange);
}

static void check_link(const perilune_endpoints *endpoints, const char *script, perilune_slice wanted)
{
    perilune_links *links = perilune_endpoints_links(endpoints);
    CHECK_INT(perilune_links_len(links), 1);
    CHECK_TEXT(perilune_links_script(links, 0), script);
    perilune_slice link = perilune_links_link(links, 0);
    CHECK(link.len == 40 && memcmp(link.data, wanted.data, 40) == 0);
    CHECK_NONE(perilune_links_script(links, 1));
    CHECK_NONE(perilune_links_link(links, SIZE_MAX));
    perilune_links_free(links);
}

static void publishes(const perilune_endpoints *endpoints)
{
    perilune_error *error = NULL;
    CHECK_FAILS(perilune_endpoints_publish(endpoints, perilune_str("hello"), perilune_str(NULL), &error),
                PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_endpoints_publish(endpoints, perilune_str("i/hello"), perilune_str("0123"), &error),
                PERILUNE_INVALID_ARGUMENT);
    check_link(endpoints, "i/hello", perilune_str(LINK));
    CHECK_OK(perilune_endpoints_unpublish(endpoints, perilune_str("i/none"), &error));
    CHECK_OK(perilune_endpoints_unpublish(endpoints, perilune_str("i/hello"), &error));
    perilune_exchange *exchange = asked(endpoints, "GET", BASE "p/" LINK "/hello/", NULL, NULL);
    check_answer(exchange, 404, "Not found");
    perilune_exchange_free(exchange);
    CHECK_OK(perilune_endpoints_publish(endpoints, perilune_str("i/hello"), perilune_str(LINK), &error));
    exchange = asked(endpoints, "GET", BASE "p/" LINK "/hello/", NULL, NULL);
    CHECK_INT(perilune_exchange_step(exchange), PERILUNE_STEP_RUN);
    perilune_exchange_free(exchange);
    check_link(endpoints, "i/hello", perilune_str(LINK));
}

static void links(const perilune_endpoints *endpoints)
{
    perilune_error *error = NULL;
    perilune_slice script, link;
    perilune_exchange *exchange = asked(endpoints, "POST", BASE "hello/reset_link/", "all", NULL);
    CHECK_OK(perilune_exchange_link(exchange, &script, &link, &error));
    CHECK_TEXT(script, "i/hello");
    CHECK_INT(link.len, 40);
    CHECK_OK(perilune_exchange_stored(exchange, perilune_str("The disk is full."), &error));
    check_answer(exchange, 503, "The disk is full.");
    perilune_exchange_free(exchange);
    check_link(endpoints, "i/hello", perilune_str(LINK));

    exchange = asked(endpoints, "POST", BASE "hello/reset_link/", "all", NULL);
    CHECK_OK(perilune_exchange_link(exchange, &script, &link, &error));
    char kept[40];
    memcpy(kept, link.data, sizeof kept);
    CHECK_OK(perilune_exchange_stored(exchange, perilune_str(NULL), &error));
    perilune_exchange_free(exchange);
    check_link(endpoints, "i/hello", perilune_bytes(kept, sizeof kept));
}

static void setups(const perilune_engine *engine)
{
    static const struct {
        const char *key, *script, *link;
        double rate;
        const char *part;
    } WRONG[] = {
        {NULL, NULL, NULL, 1, "at least one key"},
        {"", NULL, NULL, 1, "none may be empty"},
        {"k", "hello", NULL, 1, "INSTANCE/NAME"},
        {"k", "i/hello", "0123", 1, "40 hex digits"},
        {"k", NULL, NULL, 0, "the rate"},
        {"k", NULL, NULL, -1e300, "the rate"},
    };
    perilune_error *error = NULL;
    perilune_endpoints *endpoints = NULL;
    perilune_endpoints_setup *setup = NULL;
    for (size_t i = 0; i < LEN(WRONG); i++) {
        CHECK_OK(perilune_endpoints_setup_new(engine, &setup, &error));
        if (WRONG[i].key != NULL) {
            CHECK_OK(perilune_endpoints_setup_add_key(setup, perilune_str(NULL), perilune_str(WRONG[i].key), &error));
        }
        if (WRONG[i].script != NULL) {
            CHECK_OK(perilune_endpoints_setup_add_public(setup, perilune_str(WRONG[i].script),
                                                         perilune_str(WRONG[i].link), &error));
        }
        CHECK_OK(perilune_endpoints_setup_set_rate(setup, WRONG[i].rate, &error));
        CHECK_FAILS_KEPT(perilune_endpoints_new(setup, &endpoints, &error), PERILUNE_INVALID_ARGUMENT);
        CHECK_HAS(perilune_error_message(error).data, WRONG[i].part);
        perilune_error_free(error);
        error = NULL;
        perilune_endpoints_setup_free(setup);
    }
    setup = setup_of(engine);
    /* One a day: no test is so slow. */
    CHECK_OK(perilune_endpoints_setup_set_rate(setup, 1.0 / 86400, &error));
    endpoints = endpoints_of(setup);
    perilune_endpoints_setup_free(setup);
    perilune_exchange_free(asked(endpoints, "GET", BASE "hello/run/", "all", NULL));
    perilune_exchange *exchange = asked(endpoints, "GET", BASE "hello/run/", "all", NULL);
    /* An exchange keeps what it needs. */
    perilune_endpoints_free(endpoints);
    check_answer(exchange, 429, "Request was throttled.");
    CHECK_TEXT(header_of(answer_of(exchange), "retry-after"), "86400");
    perilune_exchange_free(exchange);
}

static void numbers(const perilune_engine *engine)
{
    static const struct {
        const char *method, *path;
        unsigned status;
        const char *part;
    } CASES_OF_NUMBERS[] = {
        {"GET", "/healthz", 200, "{\"status\":\"ok\"}"},
        {"HEAD", "/metrics", 200, "perilune_runs"},
        {"POST", "/metrics", 405, "not allowed"},
        {"GET", "/", 404, "Not found"},
    };
    perilune_error *error = NULL;
    for (size_t i = 0; i < LEN(CASES_OF_NUMBERS); i++) {
        perilune_exchange *exchange = NULL;
        CHECK_OK(perilune_endpoints_metrics(engine, perilune_str(CASES_OF_NUMBERS[i].method),
                                            perilune_str(CASES_OF_NUMBERS[i].path), &exchange, &error));
        check_answer(exchange, CASES_OF_NUMBERS[i].status, CASES_OF_NUMBERS[i].part);
        perilune_exchange_free(exchange);
    }
}

void test_endpoints(void)
{
    perilune_engine *engine = serving();
    steps(engine);
    setups(engine);
    numbers(engine);
    perilune_endpoints_setup *setup = setup_of(engine);
    perilune_endpoints *endpoints = endpoints_of(setup);
    perilune_endpoints_setup_free(setup);
    /* They keep their engine. */
    perilune_engine_free(engine);
    headers(endpoints);
    run_ids(endpoints);
    bodies(endpoints);
    cancelled(endpoints);
    misuse(endpoints);
    heads(endpoints);
    publishes(endpoints);
    links(endpoints);
    perilune_endpoints_free(endpoints);
}
