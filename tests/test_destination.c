/* Directories of the spool and what they say they are for. */
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

#include "agent/destination.h"
#include "aws/common/mem.h"

/* Longer than what the name of its directory shows, by some twenty characters. */
#define LONG_NAME                                                                                  \
    "A name that is longer than what the name of its directory shows, by some twenty characters"

static char state_dir[64];
static struct err err;

static int make_dir(void **state)
{
    (void)state;
    snprintf(state_dir, sizeof(state_dir), "/tmp/test_destination.XXXXXX");
    if (!mkdtemp(state_dir)) {
        return -1;
    }
    char *spool = mem_printf("%s/spool", state_dir);
    int made = mkdir(spool, 0700);

    free(spool);
    return made;
}

static int remove_dir(void **state)
{
    char *spool = mem_printf("%s/spool", state_dir);

    (void)state;
    bool gone = rmdir(spool) == 0 && rmdir(state_dir) == 0;
    free(spool);
    return gone ? 0 : -1;
}

/* Its directory, made. */
static char *make(const char *region, const char *namespace_)
{
    char *dir = destination_dir(state_dir, region, namespace_);

    assert_int_equal(mkdir(dir, 0700), 0);
    return dir;
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", dir, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

struct told {
    size_t dirs;
    char region[64];
    char namespace_[300];
};

static void on_dir(void *arg, const char *dir, const char *region, const char *namespace_)
{
    struct told *told = arg;

    assert_int_equal(strncmp(dir, state_dir, strlen(state_dir)), 0);
    told->dirs++;
    snprintf(told->region, sizeof(told->region), "%s", region ? region : "?");
    snprintf(told->namespace_, sizeof(told->namespace_), "%s", namespace_ ? namespace_ : "?");
}

static void assert_told(size_t dirs, const char *region, const char *namespace_)
{
    struct told told = {.dirs = 0};

    destination_each(state_dir, on_dir, &told);
    assert_int_equal(told.dirs, dirs);
    assert_string_equal(told.region, region);
    assert_string_equal(told.namespace_, namespace_);
}

/* --- Stories ---------------------------------------------------------------------------------- */

static void a_directory_says_exactly_what_it_is_for(void **state)
{
    static const char *const namespaces[] = {"Application", "My/App", "My_App",
                                             "a \"quoted\" one: \\ and more", LONG_NAME};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(namespaces); i++) {
        char *dir = make("eu-west-1", namespaces[i]);

        assert_true(destination_write(dir, "eu-west-1", namespaces[i], &err));
        assert_true(destination_write(dir, "eu-west-1", namespaces[i], &err));
        assert_told(1, "eu-west-1", namespaces[i]);
        destination_remove(dir);
        assert_told(0, "", "");
        free(dir);
    }
}

static void names_that_look_alike_have_directories_of_their_own(void **state)
{
    char *one = destination_dir("/var", "eu-west-1", "My/App");
    char *other = destination_dir("/var", "eu-west-1", "My_App");

    (void)state;
    assert_string_not_equal(one, other);
    assert_int_equal(strncmp(one, "/var/spool/eu-west-1-My_App-", 28), 0);
    free(one);
    free(other);
}

static void a_file_that_is_not_its_own_is_not_believed(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"region\": \"eu-west-1\"}",
        "{\"region\": 1, \"namespace\": \"Application\"}",
        "{\"region\": \"us-east-1\", \"namespace\": \"Application\"}",
        "{\"region\": \"eu-west-1\", \"namespace\": \"Other\"}",
        "{\"region\": \"../..\", \"namespace\": \"Application\"}"};
    char *dir = make("eu-west-1", "Application");

    (void)state;
    assert_told(1, "?", "?"); /* there is none */
    for (size_t i = 0; i < MEM_COUNT(texts); i++) {
        write_file(dir, ".destination", texts[i]);
        assert_told(1, "?", "?");
    }
    assert_true(destination_write(dir, "eu-west-1", "Application", &err));
    assert_told(1, "eu-west-1", "Application");
    write_file(dir, ".destination.new", "torn");
    destination_remove(dir);
    free(dir);
}

static void only_what_is_ours_is_removed(void **state)
{
    char *dir = make("eu-west-1", "Application"), *note = mem_printf("%s/note", dir);

    (void)state;
    write_file(dir, "0000000000000001.segment", "x");
    write_file(dir, "0000000000000001.journal", "x");
    write_file(dir, "note", "mine");
    destination_remove(dir);
    assert_int_equal(access(note, F_OK), 0);
    assert_int_equal(unlink(note), 0);
    assert_int_equal(rmdir(dir), 0);
    free(note);
    free(dir);
}

static void no_state_directory_is_no_directory(void **state)
{
    struct told told = {.dirs = 0};

    (void)state;
    destination_each("/nonexistent", on_dir, &told);
    assert_int_equal(told.dirs, 0);
    assert_false(destination_write("/nonexistent", "eu-west-1", "Application", &err));
    assert_non_null(strstr(err.message, "/nonexistent/.destination"));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_directory_says_exactly_what_it_is_for),
        STORY(names_that_look_alike_have_directories_of_their_own),
        STORY(a_file_that_is_not_its_own_is_not_believed),
        STORY(only_what_is_ours_is_removed),
        STORY(no_state_directory_is_no_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
