/* One request's worth, and the search for the datum that the service refuses. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/publish/batch.h"
#include "aws/common/mem.h"

#define NOON  INT64_C(1786795200000) /* 2026-08-15T12:00:00Z */
#define LARGE (INT64_C(64) << 20)

static struct batch batch;

static struct batch_source source_of(struct spool *spool)
{
    return (struct batch_source){.spool = spool, .namespace_ = "Application", .now_ms = NOON};
}

static void push_numbers(struct spool *spool, int count)
{
    char members[16];

    for (int i = 0; i < count; i++) {
        snprintf(members, sizeof(members), "%d", i);
        spool_push(spool, NOON, members);
    }
}

static void a_batch_holds_a_thousand(void **state)
{
    static const struct {
        int pushed;
        size_t most, count;
    } cases[] = {{0, 1000, 0},       {1, 1000, 1}, {1000, 1000, 1000},
                 {1001, 1000, 1000}, {1001, 7, 7}, {1500, 5000, 1000}};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct spool *spool = spool_new(LARGE);
        struct batch_source source = source_of(spool);

        push_numbers(spool, cases[i].pushed);
        batch_fill(&batch, &source, cases[i].most);
        assert_int_equal(batch.count, cases[i].count);
        assert_int_equal(batch.sent, cases[i].count);
        spool_free(spool);
    }
}

static void a_batch_stays_under_a_megabyte(void **state)
{
    struct spool *spool = spool_new(LARGE);
    struct batch_source source = source_of(spool);
    static char members[9000];
    size_t total = 0;

    (void)state;
    memset(members, 'x', sizeof(members) - 1);
    for (int i = 0; i < 300; i++) {
        spool_push(spool, NOON, members);
    }
    while (spool_count(spool) > 0) {
        batch_fill(&batch, &source, 1000);
        assert_true(batch.count > 0);
        assert_true(batch_bytes(&batch, "Application") <= CLOUDWATCH_BODY_MAX);
        if (total == 0) { /* one more would not have fitted */
            assert_true(batch_bytes(&batch, "Application") +
                            cloudwatch_entry_size(&batch.entries[0]) >
                        CLOUDWATCH_BODY_MAX);
        }
        total += batch.count;
        batch_accepted(&batch, spool);
    }
    assert_int_equal(total, 300);
    spool_free(spool);
}

/* The clock was learnt from the first attempt's answer. */
static void what_was_moved_is_stamped_anew(void **state)
{
    struct spool *spool = spool_new(LARGE);
    struct batch_source source = source_of(spool);

    (void)state;
    push_numbers(spool, 1);
    batch_fill(&batch, &source, 1000);
    assert_true(batch.entries[0].timestamp_s == NOON / 1000);
    spool_move(spool, NOON, NOON, -600000);
    batch_renew(&batch, spool);
    assert_true(batch.entries[0].timestamp_s == NOON / 1000 - 600);
    spool_free(spool);
}

static void seconds_keep_their_stamps(void **state)
{
    struct spool *spool = spool_new(LARGE);
    struct batch_source source = source_of(spool);

    (void)state;
    spool_push(spool, NOON + 7000, "high resolution");
    batch_fill(&batch, &source, 1000);
    assert_true(batch.entries[0].timestamp_s == NOON / 1000 + 7);
    spool_free(spool);
}

/* --- The search --- */

static const struct {
    const char *name;
    int count;
    int bad[4]; /* -1: no more */
    size_t dropped;
    size_t requests_max;
} search_cases[] = {
    {"none", 1000, {-1}, 0, 1},
    {"the only one", 1, {0, -1}, 1, 1},
    {"one of two, the first", 2, {0, -1}, 1, 3},
    {"one of two, the second", 2, {1, -1}, 1, 3},
    {"the first of a thousand", 1000, {0, -1}, 1, 21},
    {"the last of a thousand", 1000, {999, -1}, 1, 21},
    {"one in the middle", 1000, {500, -1}, 1, 21},
    {"one in an odd place", 777, {387, -1}, 1, 21},
    {"two neighbours", 1000, {500, 501, -1}, 2, 40},
    {"two ends", 1000, {0, 999, -1}, 2, 40},
    {"all of three", 3, {0, 1, 2, -1}, 3, 7},
};

static bool is_refused(const int *bad)
{
    for (size_t i = 0; i < batch.sent; i++) {
        for (const int *b = bad; *b >= 0; b++) {
            if ((int)strtol(batch.entries[i].members, NULL, 10) == *b) {
                return true;
            }
        }
    }
    return false;
}

/* What a publisher does, without the waiting. */
static size_t run(struct spool *spool, const int *bad)
{
    struct batch_source source = source_of(spool);
    size_t requests = 0;

    batch_fill(&batch, &source, 1000);
    while (batch.count > 0 && requests < 1000) {
        requests++;
        if (!is_refused(bad)) {
            batch_accepted(&batch, spool);
        } else if (batch.sent > 1) {
            batch_refused(&batch);
        } else {
            batch_drop_refused(&batch, spool);
        }
        batch_renew(&batch, spool);
        if (batch.count == 0) {
            batch_fill(&batch, &source, 1000);
        }
    }
    return requests;
}

static void bad_datums_are_found_by_halving(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(search_cases); i++) {
        struct spool *spool = spool_new(LARGE);

        push_numbers(spool, search_cases[i].count);
        size_t requests = run(spool, search_cases[i].bad);
        if (requests > search_cases[i].requests_max || spool_count(spool) != 0 ||
            spool_dropped(spool) != search_cases[i].dropped) {
            fail_msg("%s: %zu requests, %zu left, %" PRIu64 " dropped", search_cases[i].name,
                     requests, spool_count(spool), spool_dropped(spool));
        }
        spool_free(spool);
    }
}

static void what_arrives_does_not_move_the_search(void **state)
{
    struct spool *spool = spool_new(LARGE);
    struct batch_source source = source_of(spool);

    (void)state;
    push_numbers(spool, 4);
    batch_fill(&batch, &source, 1000);
    batch_refused(&batch);
    spool_push(spool, NOON + 60000, "new");
    batch_renew(&batch, spool);
    assert_int_equal(batch.sent, 2);
    assert_int_equal(batch.count, 4);
    assert_string_equal(batch.entries[0].members, "0");
    assert_string_equal(batch.entries[1].members, "1");
    batch_accepted(&batch, spool);
    assert_int_equal(batch.sent, 1);
    assert_string_equal(batch.entries[0].members, "2");
    spool_free(spool);
}

static void what_left_the_spool_leaves_the_batch(void **state)
{
    struct spool *spool = spool_new(LARGE);
    struct batch_source source = source_of(spool);

    (void)state;
    push_numbers(spool, 6);
    batch_fill(&batch, &source, 1000);
    batch_refused(&batch);
    const uint64_t gone[] = {batch.ids[0], batch.ids[4]};
    spool_ack(spool, gone, 2);
    batch_renew(&batch, spool);
    assert_int_equal(batch.count, 4);
    assert_int_equal(batch.sent, 2);
    assert_string_equal(batch.entries[0].members, "1");
    assert_string_equal(batch.entries[2].members, "3");
    assert_string_equal(batch.entries[3].members, "5");
    spool_ack(spool, batch.ids, 2); /* all that was about to be sent */
    batch_renew(&batch, spool);
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.sent, 2);
    spool_free(spool);
}

static void one_is_picked(void **state)
{
    struct spool *spool = spool_new(LARGE);
    struct batch_source source = source_of(spool);

    (void)state;
    push_numbers(spool, 6);
    batch_fill(&batch, &source, 1000);
    batch_pick(&batch, 4);
    batch_renew(&batch, spool);
    assert_int_equal(batch.count, 1);
    assert_int_equal(batch.sent, 1);
    assert_string_equal(batch.entries[0].members, "4");
    spool_free(spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_holds_a_thousand),
        cmocka_unit_test(a_batch_stays_under_a_megabyte),
        cmocka_unit_test(what_was_moved_is_stamped_anew),
        cmocka_unit_test(seconds_keep_their_stamps),
        cmocka_unit_test(bad_datums_are_found_by_halving),
        cmocka_unit_test(what_arrives_does_not_move_the_search),
        cmocka_unit_test(what_left_the_spool_leaves_the_batch),
        cmocka_unit_test(one_is_picked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
