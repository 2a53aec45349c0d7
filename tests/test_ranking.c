#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sample/ranking.h"
#include "aws/common/mem.h"

#define ITEM(name, value)       ((struct ranking_item){name, value, true})
#define NOT_WANTED(name, value) ((struct ranking_item){name, value, false})
#define UPDATE(ranking, now_ms, ...)                                                               \
    do {                                                                                           \
        struct ranking_item items[] = {__VA_ARGS__};                                               \
        ranking_update(ranking, items, MEM_COUNT(items), now_ms);                                  \
    } while (0)

/* -1: no member */
static double value_of(const struct ranking *ranking, const char *name)
{
    for (size_t i = 0; i < ranking->count; i++) {
        if (strcmp(ranking->members[i].name, name) == 0) {
            return ranking->members[i].value;
        }
    }
    return -1;
}

static void the_largest_get_a_place(void **state)
{
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, 2);
    UPDATE(&ranking, 1000, ITEM("a", 1), ITEM("b", 5), ITEM("c", 3), ITEM("b", 2), ITEM("d", 2));
    assert_int_equal(ranking.count, 2);
    assert_float_equal(value_of(&ranking, "b"), 7, 0); /* merged */
    assert_float_equal(value_of(&ranking, "c"), 3, 0);
    assert_float_equal(ranking.rest, 3, 0);
    assert_true(ranking.rest_until_ms > 1000);
    ranking_done(&ranking);
}

static void a_place_is_kept_for_an_hour(void **state)
{
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, 1);
    UPDATE(&ranking, 0, ITEM("small", 1));
    UPDATE(&ranking, RANKING_STAY_MS - 1, ITEM("large", 9));
    assert_float_equal(value_of(&ranking, "small"), 0, 0); /* nothing now: 0, no gap */
    assert_float_equal(ranking.rest, 9, 0);
    UPDATE(&ranking, RANKING_STAY_MS, ITEM("large", 9), ITEM("small", 1));
    assert_float_equal(value_of(&ranking, "small"), -1, 0);
    assert_float_equal(value_of(&ranking, "large"), 9, 0);
    assert_float_equal(ranking.rest, 1, 0);
    ranking_done(&ranking);
}

static void what_is_not_wanted_is_the_rest(void **state)
{
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, 10);
    UPDATE(&ranking, 0, NOT_WANTED("template1", 2), ITEM("shop", 3));
    assert_int_equal(ranking.count, 1);
    assert_float_equal(ranking.rest, 2, 0);
    ranking_done(&ranking);
}

static void the_rest_is_told_for_an_hour_after_there_was_one(void **state)
{
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, 1);
    UPDATE(&ranking, 0, ITEM("a", 2));
    assert_true(ranking.rest_until_ms <= 0);
    UPDATE(&ranking, 1000, ITEM("a", 2), ITEM("b", 1));
    UPDATE(&ranking, 2000, ITEM("a", 2));
    assert_float_equal(ranking.rest, 0, 0);
    assert_true(ranking.rest_until_ms == 1000 + RANKING_STAY_MS);
    ranking_done(&ranking);
}

static void a_clock_set_back_gives_no_place_for_ever(void **state)
{
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, 1);
    UPDATE(&ranking, 100 * RANKING_STAY_MS, ITEM("small", 1));
    UPDATE(&ranking, RANKING_STAY_MS, ITEM("large", 9));
    assert_float_equal(value_of(&ranking, "large"), 9, 0);
    ranking_done(&ranking);
}

static void nothing_is_nothing(void **state)
{
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, 0);
    ranking_update(&ranking, NULL, 0, 0);
    UPDATE(&ranking, 0, ITEM("a", 2));
    assert_int_equal(ranking.count, 0);
    assert_float_equal(ranking.rest, 2, 0);
    ranking_done(&ranking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_get_a_place),
        cmocka_unit_test(a_place_is_kept_for_an_hour),
        cmocka_unit_test(what_is_not_wanted_is_the_rest),
        cmocka_unit_test(the_rest_is_told_for_an_hour_after_there_was_one),
        cmocka_unit_test(a_clock_set_back_gives_no_place_for_ever),
        cmocka_unit_test(nothing_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
