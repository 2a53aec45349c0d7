/* What the container's environment holds: variables, and secrets by name only. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/config_keys.h"
#include "agent/print_task.h"
#include "aws/common/ini.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define PREFIX       "POOLWARDEN_"
#define VARIABLE_MAX 4096

/* --- Environment and secrets ------------------------------------------------------------------ */

void task_add_variable(const struct task *task, const char *name, const char *value)
{
    (void)json_array_append_new(task->environment, json_pack("{s:o, s:o}", "name", json_text(name),
                                                             "value", json_text(value)));
}

/* Read by the execution role when the task starts. */
static void add_secret(const struct task *task, const char *name, const char *secret)
{
    char account[13];
    const char *known = print_account(task->print, account);
    char *arn = mem_printf("arn:%s:secretsmanager:%s:%s:secret:poolwarden/%s", task->partition,
                           task->region, known ? known : "ACCOUNT", secret);

    (void)json_array_append_new(task->secrets, json_pack("{s:o, s:o}", "name", json_text(name),
                                                         "valueFrom", json_text(arn)));
    free(arn);
}

static enum config_section section_named(const char *name)
{
    int section = 0;

    while (strcmp(config_section_name((enum config_section)section), name) != 0) {
        section++;
    }
    return (enum config_section)section;
}

/* "cloudwatch", "dimension.Environment" -> POOLWARDEN_CLOUDWATCH_DIMENSION_Environment */
static char *variable_of(const char *section, const char *key)
{
    const char *own_name = NULL;
    struct buf out;

    (void)config_key_find(section_named(section), key, &own_name);
    buf_init(&out, VARIABLE_MAX);
    buf_puts(&out, PREFIX);
    for (const char *at = section; *at != '\0'; at++) {
        buf_putc(&out, (char)toupper((unsigned char)*at));
    }
    buf_putc(&out, '_');
    for (const char *at = key; *at != '\0' && at != own_name; at++) {
        buf_putc(&out, (char)(*at == '.' ? '_' : toupper((unsigned char)*at)));
    }
    buf_puts(&out, own_name ? own_name : "");
    return buf_take(&out);
}

/* --- What differs from the defaults ----------------------------------------------------------- */

/* {"cloudwatch.namespace": "Application"}; of databases without their name. */
static void collect(void *arg, const char *section, const char *name, const char *key,
                    const char *value)
{
    char *path = mem_printf("%s.%s", section, key);

    (void)name;
    (void)json_object_set_new(arg, path, json_text(value));
    free(path);
}

static json_t *keys_of(const struct config *config)
{
    json_t *keys = json_object();

    config_each(config, collect, keys);
    return keys;
}

static json_t *default_keys(void)
{
    static const char *const environment[] = {"DATABASE_URL=postgresql://host/name", NULL};
    const struct config_source source = {.file = "", .text = "", .environ = environment};
    struct config *config;
    struct buf errors;

    buf_init(&errors, CONFIG_ERRORS_MAX);
    json_t *keys = NULL;

    if (config_load(&source, &config, &errors)) {
        keys = keys_of(config);
        config_free(config);
    }
    buf_done(&errors);
    return keys;
}

static const char *text_at(const json_t *keys, const char *section, const char *key)
{
    char *path = mem_printf("%s.%s", section, key);
    const char *text = json_text_of(keys, path);

    free(path);
    return text;
}

/* In a file "$${" stands for "${"; in the environment nothing is replaced. */
static char *unescape(const char *value)
{
    struct buf out;

    buf_init(&out, VARIABLE_MAX);
    for (; *value != '\0'; value++) {
        if (strncmp(value, "$${", 3) != 0) {
            buf_putc(&out, *value);
        }
    }
    return buf_take(&out);
}

static bool is_default(const json_t *keys, const json_t *defaults, const char *section,
                       const char *key, const char *value)
{
    bool is_database = strcmp(section, "database") == 0;
    const char *inherited = is_database ? text_at(keys, "alarms", key) : NULL;
    const char *usual = inherited ? inherited : text_at(defaults, section, key);

    return strcmp(usual ? usual : "", value) == 0;
}

static void add_key(const struct task *task, const json_t *keys, const json_t *defaults,
                    const char *path, const char *value)
{
    char *section = mem_strndup(path, strcspn(path, "."));
    const char *key = path + strlen(section) + 1;
    bool is_url = strcmp(path, "database.url") == 0;

    if (!is_default(keys, defaults, section, key, value) && !is_url) {
        char *name = variable_of(section, key);
        char *text = unescape(value);

        if (strcmp(value, "***") == 0) {
            print_note(task->print, "%s is a secret: it is left out", name);
        } else {
            task_add_variable(task, name, text);
        }
        free(name);
        free(text);
    }
    free(section);
}

static void add_url(const struct task *task, const struct config_database *database)
{
    if (database->conninfo.password) {
        char *secret = mem_printf("%s-url", database->name);

        add_secret(task, "DATABASE_URL", secret);
        print_note(task->print,
                   "DATABASE_URL: store the URL, with its password, as the secret "
                   "poolwarden/%s",
                   secret);
        free(secret);
    } else {
        struct buf url;

        buf_init(&url, CONNINFO_URL_MAX);
        conninfo_print(&database->conninfo, false, &url);
        task_add_variable(task, "DATABASE_URL", buf_text(&url));
        buf_done(&url);
    }
    task_add_variable(task, "POOLWARDEN_DATABASE_NAME", database->name);
}

void task_add_configuration(const struct task *task)
{
    const struct config *config = task->print->config;
    json_t *keys = keys_of(config), *defaults = default_keys();
    const char *path;
    json_t *value;

    add_url(task, &config->databases[0]);
    json_object_foreach(keys, path, value)
    {
        add_key(task, keys, defaults, path, json_string_value(value));
    }
    json_decref(keys);
    json_decref(defaults);
}

/* --- The file --------------------------------------------------------------------------------- */

/* Every ${NAME} of a value. */
static void on_entry(void *arg, const struct ini_entry *entry)
{
    const struct task *task = arg;

    for (const char *at = entry->value ? strstr(entry->value, "${") : NULL; at;
         at = strstr(at + 1, "${")) {
        size_t len =
            strspn(at + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
        bool is_literal = at > entry->value && at[-1] == '$';

        if (len > 0 && at[2 + len] == '}' && !is_literal) {
            char *name = mem_strndup(at + 2, len);

            add_secret(task, name, name);
            free(name);
        }
    }
}

/* A variable of a key that may hold one. */
static bool is_secret(const char *variable)
{
    for (int i = 0; i < SECTION_COUNT; i++) {
        const char *section = config_section_name((enum config_section)i), *nothing;
        const char *rest = variable + strlen(PREFIX);
        size_t len = strlen(section);

        if (strncasecmp(rest, section, len) == 0 && rest[len] == '_') {
            const struct config_key *key =
                config_key_of_variable((enum config_section)i, rest + len + 1, &nothing);

            return key && key->rule.secret;
        }
    }
    return false;
}

/* They win over the file, here and there. */
static void add_overrides(const struct task *task)
{
    for (const char *const *entry = task->print->environ; *entry; entry++) {
        const char *value = strchr(*entry, '=');

        if (!value || strncmp(*entry, PREFIX, strlen(PREFIX)) != 0) {
            continue;
        }
        char *name = mem_strndup(*entry, (size_t)(value - *entry));

        if (is_secret(name)) {
            print_note(task->print, "%s may hold a secret: it is left out", name);
        } else {
            task_add_variable(task, name, value + 1);
        }
        free(name);
    }
}

void task_add_variables_of_file(const struct task *task)
{
    static const struct ini_dialect dialect = {.inline_comments = true};
    const char *file = task->print->config->file;
    struct err err;

    add_overrides(task);
    if (file && !ini_read_file(file, &dialect, on_entry, (void *)(uintptr_t)task, &err)) {
        print_note(task->print, "its variables are not listed: %s", err.message);
    }
}
