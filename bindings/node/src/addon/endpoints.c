/* Script Endpoints: an exchange for each request, which is known to JavaScript by the number of a run of run.c's. Heads, and the header
 * lines of answers, cross as one string of bytes, a character each, with a newline behind
 * each part: no part can have one. */

#include "addon.h"

/* A body of more bytes is read on another thread. */
#define LARGE (16 * 1024)

static void free_endpoints(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    perilune_endpoints_free(data);
}

typedef perilune_code (*pair_taker)(perilune_endpoints_setup *, perilune_slice, perilune_slice, perilune_error **);

/* Gives the pairs of a list, which are in turn, to a function. False with an exception pending. */
static bool each_pair(napi_env env, napi_value list, perilune_endpoints_setup *setup, pair_taker taker)
{
    perilune_error *error = NULL;
    uint32_t i, len = 0;
    bool ok = true;
    napi_get_array_length(env, list, &len);
    for (i = 0; ok && i + 1 < len; i += 2) {
        napi_value pair[2] = {NULL, NULL};
        Text texts[2];
        napi_get_element(env, list, i, &pair[0]);
        napi_get_element(env, list, i + 1, &pair[1]);
        ok = pn_texts_of(env, pair, 2, texts);
        if (ok) {
            ok = pn_ok(env, taker(setup, texts[0].slice, texts[1].slice, &error), &error);
            pn_texts_done(texts, 2);
        }
    }
    return ok;
}

/* endpointsNew(engine, [instance or undefined, key, …], [script, link or undefined, …], rate or undefined) -> endpoints */
napi_value pn_endpoints_new(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    const perilune_engine *engine = pn_external_of(env, arguments.values[0]);
    perilune_endpoints_setup *setup = NULL;
    perilune_endpoints *endpoints = NULL;
    perilune_error *error = NULL;
    double rate = 0;
    bool ok = engine && pn_ok(env, perilune_endpoints_setup_new(engine, &setup, &error), &error) &&
              each_pair(env, arguments.values[1], setup, perilune_endpoints_setup_add_key) &&
              each_pair(env, arguments.values[2], setup, perilune_endpoints_setup_add_public);
    if (ok && !pn_is_nothing(env, arguments.values[3])) {
        /* What is no number is refused as 0 is. */
        napi_get_value_double(env, arguments.values[3], &rate);
        ok = pn_ok(env, perilune_endpoints_setup_set_rate(setup, rate, &error), &error);
    }
    ok = ok && pn_ok(env, perilune_endpoints_new(setup, &endpoints, &error), &error);
    perilune_endpoints_setup_free(setup);
    return ok ? pn_external(env, endpoints, free_endpoints, NULL) : NULL;
}

/* endpointsPublish(endpoints, script, link or undefined, whether it is public) */
napi_value pn_endpoints_publish(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    const perilune_endpoints *endpoints = pn_external_of(env, arguments.values[0]);
    perilune_error *error = NULL;
    perilune_code code;
    bool is_public = false;
    Text texts[2];
    if (endpoints && pn_texts_of(env, &arguments.values[1], 2, texts)) {
        napi_get_value_bool(env, arguments.values[3], &is_public);
        code = is_public ? perilune_endpoints_publish(endpoints, texts[0].slice, texts[1].slice, &error)
                         : perilune_endpoints_unpublish(endpoints, texts[0].slice, &error);
        pn_texts_done(texts, 2);
        pn_ok(env, code, &error);
    }
    return NULL;
}

/* endpointsLinks(endpoints) -> [[script, link]] */
napi_value pn_endpoints_links(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    const perilune_endpoints *endpoints = pn_external_of(env, arguments.values[0]);
    perilune_links *links;
    napi_value list = NULL;
    size_t i;
    if (!endpoints) {
        return NULL;
    }
    links = perilune_endpoints_links(endpoints);
    napi_create_array(env, &list);
    for (i = 0; i < perilune_links_len(links); i++) {
        napi_value pair[2];
        pair[0] = pn_string(env, perilune_links_script(links, i));
        pair[1] = pn_string(env, perilune_links_link(links, i));
        napi_set_element(env, list, (uint32_t)i, pn_list(env, 2, pair));
    }
    perilune_links_free(links);
    return list;
}

/* ---- Answers ---- */

enum { STATUS, CLOSE, RUN_ID, BODY, LINES, PARTS };

static char *put(char *at, perilune_slice part)
{
    if (part.len) {
        memcpy(at, part.data, part.len);
    }
    at[part.len] = '\n';
    return at + part.len + 1;
}

/* The header lines: names and values in turn; and whether they are ASCII. */
static napi_value lines_of(napi_env env, Environment *environment, const perilune_answer_view *view, bool *ascii)
{
    napi_value value = NULL;
    size_t i, len = 0;
    char *begin, *at;
    for (i = 0; i < view->headers_len; i++) {
        len += view->headers[i].name.len + view->headers[i].value.len + 2;
    }
    begin = at = pn_scratch(env, environment, len);
    for (i = 0; begin && i < view->headers_len; i++) {
        at = put(put(at, view->headers[i].name), view->headers[i].value);
    }
    if (begin) {
        *ascii = pn_is_ascii(perilune_bytes(begin, len));
        napi_create_string_latin1(env, begin, len, &value);
    }
    return value;
}

/* Reads an exchange's answer and frees it. False when it has none. */
static bool answer_of(napi_env env, Environment *environment, perilune_exchange *exchange, napi_value *parts)
{
    perilune_answer_view view;
    bool ok, ascii = false;
    view.size = sizeof view;
    ok = perilune_exchange_answer(exchange, &view, NULL) == PERILUNE_OK && (parts[LINES] = lines_of(env, environment, &view, &ascii));
    if (ok) {
        napi_create_uint32(env, view.status, &parts[STATUS]);
        napi_get_boolean(env, view.close, &parts[CLOSE]);
        parts[RUN_ID] = pn_number(env, (double)view.run_id);
        /* Node writes a string in one piece with the headers, and all of it as UTF-8, of which the headers' characters are none. */
        if (ascii) {
            parts[BODY] = pn_text_or_buffer(env, view.body);
        } else {
            napi_create_buffer_copy(env, view.body.len, view.body.data, NULL, &parts[BODY]);
        }
    }
    perilune_exchange_free(exchange);
    return ok;
}

/* The same as a list, of an exchange that has its answer. */
static napi_value answer_value(napi_env env, Environment *environment, perilune_exchange *exchange)
{
    napi_value parts[PARTS];
    return answer_of(env, environment, exchange, parts) ? pn_list(env, PARTS, parts) : pn_throw_type(env, "there is no answer");
}

/* endpointsMetrics(engine, path) -> answer */
napi_value pn_endpoints_metrics(napi_env env, napi_callback_info info)
{
    EngineCall call;
    perilune_exchange *exchange = NULL;
    perilune_error *error = NULL;
    perilune_code code;
    if (!pn_engine_call(env, info, 1, &call)) {
        return NULL;
    }
    code = perilune_endpoints_metrics(call.engine, perilune_str("GET"), call.texts[0].slice, &exchange, &error);
    return pn_engine_call_ok(env, &call, code, &error) ? answer_value(env, call.arguments.environment, exchange) : NULL;
}

/* setAnswered(function): told of each exchange that a run was made for, or whose body another thread read: (number, answer …), or the
 * number alone where there is no answer. */
napi_value pn_set_answered(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    napi_create_reference(env, arguments.values[0], 1, &arguments.environment->answered);
    return NULL;
}

static void tell_answer(napi_env env, Run *run)
{
    Environment *environment = run->environment;
    napi_value answered = NULL, arguments[1 + PARTS];
    perilune_exchange *exchange = run->exchange;
    bool ok;
    run->exchange = NULL;
    napi_create_uint32(env, run->number, &arguments[0]);
    /* Before it is told: what it is told to may begin the next one. */
    pn_run_free(run);
    ok = answer_of(env, environment, exchange, &arguments[1]);
    napi_get_reference_value(env, environment->answered, &answered);
    pn_tell(env, answered, ok ? 1 + PARTS : 1, arguments);
}

/* ---- Runs ---- */

static void tell_run(napi_env env, Environment *environment, Item *item)
{
    pn_count_in_flight(environment, -1);
    tell_answer(env, (Run *)item);
    pn_environment_release(environment);
}

static void drop_run(Environment *environment, Item *item)
{
    /* What it has goes with the environment. */
    (void)item;
    pn_environment_release(environment);
}

static void on_answer(perilune_exchange *exchange, void *user_data)
{
    Run *run = user_data;
    (void)exchange;
    pn_post(run->environment, &run->item);
}

static void submit(Run *run)
{
    Environment *environment = run->environment;
    run->item.tell = tell_run;
    run->item.drop = drop_run;
    pn_environment_retain(environment);
    pn_count_in_flight(environment, 1);
    if (perilune_exchange_submit(run->exchange, run->cancel, on_answer, run, NULL) != PERILUNE_OK) {
        pn_post(environment, &run->item);
    }
}

/* exchangesSubmit(): has the runs made that wait for it. */
napi_value pn_exchanges_submit(napi_env env, napi_callback_info info)
{
    Environment *environment = pn_arguments(env, info).environment;
    Run *run, *next = environment->waiting;
    environment->waiting = NULL;
    environment->last_waiting = &environment->waiting;
    while ((run = next)) {
        next = run->next;
        submit(run);
    }
    return NULL;
}

/* ---- Exchanges ---- */

/* The next part of a head's. */
static perilune_slice cut(const char **at, const char *end)
{
    const char *begin = *at, *newline = memchr(begin, '\n', (size_t)(end - begin));
    *at = newline ? newline + 1 : end;
    return perilune_bytes(begin, (size_t)((newline ? newline : end) - begin));
}

/* Begins one of a head: method, target, mount and address, then names and values. NULL with an exception pending. */
static perilune_exchange *begin(napi_env env, const perilune_endpoints *endpoints, const char *at, size_t len)
{
    enum { FEW = 32 };
    perilune_header inside[FEW] = {0}, *headers = inside;
    perilune_exchange *exchange = NULL;
    perilune_error *error = NULL;
    perilune_head head;
    const char *end = at + len, *part;
    size_t i, count = 0;
    head.size = sizeof head;
    head.query = perilune_str(NULL);
    head.method = cut(&at, end);
    head.path = cut(&at, end);
    head.mount = cut(&at, end);
    head.address = cut(&at, end);
    for (part = at; part < end; cut(&part, end)) {
        count++;
    }
    count = (count + 1) / 2;
    if (count > FEW && !(headers = malloc(count * sizeof *headers))) {
        pn_throw_memory(env);
        return NULL;
    }
    for (i = 0; i < count; i++) {
        headers[i].name = cut(&at, end);
        headers[i].value = cut(&at, end);
    }
    pn_ok(env, perilune_endpoints_ask(endpoints, &head, headers, count, &exchange, &error), &error);
    if (headers != inside) {
        free(headers);
    }
    return exchange;
}

/* What is to be done next, see `Next` in native.ts. A run waits for `exchangesSubmit`. NULL with an exception pending. */
static napi_value next_of(napi_env env, Run *run)
{
    Environment *environment = run->environment;
    perilune_exchange *exchange = run->exchange;
    perilune_slice script, link;
    napi_value parts[3];
    switch (perilune_exchange_step(exchange)) {
    case PERILUNE_STEP_RUN:
        run->next = NULL;
        *environment->last_waiting = run;
        environment->last_waiting = &run->next;
        return pn_number(env, run->number);
    case PERILUNE_STEP_BODY:
        return pn_number(env, -1.0 - run->number);
    case PERILUNE_STEP_RESET:
        perilune_exchange_link(exchange, &script, &link, NULL);
        parts[0] = pn_number(env, run->number);
        parts[1] = pn_string(env, script);
        parts[2] = pn_string(env, link);
        return pn_list(env, 3, parts);
    default:
        run->exchange = NULL;
        pn_run_free(run);
        return answer_value(env, environment, exchange);
    }
}

/* endpointsAsk(endpoints, head) -> what is next */
napi_value pn_endpoints_ask(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    Environment *environment = arguments.environment;
    const perilune_endpoints *endpoints = pn_external_of(env, arguments.values[0]);
    napi_value head = arguments.values[1];
    size_t len = 0;
    char *bytes;
    Run *run;
    if (!endpoints || napi_get_value_string_latin1(env, head, NULL, 0, &len) != napi_ok) {
        return NULL;
    }
    /* With room for a NUL. */
    bytes = pn_scratch(env, environment, len + 1);
    run = bytes ? pn_run_new(env, environment) : NULL;
    if (!run) {
        return NULL;
    }
    napi_get_value_string_latin1(env, head, bytes, len + 1, &len);
    run->exchange = begin(env, endpoints, bytes, len);
    run->body_len = 0;
    if (!run->exchange) {
        pn_run_free(run);
        return NULL;
    }
    return next_of(env, run);
}

/* What most functions of an exchange are given: (number, anything else …). The run of that number, NULL with an exception pending. */
static Run *run_of(napi_env env, const Arguments *arguments)
{
    Environment *environment = arguments->environment;
    uint32_t number = UINT32_MAX;
    napi_get_value_uint32(env, arguments->values[0], &number);
    if (number >= environment->runs_len) {
        pn_throw_type(env, "there is no such exchange");
        return NULL;
    }
    return environment->runs[number];
}

/* exchangeCancel(number): ends its run. */
napi_value pn_exchange_cancel(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    Run *run = run_of(env, &arguments);
    if (run) {
        perilune_cancel_now(run->cancel);
    }
    return NULL;
}

/* exchangeStored(number, reason or undefined) -> what is next */
napi_value pn_exchange_stored(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    Run *run = run_of(env, &arguments);
    perilune_error *error = NULL;
    perilune_code code;
    Text reason;
    if (!run || !pn_texts_of(env, &arguments.values[1], 1, &reason)) {
        return NULL;
    }
    code = perilune_exchange_stored(run->exchange, reason.slice, &error);
    pn_texts_done(&reason, 1);
    return pn_ok(env, code, &error) ? next_of(env, run) : NULL;
}

/* exchangePush(number, bytes) -> whether more are wanted */
napi_value pn_exchange_push(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    Run *run = run_of(env, &arguments);
    perilune_error *error = NULL;
    void *data = NULL;
    size_t len = 0;
    bool more = false;
    napi_value value = NULL;
    if (!run) {
        return NULL;
    }
    if (napi_get_buffer_info(env, arguments.values[1], &data, &len) != napi_ok) {
        return pn_throw_type(env, "a body's bytes must be a Buffer");
    }
    if (!pn_ok(env, perilune_exchange_push(run->exchange, perilune_bytes(data, len), &more, &error), &error)) {
        return NULL;
    }
    run->body_len += len;
    napi_get_boolean(env, more, &value);
    return value;
}

static void read_now(napi_env env, void *data)
{
    Run *run = data;
    (void)env;
    perilune_exchange_read(run->exchange, run->is_whole, NULL);
}

/* An environment that ends comes here too. */
static void read_done(napi_env env, napi_status status, void *data)
{
    Run *run = data;
    Environment *environment = run->environment;
    (void)status;
    napi_delete_async_work(env, run->work);
    if (!environment->is_closed) {
        if (perilune_exchange_step(run->exchange) == PERILUNE_STEP_RUN) {
            submit(run);
        } else {
            tell_answer(env, run);
        }
    }
    pn_environment_release(environment);
}

/* exchangeRead(number, whether the body is whole) -> what is next; undefined where another thread reads it, and the answer is told */
napi_value pn_exchange_read(napi_env env, napi_callback_info info)
{
    Arguments arguments = pn_arguments(env, info);
    Run *run = run_of(env, &arguments);
    perilune_error *error = NULL;
    if (!run) {
        return NULL;
    }
    napi_get_value_bool(env, arguments.values[1], &run->is_whole);
    if (run->body_len > LARGE &&
        napi_create_async_work(env, NULL, pn_string(env, perilune_str("perilune")), read_now, read_done, run, &run->work) == napi_ok) {
        pn_environment_retain(arguments.environment);
        napi_queue_async_work(env, run->work);
        return NULL;
    }
    return pn_ok(env, perilune_exchange_read(run->exchange, run->is_whole, &error), &error) ? next_of(env, run) : NULL;
}
