/* Every function with NULL at every place: nothing breaks, nothing leaks, and a code other than PERILUNE_OK comes with an error
 * that says the same and with no output. Prints the names of what it called. */

#include "check.h"

/* What is there for the places that are not NULL. */
static struct {
    perilune_options *options;
    perilune_options *changed_options;
    perilune_engine *engine;
    perilune_script *script;
    perilune_request *request;
    const perilune_request *requests[1];
    perilune_cancel *cancel;
    perilune_trace *trace;
    perilune_error *error;
    perilune_scripts *scripts;
    perilune_report *report;
    perilune_metrics *metrics;
    /* The engine has no workers, and so none. */
    perilune_sandbox *sandbox;
    perilune_diagnostics *diagnostics;
    perilune_value *array;
    perilune_value *object;
    perilune_call *call;
    perilune_header header;
    perilune_endpoints_setup *setup;
    perilune_endpoints_setup *changed_setup;
    perilune_endpoints *endpoints;
    perilune_links *links;
} the;

/* Where outputs go. */
static struct {
    perilune_engine *engine;
    perilune_script *script;
    perilune_trace *trace;
    perilune_error *error;
    perilune_error *one_error;
    perilune_scripts *scripts;
    perilune_report *report;
    perilune_watch *watch;
    perilune_metrics *metrics;
    perilune_sandbox *sandbox;
    perilune_diagnostics *diagnostics;
    perilune_value *value;
    perilune_endpoints_setup *endpoints_setup;
    perilune_endpoints *endpoints;
    perilune_exchange *exchange;
    /* Not an output: what was asked for the call. */
    perilune_exchange *asked;
    perilune_pending *lent_pending;
    perilune_answer_view answer_view;
    perilune_trace_view trace_view;
    perilune_metrics_view metrics_view;
    size_t line, column, offset;
    double number;
    uint64_t bytes;
    bool boolean;
    perilune_slice slice, second_slice;
} out;

static const perilune_limit LIMITS[] = {PERILUNE_LIMIT_OUTPUT};
static const uint64_t VALUES[] = {1000};
static gate finished = GATE;
static gate destroyed = GATE;
static int started;
static int given;

static perilune_trace_view *trace_view(void)
{
    out.trace_view.size = sizeof out.trace_view;
    return &out.trace_view;
}

/* With one header line. */
static const perilune_trace_view *filled_view(void)
{
    static perilune_trace_view view;
    memset(&view, 0, sizeof view);
    view.size = sizeof view;
    view.response_status = 200;
    view.response_headers_len = 1;
    return &view;
}

static perilune_metrics_view *metrics_view(void)
{
    out.metrics_view.size = sizeof out.metrics_view;
    return &out.metrics_view;
}

static perilune_answer_view *answer_view(void)
{
    out.answer_view.size = sizeof out.answer_view;
    return &out.answer_view;
}

static const perilune_head *head(void)
{
    static perilune_head head;
    head.size = sizeof head;
    head.method = perilune_str("GET");
    head.path = perilune_str("/v1.1/instances/i/endpoints/scripts/a/run/?api_key=k");
    return &head;
}

/* At a run: what is of another step fails. */
static perilune_exchange *asked(void)
{
    CHECK_INT(perilune_endpoints_ask(the.endpoints, head(), NULL, 0, &out.asked, NULL), PERILUNE_OK);
    CHECK_INT(perilune_exchange_step(out.asked), PERILUNE_STEP_RUN);
    return out.asked;
}

static void on_call(perilune_call *call, void *user_data)
{
    (void)call;
    (void)user_data;
}

/* A call that waits to be answered, of a run that ends with it. */
static perilune_pending *pending;
static gate deferred = GATE;
static gate ended = GATE;
static int later;

static void on_later(perilune_call *call, void *user_data)
{
    (void)user_data;
    pending = perilune_call_defer(call);
    CHECK(pending != NULL && perilune_call_defer(call) == NULL);
    gate_add(&deferred, 1);
}

static void on_ended(perilune_code code, perilune_trace *trace, perilune_error *error, void *user_data)
{
    (void)user_data;
    CHECK_INT(code, PERILUNE_OK);
    perilune_trace_free(trace);
    perilune_error_free(error);
    gate_add(&ended, 1);
}

static perilune_pending *fresh_pending(void)
{
    perilune_script *script = compiled(the.engine, "pcall(host.later)");
    CHECK_INT(perilune_script_submit(script, perilune_str(NULL), perilune_str(NULL), NULL, on_ended, NULL, NULL),
              PERILUNE_OK);
    perilune_script_free(script);
    gate_wait(&deferred, ++later);
    return pending;
}

static const perilune_pending *lent_pending(void)
{
    out.lent_pending = fresh_pending();
    return out.lent_pending;
}

static void on_gone(void *user_data)
{
    (void)user_data;
}

static void on_destroy(void *user_data)
{
    (void)user_data;
    gate_add(&destroyed, 1);
}

/* Used as the place of a destroy callback: what is given is counted, to be compared with what was destroyed. */
static perilune_destroy given_destroy(void)
{
    given++;
    return on_destroy;
}
#define on_destroy given_destroy()

static void on_done(perilune_code code, perilune_trace *trace, perilune_error *error, void *user_data)
{
    (void)code;
    (void)user_data;
    perilune_trace_free(trace);
    perilune_error_free(error);
    gate_add(&finished, 1);
}

/* The exchange is freed with the outputs. */
static void on_answered(perilune_exchange *exchange, void *user_data)
{
    (void)exchange;
    (void)user_data;
    gate_add(&finished, 1);
}

static void on_progress(size_t done, size_t total, void *user_data)
{
    (void)done;
    (void)total;
    (void)user_data;
}

static int32_t on_poll(void *user_data)
{
    (void)user_data;
    return 0;
}

static void on_report(const perilune_report *report, void *user_data)
{
    (void)report;
    (void)user_data;
}

#define FRESH(type, how)                      \
    static perilune_##type *fresh_##type(void) \
    {                                         \
        perilune_##type *fresh = NULL;        \
        how;                                  \
        return fresh;                         \
    }

FRESH(options, fresh = perilune_options_new())
FRESH(engine, fresh = perilune_engine_clone(the.engine))
FRESH(script, fresh = perilune_script_clone(the.script))
FRESH(request, fresh = perilune_request_new())
FRESH(cancel, fresh = perilune_cancel_new())
FRESH(trace, perilune_script_run(the.script, perilune_str(NULL), perilune_str(NULL), NULL, &fresh, NULL))
FRESH(error, perilune_engine_compile(the.engine, perilune_str("x"), perilune_str("+"), NULL, &fresh))
FRESH(scripts, perilune_engine_list(the.engine, perilune_str(NULL), &fresh, NULL))
FRESH(report, perilune_engine_load_dir(the.engine, perilune_str("./."), &fresh, NULL))
FRESH(watch, perilune_engine_watch(the.engine, perilune_str("./."), NULL, NULL, NULL, &fresh, NULL))
FRESH(metrics, perilune_engine_metrics(the.engine, &fresh, NULL))
FRESH(sandbox, perilune_engine_sandbox(the.engine, &fresh, NULL))
FRESH(diagnostics, perilune_engine_check(the.engine, perilune_str("x"), perilune_str("+"), &fresh, NULL))
FRESH(value, fresh = perilune_value_new_array())
FRESH(endpoints_setup, perilune_endpoints_setup_new(the.engine, &fresh, NULL))
FRESH(endpoints, perilune_endpoints_new(the.setup, &fresh, NULL))
FRESH(exchange, perilune_endpoints_ask(the.endpoints, head(), NULL, 0, &fresh, NULL))
FRESH(links, fresh = perilune_endpoints_links(the.endpoints))

static void free_outputs(void)
{
    perilune_engine_free(out.engine);
    perilune_script_free(out.script);
    perilune_trace_free(out.trace);
    perilune_error_free(out.error);
    perilune_error_free(out.one_error);
    perilune_scripts_free(out.scripts);
    perilune_report_free(out.report);
    perilune_watch_free(out.watch);
    perilune_metrics_free(out.metrics);
    perilune_sandbox_free(out.sandbox);
    perilune_diagnostics_free(out.diagnostics);
    perilune_value_free(out.value);
    perilune_endpoints_setup_free(out.endpoints_setup);
    perilune_endpoints_free(out.endpoints);
    perilune_exchange_free(out.exchange);
    perilune_exchange_free(out.asked);
    perilune_pending_free(out.lent_pending);
    gate_wait(&ended, later);
    memset(&out, 0, sizeof out);
}

static void ends(perilune_code code, bool submits, perilune_error **error)
{
    if (code == PERILUNE_OK) {
        CHECK(out.error == NULL);
        if (submits) {
            started++;
            gate_wait(&finished, started);
        }
        return;
    }
    CHECK(code == PERILUNE_INVALID_ARGUMENT || code == PERILUNE_COMPILE_ERROR || code == PERILUNE_NOT_FOUND ||
          code == PERILUNE_NAME_ERROR || code == PERILUNE_FILE_ERROR);
    CHECK(error == NULL ? out.error == NULL : out.error != NULL && perilune_error_code(out.error) == code);
    CHECK(out.engine == NULL && out.script == NULL && out.trace == NULL && out.one_error == NULL && out.scripts == NULL &&
          out.report == NULL && out.watch == NULL && out.metrics == NULL && out.sandbox == NULL &&
          out.diagnostics == NULL);
    CHECK(out.endpoints_setup == NULL && out.endpoints == NULL && out.exchange == NULL && out.answer_view.headers == NULL);
    CHECK(out.trace_view.script.data == NULL && out.metrics_view.bounds_ns == NULL && out.slice.data == NULL);
}

/* What is lent has a length, and nothing has none. */
static void lends(perilune_slice slice)
{
    CHECK(slice.data == NULL ? slice.len == 0 : slice.len <= 100000);
}

/* Which place is NULL: ALL and NONE stand for what they say. */
enum { ALL = -2, NONE = -1 };
static const size_t LENGTHS[] = {3, 0};

#define IS_NULL(index) (absent == ALL || absent == (index))
#define PLACE(index, value) (IS_NULL(index) ? NULL : (value))
#define SLICE(index, text) perilune_bytes(IS_NULL(index) ? NULL : (text), length)
#define EACH(name, places)                                                                   \
    puts(name);                                                                              \
    for (int absent = ALL; absent < (places); absent++) {                                    \
        for (size_t which = 0; which < LEN(LENGTHS); which++) {                              \
            size_t length = LENGTHS[which];                                                  \
            size_t live = perilune_live_objects();                                           \
            (void)length;
#define EACH_END                                                                             \
            free_outputs();                                                                  \
            CHECK_INT(perilune_live_objects(), live);                                        \
        }                                                                                    \
    }

#include "nulls.h"

static void on_inside(perilune_call *call, void *user_data)
{
    (void)user_data;
    the.call = call;
    inside();
    perilune_call_return_null(call);
}

int main(void)
{
    perilune_error *error = NULL;
    the.engine = engine_of(1);
    the.script = compiled(the.engine, "print(GET.a)");
    CHECK_OK(perilune_engine_async_function(the.engine, perilune_str("later"), on_later, NULL, NULL, &error));
    the.options = fresh_options();
    the.changed_options = fresh_options();
    the.request = fresh_request();
    the.requests[0] = the.request;
    the.cancel = fresh_cancel();
    CHECK_OK(perilune_script_run(the.script, perilune_str(NULL), perilune_str(NULL), NULL, &the.trace, &error));
    CHECK_INT(perilune_engine_compile(the.engine, perilune_str("x"), perilune_str("+"), &the.script,
                                      &the.error), PERILUNE_COMPILE_ERROR);
    the.scripts = fresh_scripts();
    the.report = fresh_report();
    the.metrics = fresh_metrics();
    the.diagnostics = fresh_diagnostics();
    the.array = fresh_value();
    the.object = perilune_value_new_object();
    CHECK_OK(perilune_engine_put(the.engine, perilune_str("i/a"), perilune_str("print(GET.a)"), NULL, &error));
    the.setup = fresh_endpoints_setup();
    the.changed_setup = fresh_endpoints_setup();
    CHECK_OK(perilune_endpoints_setup_add_key(the.setup, perilune_str(NULL), perilune_str("k"), &error));
    CHECK_OK(perilune_endpoints_setup_add_public(the.setup, perilune_str("i/a"), perilune_str(NULL), &error));
    the.endpoints = fresh_endpoints();
    the.links = fresh_links();
    outside();

    CHECK_OK(perilune_engine_function(the.engine, perilune_str("inside"), on_inside, NULL, NULL, &error));
    perilune_script *script = compiled(the.engine, "host.inside(1, 'two', true)");
    perilune_trace *trace = run_of(script, NULL, NULL, NULL);
    CHECK_INT(perilune_trace_status(trace), PERILUNE_STATUS_SUCCESS);
    perilune_trace_free(trace);
    perilune_script_free(script);

    perilune_options_free(the.options);
    perilune_options_free(the.changed_options);
    perilune_script_free(the.script);
    perilune_request_free(the.request);
    perilune_cancel_free(the.cancel);
    perilune_trace_free(the.trace);
    perilune_error_free(the.error);
    perilune_scripts_free(the.scripts);
    perilune_report_free(the.report);
    perilune_metrics_free(the.metrics);
    perilune_diagnostics_free(the.diagnostics);
    perilune_value_free(the.array);
    perilune_value_free(the.object);
    perilune_endpoints_setup_free(the.setup);
    perilune_endpoints_setup_free(the.changed_setup);
    perilune_endpoints_free(the.endpoints);
    perilune_links_free(the.links);
    perilune_engine_free(the.engine);
    gate_wait(&destroyed, given);
    CHECK_INT(gate_count(&destroyed), given);
    CHECK_INT(perilune_live_objects(), 0);
    return check_end();
}
