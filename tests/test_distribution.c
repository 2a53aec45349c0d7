/* A window's values: distinct, ascending, counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/publish/distribution.h"
#include "aws/common/mem.h"

static const struct {
    const char *name;
    double added[8];
    size_t added_count;
    double values[8];
    double counts[8];
    size_t count;
} cases[] = {
    {"nothing", {0}, 0, {0}, {0}, 0},
    {"one value", {42}, 1, {42}, {1}, 1},
    {"one value, often", {42, 42, 42}, 3, {42}, {3}, 1},
    {"rising", {1, 2, 3}, 3, {1, 2, 3}, {1, 1, 1}, 3},
    {"falling", {3, 2, 1}, 3, {1, 2, 3}, {1, 1, 1}, 3},
    {"mixed", {5, 1, 5, 3, 1, 5, 0.5}, 7, {0.5, 1, 3, 5}, {1, 2, 1, 3}, 4},
    {"below zero", {0, -1.5, 0, -1.5}, 4, {-1.5, 0}, {2, 2}, 2},
    {"the two zeros are one value", {0.0, -0.0}, 2, {0}, {2}, 1},
};

static void values_are_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct distribution distribution = {0};

        for (size_t j = 0; j < cases[i].added_count; j++) {
            distribution_add(&distribution, cases[i].added[j]);
        }
        if (distribution.count != cases[i].count) {
            fail_msg("%s: %zu values", cases[i].name, distribution.count);
        }
        for (size_t j = 0; j < cases[i].count; j++) {
            if (distribution.values[j] != cases[i].values[j] ||
                distribution.counts[j] != cases[i].counts[j]) {
                fail_msg("%s: %zu: %g %g times", cases[i].name, j, distribution.values[j],
                         distribution.counts[j]);
            }
        }
        distribution_done(&distribution);
    }
}

static double total(const struct distribution *distribution)
{
    double sum = 0;

    for (size_t i = 0; i < distribution->count; i++) {
        sum += distribution->counts[i];
    }
    return sum;
}

static void assert_ascending(const struct distribution *distribution)
{
    for (size_t i = 1; i < distribution->count; i++) {
        assert_true(distribution->values[i - 1] < distribution->values[i]);
    }
}

/* 10, 20, ... 60000 */
static void fill(struct distribution *distribution)
{
    for (size_t i = DISTRIBUTION_VALUES_MAX; i > 0; i--) {
        distribution_add(distribution, (double)i * 10);
    }
    assert_int_equal(distribution->count, DISTRIBUTION_VALUES_MAX);
}

static void a_flood_is_counted_at_the_neighbour(void **state)
{
    struct distribution distribution = {0};

    (void)state;
    fill(&distribution);
    distribution_add(&distribution, 14);    /* at 10 */
    distribution_add(&distribution, 26);    /* at 30 */
    distribution_add(&distribution, 59999); /* at 60000 */
    assert_int_equal(distribution.count, DISTRIBUTION_VALUES_MAX);
    assert_true(distribution.counts[0] == 2);
    assert_true(distribution.counts[1] == 1);
    assert_true(distribution.counts[2] == 2);
    assert_true(distribution.counts[DISTRIBUTION_VALUES_MAX - 1] == 2);
    distribution_done(&distribution);
}

static void extremes_stay_exact_in_a_flood(void **state)
{
    struct distribution distribution = {0};
    size_t last = DISTRIBUTION_VALUES_MAX - 1;

    (void)state;
    fill(&distribution);
    distribution_add(&distribution, -7);
    distribution_add(&distribution, 70000);
    distribution_add(&distribution, 80000);
    assert_int_equal(distribution.count, DISTRIBUTION_VALUES_MAX);
    assert_true(distribution.values[0] == -7 && distribution.counts[0] == 1);
    assert_true(distribution.values[1] == 20 && distribution.counts[1] == 2);
    assert_true(distribution.values[last] == 80000 && distribution.counts[last] == 1);
    assert_true(distribution.counts[last - 1] == 3);
    assert_true(total(&distribution) == DISTRIBUTION_VALUES_MAX + 3);
    assert_ascending(&distribution);
    distribution_done(&distribution);
}

static void it_is_usable_again(void **state)
{
    struct distribution distribution = {0};

    (void)state;
    distribution_add(&distribution, 1);
    distribution_done(&distribution);
    assert_int_equal(distribution.count, 0);
    distribution_add(&distribution, 2);
    assert_true(distribution.values[0] == 2);
    distribution_done(&distribution);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_counted),
        cmocka_unit_test(a_flood_is_counted_at_the_neighbour),
        cmocka_unit_test(extremes_stay_exact_in_a_flood),
        cmocka_unit_test(it_is_usable_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
