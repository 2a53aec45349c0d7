/* Readings of open windows on a real directory. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "agent/publish/journal.h"
#include "aws/common/buf.h"
#include "aws/common/mem.h"

static char dir[64];
static uv_loop_t loop;
static struct journal_found found;
static struct buf replayed; /* "orders/-/- 1000=5 " for each reading */

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/test_journal.XXXXXX");
    buf_init(&replayed, 1 << 20);
    return mkdtemp(dir) && uv_loop_init(&loop) == 0 ? 0 : -1;
}

static size_t count_files(void (*act)(const char *path))
{
    DIR *list = opendir(dir);
    const struct dirent *entry;
    size_t count = 0;

    while ((entry = readdir(list)) != NULL) {
        if (entry->d_name[0] != '.') {
            char *path = mem_printf("%s/%s", dir, entry->d_name);

            count++;
            if (act) {
                act(path);
            }
            free(path);
        }
    }
    closedir(list);
    return count;
}

static void remove_path(const char *path)
{
    unlink(path);
}

static int remove_dir(void **state)
{
    (void)state;
    buf_done(&replayed);
    uv_loop_close(&loop);
    count_files(remove_path);
    return rmdir(dir);
}

static const char *text(const char *value)
{
    return value ? value : "-";
}

static void on_reading(void *arg, const struct reading *reading)
{
    (void)arg;
    buf_printf(&replayed, "%s/%s/%s/%s %d=%g ", metric_get(reading->metric)->name,
               text(reading->database), text(reading->pool), text(reading->extra),
               (int)reading->time_ms, reading->value);
}

static struct journal *start(uint64_t first, int64_t until_ms)
{
    const struct journal_options options = {.loop = &loop, .dir = dir, .limit_bytes = 1 << 20};
    const struct sink sink = {.put = on_reading};
    struct journal *journal;
    struct err err;

    buf_clear(&replayed);
    assert_true(journal_open(&options, &journal, &err));
    journal_replay(journal, first, until_ms, &sink, &found);
    return journal;
}

static void add(struct journal *journal, enum metric_id metric, const char *pool, const char *extra,
                int time_ms, double value)
{
    const struct reading reading = {.metric = metric,
                                    .database = "orders",
                                    .pool = pool,
                                    .extra = extra,
                                    .time_ms = time_ms,
                                    .value = value};

    journal_add(journal, &reading);
}

static void add_up(struct journal *journal, int time_ms)
{
    add(journal, METRIC_DATABASE_UP, NULL, NULL, time_ms, 1);
}

static void readings_survive_kill_9(void **state)
{
    struct journal *journal = start(0, INT64_MIN);

    (void)state;
    add(journal, METRIC_DATABASE_CONNECTIONS, NULL, NULL, 1000, 5);
    add(journal, METRIC_CONNECTIONS_BY_STATE, NULL, "idle", 1000, 4);
    journal_flush(journal);
    add(journal, METRIC_POOL_TIMEOUT, "web", NULL, 1500, 1);
    add(journal, METRIC_DATABASE_CONNECTIONS, NULL, NULL, 2000, 6.5);
    journal_flush(journal);
    add_up(journal, 3000); /* never written */
    journal_free(journal);
    journal = start(0, INT64_MIN);
    assert_string_equal(buf_text(&replayed), "DatabaseConnections/orders/-/- 1000=5 "
                                             "DatabaseConnections/orders/-/idle 1000=4 "
                                             "PoolTimeout/orders/web/- 1500=1 "
                                             "DatabaseConnections/orders/-/- 2000=6.5 ");
    assert_int_equal(found.readings, 4);
    assert_int_equal(found.damaged, 0);
    journal_free(journal);
}

static void a_file_goes_when_none_of_its_windows_is_open(void **state)
{
    struct journal *journal = start(0, INT64_MIN);

    (void)state;
    add_up(journal, 59000);
    add_up(journal, 61000); /* of the next window already */
    uint64_t first = journal_turn(journal, 60000);
    journal_forget(journal, first);
    assert_int_equal(first, 1);
    assert_int_equal(count_files(NULL), 1);
    add_up(journal, 62000);
    journal_flush(journal);
    assert_int_equal(count_files(NULL), 2);
    journal_free(journal);

    journal = start(first, 60000); /* the first window stands in datums */
    assert_string_equal(buf_text(&replayed),
                        "DatabaseUp/orders/-/- 61000=1 DatabaseUp/orders/-/- 62000=1 ");
    add_up(journal, 63000);
    first = journal_turn(journal, INT64_MAX);
    journal_forget(journal, first);
    assert_int_equal(first, 4);
    assert_int_equal(count_files(NULL), 0);
    journal_free(journal);
}

static void numbers_are_never_used_again(void **state)
{
    struct journal *journal = start(9, INT64_MIN);

    (void)state;
    add_up(journal, 1000);
    journal_flush(journal);
    journal_free(journal);
    journal = start(9, INT64_MIN);
    assert_int_equal(found.readings, 1);
    journal_free(journal);
    journal = start(10, INT64_MIN);
    assert_int_equal(found.readings, 0);
    journal_forget(journal, journal_turn(journal, INT64_MAX));
    assert_int_equal(count_files(NULL), 0);
    journal_free(journal);
}

static void damage(const char *path)
{
    FILE *file = fopen(path, "r+");

    fseek(file, -4, SEEK_END); /* in the last reading */
    fputc('!', file);
    fclose(file);
}

static void a_damaged_record_is_skipped(void **state)
{
    struct journal *journal = start(0, INT64_MIN);

    (void)state;
    add_up(journal, 1000);
    journal_flush(journal);
    add_up(journal, 2000);
    journal_flush(journal);
    journal_free(journal);
    count_files(damage);
    journal = start(0, INT64_MIN);
    assert_string_equal(buf_text(&replayed), "DatabaseUp/orders/-/- 1000=1 ");
    journal_free(journal);
}

static void many_series_keep_their_names(void **state)
{
    struct journal *journal = start(0, INT64_MIN);
    char last[80];

    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 500; i++) {
            snprintf(last, sizeof(last), "application %d", i);
            add(journal, METRIC_CONNECTIONS_BY_APPLICATION, NULL, last, 1000 + turn, i);
        }
    }
    journal_flush(journal);
    journal_free(journal);
    journal = start(0, INT64_MIN);
    assert_int_equal(found.readings, 1000);
    assert_non_null(strstr(buf_text(&replayed), "/application 499 1001=499 "));
    assert_non_null(strstr(buf_text(&replayed), "/application 0 1001=0 "));
    journal_free(journal);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        STORY(readings_survive_kill_9),      STORY(a_file_goes_when_none_of_its_windows_is_open),
        STORY(numbers_are_never_used_again), STORY(a_damaged_record_is_skipped),
        STORY(many_series_keep_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
