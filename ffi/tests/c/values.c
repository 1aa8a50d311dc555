/* Values of host functions. */

#include "check.h"

static void scalars(void)
{
    static const struct {
        perilune_type type;
        bool boolean;
        double number;
        const char *string;
    } WANTED[] = {
        {PERILUNE_TYPE_NULL, false, 0, ""},
        {PERILUNE_TYPE_BOOLEAN, true, 0, ""},
        {PERILUNE_TYPE_NUMBER, false, 2.5, ""},
        {PERILUNE_TYPE_STRING, false, 0, "text"},
        {PERILUNE_TYPE_ARRAY, false, 0, ""},
        {PERILUNE_TYPE_OBJECT, false, 0, ""},
    };
    perilune_value *values[] = {perilune_value_new_null(),        perilune_value_new_boolean(true),
                                perilune_value_new_number(2.5),   perilune_value_new_string(perilune_str("text")),
                                perilune_value_new_array(),       perilune_value_new_object()};
    for (size_t i = 0; i < LEN(values); i++) {
        CHECK_INT(perilune_value_type(values[i]), WANTED[i].type);
        CHECK(perilune_value_boolean(values[i]) == WANTED[i].boolean);
        CHECK(perilune_value_number(values[i]) == WANTED[i].number);
        perilune_slice string = perilune_value_string(values[i]);
        CHECK_TEXT(string, WANTED[i].string);
        CHECK_INT(perilune_value_len(values[i]), 0);
        CHECK(perilune_value_at(values[i], 0) == NULL);
        CHECK_NONE(perilune_value_key(values[i], 0));
        CHECK(perilune_value_get(values[i], perilune_str("x")) == NULL);
        perilune_value_free(values[i]);
    }
    CHECK(perilune_value_new_string(perilune_bytes(NULL, 1)) == NULL);
    CHECK(perilune_value_new_string(perilune_bytes("x", SIZE_MAX - 1)) == NULL);
    perilune_value *empty = perilune_value_new_string(perilune_str(NULL));
    CHECK_INT(perilune_value_type(empty), PERILUNE_TYPE_STRING);
    perilune_value_free(empty);
}

static const struct {
    bool is_signed;
    uint64_t integer;
    const char *json;
} INTEGERS[] = {
    {true, 0, "0"},
    {true, UINT64_C(1) << 53, "9007199254740992"},
    {true, (uint64_t)-(INT64_C(1) << 53), "-9007199254740992"},
    {true, (UINT64_C(1) << 53) + 1, "\"9007199254740993\""},
    {true, (uint64_t)(-(INT64_C(1) << 53) - 1), "\"-9007199254740993\""},
    {true, INT64_MAX, "\"9223372036854775807\""},
    {true, (uint64_t)INT64_MIN, "\"-9223372036854775808\""},
    {false, UINT64_C(1) << 53, "9007199254740992"},
    {false, (UINT64_C(1) << 53) + 1, "\"9007199254740993\""},
    {false, UINT64_MAX, "\"18446744073709551615\""},
};

static void give_integer(perilune_call *call, void *user_data)
{
    double at = 0, as_value = 0;
    (void)user_data;
    CHECK(perilune_call_number(call, 0, &at) && perilune_call_number(call, 1, &as_value));
    uint64_t integer = INTEGERS[(size_t)at].integer;
    if (INTEGERS[(size_t)at].is_signed) {
        if (as_value != 0) {
            perilune_call_return_value(call, perilune_value_new_int64((int64_t)integer));
        } else {
            perilune_call_return_int64(call, (int64_t)integer);
        }
    } else if (as_value != 0) {
        perilune_call_return_value(call, perilune_value_new_uint64(integer));
    } else {
        perilune_call_return_uint64(call, integer);
    }
}

/* Never rounded in silence. */
static void integers(void)
{
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    CHECK_OK(perilune_engine_function(engine, perilune_str("integer"), give_integer, NULL, NULL, &error));
    perilune_script *script = compiled(engine, "return host.integer(tonumber(GET.at), tonumber(GET.as))");
    for (size_t i = 0; i < 2 * LEN(INTEGERS); i++) {
        char query[32];
        snprintf(query, sizeof query, "at=%zu&as=%zu", i / 2, i % 2);
        perilune_trace *trace = run_of(script, query, NULL, NULL);
        perilune_trace_view view = view_of(trace);
        CHECK_TEXT(view.value, INTEGERS[i / 2].json);
        perilune_trace_free(trace);
    }
    perilune_script_free(script);
    perilune_engine_free(engine);
}

/* {list = {1, {bytes = "a\0\xff"}}, [""] = true} */
static perilune_value *a_tree(void)
{
    perilune_error *error = NULL;
    perilune_value *inner = perilune_value_new_object();
    CHECK_OK(perilune_value_set(inner, perilune_str("bytes"), perilune_value_new_string(perilune_bytes("a\0\xff", 3)),
                                &error));
    perilune_value *list = perilune_value_new_array();
    CHECK_OK(perilune_value_push(list, perilune_value_new_number(1), &error));
    CHECK_OK(perilune_value_push(list, inner, &error));
    perilune_value *tree = perilune_value_new_object();
    CHECK_OK(perilune_value_set(tree, perilune_str("list"), perilune_value_new_null(), &error));
    CHECK_OK(perilune_value_set(tree, perilune_str("list"), list, &error));
    CHECK_OK(perilune_value_set(tree, perilune_str(""), perilune_value_new_boolean(true), &error));
    return tree;
}

static void check_tree(const perilune_value *tree)
{
    const perilune_value *list = perilune_value_get(tree, perilune_str("list"));
    CHECK_INT(perilune_value_type(list), PERILUNE_TYPE_ARRAY);
    CHECK_INT(perilune_value_len(list), 2);
    CHECK(perilune_value_number(perilune_value_at(list, 0)) == 1);
    perilune_slice bytes = perilune_value_string(perilune_value_get(perilune_value_at(list, 1), perilune_str("bytes")));
    CHECK_BYTES(bytes, "a\0\xff");
    CHECK(perilune_value_boolean(perilune_value_get(tree, perilune_str(""))));
    CHECK(perilune_value_get(tree, perilune_str("none")) == NULL);
    CHECK(perilune_value_at(list, 2) == NULL && perilune_value_at(list, SIZE_MAX) == NULL);
    /* Each key is there with its value. */
    for (size_t i = 0; i < perilune_value_len(tree); i++) {
        perilune_slice key = perilune_value_key(tree, i);
        CHECK(key.data != NULL && perilune_value_at(tree, i) != NULL);
        CHECK(key.len == 0 || (key.len == 4 && memcmp(key.data, "list", 4) == 0));
    }
}

static void what_can_not_be_put(void)
{
    perilune_error *error = NULL;
    perilune_value *array = perilune_value_new_array();
    perilune_value *object = perilune_value_new_object();
    size_t live = perilune_live_objects();
    /* The element is given away, whatever comes of it. */
    CHECK_FAILS(perilune_value_push(object, perilune_value_new_null(), &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_value_push(NULL, perilune_value_new_null(), &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_value_push(array, NULL, &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_value_set(array, perilune_str("k"), perilune_value_new_null(),
                                   &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_value_set(NULL, perilune_str("k"), perilune_value_new_null(),
                                   &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_value_set(object, perilune_str(NULL), perilune_value_new_null(),
                                   &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_value_set(object, perilune_bytes("k", SIZE_MAX - 1), perilune_value_new_null(), &error),
                PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_value_set(object, perilune_str("k"), NULL, &error), PERILUNE_INVALID_ARGUMENT);
    /* But for what would own itself. */
    CHECK_FAILS(perilune_value_push(array, array, &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_FAILS(perilune_value_set(object, perilune_str("k"), object, &error), PERILUNE_INVALID_ARGUMENT);
    CHECK_INT(perilune_live_objects(), live);
    CHECK_INT(perilune_value_len(array) + perilune_value_len(object), 0);
    perilune_value_free(array);
    perilune_value_free(object);
}

/* Arrays in arrays, so many levels of them; NULL when it could not be made. */
static perilune_value *nested(int levels)
{
    perilune_error *error = NULL;
    perilune_value *value = perilune_value_new_array();
    for (int level = 1; level < levels; level++) {
        perilune_value *outer = perilune_value_new_array();
        if (perilune_value_push(outer, value, &error) != PERILUNE_OK) {
            CHECK_HAS(perilune_error_message(error).data, "128");
            perilune_error_free(error);
            perilune_value_free(outer);
            return NULL;
        }
        value = outer;
    }
    return value;
}

static void check_depth(void)
{
    perilune_value *deepest = nested(128);
    CHECK(deepest != NULL);
    CHECK(nested(129) == NULL);
    perilune_value_free(deepest);
}

static void answer_tree(perilune_call *call, void *user_data)
{
    (void)user_data;
    perilune_call_return_value(call, a_tree());
}

static void answer_deep(perilune_call *call, void *user_data)
{
    (void)user_data;
    perilune_call_return_value(call, nested(128));
}

static void take_tree(perilune_call *call, void *user_data)
{
    perilune_value *value = NULL;
    (void)user_data;
    CHECK(perilune_call_value(call, 0, &value));
    check_tree(value);
    perilune_value_free(value);
    /* It need not be taken. */
    CHECK(perilune_call_value(call, 0, NULL));
    CHECK_INT(perilune_call_type(call, 0), PERILUNE_TYPE_TABLE);
}

static void across_a_script(void)
{
    perilune_error *error = NULL;
    perilune_engine *engine = engine_of(1);
    CHECK_OK(perilune_engine_function(engine, perilune_str("tree"), answer_tree, NULL, NULL, &error));
    CHECK_OK(perilune_engine_function(engine, perilune_str("take"), take_tree, NULL, NULL, &error));
    CHECK_OK(perilune_engine_function(engine, perilune_str("deep"), answer_deep, NULL, NULL, &error));
    perilune_script *script = compiled(engine, "host.take(host.tree())\n"
                                               "local t = host.tree()\n"
                                               "print(#t.list, t.list[2].bytes == 'a\\0\\255', t[''])\n"
                                               "local d, n = host.deep(), 0\n"
                                               "while d do d, n = d[1], n + 1 end\n"
                                               "print(n)");
    check_prints(script, NULL, "2\ttrue\ttrue\n128\n");
    perilune_script_free(script);
    perilune_engine_free(engine);
}

void test_values(void)
{
    scalars();
    integers();
    perilune_value *tree = a_tree();
    check_tree(tree);
    perilune_value_free(tree);
    what_can_not_be_put();
    check_depth();
    across_a_script();
}
