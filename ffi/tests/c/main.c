/* Runs the groups of tests that are named, or all; -NAME leaves one out. */

#include "check.h"

#define GROUP(name) {#name, test_##name}

static const struct {
    const char *name;
    void (*test)(void);
} GROUPS[] = {
    /* First, while this is the only thread. */
    GROUP(fork),     GROUP(run),       GROUP(status),    GROUP(request),
    GROUP(errors),   GROUP(arguments), GROUP(scripts),   GROUP(directory),
    GROUP(functions), GROUP(arguments_of_functions),     GROUP(destroy),
    GROUP(later),     GROUP(values),   GROUP(batch),     GROUP(submit),    GROUP(metrics),
    GROUP(check),    GROUP(version),   GROUP(stacks),    GROUP(endpoints),
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < LEN(GROUPS); i++) {
        bool wanted = argc == 1 || argv[1][0] == '-';
        for (int arg = 1; arg < argc; arg++) {
            wanted = wanted || strcmp(argv[arg], GROUPS[i].name) == 0;
            if (argv[arg][0] == '-' && strcmp(argv[arg] + 1, GROUPS[i].name) == 0) {
                wanted = false;
            }
        }
        if (!wanted) {
            continue;
        }
        long failed = check_failures();
        GROUPS[i].test();
        check_int((long long)perilune_live_objects(), 0, "perilune_live_objects()", GROUPS[i].name, 0);
        if (check_failures() > failed) {
            fprintf(stderr, "%s failed\n", GROUPS[i].name);
        }
    }
    return check_end();
}
