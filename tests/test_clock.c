/* When the next tick is, one named case each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/clock.h"
#include "aws/common/mem.h"

static const struct tick_case {
    const char *name;
    int64_t now_ms, planned_ms;
    int interval_ms, phase_ms;
    int64_t next_ms;
    int64_t tick_ms; /* that has come: the one before it */
} cases[] = {
    {"the first tick is the next boundary", 100250, 0, 1000, 0, 101000, 0},
    {"the phase moves it", 100250, 0, 1000, 300, 100300, 0},
    {"the phase is in the future's second", 100450, 0, 1000, 300, 101300, 0},
    {"on time", 101001, 101000, 1000, 0, 102000, 101000},
    {"a timer that fired early does not repeat its tick", 100999, 101000, 1000, 0, 102000, 101000},
    {"late by less than an interval", 101900, 101000, 1000, 0, 102000, 101000},
    {"ticks that were slept through are skipped", 109500, 101000, 1000, 0, 110000, 109000},
    {"a clock set back is followed", 50250, 101000, 1000, 0, 51000, 50000},
    {"a clock set back, and a timer that fired early", 50999, 101000, 1000, 0, 52000, 51000},
    {"a clock set ahead, and a timer that fired early", 150999, 101000, 1000, 0, 152000, 151000},
    {"a clock set back by one interval waits for the plan", 100000, 101000, 1000, 0, 102000,
     101000},
    {"an interval that does not divide a minute", 100000, 98000, 7000, 0, 105000, 98000},
};

static void next_tick(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        const struct tick_case *c = &cases[i];
        int64_t next = clock_next_tick(c->now_ms, c->planned_ms, c->interval_ms, c->phase_ms);

        if (next != c->next_ms) {
            fail_msg("%s: %lld, expected %lld", c->name, (long long)next, (long long)c->next_ms);
        }
        if (c->tick_ms > 0 && next - c->interval_ms != c->tick_ms) {
            fail_msg("%s: not the tick of %lld", c->name, (long long)c->tick_ms);
        }
    }
}

static void a_minute_has_sixty_ticks(void **state)
{
    (void)state;
    int64_t tick = clock_next_tick(600000 - 500, 0, 1000, 370);
    int count = 0;

    /* Each tick is seen a little early or late. */
    for (int i = 0; tick < 660000; i++) {
        count += tick >= 600000;
        tick = clock_next_tick(tick + (i % 5) - 1, tick, 1000, 370);
    }
    assert_int_equal(count, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_tick),
        cmocka_unit_test(a_minute_has_sixty_ticks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
