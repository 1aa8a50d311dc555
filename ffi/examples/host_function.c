/* A function of the host that scripts call, with data of its own: cc host_function.c $(pkg-config --cflags --libs perilune) */

#include <perilune.h>
#include <stdio.h>
#include <string.h>

typedef struct price {
    const char *name;
    double amount;
} price;

/* host.price(NAME): a number, or an error that the script can catch. Called on several threads at once, so it changes nothing. */
static void find_price(perilune_call *call, void *user_data)
{
    perilune_slice name;
    if (!perilune_call_string(call, 0, &name)) {
        /* The script is told what is wrong with its argument. */
        return;
    }
    for (const price *price = user_data; price->name != NULL; price++) {
        if (strlen(price->name) == name.len && memcmp(price->name, name.data, name.len) == 0) {
            perilune_call_return_number(call, price->amount);
            return;
        }
    }
    char message[64];
    snprintf(message, sizeof message, "no price for %.*s", name.len > 40 ? 40 : (int)name.len, name.data);
    perilune_call_fail(call, perilune_str(message));
}

static const char SOURCE[] = "local n = tonumber(GET.n)\n"
                             "print(n .. ' Manticores cost ' .. n * host.price('Manticore'))\n"
                             "local ok, why = pcall(host.price, 'Sphinx')\n"
                             "print(ok and 'found' or why:match('no price.*'))";

int main(void)
{
    static price prices[] = {{"Manticore", 29.99}, {NULL, 0}};
    perilune_engine *engine = NULL;
    perilune_script *script = NULL;
    perilune_trace *trace = NULL;
    perilune_error *error = NULL;
    int failed = 1;

    /* The prices are static: there is nothing to free when the function goes. */
    if (perilune_engine_new(NULL, &engine, &error) != PERILUNE_OK ||
        perilune_engine_function(engine, perilune_str("price"), find_price, prices, NULL, &error) != PERILUNE_OK ||
        perilune_engine_compile(engine, perilune_str("cost"), perilune_str(SOURCE), &script, &error) != PERILUNE_OK ||
        perilune_script_run(script, perilune_str("n=3"), perilune_str(NULL), NULL, &trace, &error) != PERILUNE_OK) {
        fprintf(stderr, "%s\n", perilune_error_message(error).data);
    } else {
        perilune_trace_view view = {.size = sizeof view};
        perilune_trace_read(trace, &view, NULL);
        fwrite(view.stdout_bytes.data, 1, view.stdout_bytes.len, stdout);
        fwrite(view.stderr_bytes.data, 1, view.stderr_bytes.len, stderr);
        failed = view.status != PERILUNE_STATUS_SUCCESS;
    }
    perilune_error_free(error);
    perilune_trace_free(trace);
    perilune_script_free(script);
    perilune_engine_free(engine);
    return failed;
}
