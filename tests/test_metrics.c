/* The table of metrics keeps the promises that CloudWatch and the documentation rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/metrics.h"

static void a_name_has_one_unit(void **state)
{
    (void)state;
    for (int a = 0; a < METRIC_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            const struct metric *x = metric_get((enum metric_id)a);
            const struct metric *y = metric_get((enum metric_id)b);

            if (strcmp(x->name, y->name) == 0) {
                assert_string_equal(x->unit, y->unit);
            }
        }
    }
}

static void only_a_dimension_tells_two_of_a_name_apart(void **state)
{
    (void)state;
    for (int a = 0; a < METRIC_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            const struct metric *x = metric_get((enum metric_id)a);
            const struct metric *y = metric_get((enum metric_id)b);
            const char *extra_x = x->extra_dimension ? x->extra_dimension : "";
            const char *extra_y = y->extra_dimension ? y->extra_dimension : "";

            if (strcmp(x->name, y->name) == 0) {
                assert_string_not_equal(extra_x, extra_y);
            }
        }
    }
}

static void core_is_five_metrics(void **state)
{
    (void)state;
    int core = 0;

    for (int id = 0; id < METRIC_COUNT; id++) {
        core += metric_get((enum metric_id)id)->set == METRICS_CORE;
    }
    assert_int_equal(core, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_one_unit),
        cmocka_unit_test(only_a_dimension_tells_two_of_a_name_apart),
        cmocka_unit_test(core_is_five_metrics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
