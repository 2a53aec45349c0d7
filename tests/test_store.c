/* Numbered files in a directory: what is synced when, whose they are. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "agent/publish/store.h"
#include "aws/common/mem.h"

#define FILES 4

static char dir[64];
static uv_loop_t loop;
static struct store *store;
static struct store_found found;
static struct err err;
static off_t synced[FILES];    /* size of each file when it was synced last */
static uint64_t failing;       /* whose sync fails */
static uint64_t failed[FILES]; /* that we were told of */
static size_t failures;

/* --- The device ------------------------------------------------------------------------------- */

static uint64_t number_of(int fd)
{
    char link[64], path[256] = "";

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    const char *name = len > 0 ? strrchr(path, '/') : NULL;
    return name ? strtoull(name + 1, NULL, 16) : 0;
}

/* Instead of libc's; in threads. */
int fdatasync(int fd)
{
    uint64_t number = number_of(fd);
    struct stat status;

    if (number == failing) {
        errno = EIO;
        return -1;
    }
    if (number < FILES && fstat(fd, &status) == 0) {
        synced[number] = status.st_size;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static void on_failed(void *arg, uint64_t number, int errnum)
{
    (void)arg;
    assert_int_equal(errnum, EIO);
    failed[failures++] = number;
}

/* --- A directory ------------------------------------------------------------------------------ */

static char *path_of(const char *name)
{
    return mem_printf("%s/%s", dir, name);
}

static bool is_there(const char *name)
{
    char *path = path_of(name);
    struct stat status;
    bool there = lstat(path, &status) == 0;

    free(path);
    return there;
}

static void open_store(void)
{
    const struct store_options options = {
        .loop = &loop, .dir = dir, .kind = "segment", .on_failed = on_failed};

    assert_true(store_open(&options, &store, &err));
}

static int make_dir(void **state)
{
    (void)state;
    memset(synced, 0, sizeof(synced));
    failing = UINT64_MAX;
    failures = 0;
    snprintf(dir, sizeof(dir), "/tmp/test_store.XXXXXX");
    if (!mkdtemp(dir) || uv_loop_init(&loop) != 0) {
        return -1;
    }
    open_store();
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    store_free(store);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    DIR *list = opendir(dir);
    const struct dirent *entry;

    while ((entry = readdir(list)) != NULL) {
        char *path = path_of(entry->d_name);

        if (unlink(path) != 0 && entry->d_name[0] != '.') {
            rmdir(path);
        }
        free(path);
    }
    closedir(list);
    return rmdir(dir);
}

static void append(const char *text)
{
    assert_true(store_append(store, text, strlen(text), &err));
}

static void on_file(void *arg, uint64_t number, const unsigned char *bytes, size_t len)
{
    uint64_t *last = arg;

    (void)bytes;
    (void)len;
    *last = number;
}

/* --- Stories ---------------------------------------------------------------------------------- */

/* What is appended behind the last sync of a file must not wait for the kernel to write it when the
 * next file is begun. */
static void a_file_is_synced_to_its_end_before_the_next(void **state)
{
    (void)state;
    assert_true(store_begin(store, &err));
    append("first");
    store_sync(store);
    uv_run(&loop, UV_RUN_DEFAULT);
    append(" and more");
    assert_true(store_begin(store, &err));
    append("second");
    store_sync(store);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(synced[1], strlen("first and more"));
    assert_int_equal(synced[2], strlen("second"));
}

static void what_is_appended_during_a_sync_is_synced_after_it(void **state)
{
    (void)state;
    assert_true(store_begin(store, &err));
    append("first");
    store_sync(store);
    append(" and more");
    store_sync(store);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(synced[1], strlen("first and more"));
}

static void a_failed_sync_tells_of_its_own_file(void **state)
{
    (void)state;
    failing = 1;
    assert_true(store_begin(store, &err));
    append("first");
    assert_true(store_begin(store, &err));
    append("second");
    store_sync(store);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(failures, 1);
    assert_int_equal(failed[0], 1);
    assert_int_equal(synced[2], strlen("second"));
}

static void the_end_syncs_what_is_not_yet(void **state)
{
    (void)state;
    assert_true(store_begin(store, &err));
    append("first");
    store_free(store);
    store = NULL;
    assert_int_equal(synced[1], strlen("first"));
}

/* They neither go nor keep ours from going. */
static void what_only_has_a_name_like_ours_is_left_alone(void **state)
{
    char *directory = path_of("0000000000000001.segment");
    char *pipe = path_of("0000000000000002.segment");
    char *link = path_of("0000000000000003.segment");
    uint64_t last = 0;

    (void)state;
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(symlink("elsewhere", link), 0);
    store_skip_to(store, 4);
    assert_true(store_begin(store, &err));
    append("ours");
    store_free(store);

    open_store();
    store_read(store, on_file, &last, &found);
    assert_int_equal(last, 4);
    assert_int_equal(found.files, 1);
    assert_int_equal(found.foreign, 2);
    assert_int_not_equal(found.err.code, ERR_NONE); /* the link can not be read */
    assert_int_equal(store_oldest(store), 4);
    assert_int_equal(store_next(store), 5);
    store_trim(store);
    assert_false(is_there("0000000000000004.segment"));
    assert_true(is_there("0000000000000001.segment"));
    assert_true(is_there("0000000000000002.segment"));
    assert_true(is_there("0000000000000003.segment"));
    free(directory);
    free(pipe);
    free(link);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_file_is_synced_to_its_end_before_the_next),
        STORY(what_is_appended_during_a_sync_is_synced_after_it),
        STORY(a_failed_sync_tells_of_its_own_file),
        STORY(the_end_syncs_what_is_not_yet),
        STORY(what_only_has_a_name_like_ours_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
