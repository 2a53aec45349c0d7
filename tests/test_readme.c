/* README's tables of keys, metrics and alarms are the program's own: each stands between two marks
 * (<!-- metrics --> and <!-- /metrics -->). UPDATE=1 writes them anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/alarm_kinds.h"
#include "agent/config_keys.h"
#include "agent/metrics.h"
#include "aws/common/mem.h"

#define README     TEST_DATA "/../../README.md"
#define README_MAX (1u << 20)

/* --- the tables ----------------------------------------------------------------------------- */

/* A cell ends at a '|'. */
static void put_cell(struct buf *out, const char *text)
{
    buf_puts(out, " ");
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            buf_putc(out, '\\');
        }
        buf_putc(out, *text);
    }
    buf_puts(out, " |");
}

static void put_code(struct buf *out, const char *text)
{
    char *quoted = text[0] != '\0' ? mem_printf("`%s`", text) : mem_strdup("");

    put_cell(out, quoted);
    free(quoted);
}

/* The threshold and the rule of an alarm stand in the table of alarms. */
static bool is_of_alarm(const struct config_key *key)
{
    for (int kind = 0; kind < ALARM_KIND_COUNT; kind++) {
        const char *name = alarm_row((enum alarm_kind)kind)->key;
        size_t len = strlen(name);

        if (strncmp(key->name, name, len) == 0 &&
            (key->name[len] == '\0' || key->name[len] == '.')) {
            return true;
        }
    }
    return false;
}

static void put_accepted(struct buf *out, const struct config_key *key)
{
    struct buf text;

    buf_init(&text, 4096);
    value_accepted(key->type, &key->rule, &text);
    put_cell(out, buf_text(&text));
    buf_done(&text);
}

static void put_key(struct buf *out, const struct config_key *key)
{
    char *name = mem_printf("%s%s", key->name, key->type == &value_pairs ? "NAME" : "");
    char *meaning = mem_printf("%s%s", key->meaning, key->reloadable ? "" : " *Restart.*");

    buf_puts(out, "|");
    put_code(out, name);
    put_code(out, key->default_text);
    put_cell(out, meaning);
    put_accepted(out, key);
    buf_puts(out, "\n");
    free(meaning);
    free(name);
}

static void put_keys(struct buf *out, int section)
{
    buf_puts(out, "| key | default | meaning | accepted |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < config_key_count; i++) {
        if (config_keys[i].section == (enum config_section)section &&
            !is_of_alarm(&config_keys[i])) {
            put_key(out, &config_keys[i]);
        }
    }
}

static void put_metrics(struct buf *out, int unused)
{
    static const char *const of[] = {"database", "pool", "agent"};

    (void)unused;
    buf_puts(out, "| metric | set | of | unit | kind | meaning |\n"
                  "| --- | --- | --- | --- | --- | --- |\n");
    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct metric *metric = metric_get((enum metric_id)id);

        buf_printf(out, "| %s%s%s | %s | %s | %s | %s |", metric->name,
                   metric->extra_dimension != NULL ? " by " : "",
                   metric->extra_dimension != NULL ? metric->extra_dimension : "",
                   metric_set_name(metric->set), of[metric->of], metric->unit,
                   metric->kind == METRIC_COUNTER ? "counter" : "gauge");
        put_cell(out, metric->meaning);
        buf_puts(out, "\n");
    }
}

static const struct config_key *key_of(const char *name)
{
    const char *open;
    const struct config_key *key = config_key_find(SECTION_ALARMS, name, &open);

    assert_non_null(key);
    return key;
}

static void put_alarm(struct buf *out, const struct alarm_row *row)
{
    const struct config_key *threshold = key_of(row->key);
    char *rule = mem_printf("%s.rule", row->key);
    char *name =
        mem_printf("%s%s", row->stem, row->of == ALARM_OF_POOL ? "DATABASE-POOL" : "DATABASE");

    buf_puts(out, "|");
    put_cell(out, name);
    put_code(out, row->key);
    put_code(out, threshold->default_text);
    put_code(out, key_of(rule)->default_text);
    put_cell(out, row->missing_data);
    put_cell(out, threshold->meaning);
    buf_puts(out, "\n");
    free(rule);
    free(name);
}

static void put_alarms(struct buf *out, int unused)
{
    (void)unused;
    buf_puts(out, "| alarm | key | threshold | rule | missing data | fires when |\n"
                  "| --- | --- | --- | --- | --- | --- |\n");
    for (int kind = 0; kind < ALARM_KIND_COUNT; kind++) {
        put_alarm(out, alarm_row((enum alarm_kind)kind));
    }
}

static const struct table {
    const char *name;
    void (*put)(struct buf *, int);
    int argument;
} tables[] = {
    {"keys of agent", put_keys, SECTION_AGENT},
    {"keys of cloudwatch", put_keys, SECTION_CLOUDWATCH},
    {"keys of alarms", put_keys, SECTION_ALARMS},
    {"keys of database", put_keys, SECTION_DATABASE},
    {"keys of pool", put_keys, SECTION_POOL},
    {"keys of statsd", put_keys, SECTION_STATSD},
    {"metrics", put_metrics, 0},
    {"alarms", put_alarms, 0},
};

/* --- the file ------------------------------------------------------------------------------- */

static char *read_readme(void)
{
    FILE *file = fopen(README, "r");
    char *text = mem_alloc(README_MAX);

    assert_non_null(file);
    text[fread(text, 1, README_MAX - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

static void write_readme(const char *text)
{
    FILE *file = fopen(README, "w");

    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* Where the mark is; it stands there once. */
static char *find_mark(char *text, const char *slash, const char *name)
{
    char *mark = mem_printf("<!-- %s%s -->\n", slash, name);
    char *found = strstr(text, mark);

    if (found == NULL || strstr(found + 1, mark) != NULL) {
        fail_msg("README.md does not have %s once", mark);
    }
    free(mark);
    return found;
}

/* The file with this table written anew. */
static char *with_table(char *text, const struct table *table)
{
    struct buf out;
    char *start = strchr(find_mark(text, "", table->name), '\n') + 1;
    char *end = find_mark(text, "/", table->name);

    assert_true(start <= end);
    buf_init(&out, README_MAX);
    buf_add(&out, text, (size_t)(start - text));
    table->put(&out, table->argument);
    buf_puts(&out, end);
    assert_true(buf_ok(&out));
    char *whole = mem_strdup(buf_text(&out));
    buf_done(&out);
    return whole;
}

static void each_table_is_the_programs(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(tables); i++) {
        char *text = read_readme();
        char *wanted = with_table(text, &tables[i]);

        if (getenv("UPDATE") != NULL) {
            write_readme(wanted);
        } else if (strcmp(text, wanted) != 0) {
            fail_msg("README.md: the table of %s is another than the program's; write it anew: "
                     "UPDATE=1 build/dev/tests/test_readme",
                     tables[i].name);
        }
        free(wanted);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_table_is_the_programs)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
