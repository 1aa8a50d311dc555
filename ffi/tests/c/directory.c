/* Named scripts from files, and following them. */

#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

/* Whole: a watch tells whole paths. */
static char directory[1024];

static void path_of(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", directory, name);
}

/* As most editors do: another file, put over the old one. */
static void write_file(const char *name, const char *text)
{
    char path[1200], written[1200];
    path_of(path, sizeof path, name);
    path_of(written, sizeof written, ".written");
    FILE *file = fopen(written, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    CHECK(rename(written, path) == 0);
}

static void remove_file(const char *name)
{
    char path[1200];
    path_of(path, sizeof path, name);
    CHECK(remove(path) == 0);
}

static void check_value(const perilune_engine *engine, const char *name, const char *wanted)
{
    perilune_error *error = NULL;
    perilune_trace *trace = NULL;
    CHECK_OK(perilune_engine_run(engine, perilune_str(name), perilune_str(NULL), perilune_str(NULL), NULL, &trace,
                                 &error));
    perilune_slice value = perilune_trace_value(trace);
    CHECK_TEXT(value, wanted);
    perilune_trace_free(trace);
}

static void loading(const perilune_engine *engine)
{
    perilune_error *error = NULL;
    perilune_report *report = NULL;
    CHECK_OK(perilune_engine_load_dir(engine, perilune_str(directory), &report, &error));
    CHECK_INT(perilune_report_loaded_len(report), 2);
    perilune_slice name = perilune_script_name(perilune_report_loaded(report, 0));
    CHECK_TEXT(name, "good");
    name = perilune_script_name(perilune_report_loaded(report, 1));
    CHECK_TEXT(name, "shop/price");
    CHECK(perilune_report_loaded(report, 2) == NULL);
    CHECK_INT(perilune_report_removed_len(report), 0);
    CHECK_NONE(perilune_report_removed(report, 0));
    CHECK_INT(perilune_report_failed_len(report), 1);
    CHECK(perilune_report_failed(report, 1) == NULL);
    const perilune_error *failed = perilune_report_failed(report, 0);
    CHECK_INT(perilune_error_code(failed), PERILUNE_COMPILE_ERROR);
    size_t line = 0;
    CHECK(perilune_error_position(failed, &line, NULL, NULL));
    CHECK_INT(line, 2);
    char path[1200];
    path_of(path, sizeof path, "bad.lua");
    perilune_slice subject = perilune_error_subject(failed);
    CHECK_TEXT(subject, path);
    perilune_report_free(report);

    check_value(engine, "good", "1");
    check_value(engine, "shop/price", "2");
    CHECK_OK(perilune_engine_load_dir(engine, perilune_str(directory), NULL, &error));

    CHECK_FAILS_KEPT(perilune_engine_load_dir(engine, perilune_str("no/such"), &report, &error), PERILUNE_FILE_ERROR);
    CHECK_TEXT(perilune_error_subject(error), "no/such");
    perilune_error_free(error);
}

/* What a watcher saw last, for the test that waits for it. What count_destroy counts with stands first. */
typedef struct seen {
    gate destroyed;
    gate reports;
    char text[2400];
} seen;

static void watcher(const perilune_report *report, void *user_data)
{
    seen *seen = user_data;
    size_t used = 0;
    seen->text[0] = '\0';
    for (size_t i = 0; i < perilune_report_loaded_len(report); i++) {
        const perilune_script *script = perilune_report_loaded(report, i);
        perilune_slice name = perilune_script_name(script);
        used += (size_t)snprintf(seen->text + used, sizeof seen->text - used, "%.*s=%d ", (int)name.len, name.data,
                                 (int)perilune_script_version(script));
    }
    for (size_t i = 0; i < perilune_report_removed_len(report); i++) {
        used += (size_t)snprintf(seen->text + used, sizeof seen->text - used, "-%s ",
                                 perilune_report_removed(report, i).data);
    }
    for (size_t i = 0; i < perilune_report_failed_len(report); i++) {
        used += (size_t)snprintf(seen->text + used, sizeof seen->text - used, "!%s ",
                                 perilune_error_subject(perilune_report_failed(report, i)).data);
    }
    gate_add(&seen->reports, 1);
}

static void check_seen(seen *seen, int reports, const char *wanted)
{
    gate_wait(&seen->reports, reports);
    CHECK_TEXT(perilune_str(seen->text), wanted);
}

static void following(void)
{
    static const gate GATE_OF = GATE;
    seen seen = {GATE_OF, GATE_OF, ""};
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    perilune_watch *watch = NULL;

    CHECK_FAILS(perilune_engine_watch(engine, perilune_str("no/such"), watcher, &seen, count_destroy, &watch, &error),
                PERILUNE_FILE_ERROR);
    CHECK(watch == NULL);
    CHECK_INT(gate_count(&seen.destroyed), 1);

    CHECK_OK(perilune_engine_watch(engine, perilune_str(directory), watcher, &seen, count_destroy, &watch, &error));
    /* Told before the call returned. */
    CHECK_INT(gate_count(&seen.reports), 1);
    char wanted[1200];
    snprintf(wanted, sizeof wanted, "good=1 shop/price=1 !%s/bad.lua ", directory);
    check_seen(&seen, 1, wanted);
    write_file("good.lua", "return 10");
    check_seen(&seen, 2, "good=2 ");
    check_value(engine, "good", "10");
    write_file("good.lua", "return +");
    snprintf(wanted, sizeof wanted, "!%s/good.lua ", directory);
    check_seen(&seen, 3, wanted);
    check_value(engine, "good", "10");
    remove_file("good.lua");
    check_seen(&seen, 4, "-good ");
    perilune_trace *trace = NULL;
    CHECK_FAILS(perilune_engine_run(engine, perilune_str("good"), perilune_str(NULL), perilune_str(NULL), NULL, &trace,
                                    &error), PERILUNE_NOT_FOUND);
    CHECK_INT(gate_count(&seen.destroyed), 1);
    perilune_watch_free(watch);
    CHECK_INT(gate_count(&seen.destroyed), 2);
    /* What served goes on. */
    check_value(engine, "shop/price", "2");
    perilune_engine_free(engine);
}

/* A watcher may end its own watch. */
typedef struct own {
    gate destroyed;
    gate ready;
    gate freed;
    perilune_watch *watch;
} own;

static void frees_its_watch(const perilune_report *report, void *user_data)
{
    own *own = user_data;
    if (perilune_report_failed_len(report) > 0) {
        /* That of the loading, before there is a watch. */
        return;
    }
    gate_wait(&own->ready, 1);
    perilune_watch_free(own->watch);
    gate_add(&own->freed, 1);
}

static void freed_by_its_watcher(void)
{
    static const gate GATE_OF = GATE;
    own own = {GATE_OF, GATE_OF, GATE_OF, NULL};
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    CHECK_OK(perilune_engine_watch(engine, perilune_str(directory), frees_its_watch, &own, count_destroy, &own.watch,
                                   &error));
    gate_add(&own.ready, 1);
    write_file("good.lua", "return 5");
    gate_wait(&own.freed, 1);
    gate_wait(&own.destroyed, 1);
    check_value(engine, "good", "5");
    perilune_engine_free(engine);
    CHECK_INT(gate_count(&own.destroyed), 1);
}

void test_directory(void)
{
    char shop[1200];
    char *here = getcwd(NULL, 0);
    snprintf(directory, sizeof directory, "%s/scripts.XXXXXX", here);
    free(here);
    CHECK(mkdtemp(directory) != NULL);
    path_of(shop, sizeof shop, "shop");
    CHECK(mkdir(shop, 0700) == 0);
    write_file("good.lua", "return 1");
    write_file("shop/price.lua", "return 2");
    write_file("bad.lua", "\nreturn +");
    write_file("other.txt", "return +");

    perilune_engine *engine = engine_of(1);
    loading(engine);
    perilune_engine_free(engine);
    following();
    freed_by_its_watcher();

    remove_file("good.lua");
    remove_file("shop/price.lua");
    remove_file("bad.lua");
    remove_file("other.txt");
    CHECK(rmdir(shop) == 0 && rmdir(directory) == 0);
}
