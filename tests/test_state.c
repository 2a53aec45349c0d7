/* Limits over a restart, on a real directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/state.h"

#define REGION "eu-west-1"

static char dir[64];
static char path[128];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/test_state.XXXXXX");
    if (!mkdtemp(dir)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/limits.json", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_limit_survives_a_restart(void **unused)
{
    (void)unused;
    struct err err;
    struct state *state = state_new(dir, &err);

    assert_int_equal(err.code, ERR_NONE);
    assert_true(state_limit(state, REGION, "orders") == 0);
    assert_true(state_set_limit(state, REGION, "orders", 47, &err));
    assert_true(state_set_limit(state, REGION, "a \"b\"", 97, &err));
    state_free(state);

    state = state_new(dir, &err);
    assert_int_equal(err.code, ERR_NONE);
    assert_true(state_limit(state, REGION, "orders") == 47);
    assert_true(state_limit(state, REGION, "a \"b\"") == 97);
    state_free(state);
}

static void a_torn_file_is_said_and_replaced(void **unused)
{
    (void)unused;
    struct err err;

    write_file("{\"eu-west-1/orders\": 4");
    struct state *state = state_new(dir, &err);
    assert_int_not_equal(err.code, ERR_NONE);
    assert_non_null(strstr(err.message, path));
    assert_true(state_limit(state, REGION, "orders") == 0);
    assert_true(state_set_limit(state, REGION, "orders", 47, &err));
    state_free(state);

    state = state_new(dir, &err);
    assert_int_equal(err.code, ERR_NONE);
    assert_true(state_limit(state, REGION, "orders") == 47);
    state_free(state);
}

static void nonsense_is_not_a_limit(void **unused)
{
    (void)unused;
    struct err err;

    write_file(
        "{\"eu-west-1/orders\": -4, \"eu-west-1/bills\": \"many\", \"eu-west-1/carts\": 1e300}");
    struct state *state = state_new(dir, &err);
    assert_true(state_limit(state, REGION, "orders") == 0);
    assert_true(state_limit(state, REGION, "bills") == 0);
    assert_true(state_limit(state, REGION, "carts") == 0);
    state_free(state);
}

static void without_a_directory_memory_serves(void **unused)
{
    (void)unused;
    struct err err;
    struct state *state = state_new("/nonexistent/poolwarden", &err);

    assert_int_not_equal(err.code, ERR_NONE);
    assert_non_null(strstr(err.message, "/nonexistent/poolwarden"));
    assert_true(state_set_limit(state, REGION, "orders", 47, &err));
    assert_true(state_limit(state, REGION, "orders") == 47);
    state_free(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_limit_survives_a_restart, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_torn_file_is_said_and_replaced, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(nonsense_is_not_a_limit, make_dir, remove_dir),
        cmocka_unit_test(without_a_directory_memory_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
