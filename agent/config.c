#include "agent/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config_check.h"
#include "agent/config_keys.h"
#include "agent/config_read.h"
#include "agent/rds_host.h"
#include "aws/common/mem.h"

#define VALUE_SHOWN 80

/* --- one value ------------------------------------------------------------------------------ */

struct setting *chain_find(const struct chain *chain, const struct config_key *key)
{
    for (size_t i = 0; i < chain->count; i++) {
        struct setting *setting = written_setting(chain->sections[i], key);

        if (setting != NULL) {
            return setting;
        }
    }
    return NULL;
}

void chain_add(struct chain *chain, const struct written_section *section)
{
    if (section != NULL) {
        chain->sections[chain->count++] = section;
    }
}

static const struct written_section *section_of(const struct chain *chain,
                                                const struct setting *setting)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct written_section *section = chain->sections[i];

        if (section->count > 0 && setting >= section->settings &&
            setting < section->settings + section->count) {
            return section;
        }
    }
    return NULL;
}

/* The value as it was written, made fit for a line of the log. */
static void add_shown(struct buf *out, const struct setting *setting)
{
    if (setting->key->rule.secret) {
        buf_puts(out, "the value");
        return;
    }
    buf_putc(out, '"');
    for (size_t i = 0; setting->written[i] != '\0' && i < VALUE_SHOWN; i++) {
        char c = setting->written[i];
        bool control = (unsigned char)c < 0x20 || c == 0x7f;

        buf_putc(out, (char)(control ? '?' : c));
    }
    buf_puts(out, strlen(setting->written) > VALUE_SHOWN ? "...\"" : "\"");
}

void complain_of_setting(struct complaints *complaints, const struct chain *chain,
                         struct setting *setting, const char *format, ...)
{
    const struct written_section *section = section_of(chain, setting);
    const struct config_key *key = setting->key;
    struct buf text;
    char reason[ERR_MESSAGE_MAX];
    va_list args;

    if (setting->told) {
        return;
    }
    setting->told = true;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    buf_init(&text, ERR_MESSAGE_MAX);
    if (section != NULL && !section->from_environment) {
        buf_printf(&text, "[%s%s%s] %s%s: ", config_section_name(section->kind),
                   section->name[0] != '\0' ? " " : "", section->name, key->name,
                   setting->name != NULL ? setting->name : "");
    }
    add_shown(&text, setting);
    buf_printf(&text, " %s", reason);
    complain(complaints, setting->place, "%s", buf_text(&text));
    buf_done(&text);
}

/* What the type or its rule said, and what they accept. */
static void complain_of_value(struct loader *loader, const struct chain *chain,
                              struct setting *setting, const struct err *err)
{
    struct buf accepted;

    buf_init(&accepted, ERR_MESSAGE_MAX);
    value_accepted(setting->key->type, &setting->key->rule, &accepted);
    complain_of_setting(&loader->complaints, chain, setting, "%s; accepted: %s", err->message,
                        buf_text(&accepted));
    buf_done(&accepted);
}

/* The table's default, or the first path of the variable that stands for it. */
static char *default_of(const struct loader *loader, const struct config_key *key)
{
    const char *paths =
        key->rule.variable != NULL ? written_getenv(&loader->written, key->rule.variable) : NULL;

    return paths != NULL ? mem_strndup(paths, strcspn(paths, ":")) : mem_strdup(key->default_text);
}

static void read_default(struct loader *loader, const struct config_key *key, void *field)
{
    char *text = default_of(loader, key);
    struct err err;

    if (!key->type->parse(&key->rule, text, field, &err)) {
        complain(&loader->complaints, key->rule.variable != NULL ? key->rule.variable : key->name,
                 "%s", err.message);
    }
    free(text);
}

static void read_value(struct loader *loader, const struct chain *chain,
                       const struct config_key *key, void *field)
{
    struct setting *setting = chain_find(chain, key);
    struct err err;

    if (setting != NULL && setting->text != NULL) {
        if (key->type->parse(&key->rule, setting->text, field, &err)) {
            return;
        }
        complain_of_value(loader, chain, setting, &err);
    }
    /* Also behind a mistake: what follows is checked against something sound. */
    read_default(loader, key, field);
}

static void read_pair(struct loader *loader, const struct chain *chain, struct setting *setting,
                      struct config_pairs *pairs)
{
    const struct value_rule *rule = &setting->key->rule;
    struct err err;

    if (setting->text == NULL) {
        return;
    }
    if (!rule->check_pair(setting->name, setting->text, &err)) {
        complain_of_value(loader, chain, setting, &err);
        return;
    }
    value_pairs_set(pairs, setting->name, setting->text);
    if (pairs->count > (size_t)rule->max) {
        (void)err_set(&err, ERR_CONFIG, "is one too many");
        complain_of_value(loader, chain, setting, &err);
    }
}

/* All of the chain together; the stronger section wins where both have a name. */
static void read_pairs(struct loader *loader, const struct chain *chain,
                       const struct config_key *key, struct config_pairs *pairs)
{
    for (size_t i = chain->count; i-- > 0;) {
        const struct written_section *section = chain->sections[i];

        for (size_t j = 0; j < section->count; j++) {
            if (section->settings[j].key == key) {
                read_pair(loader, chain, &section->settings[j], pairs);
            }
        }
    }
}

/* Every key of the section, into the structs (by target) that its rows count from. */
static void read_section(struct loader *loader, const struct chain *chain,
                         enum config_section section, void *const *bases)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (!config_key_of(key, section)) {
            continue;
        }
        void *field = (char *)bases[key->target] + key->offset;

        if (key->type == &value_pairs) {
            read_pairs(loader, chain, key, field);
        } else {
            read_value(loader, chain, key, field);
        }
    }
}

/* --- sections ------------------------------------------------------------------------------- */

static const struct written_section *from_file(const struct loader *loader,
                                               enum config_section kind)
{
    return written_find(&loader->written, kind, false, "");
}

static const struct written_section *from_environment(const struct loader *loader,
                                                      enum config_section kind)
{
    return written_find(&loader->written, kind, true, "");
}

static void read_once(struct loader *loader, enum config_section kind)
{
    void *const bases[TARGET_COUNT] = {
        [IN_CONFIG] = loader->config, [IN_ALARMS] = &loader->config->alarms};
    struct chain chain = {0};

    chain_add(&chain, from_environment(loader, kind));
    chain_add(&chain, from_file(loader, kind));
    read_section(loader, &chain, kind, bases);
    if (kind == SECTION_AGENT) {
        config_check_agent(loader, &chain);
    }
}

/* Strongest first: the section itself, [database], then [alarms]. */
static struct chain database_chain(const struct loader *loader,
                                   const struct written_section *section)
{
    struct chain chain = {0};

    chain_add(&chain, section);
    chain_add(&chain, from_file(loader, SECTION_DATABASE));
    chain_add(&chain, from_environment(loader, SECTION_ALARMS));
    chain_add(&chain, from_file(loader, SECTION_ALARMS));
    return chain;
}

static void read_database(struct loader *loader, const struct chain *chain,
                          struct config_database *database)
{
    void *const bases[TARGET_COUNT] = {
        [IN_CONFIG] = loader->config, [IN_ALARMS] = &database->alarms, [IN_DATABASE] = database};
    const char *nothing;
    const struct config_key *url = config_key_find(SECTION_DATABASE, "url", &nothing);

    read_section(loader, chain, SECTION_DATABASE, bases);
    if (database->conninfo.port == NULL && chain_find(chain, url) == NULL) {
        complain(&loader->complaints, database->place, "[database %s]: url is missing",
                 database->name);
    }
}

/* "orders.abc.eu-west-1.rds.amazonaws.com" is orders; another host is itself. */
static char *name_of_host(const char *host)
{
    if (host == NULL || host[0] == '/' || host[0] == '@') {
        return mem_strdup("localhost");
    }
    if (rds_endpoint_of(host) != RDS_NONE) {
        return mem_strndup(host, strcspn(host, "."));
    }
    return mem_strdup(host);
}

static void name_database(struct loader *loader, struct config_database *database)
{
    struct err err;

    if (loader->written.database_name != NULL) {
        database->name = mem_strdup(loader->written.database_name);
    } else {
        database->name = name_of_host(database->conninfo.host);
    }
    if (!value_check_name(database->name, &err)) {
        complain(&loader->complaints, "POOLWARDEN_DATABASE_NAME",
                 "the database's name %s; accepted: 1 to 200 letters, digits and . _ : -",
                 err.message);
    }
}

/* The environment's section of the one database; DATABASE_URL is its url unless it has one. */
static struct written_section *one_database_section(struct loader *loader)
{
    struct written_section *section = written_find(&loader->written, SECTION_DATABASE, true, "");
    const char *url = written_getenv(&loader->written, "DATABASE_URL"), *nothing;
    const struct config_key *key = config_key_find(SECTION_DATABASE, "url", &nothing);

    if (url == NULL || written_setting(section, key) != NULL ||
        written_setting(from_file(loader, SECTION_DATABASE), key) != NULL) {
        return section;
    }
    return written_add_url(&loader->written, key, url);
}

static void read_one_database(struct loader *loader)
{
    const struct written_section *section = one_database_section(loader);
    const char *nothing;
    const struct config_key *key = config_key_find(SECTION_DATABASE, "url", &nothing);
    struct chain chain = database_chain(loader, section);
    const struct setting *url = chain_find(&chain, key);

    if (url == NULL && !loader->is_whole) {
        return;
    }
    if (url == NULL) {
        complain(&loader->complaints, "configuration",
                 "no database is named: set DATABASE_URL, or write a section [database NAME] with "
                 "url = postgresql://USER@HOST/DATABASE into agent.conf");
        return;
    }
    loader->config->databases = mem_alloc(sizeof(*loader->config->databases));
    loader->config->database_count = 1;
    struct config_database *database = loader->config->databases;

    database->place = mem_strdup(url->place);
    read_database(loader, &chain, database);
    name_database(loader, database);
    config_check_database(loader, &chain, database);
}

static size_t count_sections(const struct loader *loader, enum config_section kind)
{
    size_t count = 0;

    for (size_t i = 0; i < loader->written.count; i++) {
        const struct written_section *section = &loader->written.sections[i];

        count += section->kind == kind && section->name[0] != '\0';
    }
    return count;
}

/* POOLWARDEN_DATABASE_... beside [database NAME]: whose would it be? */
static void refuse_variables(struct loader *loader)
{
    const struct written_section *section = from_environment(loader, SECTION_DATABASE);
    static const char why[] = "sets the one database of the environment, but the file has "
                              "[database NAME] sections: give it there";

    if (loader->written.database_name != NULL) {
        complain(&loader->complaints, "POOLWARDEN_DATABASE_NAME", "%s", why);
    }
    for (size_t i = 0; section != NULL && i < section->count; i++) {
        complain(&loader->complaints, section->settings[i].place, "%s", why);
    }
}

static void read_databases(struct loader *loader)
{
    struct config *config = loader->config;
    size_t count = count_sections(loader, SECTION_DATABASE);

    if (count == 0) {
        read_one_database(loader);
        return;
    }
    refuse_variables(loader);
    config->databases = mem_alloc(count * sizeof(*config->databases));
    for (size_t i = 0; i < loader->written.count; i++) {
        const struct written_section *section = &loader->written.sections[i];

        if (section->kind != SECTION_DATABASE || section->name[0] == '\0') {
            continue;
        }
        const struct chain chain = database_chain(loader, section);
        struct config_database *database = &config->databases[config->database_count++];

        database->name = mem_strdup(section->name);
        database->place = mem_strdup(section->place);
        read_database(loader, &chain, database);
        config_check_database(loader, &chain, database);
    }
}

static void read_pools(struct loader *loader)
{
    struct config *config = loader->config;
    size_t count = count_sections(loader, SECTION_POOL);

    if (count == 0) {
        return;
    }
    config->pools = mem_alloc(count * sizeof(*config->pools));
    for (size_t i = 0; i < loader->written.count; i++) {
        const struct written_section *section = &loader->written.sections[i];

        if (section->kind != SECTION_POOL) {
            continue;
        }
        const struct chain chain = {.sections = {section}, .count = 1};
        struct config_pool *pool = &config->pools[config->pool_count++];
        void *const bases[TARGET_COUNT] = {[IN_CONFIG] = config, [IN_POOL] = pool};

        pool->name = mem_strdup(section->name);
        pool->place = mem_strdup(section->place);
        read_section(loader, &chain, SECTION_POOL, bases);
        config_check_pool(loader, &chain, pool);
    }
}

/* --- the whole ------------------------------------------------------------------------------ */

bool config_load(const struct config_source *source, struct config **out, struct buf *errors)
{
    struct loader loader = {.config = mem_alloc(sizeof(struct config))};

    *out = NULL;
    written_init(&loader.written, source, &loader.complaints, &loader.config->inserted);
    loader.is_whole = written_read_file(&loader.written, source);
    written_read_environment(&loader.written);
    loader.config->file = mem_strdup(loader.written.file);
    read_once(&loader, SECTION_AGENT);
    read_once(&loader, SECTION_CLOUDWATCH);
    read_once(&loader, SECTION_ALARMS);
    read_databases(&loader);
    read_once(&loader, SECTION_STATSD);
    read_pools(&loader);
    config_check_whole(&loader);
    written_done(&loader.written);
    if (loader.complaints.count > 0) {
        complaints_tell(&loader.complaints, errors);
        config_free(loader.config);
        return false;
    }
    *out = loader.config;
    return true;
}

static void free_fields(enum config_target target, void *base)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (config_keys[i].target == target && config_keys[i].type->done != NULL) {
            config_keys[i].type->done((char *)base + config_keys[i].offset);
        }
    }
}

static void free_database(struct config_database *database)
{
    free_fields(IN_DATABASE, database);
    free_fields(IN_ALARMS, &database->alarms);
    free(database->name);
    free(database->place);
}

static void free_pool(struct config_pool *pool)
{
    free_fields(IN_POOL, pool);
    free(pool->name);
    free(pool->place);
}

void config_free(struct config *config)
{
    if (config == NULL) {
        return;
    }
    for (size_t i = 0; i < config->database_count; i++) {
        free_database(&config->databases[i]);
    }
    for (size_t i = 0; i < config->pool_count; i++) {
        free_pool(&config->pools[i]);
    }
    free_fields(IN_CONFIG, config);
    free_fields(IN_ALARMS, &config->alarms);
    value_list_done(&config->warnings);
    value_list_done(&config->inserted);
    free(config->databases);
    free(config->pools);
    free(config->file);
    free(config);
}

const struct config_database *config_database_named(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->database_count; i++) {
        if (strcmp(config->databases[i].name, name) == 0) {
            return &config->databases[i];
        }
    }
    return NULL;
}

size_t config_pools_of(const struct config *config, const struct config_database *database)
{
    size_t count = 0;

    for (size_t i = 0; i < config->pool_count; i++) {
        count += config->pools[i].of == database ? 1 : 0;
    }
    return count;
}

bool config_has_pool(const struct config *config, const struct config_database *database)
{
    return config_pools_of(config, database) > 0 || config->statsd_database == database;
}
