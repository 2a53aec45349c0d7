#include "agent/config_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/alarm_kinds.h"
#include "agent/rds_host.h"
#include "aws/common/mem.h"

#define ALARM_NAME_MAX 255
#define NAMES_SHOWN    200

static void PW_PRINTF(2, 3) warn(struct loader *loader, const char *format, ...)
{
    char text[ERR_MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    value_list_add(&loader->config->warnings, text);
}

static const struct config_key *key_named(enum config_section section, const char *name)
{
    const char *nothing;

    return config_key_find(section, name, &nothing);
}

/* A mistake between keys: told at the one that is given, or at the section when all are defaults.
 */
static void PW_PRINTF(5, 6)
    complain_of(struct loader *loader, const struct chain *chain, enum config_section section,
                const char *name, const char *format, ...)
{
    struct setting *setting = chain_find(chain, key_named(section, name));
    char reason[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    if (setting != NULL) {
        complain_of_setting(&loader->complaints, chain, setting, "%s", reason);
    } else {
        complain(&loader->complaints, "configuration", "[%s] %s: its default %s",
                 config_section_name(section), name, reason);
    }
}

/* --- [agent] -------------------------------------------------------------------------------- */

void config_check_agent(struct loader *loader, const struct chain *chain)
{
    int publish_ms = loader->config->publish_interval_ms;

    /* A datum is stamped in whole seconds, and windows are aligned to the minute. */
    if (publish_ms % 1000 != 0 || (60000 % publish_ms != 0 && publish_ms % 60000 != 0)) {
        complain_of(
            loader, chain, SECTION_AGENT, "publish_interval",
            "does not fit into minutes; accepted: a divisor of 60s, or a multiple of 60s up to "
            "5m");
    } else if (publish_ms % loader->config->sample_interval_ms != 0) {
        complain_of(loader, chain, SECTION_AGENT, "publish_interval",
                    "is no multiple of sample_interval");
    }
}

/* --- alarms --------------------------------------------------------------------------------- */

/* "pool_timeout.rule" */
static void name_rule(const struct alarm_row *row, char *out, size_t room)
{
    (void)snprintf(out, room, "%s.rule", row->key);
}

static void check_alarm(struct loader *loader, const struct chain *chain,
                        const struct config_alarms *alarms, enum alarm_kind kind)
{
    const struct config *config = loader->config;
    const struct config_alarm *alarm = &alarms->alarm[kind];
    const struct alarm_row *row = alarm_row(kind);
    bool is_aws = alarm_is_aws(kind);
    char rule_key[64];

    if (alarm->threshold.kind == THRESHOLD_OFF) {
        return;
    }
    if (!is_aws && metric_get(row->metric)->set > config->metrics) {
        complain_of(loader, chain, SECTION_ALARMS, row->key,
                    "needs a metric that is not published: [cloudwatch] metrics = %s is needed",
                    metric_set_name(metric_get(row->metric)->set));
    }
    name_rule(row, rule_key, sizeof(rule_key));
    if (alarm->rule.period_s < 60 && is_aws) {
        complain_of(loader, chain, SECTION_ALARMS, rule_key,
                    "has a period below 60s, and AWS publishes this metric once a minute");
    } else if (alarm->rule.period_s < 60 && config->resolution_s != 1) {
        complain_of(loader, chain, SECTION_ALARMS, rule_key,
                    "has a period below 60s, which needs [cloudwatch] resolution = 1");
    }
    if (row->of == ALARM_OF_PROXY && alarms->proxy_name == NULL) {
        complain_of(loader, chain, SECTION_ALARMS, row->key, "needs proxy_name, the RDS Proxy's");
    }
}

/* The dead-man alarm's threshold and rule say the same: the rule follows unless it is given. */
static void settle_silence(struct loader *loader, const struct chain *chain,
                           struct config_alarm *alarm)
{
    const struct alarm_row *row = alarm_row(ALARM_MONITORING_SILENT);
    struct config_rule *rule = &alarm->rule;
    double minutes = rule->datapoints * rule->period_s / 60.0;
    char rule_key[64];

    if (alarm->threshold.kind == THRESHOLD_OFF) {
        return;
    }
    name_rule(row, rule_key, sizeof(rule_key));
    if (chain_find(chain, key_named(SECTION_ALARMS, rule_key)) == NULL) {
        rule->period_s = 60;
        rule->datapoints = rule->evaluation_periods = (int)alarm->threshold.value;
    } else if (chain_find(chain, key_named(SECTION_ALARMS, row->key)) == NULL) {
        alarm->threshold.value = minutes;
    } else if (minutes != alarm->threshold.value) {
        complain_of(loader, chain, SECTION_ALARMS, rule_key,
                    "covers %g minutes and monitoring_silent says %g: leave one of them out",
                    minutes, alarm->threshold.value);
    }
}

static void check_silence(struct loader *loader, const struct config_database *database)
{
    const struct config_threshold *silent =
        &database->alarms.alarm[ALARM_MONITORING_SILENT].threshold;

    if (silent->kind != THRESHOLD_OFF &&
        loader->config->publish_interval_ms >= silent->value * 60000) {
        warn(loader,
             "database %s: monitoring_silent is not longer than publish_interval: it would fire "
             "between two publications",
             database->name);
    }
}

/* Of those that are on; without what stands behind the database ("-" and a pool). */
static size_t longest_name(const struct config_database *database, enum alarm_of of)
{
    size_t name = strlen(database->name), identifier = strlen(database->identifier), stem = 0;

    for (int kind = 0; kind < ALARM_KIND_COUNT; kind++) {
        const struct alarm_row *row = alarm_row((enum alarm_kind)kind);
        bool is_on = database->alarms.alarm[kind].threshold.kind != THRESHOLD_OFF;

        if (is_on && (of == ALARM_OF_POOL) == (row->of == ALARM_OF_POOL) &&
            strlen(row->stem) > stem) {
            stem = strlen(row->stem);
        }
    }
    return stem == 0 ? 0
                     : strlen(database->alarms.name_prefix) + stem +
                           (name > identifier ? name : identifier);
}

static void check_alarm_names(struct loader *loader, const struct config_database *database)
{
    if (longest_name(database, ALARM_OF_DATABASE) > ALARM_NAME_MAX) {
        complain(&loader->complaints, database->place,
                 "[database %s]: name_prefix and identifier make alarm names longer than %d "
                 "characters",
                 database->name, ALARM_NAME_MAX);
    }
}

/* --- databases ------------------------------------------------------------------------------ */

/* Which instance answers is another one with each connection. */
static void refuse_changing(struct loader *loader, const struct chain *chain, const char *host,
                            const char *which)
{
    complain_of(loader, chain, SECTION_DATABASE, "url",
                "leads to %s, a cluster's %s endpoint, behind which another instance may answer "
                "each time: write one section [database NAME] for each instance, with its own "
                "endpoint",
                host, which);
}

static void check_server(struct loader *loader, const struct chain *chain,
                         const struct config_database *database)
{
    const char *host = database->conninfo.host;

    switch (rds_endpoint_of(host)) {
    case RDS_WRITER:
        warn(loader,
             "database %s: %s is a cluster's endpoint: limit and counts are those of the instance "
             "behind it at the moment; give the instance's own endpoint",
             database->name, host);
        break;
    case RDS_READER:
        refuse_changing(loader, chain, host, "reader");
        break;
    case RDS_CUSTOM:
        refuse_changing(loader, chain, host, "custom");
        break;
    case RDS_PROXY:
        warn(loader,
             "database %s: %s is an RDS Proxy's endpoint, a pooler; give the instance's own "
             "endpoint",
             database->name, host);
        break;
    case RDS_NONE:
    case RDS_INSTANCE:
        break;
    }
    if (database->conninfo.pgbouncer) {
        warn(loader,
             "database %s: the URL says pgbouncer=true; give the server's address (Prisma: "
             "directUrl)",
             database->name);
    }
}

static const char *sslmode_of(const struct conninfo *info)
{
    for (size_t i = 0; i < CONNINFO_PARAMS_MAX && info->keywords[i] != NULL; i++) {
        if (strcmp(info->keywords[i], "sslmode") == 0) {
            return info->values[i];
        }
    }
    return "prefer"; /* libpq's default */
}

/* A token is a password: it goes to nobody but the instance that it is for. */
static void check_iam(struct loader *loader, const struct chain *chain,
                      const struct config_database *database)
{
    const struct conninfo *info = &database->conninfo;

    if (database->auth != AUTH_IAM) {
        return;
    }
    if (info->host == NULL || info->host[0] == '/' || info->host[0] == '@' || info->user == NULL) {
        complain_of(loader, chain, SECTION_DATABASE, "auth",
                    "needs a url with the user's and the instance's name");
    } else if (strcmp(sslmode_of(info), "verify-full") != 0) {
        complain_of(loader, chain, SECTION_DATABASE, "auth",
                    "needs sslmode=verify-full and sslrootcert=FILE (the RDS bundle) in url: the "
                    "token is a password");
    }
}

static void check_login(struct loader *loader, const struct chain *chain,
                        const struct config_database *database)
{
    const char *host = database->conninfo.host;
    int ways = (database->auth == AUTH_IAM ? 1 : 0) + (database->password_file != NULL ? 1 : 0) +
               (database->password_secret != NULL ? 1 : 0);

    if (ways > 1) {
        complain(&loader->complaints, database->place,
                 "[database %s]: only one of auth = iam, password_file and password_secret can be",
                 database->name);
    }
    check_iam(loader, chain, database);
    if (rds_endpoint_of(host) != RDS_NONE && database->auth != AUTH_IAM &&
        strncmp(sslmode_of(&database->conninfo), "verify-", 7) != 0) {
        warn(loader,
             "database %s: nobody checks that %s is who answers, and password and queries may be "
             "read on the way: add sslmode=verify-full&sslrootcert=FILE (the RDS bundle) to url",
             database->name, host);
    }
}

static const char *text_or(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

void config_check_database(struct loader *loader, const struct chain *chain,
                           struct config_database *database)
{
    if (database->identifier == NULL) {
        database->identifier = mem_strdup(database->name);
    }
    settle_silence(loader, chain, &database->alarms.alarm[ALARM_MONITORING_SILENT]);
    for (size_t i = 0; i < ALARM_KIND_COUNT; i++) {
        check_alarm(loader, chain, &database->alarms, (enum alarm_kind)i);
    }
    check_silence(loader, database);
    check_alarm_names(loader, database);
    check_server(loader, chain, database);
    check_login(loader, chain, database);
}

static void check_unique(struct loader *loader, size_t index)
{
    const struct config *config = loader->config;
    const struct config_database *database = &config->databases[index];

    for (size_t i = 0; i < index; i++) {
        const struct config_database *before = &config->databases[i];

        if (strcmp(before->identifier, database->identifier) == 0 &&
            strcmp(text_or(before->region, text_or(config->region, "")),
                   text_or(database->region, text_or(config->region, ""))) == 0) {
            complain(&loader->complaints, database->place,
                     "[database %s]: has the identifier of [database %s] (%s): their numbers would "
                     "be added up",
                     database->name, before->name, before->place);
            return;
        }
    }
}

/* --- pools ---------------------------------------------------------------------------------- */

static void add_names(const struct config *config, struct buf *out)
{
    for (size_t i = 0; i < config->database_count; i++) {
        if (out->len > NAMES_SHOWN) {
            buf_puts(out, ", ...");
            return;
        }
        buf_printf(out, "%s%s", i > 0 ? ", " : "", config->databases[i].name);
    }
}

static const struct config_database *find_database(struct loader *loader, const struct chain *chain,
                                                   enum config_section section, const char *name)
{
    const struct config_database *database = config_database_named(loader->config, name);
    struct buf names;

    if (database == NULL) {
        buf_init(&names, ERR_MESSAGE_MAX);
        add_names(loader->config, &names);
        complain_of(loader, chain, section, "database", "is no database here (there %s: %s)",
                    loader->config->database_count == 1 ? "is" : "are", buf_text(&names));
        buf_done(&names);
    }
    return database;
}

void config_check_pool(struct loader *loader, const struct chain *chain, struct config_pool *pool)
{
    struct config *config = loader->config;

    if (pool->database != NULL) {
        pool->of = find_database(loader, chain, SECTION_POOL, pool->database);
    } else if (config->database_count == 1) {
        pool->of = &config->databases[0];
        pool->database = mem_strdup(pool->of->name);
    } else if (config->database_count > 1) {
        complain(&loader->complaints, pool->place, "[pool %s]: database is missing", pool->name);
    }
    pool->shared = config_pool_is_shared(pool);
    pool->log_shared = pool->scope == SCOPE_SHARED;
    if (pool->url.http || pool->url.conninfo.port) {
        pool->scope = pool->shared ? SCOPE_SHARED : SCOPE_HOST; /* as it is in force */
    }
    config_check_pool_type(loader, chain, pool);
}

static void check_pool_names(struct loader *loader, const struct config_pool *pool)
{
    size_t longest = pool->of != NULL ? longest_name(pool->of, ALARM_OF_POOL) : 0;

    if (longest > 0 && longest + strlen("-") + strlen(pool->name) > ALARM_NAME_MAX) {
        complain(&loader->complaints, pool->place,
                 "[pool %s]: name_prefix, identifier and pool make alarm names longer than %d "
                 "characters",
                 pool->name, ALARM_NAME_MAX);
    }
}

static void check_pools_of(struct loader *loader, const struct config_database *database)
{
    const struct config_alarm *waiting = &database->alarms.alarm[ALARM_POOL_WAITING];

    if (waiting->threshold.kind != THRESHOLD_OFF &&
        config_pools_of(loader->config, database) == 0) {
        warn(loader,
             "database %s: pool_waiting makes one alarm for each [pool NAME] section of this "
             "database, and there is none",
             database->name);
    }
}

/* --- the whole ------------------------------------------------------------------------------ */

static bool has_statsd_pool(const struct config *config)
{
    for (size_t i = 0; i < config->pool_count; i++) {
        if (config->pools[i].type == POOL_STATSD) {
            return true;
        }
    }
    return false;
}

static void check_statsd(struct loader *loader)
{
    struct config *config = loader->config;
    struct chain chain = {0};
    const struct written_section *file = written_find(&loader->written, SECTION_STATSD, false, "");

    chain_add(&chain, written_find(&loader->written, SECTION_STATSD, true, ""));
    chain_add(&chain, file);
    if (config->statsd_database_name != NULL) {
        config->statsd_database =
            find_database(loader, &chain, SECTION_STATSD, config->statsd_database_name);
    }
    config->statsd = has_statsd_pool(config) || config->statsd_database != NULL;
    if (config->statsd_listen.count == 0) {
        complain_of(loader, &chain, SECTION_STATSD, "listen", "names no socket");
    }
    for (size_t i = 0; config->statsd && i < config->statsd_listen.count; i++) {
        if (!value_is_loopback(config->statsd_listen.items[i])) {
            warn(loader, "statsd %s: whoever reaches this address can change the numbers",
                 config->statsd_listen.items[i]);
        }
    }
    if (file != NULL && file->count > 0 && !config->statsd) {
        warn(loader,
             "[statsd] has no use: there is neither a [pool NAME] section of type statsd nor a "
             "database for pools that no section names");
    }
}

void config_check_whole(struct loader *loader)
{
    for (size_t i = 0; i < loader->config->database_count; i++) {
        check_unique(loader, i);
        check_pools_of(loader, &loader->config->databases[i]);
    }
    for (size_t i = 0; i < loader->config->pool_count; i++) {
        check_pool_names(loader, &loader->config->pools[i]);
    }
    check_statsd(loader);
}
