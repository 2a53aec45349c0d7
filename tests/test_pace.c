#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/sample/pace.h"
#include "aws/common/mem.h"

/* How often it changed. */
static int measure(struct pace *pace, double server_ms, int times)
{
    int changes = 0;

    for (int i = 0; i < times; i++) {
        changes += pace_measured(pace, server_ms);
    }
    return changes;
}

static void one_percent_of_a_core_is_the_most(void **state)
{
    static const struct {
        const char *name;
        int interval_ms;
        double server_ms;
        int every;
    } cases[] = {
        {"cheap", 1000, 0.2, 1},
        {"just 1 %", 1000, 10, 1},
        {"a little more", 1000, 10.5, 2},
        {"4,700 sessions", 1000, 18.3, 2},
        {"73 ms", 1000, 73, 8},
        {"never slower than 10 s", 1000, 900, 10},
        {"5 s", 5000, 60, 2},
        {"60 s stay 60 s", 60000, 5000, 1},
        {"7 s: twice would be 14", 7000, 500, 1},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct pace pace;

        print_message("%s\n", cases[i].name);
        pace_init(&pace, cases[i].interval_ms);
        assert_int_equal(measure(&pace, cases[i].server_ms, 50), cases[i].every != 1);
        assert_int_equal(pace.every, cases[i].every);
    }
}

static void the_least_of_ten_counts(void **state)
{
    struct pace pace;

    (void)state;
    pace_init(&pace, 1000);
    measure(&pace, 50, 9);
    assert_int_equal(measure(&pace, 1, 1), 0); /* one that was not slow: the server was only busy */
    assert_int_equal(measure(&pace, 50, 9), 0);
    assert_int_equal(measure(&pace, 50, 1), 1);
    assert_int_equal(pace.every, 5);
}

static void it_relaxes_only_with_room_to_spare(void **state)
{
    struct pace pace;

    (void)state;
    pace_init(&pace, 1000);
    measure(&pace, 15, 10);
    assert_int_equal(pace.every, 2);
    assert_int_equal(measure(&pace, 9, 40), 0); /* would do each second, but only just */
    assert_int_equal(pace.every, 2);
    assert_int_equal(measure(&pace, 6, 40), 1);
    assert_int_equal(pace.every, 1);
}

static void every_nth_tick_is_due(void **state)
{
    struct pace pace;
    int due = 0;

    (void)state;
    pace_init(&pace, 1000);
    for (int i = 0; i < 12; i++) {
        due += pace_is_due(&pace);
    }
    assert_int_equal(due, 12);
    measure(&pace, 25, 10); /* every third */
    due = 0;
    for (int i = 0; i < 12; i++) {
        due += pace_is_due(&pace);
    }
    assert_int_equal(due, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_percent_of_a_core_is_the_most),
        cmocka_unit_test(the_least_of_ten_counts),
        cmocka_unit_test(it_relaxes_only_with_room_to_spare),
        cmocka_unit_test(every_nth_tick_is_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
