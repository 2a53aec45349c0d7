/* Pools found by name, many of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sample/statsd_pools.h"

#define MANY 1000

static const struct config_database orders;

static void finds_what_was_added(void **state)
{
    struct statsd_pools pools = {0};
    char name[16];

    (void)state;
    assert_null(statsd_pools_find(&pools, "a", 1));
    for (int i = 0; i < MANY; i++) {
        int len = snprintf(name, sizeof(name), "pool-%d", i);

        assert_null(statsd_pools_find(&pools, name, (size_t)len));
        assert_ptr_equal(statsd_pools_add(&pools, name, (size_t)len, &orders)->database, &orders);
    }
    for (int i = 0; i < MANY; i++) {
        int len = snprintf(name, sizeof(name), "pool-%d", i);
        const struct statsd_pool *pool = statsd_pools_find(&pools, name, (size_t)len);

        assert_non_null(pool);
        assert_string_equal(pool->name, name);
        assert_ptr_equal(statsd_pools_find(&pools, name, (size_t)len), pool);
    }
    assert_null(statsd_pools_find(&pools, "pool-", 5));
    assert_null(statsd_pools_find(&pools, "pool-1000", 9));
    statsd_pools_done(&pools);
    assert_null(statsd_pools_find(&pools, "pool-1", 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_what_was_added)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
