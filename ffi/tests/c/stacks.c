/* Runs on stacks of any size: those of threads, and those that a host makes itself, of which the system knows nothing. */

#define _DEFAULT_SOURCE

#include "check.h"

#include <sys/mman.h>
#include <ucontext.h>

/* valgrind has to be told of stacks. */
#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef VALGRIND_STACK_REGISTER
#define VALGRIND_STACK_REGISTER(low, high) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

#define KIB 1024

/* As deep as calls of C functions nest in each other, a few to spare. */
static const char DEEP[] = "local function deep(n)\n"
                           "  if n == 0 then return host and host.room() or 0 end\n"
                           "  local got ('x'):gsub('x', function() got = deep(n - 1) end) return got\n"
                           "end\n"
                           "print(deep(tonumber(GET.n)), POST.a ~= nil)";

/* Below each stack is a page that nobody may touch, so that who runs over its end is ended there. */
struct stack {
    size_t size;
    const perilune_engine *engine;
    const perilune_script *script;
    ucontext_t host, fiber;
};

/* The room that the header promises. */
static void room(perilune_call *call, void *user_data)
{
    volatile char used[512 * KIB];
    (void)user_data;
    for (size_t i = 0; i < sizeof used; i += KIB) {
        used[i] = 1;
    }
    perilune_call_return_number(call, used[0]);
}

static void work(struct stack *stack)
{
    char body[600] = "{\"a\":";
    memset(body + strlen(body), '[', 120);
    memset(body + strlen(body), ']', 120);
    strcat(body, "}");
    for (int i = 0; i < 3; i++) {
        perilune_trace *trace = run_of(stack->script, "n=190", body, NULL);
        perilune_trace_view view = view_of(trace);
        CHECK_TEXT(view.stdout_bytes, "1\ttrue\n");
        CHECK_TEXT(view.stderr_bytes, "");
        perilune_trace_free(trace);
    }
    /* Too deep is an error of the script. */
    perilune_trace *trace = run_of(stack->script, "n=300", NULL, NULL);
    CHECK_INT(view_of(trace).status, PERILUNE_STATUS_FAILURE);
    CHECK_HAS(perilune_trace_json(trace).data, "stack overflow");
    perilune_trace_free(trace);

    perilune_error *error = NULL;
    perilune_script *script = NULL;
    char source[1201] = "return ";
    memset(source + strlen(source), '(', 500);
    strcat(source, "1");
    memset(source + strlen(source), ')', 500);
    CHECK_OK(perilune_engine_compile(stack->engine, perilune_str("nested"), perilune_str(source), &script, &error));
    trace = run_of(script, NULL, NULL, NULL);
    CHECK_INT(view_of(trace).status, PERILUNE_STATUS_SUCCESS);
    perilune_trace_free(trace);
    perilune_script_free(script);
}

static void *in_thread(void *stack)
{
    work(stack);
    return NULL;
}

/* makecontext hands over integers only. */
static struct stack *current;

static void in_fiber(void)
{
    work(current);
}

static void *with_fiber(void *data)
{
    struct stack *stack = data;
    size_t page = 64 * KIB;
    char *low = mmap(NULL, page + stack->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(low != MAP_FAILED && mprotect(low + page, stack->size, PROT_READ | PROT_WRITE) == 0);
    CHECK(getcontext(&stack->fiber) == 0);
    stack->fiber.uc_stack.ss_sp = low + page;
    stack->fiber.uc_stack.ss_size = stack->size;
    stack->fiber.uc_link = &stack->host;
    unsigned id = VALGRIND_STACK_REGISTER(low + page, low + page + stack->size);
    current = stack;
    makecontext(&stack->fiber, in_fiber, 0);
    CHECK(swapcontext(&stack->host, &stack->fiber) == 0);
    VALGRIND_STACK_DEREGISTER(id);
    munmap(low, page + stack->size);
    return NULL;
}

static void run_in_thread(void *(*start)(void *), struct stack *stack, size_t size)
{
    pthread_t thread;
    pthread_attr_t attributes;
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, size) == 0);
    CHECK(pthread_create(&thread, &attributes, start, stack) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    pthread_attr_destroy(&attributes);
}

void test_stacks(void)
{
    /* From what the header asks for to just more than a run needs, where it stays. */
    static const size_t SIZES[] = {32, 64, 128, 256, 1024, 1088};
    for (size_t i = 0; i < LEN(SIZES); i++) {
        /* One of its own for each, so that its VM is made there, too. */
        perilune_error *error = NULL;
        perilune_engine *engine = engine_of(1);
        CHECK_OK(perilune_engine_function(engine, perilune_str("room"), room, NULL, NULL, &error));
        perilune_script *script = compiled(engine, DEEP);
        struct stack stack = {.size = SIZES[i] * KIB, .engine = engine, .script = script};
        run_in_thread(with_fiber, &stack, 8192 * KIB);
        /* What the system puts on a thread's stack is not in its size. */
        run_in_thread(in_thread, &stack, (SIZES[i] + 16) * KIB);
        with_fiber(&stack);
        work(&stack);
        perilune_script_free(script);
        perilune_engine_free(engine);
    }
}
