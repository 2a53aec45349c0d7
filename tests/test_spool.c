/* The queue of what CloudWatch does not have yet: order, bounds, what is dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/publish/spool.h"
#include "aws/cloudwatch.h"
#include "aws/common/buf.h"
#include "aws/common/mem.h"

#define NOON   INT64_C(1786795200000) /* 2026-08-15T12:00:00Z */
#define MINUTE INT64_C(60000)
#define DAY    (1440 * MINUTE)
#define LARGE  (INT64_C(1) << 20)

/* Pushes "a" of minute 0, "b" of minute 1 ... as "0a 0b 1c". */
static void push(struct spool *spool, const char *records)
{
    for (const char *at = records; *at; at += at[2] ? 3 : 2) {
        const char members[] = {at[1], '\0'};

        spool_push(spool, NOON + (at[0] - '0') * MINUTE, members);
    }
}

static const struct spool_record *taken[CLOUDWATCH_DATUMS_MAX];

static void assert_next_at(struct spool *spool, int64_t now_ms, size_t max_count, size_t max_bytes,
                           const char *expected)
{
    size_t count = spool_next(spool, now_ms, max_count, max_bytes, taken);
    struct buf text;

    buf_init(&text, 100000);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&text, "%s", taken[i]->members);
    }
    assert_string_equal(buf_text(&text), expected);
    buf_done(&text);
}

static void assert_next(struct spool *spool, size_t max_count, const char *expected)
{
    assert_next_at(spool, NOON, max_count, SIZE_MAX, expected);
}

/* Acknowledges the first of what the last assert_next() saw. */
static void ack(struct spool *spool, size_t count)
{
    uint64_t ids[CLOUDWATCH_DATUMS_MAX];

    for (size_t i = 0; i < count; i++) {
        ids[i] = taken[i]->id;
    }
    spool_ack(spool, ids, count);
}

static void nothing_comes_out_of_nothing(void **state)
{
    struct spool *spool = spool_new(LARGE);

    (void)state;
    assert_next(spool, 10, "");
    assert_int_equal(spool_count(spool), 0);
    assert_true(spool_bytes(spool) == 0);
    assert_null(spool_find(spool, 0));
    spool_free(spool);
    spool_free(NULL);
}

static void records_stay_until_they_are_acknowledged(void **state)
{
    struct spool *spool = spool_new(LARGE);

    (void)state;
    push(spool, "0a 0b");
    assert_next(spool, 10, "ab");
    assert_next(spool, 10, "ab");
    assert_int_equal(spool_count(spool), 2);
    ack(spool, 1);
    assert_next(spool, 10, "b");
    ack(spool, 1);
    assert_int_equal(spool_count(spool), 0);
    assert_true(spool_bytes(spool) == 0);
    assert_int_equal(spool_dropped(spool), 0);
    spool_free(spool);
}

static const struct {
    const char *name;
    const char *records;
    const char *batches[8]; /* of two */
} order_cases[] = {
    {"one window", "0a 0b 0c", {"ab", "c", ""}},
    {"the newest window, then the oldest", "0a 0b 1c 1d 2e 2f", {"ef", "ab", "cd", ""}},
    {"a batch is filled up with the oldest", "0a 1b 2c", {"ca", "b", ""}},
    {"a window larger than a batch", "0a 1b 1c 1d", {"bc", "da", ""}},
    {"a clock set back: what arrived last is the newest", "3a 3b 1c", {"ca", "b", ""}},
    {"a window that came in two parts", "0a 1b 0c", {"ca", "b", ""}},
};

static void the_newest_window_comes_first_then_the_oldest(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(order_cases); i++) {
        struct spool *spool = spool_new(LARGE);

        push(spool, order_cases[i].records);
        for (size_t j = 0; order_cases[i].batches[j]; j++) {
            assert_next(spool, 2, order_cases[i].batches[j]);
            ack(spool, strlen(order_cases[i].batches[j]));
        }
        spool_free(spool);
    }
}

static void what_arrives_during_catching_up_goes_first(void **state)
{
    struct spool *spool = spool_new(LARGE);

    (void)state;
    push(spool, "0a 1b 2c 3d 4e");
    assert_next(spool, 2, "ea");
    push(spool, "5f");
    assert_next(spool, 3, "fab"); /* e waits for its turn: only the newest jumps the queue */
    ack(spool, 3);
    assert_next(spool, 3, "cde");
    spool_free(spool);
}

static void records_are_found_by_id(void **state)
{
    struct spool *spool = spool_new(LARGE);
    uint64_t ids[3];

    (void)state;
    push(spool, "0a 0b 0c");
    assert_next(spool, 3, "abc");
    for (size_t i = 0; i < 3; i++) {
        ids[i] = taken[i]->id;
    }
    ack(spool, 1);
    assert_null(spool_find(spool, ids[0]));
    assert_string_equal(spool_find(spool, ids[1])->members, "b");
    assert_string_equal(spool_find(spool, ids[2])->members, "c");
    assert_true(spool_find(spool, ids[2])->start_ms == NOON);
    assert_null(spool_find(spool, ids[2] + 1));
    spool_drop(spool, ids, 2); /* the first is gone already: counted once */
    assert_int_equal(spool_dropped(spool), 1);
    assert_int_equal(spool_count(spool), 1);
    spool_free(spool);
}

/* --- Bounds --- */

static void a_batch_is_bounded_in_bytes(void **state)
{
    struct spool *spool = spool_new(LARGE);
    const struct cloudwatch_entry entry = {NOON / 1000, "abc"};
    size_t size = cloudwatch_entry_size(&entry);
    static const struct {
        size_t entries, less, taken;
    } cases[] = {{3, 0, 3}, {3, 1, 2}, {2, 0, 2}, {1, 0, 1}, {1, 1, 1}, {9, 0, 4}};

    (void)state;
    for (int i = 0; i < 4; i++) {
        spool_push(spool, NOON, "abc");
    }
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        assert_int_equal(
            spool_next(spool, NOON, 10, cases[i].entries * size - cases[i].less, taken),
            cases[i].taken);
    }
    spool_free(spool);
}

static void the_oldest_make_room(void **state)
{
    struct spool *spool = spool_new(LARGE);
    int64_t one;

    (void)state;
    push(spool, "0a");
    one = spool_bytes(spool);
    spool_free(spool);
    spool = spool_new(3 * one);
    push(spool, "0a 0b 1c");
    assert_true(spool_bytes(spool) == 3 * one);
    push(spool, "1d 2e");
    assert_int_equal(spool_count(spool), 3);
    assert_int_equal(spool_dropped(spool), 2);
    assert_true(spool_bytes(spool) == 3 * one);
    assert_next(spool, 10, "ecd");
    spool_free(spool);
}

static void what_never_fits_is_dropped_and_moves_nothing(void **state)
{
    struct spool *spool = spool_new(200);
    char members[300];

    (void)state;
    push(spool, "0a");
    memset(members, 'x', sizeof(members));
    members[sizeof(members) - 1] = '\0';
    spool_push(spool, NOON, members);
    assert_next(spool, 10, "a");
    assert_int_equal(spool_dropped(spool), 1);
    spool_free(spool);
}

static void one_that_was_sent_may_have_made_room(void **state)
{
    struct spool *spool = spool_new(LARGE);
    int64_t one;

    (void)state;
    push(spool, "0a");
    one = spool_bytes(spool);
    spool_free(spool);
    spool = spool_new(2 * one);
    push(spool, "0a 0b");
    assert_next(spool, 10, "ab");
    const uint64_t ids[] = {taken[0]->id, taken[1]->id};
    push(spool, "1c");
    spool_ack(spool, ids, 2);
    assert_next(spool, 10, "c");
    assert_int_equal(spool_dropped(spool), 1);
    spool_free(spool);
}

static const struct {
    const char *name;
    int64_t age_ms;
    const char *next;
    size_t count, dropped;
} age_cases[] = {
    {"now", 0, "a", 1, 0},
    {"almost two weeks old", 14 * DAY - 2 * MINUTE, "a", 1, 0},
    {"two weeks old", 14 * DAY, "", 0, 1},
    {"two years old", 730 * DAY, "", 0, 1},
    {"almost two hours ahead", -118 * MINUTE, "a", 1, 0},
    {"more than two hours ahead", -121 * MINUTE, "", 1, 0},
    {"ten years ahead", -3650 * DAY, "", 1, 0},
};

static void what_cloudwatch_does_not_take_is_not_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(age_cases); i++) {
        struct spool *spool = spool_new(LARGE);

        push(spool, "0a");
        assert_next_at(spool, NOON + age_cases[i].age_ms, 10, SIZE_MAX, age_cases[i].next);
        if (spool_count(spool) != age_cases[i].count ||
            spool_dropped(spool) != age_cases[i].dropped) {
            fail_msg("%s: %zu left", age_cases[i].name, spool_count(spool));
        }
        spool_free(spool);
    }
}

static void the_future_does_not_stop_the_rest(void **state)
{
    struct spool *spool = spool_new(LARGE);

    (void)state;
    spool_push(spool, NOON - 15 * DAY, "old");
    spool_push(spool, NOON + 300 * MINUTE, "ahead");
    push(spool, "0a 0b");
    assert_next(spool, 1, "a");
    assert_next(spool, 10, "ab");
    ack(spool, 2);
    assert_next(spool, 10, "");
    assert_next_at(spool, NOON + 240 * MINUTE, 10, SIZE_MAX, "ahead");
    spool_free(spool);
}

/* --- Size --- */

/* The way of a long outage: much comes in, the oldest is lost, the rest leaves in batches. */
static void an_outage(void **state)
{
    struct spool *spool = spool_new(INT64_C(200) << 10);
    size_t pushed = 0, acknowledged = 0;
    char members[64];

    (void)state;
    for (int minute = 0; minute < 1000; minute++) {
        for (int i = 0; i < 20; i++) {
            snprintf(members, sizeof(members), "minute %d datum %d", minute, i);
            spool_push(spool, NOON + minute * MINUTE, members);
            pushed++;
        }
        assert_true(spool_bytes(spool) <= INT64_C(200) << 10);
    }
    while (spool_count(spool) > 0) {
        size_t count = spool_next(spool, NOON + 1000 * MINUTE, 100, SIZE_MAX, taken);

        assert_true(count > 0);
        if (acknowledged == 0) {
            assert_string_equal(taken[0]->members, "minute 999 datum 0");
            assert_string_equal(taken[19]->members, "minute 999 datum 19");
        }
        acknowledged += count;
        ack(spool, count);
    }
    assert_int_equal(acknowledged + spool_dropped(spool), pushed);
    assert_true(acknowledged > 1000);
    assert_true(spool_bytes(spool) == 0);
    spool_free(spool);
}

static void gives_all_it_has_to_another(void **state)
{
    struct spool *from = spool_new(LARGE), *to = spool_new(LARGE);
    const struct spool_record *records[4];

    (void)state;
    spool_push(to, 60000, "\"a\"");
    spool_push(from, 60000, "\"b\"");
    spool_push(from, 120000, "\"c\"");
    spool_give(from, to);
    assert_int_equal(spool_count(from), 0);
    assert_int_equal(spool_bytes(from), 0);
    assert_int_equal(spool_count(to), 3);
    assert_int_equal(spool_dropped(from) + spool_dropped(to), 0);
    assert_int_equal(spool_next(to, 180000, 4, 1000, records), 3);
    assert_string_equal(records[0]->members, "\"c\""); /* the newest first */
    spool_free(from);
    spool_free(to);
}

static void what_was_pushed_moves(void **state)
{
    struct spool *spool = spool_new(LARGE);
    const struct spool_record *records[4];

    (void)state;
    spool_push(spool, NOON, "\"a\"");
    spool_push(spool, NOON + MINUTE, "\"b\"");
    spool_push(spool, NOON + 30 * MINUTE, "\"c\""); /* of an earlier run's journal */
    spool_move(spool, NOON, NOON + 2 * MINUTE, -20 * MINUTE);
    assert_int_equal(spool_next(spool, NOON, 4, 1000, records), 3);
    assert_true(records[0]->start_ms == NOON + 30 * MINUTE);
    assert_true(records[1]->start_ms == NOON - 20 * MINUTE);
    assert_true(records[2]->start_ms == NOON - 19 * MINUTE);
    spool_free(spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_comes_out_of_nothing),
        cmocka_unit_test(records_stay_until_they_are_acknowledged),
        cmocka_unit_test(the_newest_window_comes_first_then_the_oldest),
        cmocka_unit_test(what_arrives_during_catching_up_goes_first),
        cmocka_unit_test(records_are_found_by_id),
        cmocka_unit_test(gives_all_it_has_to_another),
        cmocka_unit_test(what_was_pushed_moves),
        cmocka_unit_test(a_batch_is_bounded_in_bytes),
        cmocka_unit_test(the_oldest_make_room),
        cmocka_unit_test(what_never_fits_is_dropped_and_moves_nothing),
        cmocka_unit_test(one_that_was_sent_may_have_made_room),
        cmocka_unit_test(what_cloudwatch_does_not_take_is_not_sent),
        cmocka_unit_test(the_future_does_not_stop_the_rest),
        cmocka_unit_test(an_outage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
