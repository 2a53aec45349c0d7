/* The command line: tables of lines that are taken and of lines that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/cli.h"
#include "agent/suggest.h"
#include "aws/common/mem.h"

#define WORDS_MAX 8

/* The line's words, as a shell without quotes would part them. */
static bool parse(const char *line, char words[256], struct cli *out, struct err *err)
{
    char *argv[WORDS_MAX + 1] = {NULL};
    int argc = 0;

    memcpy(words, line, strlen(line) + 1);
    for (char *word = words; argc < WORDS_MAX && *word != '\0';) {
        argv[argc++] = word;
        word += strcspn(word, " ");
        if (*word == ' ') {
            *word++ = '\0';
        }
    }
    return cli_parse(argc, argv, out, err);
}

static const struct {
    const char *line;
    struct cli cli;
} good[] = {
    {"poolwarden", {.mode = MODE_RUN, .log_level = LOG_INFO}},
    {"poolwarden --setup-alarms -n",
     {.mode = MODE_SETUP_ALARMS, .dry_run = true, .log_level = LOG_INFO}},
    {"poolwarden --remove-alarms --prune -n",
     {.mode = MODE_REMOVE_ALARMS, .dry_run = true, .log_level = LOG_INFO, .prune = true}},
    {"poolwarden --print task-definition",
     {.mode = MODE_PRINT, .log_level = LOG_INFO, .print = PRINT_TASK_DEFINITION}},
    {"poolwarden --print=iam -c a.conf",
     {.mode = MODE_PRINT, .config_file = "a.conf", .log_level = LOG_INFO, .print = PRINT_IAM}},
    {"poolwarden --diagnose", {.mode = MODE_DIAGNOSE, .log_level = LOG_INFO}},
    {"poolwarden --diagnose --terminate-idle 5m",
     {.mode = MODE_DIAGNOSE, .log_level = LOG_INFO, .terminate_idle_ms = 300000}},
    {"poolwarden --yes --terminate-idle=90s --diagnose",
     {.mode = MODE_DIAGNOSE, .log_level = LOG_INFO, .terminate_idle_ms = 90000, .yes = true}},
    {"poolwarden --watch", {.mode = MODE_WATCH, .log_level = LOG_INFO}},
    {"poolwarden --once --format json",
     {.mode = MODE_ONCE, .format = FORMAT_JSON, .log_level = LOG_INFO}},
    {"poolwarden --format=text --check-config", {.mode = MODE_CHECK_CONFIG, .log_level = LOG_INFO}},
    {"poolwarden -c a.conf", {.mode = MODE_RUN, .config_file = "a.conf", .log_level = LOG_INFO}},
    {"poolwarden -ca.conf", {.mode = MODE_RUN, .config_file = "a.conf", .log_level = LOG_INFO}},
    {"poolwarden -nc a.conf",
     {.mode = MODE_RUN, .config_file = "a.conf", .dry_run = true, .log_level = LOG_INFO}},
    {"poolwarden --config=a=b.conf",
     {.mode = MODE_RUN, .config_file = "a=b.conf", .log_level = LOG_INFO}},
    {"poolwarden --dry-run --log-level debug",
     {.mode = MODE_RUN, .dry_run = true, .log_level = LOG_DEBUG}},
    {"poolwarden --once --once", {.mode = MODE_ONCE, .log_level = LOG_INFO}},
    {"poolwarden -V", {.mode = MODE_VERSION, .log_level = LOG_INFO}},
    {"poolwarden -h", {.mode = MODE_HELP, .log_level = LOG_INFO}},
};

static void takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(good); i++) {
        char words[256];
        struct cli cli;
        struct err err;

        if (!parse(good[i].line, words, &cli, &err)) {
            fail_msg("%s: %s", good[i].line, err.message);
        }
        assert_int_equal(cli.mode, good[i].cli.mode);
        assert_int_equal(cli.dry_run, good[i].cli.dry_run);
        assert_int_equal(cli.prune, good[i].cli.prune);
        assert_int_equal(cli.print, good[i].cli.print);
        assert_int_equal(cli.format, good[i].cli.format);
        assert_int_equal(cli.log_level, good[i].cli.log_level);
        assert_int_equal(cli.terminate_idle_ms, good[i].cli.terminate_idle_ms);
        assert_int_equal(cli.yes, good[i].cli.yes);
        assert_string_equal(cli.config_file != NULL ? cli.config_file : "(none)",
                            good[i].cli.config_file != NULL ? good[i].cli.config_file : "(none)");
    }
}

static const struct {
    const char *line, *message;
} bad[] = {
    {"poolwarden --setup-alarm", "unknown option --setup-alarm; did you mean --setup-alarms?"},
    {"poolwarden --setup-alarms --prune", "--prune goes with --remove-alarms"},
    {"poolwarden --print", "--print needs a value: --print WHAT"},
    {"poolwarden --print sql",
     "--print: \"sql\" is not known; accepted: iam, grants, task-definition"},
    {"poolwarden --print iam --once", "--print and --once: one mode at a time"},
    {"poolwarden --prune", "--prune goes with --remove-alarms"},
    {"poolwarden --dryrun", "unknown option --dryrun; did you mean --dry-run?"},
    {"poolwarden --frobnicate", "unknown option --frobnicate; --help lists them"},
    {"poolwarden -x", "unknown option -x; --help lists them"},
    {"poolwarden start", "\"start\" is no option; --help lists them"},
    {"poolwarden --", "\"--\" is no option; --help lists them"},
    {"poolwarden --once --check-config", "--once and --check-config: one mode at a time"},
    {"poolwarden --once -h", "--once and --help: one mode at a time"},
    {"poolwarden --format xml", "--format: \"xml\" is not known; accepted: text, json"},
    {"poolwarden --log-level", "--log-level needs a value: --log-level L"},
    {"poolwarden -c", "--config needs a value: --config FILE"},
    {"poolwarden --config=", "--config: the file's name is empty"},
    {"poolwarden --once=1", "--once takes no value"},
    {"poolwarden --once -n",
     "--dry-run goes with the agent, a --setup mode or --remove-alarms, not with --once"},
    {"poolwarden --diagnose --terminate-idle",
     "--terminate-idle needs a value: --terminate-idle AGE"},
    {"poolwarden --diagnose --terminate-idle soon",
     "--terminate-idle: \"soon\" is not accepted; accepted: 1s to 7d, like 5m"},
    {"poolwarden --diagnose --terminate-idle 0s",
     "--terminate-idle: \"0s\" is not accepted; accepted: 1s to 7d, like 5m"},
    {"poolwarden --terminate-idle 5m", "--terminate-idle goes with --diagnose"},
    {"poolwarden --diagnose --yes", "--yes goes with --diagnose --terminate-idle"},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(bad); i++) {
        char words[256];
        struct cli cli;
        struct err err = {.code = ERR_NONE};

        assert_false(parse(bad[i].line, words, &cli, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        assert_string_equal(err.message, bad[i].message);
    }
}

static void lists_what_there_is(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 65536);
    cli_help(&text);
    assert_true(buf_ok(&text));
    assert_non_null(strstr(buf_text(&text), "--setup-alarms"));
    assert_non_null(strstr(buf_text(&text), "  -c, --config FILE "));
    assert_non_null(strstr(buf_text(&text), "      --log-level L "));
    assert_non_null(strstr(buf_text(&text), "--health"));
    buf_done(&text);
}

static void measures_distance(void **state)
{
    (void)state;
    assert_int_equal(suggest_distance("", ""), 0);
    assert_int_equal(suggest_distance("abc", ""), 3);
    assert_int_equal(suggest_distance("kitten", "sitting"), 3);
    assert_int_equal(suggest_distance("namesapce", "namespace"), 1);
    assert_int_equal(suggest_distance("abcd", "badc"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes),
        cmocka_unit_test(refuses),
        cmocka_unit_test(lists_what_there_is),
        cmocka_unit_test(measures_distance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
