/* A configuration as text again: in force, as an example, and compared. */
#include <string.h>

#include "agent/config.h"
#include "agent/config_check.h"
#include "agent/config_keys.h"
#include "aws/common/mem.h"

#define VALUE_MAX  (1u << 20)
#define LINE_WIDTH 98

/* --- one value ------------------------------------------------------------------------------ */

static void print_value(const struct config_key *key, const void *base, bool reveal,
                        struct buf *out)
{
    key->type->print(&key->rule, (const char *)base + key->offset, reveal, out);
}

/* What is compared is the text that the values have. */
static bool same_value(const struct config_key *key, const void *a, const void *b)
{
    struct buf a_text, b_text;

    buf_init(&a_text, VALUE_MAX);
    buf_init(&b_text, VALUE_MAX);
    print_value(key, a, true, &a_text);
    print_value(key, b, true, &b_text);
    bool same = strcmp(buf_text(&a_text), buf_text(&b_text)) == 0;

    buf_wipe(&a_text);
    buf_wipe(&b_text);
    return same;
}

static bool same_values(enum config_target target, const void *a, const void *b)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (config_keys[i].target == target && !same_value(&config_keys[i], a, b)) {
            return false;
        }
    }
    return true;
}

bool config_database_same_source(const struct config_database *a, const struct config_database *b)
{
    return same_values(IN_DATABASE, a, b) && strcmp(a->name, b->name) == 0;
}

bool config_pool_same_source(const struct config_pool *a, const struct config_pool *b)
{
    return same_values(IN_POOL, a, b) && strcmp(a->name, b->name) == 0;
}

void config_not_reloadable(const struct config *old, const struct config *new_, struct buf *out)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->target == IN_CONFIG && !key->reloadable && !same_value(key, old, new_)) {
            buf_printf(out, "%s%s", out->len > 0 ? ", " : "", key->name);
        }
    }
}

/* --- what is in force ----------------------------------------------------------------------- */

struct visit {
    config_on_key *on_key;
    void *arg;
    const char *section;
    const char *name;
};

/* "${" in the file would be replaced. */
static void visit_text(const struct visit *visit, const char *key, const char *text)
{
    struct buf escaped;

    buf_init(&escaped, VALUE_MAX);
    for (; *text != '\0'; text++) {
        if (strncmp(text, "${", 2) == 0) {
            buf_putc(&escaped, '$');
        }
        buf_putc(&escaped, *text);
    }
    visit->on_key(visit->arg, visit->section, visit->name, key, buf_text(&escaped));
    buf_done(&escaped);
}

static void visit_pairs(const struct visit *visit, const struct config_key *key,
                        const struct config_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        char *name = mem_printf("%s%s", key->name, pairs->items[i].name);

        visit_text(visit, name, pairs->items[i].value);
        mem_free_secret(name);
    }
}

static void visit_key(const struct visit *visit, const struct config_key *key, const void *base)
{
    struct buf text;

    if (key->type == &value_pairs) {
        visit_pairs(visit, key, (const void *)((const char *)base + key->offset));
        return;
    }
    buf_init(&text, VALUE_MAX);
    print_value(key, base, false, &text);
    visit_text(visit, key->name, buf_text(&text));
    buf_done(&text);
}

/* What a pool of its type does not have would only puzzle. */
static bool has_key(enum config_section section, const void *base, const char *key)
{
    return section != SECTION_POOL ||
           config_pool_has_key(((const struct config_pool *)base)->type, key);
}

static void visit_rows(const struct visit *visit, enum config_section section,
                       enum config_section of, const void *const *bases)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->section == of && config_key_of(key, section) &&
            has_key(section, bases[key->target], key->name)) {
            visit_key(visit, key, bases[key->target]);
        }
    }
}

static void visit_section(struct visit *visit, enum config_section section, const char *name,
                          const void *const *bases)
{
    visit->section = config_section_name(section);
    visit->name = name;
    visit_rows(visit, section, section, bases);
    if (section == SECTION_DATABASE) {
        visit_rows(visit, section, SECTION_ALARMS, bases);
    }
}

void config_each(const struct config *config, config_on_key *on_key, void *arg)
{
    struct visit visit = {.on_key = on_key, .arg = arg};
    const void *bases[TARGET_COUNT] = {[IN_CONFIG] = config, [IN_ALARMS] = &config->alarms};

    visit_section(&visit, SECTION_AGENT, "", bases);
    visit_section(&visit, SECTION_CLOUDWATCH, "", bases);
    visit_section(&visit, SECTION_ALARMS, "", bases);
    for (size_t i = 0; i < config->database_count; i++) {
        bases[IN_DATABASE] = &config->databases[i];
        bases[IN_ALARMS] = &config->databases[i].alarms;
        visit_section(&visit, SECTION_DATABASE, config->databases[i].name, bases);
    }
    for (size_t i = 0; i < config->pool_count; i++) {
        bases[IN_POOL] = &config->pools[i];
        visit_section(&visit, SECTION_POOL, config->pools[i].name, bases);
    }
    if (config->statsd) {
        visit_section(&visit, SECTION_STATSD, "", bases);
    }
}

struct printer {
    struct buf *out;
    const char *section, *name; /* of the last line */
};

static void print_key(void *arg, const char *section, const char *name, const char *key,
                      const char *value)
{
    struct printer *printer = arg;

    if (section != printer->section || name != printer->name) {
        buf_printf(printer->out, "%s[%s%s%s]\n", printer->section != NULL ? "\n" : "", section,
                   name[0] != '\0' ? " " : "", name);
        printer->section = section;
        printer->name = name;
    }
    buf_printf(printer->out, "%s =%s%s\n", key, value[0] != '\0' ? " " : "", value);
}

void config_print(const struct config *config, struct buf *out)
{
    struct printer printer = {.out = out};

    config_each(config, print_key, &printer);
}

/* --- the example ---------------------------------------------------------------------------- */

/* "# " before each line, broken between words. */
static void print_comment(struct buf *out, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        if (column > 0 && column + 1 + len > LINE_WIDTH) {
            buf_putc(out, '\n');
            column = 0;
        }
        buf_puts(out, column == 0 ? "# " : " ");
        buf_add(out, text, len);
        column += len + (column == 0 ? 2 : 1);
        text += len;
        text += strspn(text, " ");
    }
    buf_putc(out, '\n');
}

static void print_example_key(struct buf *out, const struct config_key *key)
{
    const char *value = key->default_text;
    struct buf comment;

    buf_init(&comment, VALUE_MAX);
    buf_printf(&comment, "%s Accepted: ", key->meaning);
    value_accepted(key->type, &key->rule, &comment);
    buf_putc(&comment, '.');
    buf_putc(out, '\n');
    print_comment(out, buf_text(&comment));
    buf_done(&comment);
    if (key->type == &value_pairs) {
        buf_printf(out, "#%sNAME = VALUE\n", key->name);
        return;
    }
    if (key->type == &value_url) {
        value = "${DATABASE_URL}";
    }
    buf_printf(out, "#%s =%s%s\n", key->name, value[0] != '\0' ? " " : "", value);
}

static const struct {
    enum config_section section;
    const char *heading;
    const char *text;
} examples[] = {
    {SECTION_AGENT, "[agent]", "The agent itself."},
    {SECTION_CLOUDWATCH, "[cloudwatch]", "Where the numbers go."},
    {SECTION_ALARMS, "[alarms]",
     "The alarms of each database. Every key but provision may stand under [database NAME] too, "
     "and "
     "under [database] for all."},
    {SECTION_DATABASE, "[database orders]",
     "One section a server. A section [database] without a name holds defaults for all. Without "
     "any, DATABASE_URL names the one database, and POOLWARDEN_DATABASE_<KEY> sets its keys and "
     "its NAME."},
    {SECTION_POOL, "[pool workers]", "One section a connection pool."},
    {SECTION_STATSD, "[statsd]", "The socket that applications tell of their pools on."},
};

void config_print_example(struct buf *out)
{
    buf_puts(out, "# poolwarden's configuration. Every key is here with its default; remove the # "
                  "before a key to\n# change it. A value ends at \" ;\" or \" #\".\n");
    print_comment(out, "Durations take ms, s, m, h, d; sizes KB, MB; percentages %. ${NAME} in a "
                       "value is replaced from the environment ($${ is a literal ${). "
                       "POOLWARDEN_<SECTION>_<KEY> in the environment wins over the sections that "
                       "stand once: POOLWARDEN_CLOUDWATCH_NAMESPACE, "
                       "POOLWARDEN_ALARMS_POOL_TIMEOUT_RULE.");
    for (size_t i = 0; i < MEM_COUNT(examples); i++) {
        buf_putc(out, '\n');
        print_comment(out, examples[i].text);
        /* The others say that something is there: left out until it is. */
        buf_printf(out, "%s%s\n", config_section_once(examples[i].section) ? "" : "#",
                   examples[i].heading);
        for (size_t j = 0; j < config_key_count; j++) {
            if (config_keys[j].section == examples[i].section) {
                print_example_key(out, &config_keys[j]);
            }
        }
    }
}
