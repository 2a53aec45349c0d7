/* The queue on a real directory: what a crash, a flipped bit, a full disk leave of it. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "agent/publish/record.h"
#include "agent/publish/spool.h"
#include "aws/cloudwatch.h"
#include "aws/common/buf.h"
#include "aws/common/mem.h"

#define NOON   INT64_C(1786795200000) /* 2026-08-15T12:00:00Z */
#define MINUTE INT64_C(60000)
#define LARGE  (INT64_C(16) << 20)

#define CLOSINGS_DAMAGED 6

static char dir[64];
static uv_loop_t loop;
static struct spool_found found;
static const struct spool_record *taken[CLOUDWATCH_DATUMS_MAX];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/test_spool.XXXXXX");
    return mkdtemp(dir) && uv_loop_init(&loop) == 0 ? 0 : -1;
}

static void each_file(void (*act)(const char *path))
{
    DIR *list = opendir(dir);
    const struct dirent *entry;

    while ((entry = readdir(list)) != NULL) {
        if (entry->d_name[0] != '.') {
            char *path = mem_printf("%s/%s", dir, entry->d_name);

            act(path);
            free(path);
        }
    }
    closedir(list);
}

static void remove_path(const char *path)
{
    if (unlink(path) != 0) {
        rmdir(path);
    }
}

static int remove_dir(void **state)
{
    (void)state;
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    each_file(remove_path);
    return rmdir(dir);
}

static struct spool *start_with(int64_t limit_bytes)
{
    struct spool *spool = spool_new(limit_bytes);
    struct err err;

    assert_true(spool_keep_in(spool, &loop, dir, &found, &err));
    return spool;
}

static struct spool *start(void)
{
    return start_with(LARGE);
}

/* As kill -9 ends it: what was written stays, nothing more is. */
static void end(struct spool *spool)
{
    spool_free(spool);
    uv_run(&loop, UV_RUN_DEFAULT);
}

/* Pushes "a" of minute 0, "b" of minute 1 ... as "0a 0b 1c". */
static void push(struct spool *spool, const char *records)
{
    for (const char *at = records; *at; at += at[2] ? 3 : 2) {
        const char members[] = {at[1], '\0'};

        spool_push(spool, NOON + (at[0] - '0') * MINUTE, members);
    }
}

static void close_windows(struct spool *spool)
{
    const struct keep_closed closed = {.first_journal = 7, .until_ms = NOON};

    spool_close_windows(spool, &closed);
}

static void assert_next(struct spool *spool, const char *expected)
{
    size_t count = spool_next(spool, NOON, 100, SIZE_MAX, taken);
    struct buf text;

    buf_init(&text, 1000);
    for (size_t i = 0; i < count; i++) {
        buf_puts(&text, taken[i]->members);
    }
    assert_string_equal(buf_text(&text), expected);
    buf_done(&text);
}

/* The first of what the last assert_next() saw. */
static void act_on(struct spool *spool, size_t count,
                   void (*act)(struct spool *, const uint64_t *, size_t))
{
    uint64_t ids[CLOUDWATCH_DATUMS_MAX];

    for (size_t i = 0; i < count; i++) {
        ids[i] = taken[i]->id;
    }
    act(spool, ids, count);
}

static void a_restart_replays_the_oldest_first(void **state)
{
    struct spool *spool = start();

    (void)state;
    assert_int_equal(found.datums, 0);
    push(spool, "0a 0b 1c 2d");
    close_windows(spool);
    end(spool);
    spool = start();
    assert_int_equal(found.datums, 4);
    assert_int_equal(found.damaged, 0);
    assert_int_equal(found.closed.first_journal, 7);
    assert_true(found.closed.until_ms == NOON);
    assert_next(spool, "abcd");
    assert_true(taken[3]->start_ms == NOON + 2 * MINUTE);
    push(spool, "3e");
    assert_next(spool, "eabcd");
    end(spool);
}

static void what_was_acknowledged_or_given_up_is_gone(void **state)
{
    struct spool *spool = start();

    (void)state;
    push(spool, "0a 0b 1c 2d");
    close_windows(spool);
    assert_next(spool, "dabc");
    act_on(spool, 2, spool_ack);
    assert_next(spool, "bc");
    act_on(spool, 1, spool_drop);
    end(spool);
    spool = start();
    assert_next(spool, "c");
    act_on(spool, 1, spool_ack);
    end(spool);
    spool = start();
    assert_int_equal(spool_count(spool), 0);
    end(spool);
}

static void windows_that_were_not_closed_are_left_to_the_journal(void **state)
{
    struct spool *spool = start();

    (void)state;
    push(spool, "0a");
    close_windows(spool);
    push(spool, "1b 1c");
    assert_next(spool, "bca");
    act_on(spool, 0, spool_ack); /* writes what is buffered, as an acknowledgement may */
    end(spool);
    for (int i = 0; i < 2; i++) {
        spool = start();
        assert_next(spool, "a");
        end(spool);
    }
    spool = start();
    push(spool, "1d");
    close_windows(spool);
    end(spool);
    spool = start();
    assert_next(spool, "ad");
    end(spool);
}

/* What an earlier run left was stamped by a clock of its own. */
static void only_what_this_run_pushed_moves(void **state)
{
    struct spool *spool = start();

    (void)state;
    push(spool, "0a");
    close_windows(spool);
    end(spool);
    spool = start();
    push(spool, "1b");
    spool_move(spool, NOON, NOON + MINUTE, -20 * MINUTE);
    assert_next(spool, "ba");
    assert_true(taken[0]->start_ms == NOON - 19 * MINUTE);
    assert_true(taken[1]->start_ms == NOON);
    end(spool);
}

static void a_batch_in_flight_is_ambiguous(void **state)
{
    struct spool *spool = start();

    (void)state;
    push(spool, "0a 0b 0c 0d");
    close_windows(spool);
    assert_next(spool, "abcd");
    act_on(spool, 3, spool_mark);
    act_on(spool, 1, spool_ack);
    end(spool);
    spool = start();
    assert_int_equal(found.ambiguous, 2);
    assert_next(spool, "bcd");
    act_on(spool, 3, spool_mark);
    act_on(spool, 0, spool_mark); /* refused for certain */
    end(spool);
    spool = start();
    assert_int_equal(found.ambiguous, 0);
    end(spool);
}

static void fill(struct spool *spool, size_t count)
{
    char members[1001];

    memset(members, 'x', 1000);
    members[1000] = '\0';
    for (size_t i = 0; i < count; i++) {
        spool_push(spool, NOON, members);
        if (i % 100 == 0) {
            close_windows(spool);
        }
    }
    close_windows(spool);
}

static int64_t bytes_on_disk;
static size_t files_on_disk;

static void add_size(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    bytes_on_disk += status.st_size;
    files_on_disk++;
}

static void measure(void)
{
    bytes_on_disk = 0;
    files_on_disk = 0;
    each_file(add_size);
}

static void it_is_bounded_on_disk_too(void **state)
{
    int64_t limit = INT64_C(2) << 20;
    struct spool *spool = start_with(limit);

    (void)state;
    fill(spool, 6000);
    assert_true(spool_bytes(spool) <= limit);
    measure();
    assert_in_range(bytes_on_disk, limit / 2, limit + 2 * (256 << 10) + 200000);
    size_t count = spool_count(spool);
    assert_int_equal(spool_dropped(spool), 6000 - count);
    end(spool);
    spool = start_with(limit);
    assert_int_equal(spool_count(spool), count);
    end(spool);
}

static void segments_go_when_all_in_them_is_acknowledged(void **state)
{
    struct spool *spool = start();

    (void)state;
    fill(spool, 3000);
    measure();
    assert_true(files_on_disk > 2);
    while (spool_count(spool) > 0) {
        size_t count = spool_next(spool, NOON, 1000, SIZE_MAX, taken);
        act_on(spool, count, spool_ack);
    }
    measure();
    assert_int_equal(files_on_disk, 1);
    assert_true(bytes_on_disk < 1000);
    end(spool);
}

/* One that must wait (a clock that was wrong) does not keep all that comes after it on disk. */
static void what_can_not_go_yet_does_not_hold_the_rest(void **state)
{
    int64_t limit = INT64_C(1) << 20;
    struct spool *spool = start_with(limit);

    (void)state;
    spool_push(spool, NOON + 1440 * MINUTE, "later");
    for (int i = 0; i < 20; i++) {
        fill(spool, 500);
        size_t count = spool_next(spool, NOON, 1000, SIZE_MAX, taken);
        act_on(spool, count, spool_ack);
    }
    measure();
    assert_in_range(bytes_on_disk, 0, limit + 3 * (256 << 10));
    end(spool);
    spool = start_with(limit);
    assert_int_equal(spool_count(spool), 1);
    end(spool);
}

static const char *damaged_byte; /* where: its offset in the file as text */

static void flip_in(const char *path)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);
    off_t at = strtol(damaged_byte, NULL, 10);

    if (pread(fd, &byte, 1, at) == 1) {
        byte ^= 0x04;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
}

/* Each byte of a file in turn: all but at most one of the datums is there. */
static void a_flipped_bit_costs_a_datum_at_most(void **state)
{
    (void)state;
    for (int offset = 0;; offset++) {
        struct spool *spool = start();
        char text[16];

        push(spool, "0a 0b 1c");
        close_windows(spool);
        end(spool);
        measure();
        snprintf(text, sizeof(text), "%d", offset);
        damaged_byte = text;
        each_file(flip_in);
        spool = start();
        assert_in_range(spool_count(spool), 2, 3);
        assert_true(spool_count(spool) == 3 || found.damaged == 1);
        end(spool);
        each_file(remove_path);
        if (offset >= bytes_on_disk) {
            break;
        }
    }
}

/* Of the records behind the last datum that say that windows are closed, the first ones. */
static void damage_closings(const char *path)
{
    static unsigned char bytes[65536];
    int fd = open(path, O_RDWR);
    ssize_t len = read(fd, bytes, sizeof(bytes));
    struct record_reader reader = {.data = bytes, .len = len > 0 ? (size_t)len : 0};
    struct record record;
    off_t places[16];
    size_t count = 0;

    while (record_next(&reader, &record)) {
        count = record.type == RECORD_DATUM ? 0 : count;
        if (record.type == RECORD_CLOSED && count < MEM_COUNT(places)) {
            places[count++] = record.payload - bytes;
        }
    }
    for (size_t i = 0; i < count && i < CLOSINGS_DAMAGED; i++) {
        assert_int_equal(pwrite(fd, "?", 1, places[i]), 1);
    }
    close(fd);
}

/* Without one that can be read its windows would be taken for unfinished, however whole their
 * datums are. */
static void closings_are_many_because_much_depends_on_them(void **state)
{
    struct spool *spool = start();

    (void)state;
    push(spool, "0a 0b 1c");
    close_windows(spool);
    end(spool);
    each_file(damage_closings);
    spool = start();
    assert_int_not_equal(found.damaged, 0);
    assert_int_equal(found.closed.first_journal, 7);
    assert_next(spool, "abc");
    end(spool);
}

static void truncate_file(const char *path)
{
    assert_int_equal(truncate(path, strtol(damaged_byte, NULL, 10)), 0);
}

/* Torn at every place: windows are there whole, or not at all. */
static void a_torn_end_is_no_half_window(void **state)
{
    (void)state;
    for (int len = 0;; len++) {
        struct spool *spool = start();
        char text[16];

        push(spool, "0a 0b");
        close_windows(spool);
        push(spool, "1c 1d");
        close_windows(spool);
        end(spool);
        measure();
        if (len > bytes_on_disk) {
            break;
        }
        snprintf(text, sizeof(text), "%d", len);
        damaged_byte = text;
        each_file(truncate_file);
        spool = start();
        assert_true(spool_count(spool) % 2 == 0);
        assert_int_equal(spool_dropped(spool), found.damaged);
        end(spool);
        each_file(remove_path);
    }
}

static void foreign_files_are_left_alone(void **state)
{
    char *note = mem_printf("%s/README", dir),
         *folder = mem_printf("%s/00000000000000aa.segment", dir);
    char *noise = mem_printf("%s/0000000000000003.segment", dir);
    FILE *file;

    (void)state;
    file = fopen(note, "w");
    fputs("keep me", file);
    fclose(file);
    file = fopen(noise, "w");
    fputs("not a segment at all", file);
    fclose(file);
    assert_int_equal(mkdir(folder, 0700), 0);
    struct spool *spool = start();
    assert_int_equal(found.foreign, 2);
    assert_int_equal(found.damaged, 1);
    push(spool, "0a");
    close_windows(spool);
    end(spool);
    spool = start();
    assert_next(spool, "a");
    assert_int_equal(access(note, F_OK), 0);
    end(spool);
    free(note);
    free(folder);
    free(noise);
}

static void a_directory_that_can_not_be_made_is_said(void **state)
{
    struct spool *spool = spool_new(LARGE);
    struct err err;

    (void)state;
    assert_false(spool_keep_in(spool, &loop, "/proc/nothing/here", &found, &err));
    assert_non_null(strstr(err.message, "/proc/nothing/here"));
    push(spool, "0a");
    close_windows(spool);
    assert_next(spool, "a");
    assert_false(spool_is_on_disk(spool));
    end(spool);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        STORY(a_restart_replays_the_oldest_first),
        STORY(what_was_acknowledged_or_given_up_is_gone),
        STORY(windows_that_were_not_closed_are_left_to_the_journal),
        STORY(a_batch_in_flight_is_ambiguous),
        STORY(only_what_this_run_pushed_moves),
        STORY(it_is_bounded_on_disk_too),
        STORY(segments_go_when_all_in_them_is_acknowledged),
        STORY(what_can_not_go_yet_does_not_hold_the_rest),
        STORY(a_flipped_bit_costs_a_datum_at_most),
        STORY(closings_are_many_because_much_depends_on_them),
        STORY(a_torn_end_is_no_half_window),
        STORY(foreign_files_are_left_alone),
        STORY(a_directory_that_can_not_be_made_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
