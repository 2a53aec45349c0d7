/*
 * The configuration: agent.conf (INI), the environment over it, defaults under it.
 *
 * One table (config_keys.c) says of each key: section, name, type, default as text through the same
 * parser, accepted values, whether a reload takes it. The example file and --check-config derive
 * from that table. All mistakes are collected, each with file, line, key and what is accepted; a
 * config with any of them is not used.
 *
 * In the file ${NAME} in a value is replaced from the environment, once: what is inserted is taken
 * as it is. $${ is a literal ${. An empty environment variable counts as none.
 * POOLWARDEN_<SECTION>_<KEY> wins over the file for [agent], [cloudwatch], [alarms] and [statsd]
 * ('.' becomes '_': POOLWARDEN_ALARMS_POOL_TIMEOUT_RULE; the name of a dimension or tag as it
 * stands: POOLWARDEN_CLOUDWATCH_DIMENSION_Environment). Without a [database NAME] section
 * POOLWARDEN_DATABASE_<KEY>, and DATABASE_URL, describe the one database.
 *
 * A loaded config is immutable; a reload makes a second one beside it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/alarm_kinds.h"
#include "agent/conninfo.h"
#include "agent/metrics.h"
#include "aws/common/buf.h"
#include "aws/common/err.h"

enum log_format { LOG_TEXT, LOG_JSON };

struct config_pair {
    char *name;
    char *value;
};

struct config_list {
    char **items;
    size_t count;
};

struct config_pairs {
    struct config_pair *items;
    size_t count;
};

/* "80%", "47", "3m", "off" */
enum threshold_kind { THRESHOLD_OFF, THRESHOLD_NUMBER, THRESHOLD_PERCENT };

struct config_threshold {
    enum threshold_kind kind;
    double
        value; /* in the metric's unit, in percents of the limit, or (monitoring_silent) minutes */
};

/* "Maximum 60s 2/3": statistic, period, datapoints to alarm / evaluation periods */
struct config_rule {
    char statistic[12];
    int period_s;
    int datapoints;
    int evaluation_periods;
};

/* An alarm's two keys: "high_connections" and "high_connections.rule". */
struct config_alarm {
    struct config_threshold threshold;
    struct config_rule rule;
};

/* [alarms], and the same keys as each [database] has them after inheritance. */
struct config_alarms {
    struct config_alarm alarm[ALARM_KIND_COUNT];
    char *proxy_name; /* of the RDS Proxy in front of it; NULL: none */
    bool adopt;
    struct config_list actions, ok_actions, insufficient_data_actions; /* ARNs, at most 5 each */
    char *name_prefix;                                                 /* "" by default */
    struct config_pairs tags;
};

enum database_auth { AUTH_PASSWORD, AUTH_IAM };

struct config_database {
    char *name;       /* the section's, or derived from DATABASE_URL */
    char *identifier; /* DBInstanceIdentifier; the name by default */
    char *region;     /* NULL: the agent's */
    struct conninfo conninfo;
    enum database_auth auth;
    char *password_file;   /* read at each connect; NULL: none */
    char *password_secret; /* ARN or name of a secret of Secrets Manager; NULL: none */
    int long_query_ms, leak_ms, stale_idle_ms;
    struct config_list per_database; /* globs; "none" gives an empty list */
    int per_application;
    struct config_alarms alarms; /* resolved: [alarms], then [database], then its own */
    char *place;                 /* "agent.conf:12" or "DATABASE_URL", for messages */
};

enum pool_type { POOL_STATSD, POOL_LOG, POOL_PGBOUNCER, POOL_PROMETHEUS };

/* Who reads a pool: each agent, or the database's leader. */
enum pool_scope { SCOPE_BY_ADDRESS, SCOPE_HOST, SCOPE_SHARED };

/* Where a pool is asked: a console of PostgreSQL's protocol, or a page of metrics. */
struct pool_url {
    char *http;               /* NULL: it is none */
    struct conninfo conninfo; /* all zero: it is none */
};

struct config_pool {
    char *name;
    enum pool_type type;
    char *database;                   /* as written */
    const struct config_database *of; /* the one it names */
    struct pool_url url;
    char *log;                    /* PgBouncer's; NULL: none given */
    struct config_list databases; /* globs; of a PgBouncer */
    enum pool_scope scope;
    bool shared;     /* one PgBouncer or page that many agents know */
    bool log_shared; /* its log, too: scope = shared is written out */
    char *path;      /* of a log: one of path and command; else NULL */
    char *command;
    char *match; /* a named set or an expression; NULL: not of a log */
    /* Series of a page of metrics; NULL: as the library on it calls them. */
    char *timeout_counter, *waiting_gauge, *max_wait_gauge, *busy_gauge, *idle_gauge, *size_gauge;
    char *place;
};

struct config {
    /* [agent] */
    int sample_interval_ms;
    int publish_interval_ms;
    char *state_dir;   /* NULL: none */
    char *runtime_dir; /* NULL: none */
    int64_t spool_limit;
    bool leader_election;
    enum log_format log_format;

    /* [cloudwatch] */
    char *namespace_;
    char *region;       /* NULL: to be found */
    char *endpoint_url; /* NULL: none configured */
    char *profile;      /* of AWS's shared files; NULL: chosen as usual */
    char *role_arn;     /* assumed on top of the credentials found; NULL: none */
    enum metric_set metrics;
    bool rollup;
    int resolution_s;
    struct config_pairs dimensions;

    /* [alarms] */
    bool provision_at_startup;
    struct config_alarms alarms;

    struct config_database *databases;
    size_t database_count;
    struct config_pool *pools;
    size_t pool_count;

    /* [statsd] */
    bool statsd; /* there is a statsd pool, or the section gives a database for unnamed ones */
    struct config_list statsd_listen; /* "127.0.0.1:8125", "unix:/run/x": one at least */
    char *statsd_database_name;       /* as written */
    const struct config_database *statsd_database; /* NULL: unnamed pools are not taken */
    int statsd_max_pools;

    struct config_list inserted; /* names of the environment's variables that ${NAME} was */
    char *file;                  /* what was read; NULL: the environment alone */
    struct config_list warnings; /* to be logged once by the caller; each one sentence */
};

/* Where a configuration comes from. Tests hand in their own. */
struct config_source {
    const char *file;           /* -c FILE; NULL: /etc/poolwarden/agent.conf if it exists */
    const char *text;           /* the file's content, when not to be read; file is its name then */
    const char *const *environ; /* "NAME=value", ended by NULL; NULL: the process' own */
};

/*
 * false: errors holds one line per mistake ("agent.conf:12: [database orders] url: ...; accepted:
 * ..."), all of them; *out is NULL. The limit of errors bounds it: CONFIG_ERRORS_MAX holds what is
 * told at most.
 */
#define CONFIG_ERRORS_MAX ((size_t)1 << 18)
PW_CHECK bool config_load(const struct config_source *source, struct config **out,
                          struct buf *errors);
void config_free(struct config *config); /* wipes secrets; NULL is fine */

const struct config_database *config_database_named(const struct config *config, const char *name);

/* As the configuration has it: "pgbouncer". */
const char *config_pool_type_name(enum pool_type type);

/* How many pools are configured for this database. */
size_t config_pools_of(const struct config *config, const struct config_database *database);

/* Is there one, or are unnamed pools taken for it? */
bool config_has_pool(const struct config *config, const struct config_database *database);

/* Would a running sampler of a be right for b (everything but the alarms is the same)? */
bool config_database_same_source(const struct config_database *a, const struct config_database *b);

/* The same of a pool. */
bool config_pool_same_source(const struct config_pool *a, const struct config_pool *b);

/* Names of keys that differ between the two and that a reload does not take, ", " between; "" when
 * none. */
void config_not_reloadable(const struct config *old, const struct config *new_, struct buf *out);

/* Each key with its value as it is in force and as agent.conf would have it, secrets hidden. name:
 * the database's or pool's; "" for the other sections. Section by section in the order of printing.
 */
typedef void config_on_key(void *arg, const char *section, const char *name, const char *key,
                           const char *value);
void config_each(const struct config *config, config_on_key *on_key, void *arg);

/* The same as text for people; valid agent.conf but for the secrets. */
void config_print(const struct config *config, struct buf *out);

/* agent.conf.example: every key, its default, what it means. The file in the tree is this text: a
 * test holds them equal. */
void config_print_example(struct buf *out);
