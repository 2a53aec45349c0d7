/* A followed file in a directory of its own: rotation, truncation, restarts. Each line once. */
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

#include <cmocka.h>

#include "agent/sample/log_file.h"
#include "aws/common/buf.h"
#include "aws/common/mem.h"

struct world {
    char dir[64];
    char *path, *rotated, *older;
    struct log_file file;
    struct buf seen; /* "[line]" of each */
};

static void on_line(void *arg, const char *line, size_t len)
{
    struct world *world = arg;

    buf_putc(&world->seen, '[');
    buf_add(&world->seen, line, len);
    buf_putc(&world->seen, ']');
}

static void follow_from(struct world *world, struct position position)
{
    log_file_init(&world->file, world->path, &position, on_line, world);
}

static int set_up(void **state)
{
    struct world *world = mem_alloc(sizeof(*world));

    memcpy(world->dir, "/tmp/pw-log-XXXXXX", 19);
    assert_non_null(mkdtemp(world->dir));
    world->path = mem_printf("%s/app.log", world->dir);
    world->rotated = mem_printf("%s/app.log.1", world->dir);
    world->older = mem_printf("%s/app.log.2", world->dir);
    buf_init(&world->seen, 1 << 20);
    follow_from(world, (struct position){0});
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    log_file_done(&world->file);
    unlink(world->path);
    unlink(world->rotated);
    unlink(world->older);
    rmdir(world->dir);
    buf_done(&world->seen);
    free(world->path);
    free(world->rotated);
    free(world->older);
    free(world);
    return 0;
}

static void append(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void copy_and_truncate(struct world *world)
{
    char bytes[4096];
    int from = open(world->path, O_RDWR),
        to = open(world->rotated, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t len = read(from, bytes, sizeof(bytes));

    assert_int_equal(write(to, bytes, (size_t)len), len);
    assert_int_equal(ftruncate(from, 0), 0);
    close(from);
    close(to);
}

static void read_times(struct world *world, int times)
{
    for (int i = 0; i < times; i++) {
        assert_true(log_file_read(&world->file, NULL));
    }
}

static void expect(struct world *world, const char *lines)
{
    assert_string_equal(buf_text(&world->seen), lines);
    buf_clear(&world->seen);
}

static void restart(struct world *world, struct position position)
{
    log_file_done(&world->file);
    follow_from(world, position);
}

static void begins_at_the_end(void **state)
{
    struct world *world = *state;

    append(world->path, "old\n");
    read_times(world, 1);
    expect(world, "");
    append(world->path, "one\ntw");
    read_times(world, 1);
    expect(world, "[one]");
    assert_int_equal(log_file_position(&world->file).offset, 8);
    append(world->path, "o\n");
    read_times(world, 3);
    expect(world, "[two]");
}

static void what_comes_later_is_read_whole(void **state)
{
    struct world *world = *state;
    struct err err;

    assert_false(log_file_read(&world->file, &err));
    assert_non_null(strstr(err.message, "No such file"));
    assert_false(log_file_position(&world->file).known);
    append(world->path, "one\n");
    read_times(world, 1);
    expect(world, "[one]");
}

static void a_directory_is_no_file(void **state)
{
    struct world *world = *state;
    struct err err;

    assert_int_equal(mkdir(world->path, 0700), 0);
    assert_false(log_file_read(&world->file, &err));
    assert_non_null(strstr(err.message, "is no file"));
    rmdir(world->path);
}

static void goes_on_after_a_restart(void **state)
{
    struct world *world = *state;

    append(world->path, "old\n");
    read_times(world, 1);
    append(world->path, "one\npart");
    read_times(world, 1);
    struct position position = log_file_position(&world->file);
    append(world->path, "ial\ntwo\n");
    read_times(world, 1);
    expect(world, "[one][partial][two]");
    restart(world, position);
    read_times(world, 1);
    expect(world, "[partial][two]");
}

static void renamed(void **state)
{
    struct world *world = *state;

    append(world->path, "");
    read_times(world, 1);
    append(world->path, "one\n");
    rename(world->path, world->rotated);
    append(world->path, "four\n");
    read_times(world, 1);
    append(world->rotated, "two\n"); /* its writer has not noticed yet */
    read_times(world, 1);
    append(world->rotated, "three, without an end");
    read_times(world, 4);
    append(world->path, "five\n");
    read_times(world, 1);
    expect(world, "[one][two][three, without an end][four][five]");
    assert_false(log_file_lost(&world->file));
}

static void renamed_twice_between_two_readings(void **state)
{
    struct world *world = *state;

    append(world->path, "");
    read_times(world, 1);
    append(world->path, "one\n");
    rename(world->path, world->older);
    append(world->path, "two\n");
    read_times(world, 1);
    rename(world->path, world->rotated);
    append(world->path, "three\n");
    read_times(world, 6);
    expect(world, "[one][two][three]");
}

static void copied_and_truncated(void **state)
{
    struct world *world = *state;

    append(world->path, "");
    read_times(world, 1);
    append(world->path, "the first line\n");
    read_times(world, 1);
    append(world->path, "the second line\npart");
    copy_and_truncate(world);
    append(world->path, "third\n");
    read_times(world, 2);
    append(world->path, "fourth\n");
    read_times(world, 1);
    expect(world, "[the first line][the second line][part][third][fourth]");
    assert_false(log_file_lost(&world->file));
}

static void truncated_and_grown_beyond(void **state)
{
    struct world *world = *state;

    append(world->path, "");
    read_times(world, 1);
    append(world->path, "short\n");
    read_times(world, 1);
    copy_and_truncate(world);
    append(world->path, "a line that is longer than what was there before\n");
    read_times(world, 2);
    expect(world, "[short][a line that is longer than what was there before]");
}

static void truncated_and_grown_beyond_with_lines_that_are_the_same(void **state)
{
    struct world *world = *state;

    append(world->path, "");
    read_times(world, 1);
    append(world->path, "x\nx\n");
    read_times(world, 1);
    append(world->path, "x\nx\nx\nx\nx\n");
    copy_and_truncate(world);
    append(world->path, "x\nx\nx\n");
    struct position position = log_file_position(&world->file);
    read_times(world, 3);
    expect(world, "[x][x][x][x][x][x][x][x][x][x]");
    restart(world, position);
    read_times(world, 1);
    expect(world, "[x][x][x][x][x][x][x][x]");
}

static void truncated_without_a_copy(void **state)
{
    struct world *world = *state;

    append(world->path, "");
    read_times(world, 1);
    append(world->path, "one, which is long\n");
    read_times(world, 1);
    assert_int_equal(truncate(world->path, 0), 0);
    append(world->path, "two\n");
    read_times(world, 1);
    expect(world, "[one, which is long][two]");
    assert_true(log_file_lost(&world->file));
    assert_false(log_file_lost(&world->file));
}

static void renamed_while_nobody_looked(void **state)
{
    struct world *world = *state;

    append(world->path, "");
    read_times(world, 1);
    append(world->path, "one\n");
    read_times(world, 1);
    struct position position = log_file_position(&world->file);
    append(world->path, "two\n");
    rename(world->path, world->older);
    append(world->rotated, "three\n");
    append(world->path, "four\n");
    restart(world, position);
    read_times(world, 1);
    expect(world, "[one][two][three][four]");
    assert_false(log_file_lost(&world->file));
}

static void copied_and_truncated_while_nobody_looked(void **state)
{
    struct world *world = *state;

    append(world->path, "");
    read_times(world, 1);
    append(world->path, "the first line\n");
    read_times(world, 1);
    struct position position = log_file_position(&world->file);
    append(world->path, "the second line\n");
    copy_and_truncate(world);
    append(world->path, "third\n");
    restart(world, position);
    read_times(world, 1);
    expect(world, "[the first line][the second line][third]");
}

static void gone_while_nobody_looked(void **state)
{
    struct world *world = *state;

    append(world->path, "one\n");
    read_times(world, 1);
    struct position position = log_file_position(&world->file);
    append(world->rotated, "something else\n");
    unlink(world->path);
    append(world->path, "two\n");
    restart(world, position);
    read_times(world, 1);
    expect(world, "[two]");
    assert_true(log_file_lost(&world->file));
}

/* --- what is kept --------------------------------------------------------------------------- */

static struct position at(uint64_t offset)
{
    return (struct position){.known = true, .device = 1, .inode = UINT64_MAX, .offset = offset};
}

static uint64_t kept(const char *dir)
{
    struct positions *positions = positions_new(dir);
    struct position position = positions_of(positions_open(positions, "web", "/x"));

    positions_free(positions);
    assert_true(!position.known || position.inode == UINT64_MAX);
    return position.known ? position.offset : 0;
}

static void only_what_is_safe_is_kept(void **state)
{
    struct world *world = *state;
    struct positions *positions = positions_new(world->dir);
    struct place *place = positions_open(positions, "web", "/x");
    char *file = mem_printf("%s/log-web.json", world->dir);
    struct position position;

    assert_false(positions_of(place).known);
    position = at(7);
    positions_note(place, 1000, &position);
    assert_int_equal(kept(world->dir), 7); /* where it began */
    position = at(10);
    positions_note(place, 2000, &position);
    position = at(20);
    positions_note(place, 3000, &position);
    assert_true(positions_commit(positions, NULL));
    assert_int_equal(kept(world->dir), 7); /* nothing is published yet */
    positions_mark(positions, 3000);
    assert_int_equal(kept(world->dir), 7);
    assert_true(positions_commit(positions, NULL));
    assert_int_equal(kept(world->dir), 10);
    positions_mark(positions, INT64_MAX);
    assert_true(positions_commit(positions, NULL));
    assert_int_equal(kept(world->dir), 20);
    assert_int_equal(positions_of(positions_open(positions, "web", "/x")).offset, 20);
    positions_free(positions);
    unlink(file);
    free(file);
}

static void a_file_that_is_none_of_ours_is_no_position(void **state)
{
    static const char negative[] =
        "{\"path\":\"/x\",\"device\":\"1\",\"inode\":\"-1\",\"offset\":\"7\",\"head_bytes\":"
        "\"0\",\"head\":\"0\",\"read_ms\":\"1\",\"shapes\":\"0\"}";
    static const char *const texts[] = {"", "{", "[]", "{\"offset\":7}", negative};
    struct world *world = *state;
    char *file = mem_printf("%s/log-web.json", world->dir);

    for (size_t i = 0; i < MEM_COUNT(texts); i++) {
        unlink(file);
        append(file, texts[i]);
        assert_int_equal(kept(world->dir), 0);
    }
    unlink(file);
    free(file);
}

static void of_another_log_nothing_is_known(void **state)
{
    struct world *world = *state;
    struct positions *positions = positions_new(world->dir);
    char *file = mem_printf("%s/log-web.json", world->dir);
    struct position position = at(7);

    positions_note(positions_open(positions, "web", "/x"), 1000, &position);
    assert_int_equal(kept(world->dir), 7);
    assert_false(positions_of(positions_open(positions, "web", "/y")).known);
    positions_free(positions);
    positions = positions_new(world->dir);
    assert_false(positions_of(positions_open(positions, "web", "/y")).known);
    positions_free(positions);
    unlink(file);
    free(file);
}

static void many_readings_before_a_mark(void **state)
{
    struct positions *positions = positions_new(NULL);
    struct place *place = positions_open(positions, "web", "/x");

    (void)state;
    for (uint64_t i = 1; i <= 2000; i++) {
        struct position position = at(i);

        positions_note(place, (int64_t)i, &position);
    }
    positions_mark(positions, INT64_MAX);
    assert_true(positions_commit(positions, NULL));
    assert_int_equal(positions_of(place).offset, 2000);
    positions_free(positions);
}

int main(void)
{
#define IN_A_DIRECTORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_A_DIRECTORY(begins_at_the_end),
        IN_A_DIRECTORY(what_comes_later_is_read_whole),
        IN_A_DIRECTORY(a_directory_is_no_file),
        IN_A_DIRECTORY(goes_on_after_a_restart),
        IN_A_DIRECTORY(renamed),
        IN_A_DIRECTORY(renamed_twice_between_two_readings),
        IN_A_DIRECTORY(copied_and_truncated),
        IN_A_DIRECTORY(truncated_and_grown_beyond),
        IN_A_DIRECTORY(truncated_and_grown_beyond_with_lines_that_are_the_same),
        IN_A_DIRECTORY(truncated_without_a_copy),
        IN_A_DIRECTORY(renamed_while_nobody_looked),
        IN_A_DIRECTORY(copied_and_truncated_while_nobody_looked),
        IN_A_DIRECTORY(gone_while_nobody_looked),
        IN_A_DIRECTORY(only_what_is_safe_is_kept),
        IN_A_DIRECTORY(a_file_that_is_none_of_ours_is_no_position),
        IN_A_DIRECTORY(of_another_log_nothing_is_known),
        cmocka_unit_test(many_readings_before_a_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
