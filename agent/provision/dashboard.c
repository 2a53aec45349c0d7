#include "agent/provision/dashboard.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agent/provision/dashboard_graphs.h"
#include "agent/provision/short_hash.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/region.h"

#define NAME_MAX_LEN 200 /* of 255; a number comes behind it */
#define TEXT_MAX     65536
#define MARK         "poolwarden --setup-dashboard" /* in the text on top: who wrote it */

/* --- Names ------------------------------------------------------------------------------------ */

/* What a name does not take becomes '-', and then a hash of the whole tells it from others. */
static bool add_word(struct buf *out, const char *word)
{
    bool same = true;

    for (size_t i = 0; word[i] != '\0'; i++) {
        bool good = isalnum((unsigned char)word[i]) || word[i] == '-' || word[i] == '_';

        char c = '-';

        if (good) {
            c = word[i];
        }
        buf_putc(out, c);
        same = same && good;
    }
    return same;
}

static void add_hash(const struct config *config, struct buf *out)
{
    uint64_t hash = short_hash_add(SHORT_HASH_BEGIN, config->alarms.name_prefix);
    char text[SHORT_HASH_TEXT];

    hash = short_hash_add(hash, config->namespace_);
    for (size_t i = 0; i < config->dimensions.count; i++) {
        hash = short_hash_add(hash, config->dimensions.items[i].value);
    }
    short_hash_print(hash, text);
    buf_printf(out, "-%s", text);
}

char *dashboard_name(const struct config *config, size_t number)
{
    struct buf out;

    buf_init(&out, TEXT_MAX);
    bool same = add_word(&out, config->alarms.name_prefix);

    buf_puts(&out, "poolwarden-");
    same = add_word(&out, config->namespace_) && same;
    for (size_t i = 0; i < config->dimensions.count; i++) {
        buf_putc(&out, '-');
        same = add_word(&out, config->dimensions.items[i].value) && same;
    }
    if (out.len > NAME_MAX_LEN) {
        buf_truncate(&out, NAME_MAX_LEN);
        same = false;
    }
    if (!same) {
        add_hash(config, &out);
    }
    if (number > 0) {
        buf_printf(&out, "-%zu", number);
    }
    return buf_take(&out);
}

char *dashboard_url(const char *region, const char *name)
{
    const char *partition = region_partition(region)->name;
    const char *host = strcmp(partition, "aws-cn") == 0       ? "console.amazonaws.cn"
                       : strcmp(partition, "aws-us-gov") == 0 ? "console.amazonaws-us-gov.com"
                                                              : "console.aws.amazon.com";

    return mem_printf("https://%s.%s/cloudwatch/home?region=%s#dashboards/dashboard/%s", region,
                      host, region, name);
}

/* --- Pages ------------------------------------------------------------------------------------ */

static void add_page(struct dashboards *out, char *name, struct page *page)
{
    out->list = mem_grow(out->list, out->count + 1, sizeof(*out->list));
    out->list[out->count++] = (struct dashboard){.name = name, .body = page_take(page)};
}

static void add_heading(struct page *page, const struct config *config, const char *what,
                        const char *more)
{
    struct buf text;

    buf_init(&text, TEXT_MAX);
    buf_printf(&text, "# PostgreSQL connections: %s\n", config->namespace_);
    for (size_t i = 0; i < config->dimensions.count; i++) {
        buf_printf(&text, "%s%s = %s", i > 0 ? ", " : "", config->dimensions.items[i].name,
                   config->dimensions.items[i].value);
    }
    buf_printf(&text,
               "%s%s. Written by `" MARK "`, which overwrites what is changed here. In an "
               "incident run first: `poolwarden --diagnose`.%s",
               config->dimensions.count > 0 ? "; " : "", what, more);
    page_text(page, buf_text(&text), more[0] != '\0' ? 4 : 2);
    buf_done(&text);
}

/* The region of each alarm's own; a widget holds those of one. */
static void add_alarms(struct page *page, const struct dashboard_database *databases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *arns = json_array();
        bool first = true;

        for (size_t j = 0; j < i; j++) {
            first = first && strcmp(databases[j].region, databases[i].region) != 0;
        }
        for (size_t j = i; j < count && first; j++) {
            if (strcmp(databases[j].region, databases[i].region) == 0) {
                (void)json_array_extend(arns, databases[j].alarms);
            }
        }
        char *title = mem_printf("Alarms in %s", databases[i].region);

        page_alarms(page, title, arns);
        free(title);
    }
}

/* Databases `from` up to `to`. */
static void add_details(const struct config *config, const struct dashboard_database *databases,
                        size_t from, size_t to, char *name, struct dashboards *out)
{
    struct page page;
    char *what = mem_printf("%zu database%s", to - from, to - from == 1 ? "" : "s");

    page_init(&page);
    add_heading(&page, config, what, "");
    add_alarms(&page, databases + from, to - from);
    for (size_t i = from; i < to; i++) {
        graphs_of_database(&page, config, &config->databases[i], &databases[i]);
    }
    add_page(out, name, &page);
    free(what);
}

/* How many databases from `from` on one dashboard takes: at least one. */
static size_t end_of_page(const struct config *config, size_t from)
{
    size_t to = from, widgets = 16, metrics = 0; /* headings and alarms */

    while (to < config->database_count && to - from < DASHBOARD_DATABASES_MAX) {
        struct page page;

        page_init(&page);
        graphs_of_database(&page, config, &config->databases[to],
                           &(struct dashboard_database){.region = ""});
        widgets += json_array_size(page.widgets);
        metrics += page.metrics;
        json_decref(page_take(&page));
        if (to > from && (widgets > PAGE_WIDGETS_MAX || metrics > PAGE_METRICS_MAX)) {
            break;
        }
        to++;
    }
    return to;
}

static void add_links(const struct config *config, struct buf *out)
{
    size_t number = 1;

    for (size_t from = 0; from < config->database_count; number++) {
        size_t to = end_of_page(config, from);
        char *name = dashboard_name(config, number);

        buf_printf(out, "%s[%s to %s](#dashboards/dashboard/%s)", number == 1 ? "\n\n" : ", ",
                   config->databases[from].name, config->databases[to - 1].name, name);
        free(name);
        from = to;
    }
}

static void add_summary(const struct config *config, const struct dashboard_database *databases,
                        struct dashboards *out)
{
    struct page page;
    struct buf links;
    char *what = mem_printf("%zu databases", config->database_count);

    buf_init(&links, TEXT_MAX);
    add_links(config, &links);
    page_init(&page);
    add_heading(&page, config, what, buf_text(&links));
    add_alarms(&page, databases, config->database_count);
    graphs_of_all(&page, config, databases);
    add_page(out, dashboard_name(config, 0), &page);
    buf_done(&links);
    free(what);
}

void dashboards_make(const struct config *config, const struct dashboard_database *databases,
                     struct dashboards *out)
{
    size_t number = 1;

    *out = (struct dashboards){0};
    if (end_of_page(config, 0) == config->database_count) {
        add_details(config, databases, 0, config->database_count, dashboard_name(config, 0), out);
        return;
    }
    add_summary(config, databases, out);
    for (size_t from = 0; from < config->database_count; number++) {
        size_t to = end_of_page(config, from);

        add_details(config, databases, from, to, dashboard_name(config, number), out);
        from = to;
    }
}

void dashboards_done(struct dashboards *dashboards)
{
    for (size_t i = 0; i < dashboards->count; i++) {
        free(dashboards->list[i].name);
        json_decref(dashboards->list[i].body);
    }
    free(dashboards->list);
    *dashboards = (struct dashboards){0};
}

/* --- Comparing -------------------------------------------------------------------------------- */

bool dashboard_is_ours(const json_t *body)
{
    const json_t *widgets = json_object_get(body, "widgets");

    for (size_t i = 0; i < json_array_size(widgets); i++) {
        const json_t *properties = json_object_get(json_array_get(widgets, i), "properties");
        const char *markdown = json_text_of(properties, "markdown");

        if (markdown && strstr(markdown, MARK)) {
            return true;
        }
    }
    return false;
}

bool dashboard_is_same(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;

    if (json_is_number(a) && json_is_number(b)) {
        return json_number_value(a) == json_number_value(b); /* 80 came back as 80.0 */
    }
    if (json_is_array(a) && json_is_array(b)) {
        bool same = json_array_size(a) == json_array_size(b);

        for (size_t i = 0; same && i < json_array_size(a); i++) {
            same = dashboard_is_same(json_array_get(a, i), json_array_get(b, i));
        }
        return same;
    }
    if (!json_is_object(a) || !json_is_object(b)) {
        return json_equal(a, b);
    }
    /* jansson's macro takes no const. */
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        if (!dashboard_is_same(value, json_object_get(b, key))) {
            return false;
        }
    }
    return json_object_size(a) == json_object_size(b);
}

static bool holds(const json_t *widgets, const json_t *widget)
{
    for (size_t i = 0; i < json_array_size(widgets); i++) {
        if (dashboard_is_same(json_array_get(widgets, i), widget)) {
            return true;
        }
    }
    return false;
}

static size_t count_missing(const json_t *widgets, const json_t *others)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(widgets); i++) {
        count += holds(others, json_array_get(widgets, i)) ? 0 : 1;
    }
    return count;
}

void dashboard_print_difference(const json_t *wanted, const json_t *existing, struct buf *out)
{
    const json_t *ours = json_object_get(wanted, "widgets");
    const json_t *theirs = json_object_get(existing, "widgets");

    buf_printf(out, "widgets: +%zu -%zu of %zu", count_missing(ours, theirs),
               count_missing(theirs, ours), json_array_size(theirs));
}
