#include "agent/config_keys.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "agent/config.h"
#include "agent/suggest.h"
#include "aws/common/mem.h"

#define SECONDS(n) ((n)*INT64_C(1000))
#define MINUTES(n) SECONDS(INT64_C(60) * (n))
#define DAYS(n)    MINUTES(INT64_C(1440) * (n))
#define MB(n)      ((n)*INT64_C(1048576))

#define CONFIG(field)   IN_CONFIG, offsetof(struct config, field)
#define ALARMS(field)   IN_ALARMS, offsetof(struct config_alarms, field)
#define DATABASE(field) IN_DATABASE, offsetof(struct config_database, field)
#define POOL(field)     IN_POOL, offsetof(struct config_pool, field)

#define THRESHOLD(kind) ALARMS(alarm[ALARM_##kind].threshold)
#define RULE(kind)      ALARMS(alarm[ALARM_##kind].rule)

#define RELOAD  true
#define RESTART false

/* Rules that several rows share, and texts too long for a row. */
#define PATH(...)                                                                                  \
    {                                                                                              \
        .check = value_check_path, .accepted = "an absolute path", __VA_ARGS__                     \
    }
#define REGION                                                                                     \
    {                                                                                              \
        .check = value_check_region, .accepted = "a region like eu-west-1"                         \
    }
#define ARNS                                                                                       \
    {                                                                                              \
        .max = 5, .check = value_check_arn, .accepted = "at most 5 ARNs with commas between"       \
    }
#define SELECTOR                                                                                   \
    {                                                                                              \
        .check = value_check_selector,                                                             \
        .accepted = "the name of a series, like name{label=\"value\"}"                             \
    }

#define PUBLISH_ACCEPTED                                                                           \
    "a divisor of 60s, or a multiple of 60s up to 5m; a multiple of sample_interval"
#define NAMESPACE_ACCEPTED                                                                         \
    "1 to 255 printable ASCII characters that start neither with AWS/ nor with a colon"
#define IDENTIFIER_ACCEPTED "1 to 1024 printable ASCII characters"
#define DIMENSION_ACCEPTED                                                                         \
    "at most 28; names of 1 to 255, values of 1 to 1024 printable ASCII characters"
#define TAG_ACCEPTED      "at most 48; names of 1 to 128, values of up to 256 printable ASCII characters"
#define DATABASE_ACCEPTED "the name of a [database NAME] section"
#define SECRET_ACCEPTED   "a secret's ARN or name"
#define COMMAND_ACCEPTED  "a program and its arguments, with quotes around what holds blanks"
#define MATCH_ACCEPTED                                                                             \
    "pgbouncer, prisma, node-postgres, hikaricp, sqlalchemy, rails, npgsql, supavisor, or a "      \
    "regular expression (PCRE2)"
#define LISTEN_ACCEPTED "at most 4 of 127.0.0.1:8125, [::1]:8125, unix:/PATH"

static const struct value_word yes_no[] = {{"yes", 1}, {"no", 0}, {NULL, 0}};
static const struct value_word on_off_auto[] = {{"on", 1}, {"off", 0}, {"auto", 1}, {NULL, 0}};
static const struct value_word startup_off[] = {{"startup", 1}, {"off", 0}, {NULL, 0}};
static const struct value_word log_formats[] = {{"text", LOG_TEXT}, {"json", LOG_JSON}, {NULL, 0}};
static const struct value_word metric_sets[] = {
    {"core", METRICS_CORE}, {"standard", METRICS_STANDARD}, {"full", METRICS_FULL}, {NULL, 0}};
static const struct value_word resolutions[] = {{"60", 60}, {"1", 1}, {NULL, 0}};
static const struct value_word gauge[] = {
    {"Maximum", 0}, {"Average", 0}, {"Minimum", 0}, {NULL, 0}};
static const struct value_word counter[] = {{"Sum", 0}, {NULL, 0}};
static const struct value_word samples[] = {{"SampleCount", 0}, {NULL, 0}};
static const struct value_word pool_types[] = {{"statsd", POOL_STATSD},
                                               {"pgbouncer", POOL_PGBOUNCER},
                                               {"prometheus", POOL_PROMETHEUS},
                                               {"log", POOL_LOG},
                                               {NULL, 0}};
static const struct value_word scopes[] = {
    {"", SCOPE_BY_ADDRESS}, {"host", SCOPE_HOST}, {"shared", SCOPE_SHARED}, {NULL, 0}};
static const struct value_word auths[] = {
    {"password", AUTH_PASSWORD}, {"iam", AUTH_IAM}, {NULL, 0}};

/* One row, always in the same order: section, name, field; type, rule; default, reload, meaning. */
/* clang-format off */
const struct config_key config_keys[] = {
    /* [agent] */
    {SECTION_AGENT, "sample_interval", CONFIG(sample_interval_ms),
     &value_duration, {.min = SECONDS(1), .max = SECONDS(60), .accepted = "1s to 60s"},
     "1s", RELOAD, "How often each database is asked."},
    {SECTION_AGENT, "publish_interval", CONFIG(publish_interval_ms),
     &value_duration, {.min = SECONDS(1), .max = MINUTES(5), .accepted = PUBLISH_ACCEPTED},
     "60s", RESTART, "How often CloudWatch is sent what was sampled, in one request. All samples "
                     "arrive, whatever the interval."},
    {SECTION_AGENT, "state_dir", CONFIG(state_dir),
     &value_optional, PATH(.variable = "STATE_DIRECTORY"),
     "/var/lib/poolwarden", RESTART, "What is remembered over a restart: what CloudWatch does not "
                                     "have yet, the samples of the open minute, last known limits. "
                                     "One agent a directory. $STATE_DIRECTORY, which systemd sets, "
                                     "is the default where there is one."},
    {SECTION_AGENT, "runtime_dir", CONFIG(runtime_dir),
     &value_optional, PATH(.variable = "RUNTIME_DIRECTORY"),
     "/run/poolwarden", RESTART, "Files of the running agent. $RUNTIME_DIRECTORY is the default "
                                 "where there is one."},
    {SECTION_AGENT, "spool_limit", CONFIG(spool_limit),
     &value_size, {.min = MB(1), .max = MB(4096)},
     "64MB", RESTART, "The most that waits, in memory and in state_dir, while CloudWatch can not be "
                      "reached; the oldest goes first."},
    {SECTION_AGENT, "leader_election", CONFIG(leader_election),
     &value_flag, {.words = on_off_auto, .accepted = "on or off"},
     "on", RESTART, "Of many agents with the same namespace, region, identifier and dimensions one "
                    "publishes a database's metrics; another takes over when it is gone."},
    {SECTION_AGENT, "log_format", CONFIG(log_format),
     &value_choice, {.words = log_formats},
     "text", RESTART, "Lines on standard error, for people or for programs."},

    /* [cloudwatch] */
    {SECTION_CLOUDWATCH, "namespace", CONFIG(namespace_),
     &value_text, {.check = value_check_namespace, .accepted = NAMESPACE_ACCEPTED},
     "Application", RESTART, "The namespace of every metric and alarm."},
    {SECTION_CLOUDWATCH, "region", CONFIG(region),
     &value_optional, REGION,
     "", RESTART, "Else AWS_REGION, AWS_DEFAULT_REGION, the profile's, the ECS task's, the "
                  "instance's."},
    {SECTION_CLOUDWATCH, "endpoint_url", CONFIG(endpoint_url),
     &value_optional, {.check = value_check_http_url, .accepted = "https://HOST[:PORT]",
                       .secret = true},
     "", RESTART, "Else AWS_ENDPOINT_URL_CLOUDWATCH, AWS_ENDPOINT_URL, the profile's, the region's "
                  "own."},
    {SECTION_CLOUDWATCH, "profile", CONFIG(profile),
     &value_optional, {.accepted = "a profile of ~/.aws/config or ~/.aws/credentials"},
     "", RESTART, "Else AWS_PROFILE, or default. One that is named here keeps the keys of the "
                  "environment out."},
    {SECTION_CLOUDWATCH, "role_arn", CONFIG(role_arn),
     &value_optional, {.check = value_check_role,
                       .accepted = "a role's ARN, like arn:aws:iam::123456789012:role/NAME"},
     "", RESTART, "A role that is assumed on top of the credentials found."},
    {SECTION_CLOUDWATCH, "metrics", CONFIG(metrics),
     &value_choice, {.words = metric_sets},
     "core", RELOAD, "Which metrics are published. poolwarden --check-config says what each set "
                     "costs."},
    {SECTION_CLOUDWATCH, "rollup", CONFIG(rollup),
     &value_flag, {.words = yes_no},
     "yes", RELOAD, "PoolTimeout once more without any dimension, where alarms in common use look "
                    "for it."},
    {SECTION_CLOUDWATCH, "resolution", CONFIG(resolution_s),
     &value_choice, {.words = resolutions},
     "60", RELOAD, "Seconds; 1 makes high-resolution metrics."},
    {SECTION_CLOUDWATCH, "dimension.", CONFIG(dimensions),
     &value_pairs, {.max = 28, .check_pair = value_check_dimension, .accepted = DIMENSION_ACCEPTED},
     "", RELOAD, "Dimensions for every metric, any number, like dimension.Environment = production; in "
                 "the environment POOLWARDEN_CLOUDWATCH_DIMENSION_Environment."},

    /* [alarms] */
    {SECTION_ALARMS, "provision", CONFIG(provision_at_startup),
     &value_flag, {.words = startup_off},
     "startup", RELOAD, "Whether the agent brings the alarms up to date when it starts and when a "
                        "server's limit changes. poolwarden --setup-alarms does it always."},
    {SECTION_ALARMS, "high_connections", THRESHOLD(HIGH_CONNECTIONS),
     &value_portion, {.min = 1, .max = 1000000},
     "80%", RELOAD, "DatabaseConnections above this: a portion of the usable connections as read "
                    "from the live server, or a number."},
    {SECTION_ALARMS, "high_connections.rule", RULE(HIGH_CONNECTIONS),
     &value_alarm_rule, {.words = gauge},
     "Maximum 60s 2/3", RELOAD, "Statistic, period, datapoints. The classic one is: Average 300s "
                                "1/1."},
    {SECTION_ALARMS, "pool_timeout", THRESHOLD(POOL_TIMEOUT),
     &value_number, {.min = 0, .max = 1000000000},
     "5", RELOAD, "PoolTimeout above this."},
    {SECTION_ALARMS, "pool_timeout.rule", RULE(POOL_TIMEOUT),
     &value_alarm_rule, {.words = counter},
     "Sum 60s 1/1", RELOAD, "Statistic, period, datapoints."},
    {SECTION_ALARMS, "connections_exhausted", THRESHOLD(CONNECTIONS_EXHAUSTED),
     &value_number, {.min = 1, .max = 1000000},
     "1", RELOAD, "AvailableConnections below this."},
    {SECTION_ALARMS, "connections_exhausted.rule", RULE(CONNECTIONS_EXHAUSTED),
     &value_alarm_rule, {.words = gauge},
     "Minimum 60s 1/1", RELOAD, "Statistic, period, datapoints."},
    {SECTION_ALARMS, "connection_leak", THRESHOLD(CONNECTION_LEAK),
     &value_number, {.min = 0, .max = 1000000},
     "off", RELOAD, "LeakedConnections above this, 0 for any. Needs metrics = standard."},
    {SECTION_ALARMS, "connection_leak.rule", RULE(CONNECTION_LEAK),
     &value_alarm_rule, {.words = gauge},
     "Maximum 60s 5/5", RELOAD, "Statistic, period, datapoints."},
    {SECTION_ALARMS, "monitoring_silent", THRESHOLD(MONITORING_SILENT),
     &value_minutes, {.min = MINUTES(1), .max = DAYS(1)},
     "3m", RELOAD, "No DatabaseUp for so long: the agent itself is gone."},
    {SECTION_ALARMS, "monitoring_silent.rule", RULE(MONITORING_SILENT),
     &value_alarm_rule, {.words = samples},
     "SampleCount 60s 3/3", RELOAD, "Follows from monitoring_silent when it is not given."},
    {SECTION_ALARMS, "pool_waiting", THRESHOLD(POOL_WAITING),
     &value_seconds, {.min = 0, .max = DAYS(1)},
     "off", RELOAD, "PoolMaxWait of a pool above this, like 5s: one alarm for each pool, the only "
                    "one that sees clients which wait for ever. Needs metrics = standard."},
    {SECTION_ALARMS, "pool_waiting.rule", RULE(POOL_WAITING),
     &value_alarm_rule, {.words = gauge},
     "Maximum 60s 2/3", RELOAD, "Statistic, period, datapoints."},
    {SECTION_ALARMS, "rds_cpu", THRESHOLD(RDS_CPU),
     &value_percent, {.min = 1, .max = 100},
     "off", RELOAD, "AWS/RDS CPUUtilization above this, like 70%."},
    {SECTION_ALARMS, "rds_cpu.rule", RULE(RDS_CPU),
     &value_alarm_rule, {.words = gauge},
     "Average 60s 5/5", RELOAD, "Statistic, period, datapoints."},
    {SECTION_ALARMS, "rds_memory", THRESHOLD(RDS_MEMORY),
     &value_bytes, {.min = MB(1), .max = MB(16 * INT64_C(1048576))},
     "off", RELOAD, "AWS/RDS FreeableMemory below this, like 256MB."},
    {SECTION_ALARMS, "rds_memory.rule", RULE(RDS_MEMORY),
     &value_alarm_rule, {.words = gauge},
     "Average 60s 5/5", RELOAD, "Statistic, period, datapoints."},
    {SECTION_ALARMS, "proxy_borrow_latency", THRESHOLD(PROXY_BORROW_LATENCY),
     &value_microseconds, {.min = 1, .max = MINUTES(10)},
     "off", RELOAD, "RDS Proxy's DatabaseConnectionsBorrowLatency above this, like 100ms. Needs "
                    "proxy_name."},
    {SECTION_ALARMS, "proxy_borrow_latency.rule", RULE(PROXY_BORROW_LATENCY),
     &value_alarm_rule, {.words = gauge},
     "Average 60s 3/3", RELOAD, "Statistic, period, datapoints."},
    {SECTION_ALARMS, "proxy_name", ALARMS(proxy_name),
     &value_optional, {.check = value_check_identifier, .accepted = IDENTIFIER_ACCEPTED},
     "", RELOAD, "The RDS Proxy in front of the database: its alarm and its graphs."},
    {SECTION_ALARMS, "adopt", ALARMS(adopt),
     &value_flag, {.words = yes_no},
     "no", RELOAD, "Take over an alarm of the same name that is not ours."},
    {SECTION_ALARMS, "actions", ALARMS(actions),
     &value_list, ARNS,
     "", RELOAD, "What happens when an alarm fires, like arn:aws:sns:eu-west-1:123456789012:ops."},
    {SECTION_ALARMS, "ok_actions", ALARMS(ok_actions),
     &value_list, ARNS,
     "", RELOAD, "The same when it is over."},
    {SECTION_ALARMS, "insufficient_data_actions", ALARMS(insufficient_data_actions),
     &value_list, ARNS,
     "", RELOAD, "The same when there is no data."},
    {SECTION_ALARMS, "name_prefix", ALARMS(name_prefix),
     &value_text, {.check = value_check_alarm_text, .accepted = "up to 100 characters"},
     "", RELOAD, "Put before the name of every alarm."},
    {SECTION_ALARMS, "tag.", ALARMS(tags),
     &value_pairs, {.max = 48, .check_pair = value_check_tag, .accepted = TAG_ACCEPTED},
     "", RELOAD, "Tags for every alarm, any number, like tag.team = payments."},

    /* [database NAME] */
    {SECTION_DATABASE, "url", DATABASE(conninfo),
     &value_url, {.secret = true},
     "", RELOAD, "The server's address: the application's own URL will do, Prisma's parameters "
                 "included, but never a pooler's."},
    {SECTION_DATABASE, "auth", DATABASE(auth),
     &value_choice, {.words = auths},
     "password", RELOAD, "iam: a token of RDS IAM authentication, signed here at each connect. url "
                         "must name the instance as RDS does, and sslmode=verify-full."},
    {SECTION_DATABASE, "password_file", DATABASE(password_file),
     &value_optional, PATH(.secret = true),
     "", RELOAD, "A file with the password, read at each connect; wins over the URL's."},
    {SECTION_DATABASE, "password_secret", DATABASE(password_secret),
     &value_optional, {.check = value_check_secret, .accepted = SECRET_ACCEPTED, .secret = true},
     "", RELOAD, "A secret of Secrets Manager: the password, or RDS's JSON with username and "
                 "password. Fetched again when the server refuses it."},
    {SECTION_DATABASE, "identifier", DATABASE(identifier),
     &value_optional, {.check = value_check_identifier, .accepted = IDENTIFIER_ACCEPTED},
     "", RELOAD, "The dimension DBInstanceIdentifier, when it is not the section's name."},
    {SECTION_DATABASE, "region", DATABASE(region),
     &value_optional, REGION,
     "", RELOAD, "Where its metrics and alarms go, when not to the region of [cloudwatch]."},
    {SECTION_DATABASE, "long_query", DATABASE(long_query_ms),
     &value_duration, {.min = SECONDS(1), .max = DAYS(1)},
     "1m", RELOAD, "LongRunningQueries: active for longer."},
    {SECTION_DATABASE, "leak", DATABASE(leak_ms),
     &value_duration, {.min = SECONDS(1), .max = DAYS(1)},
     "10m", RELOAD, "LeakedConnections: idle in transaction for longer."},
    {SECTION_DATABASE, "stale_idle", DATABASE(stale_idle_ms),
     &value_duration, {.min = SECONDS(1), .max = DAYS(1)},
     "5m", RELOAD, "StaleIdleConnections: idle for longer."},
    {SECTION_DATABASE, "per_database", DATABASE(per_database),
     &value_globs, {.max = 100, .accepted = "names or globs with commas between, or none"},
     "*", RELOAD, "With metrics = full: which databases of the server get a series of their own."},
    {SECTION_DATABASE, "per_application", DATABASE(per_application),
     &value_integer, {.min = 0, .max = 100},
     "10", RELOAD, "With metrics = full: how many application_names get a series of their own; 0 "
                   "for none."},

    /* [pool NAME] */
    {SECTION_POOL, "type", POOL(type),
     &value_choice, {.words = pool_types},
     "statsd", RELOAD, "Where the numbers come from. statsd: NAME.pool_timeout:1|c on the socket of "
                       "[statsd]. log: lines that tell of a pool timeout are counted. pgbouncer: its "
                       "console is asked. prometheus: a page of metrics is read, of HikariCP, "
                       "OpenTelemetry, pgx, Prisma up to 6, PgDog, or with names of your own."},
    {SECTION_POOL, "database", POOL(database),
     &value_optional, {.accepted = DATABASE_ACCEPTED},
     "", RELOAD, "Whose pool it is; may be left out while there is one database."},
    {SECTION_POOL, "url", POOL(url),
     &value_pool_url, {.secret = true},
     "", RELOAD, "Of a PgBouncer: its console, like postgresql://stats@127.0.0.1:6432/pgbouncer; the "
                 "user stands in its stats_users. Of a page: like http://127.0.0.1:3000/metrics or "
                 "http://unix:/run/app.sock:/metrics."},
    {SECTION_POOL, "log", POOL(log),
     &value_optional, PATH(),
     "", RELOAD, "Of a PgBouncer: its log file, which tells of every timeout; the console does so "
                 "from 1.23 on, not in session pooling."},
    {SECTION_POOL, "databases", POOL(databases),
     &value_globs, {.max = 100, .accepted = "names or globs with commas between"},
     "*", RELOAD, "Of a PgBouncer: which of its databases. Waiting, busy, idle and size are summed, "
                  "PoolMaxWait and PoolUtilization are the largest."},
    {SECTION_POOL, "scope", POOL(scope),
     &value_choice, {.words = scopes, .accepted = "host or shared"},
     "", RELOAD, "host: read by each agent. shared: by the one of many agents that leads the database, its log "
                 "too. The default goes by the address: one that is not this host's own is shared, a log "
                 "never."},
    {SECTION_POOL, "path", POOL(path),
     &value_optional, PATH(),
     "", RELOAD, "Of a log: the file, followed over rotation; from its end at the very first run, "
                 "then from where it was left."},
    {SECTION_POOL, "command", POOL(command),
     &value_optional, {.check = value_check_command, .accepted = COMMAND_ACCEPTED},
     "", RELOAD, "Of a log, instead of path: a program whose output is read, like journalctl -f -n 0 "
                 "-u app -o cat. There is no shell; it is started again when it ends."},
    {SECTION_POOL, "match", POOL(match),
     &value_optional, {.check = value_check_match, .accepted = MATCH_ACCEPTED},
     "", RELOAD, "Of a log: which lines tell of a pool timeout."},
    {SECTION_POOL, "timeout_counter", POOL(timeout_counter), &value_optional, SELECTOR,
     "", RELOAD, "Of a page: the counter of those who gave up waiting, when no known library writes it. "
                 "Series with more labels are added up."},
    {SECTION_POOL, "waiting_gauge", POOL(waiting_gauge), &value_optional, SELECTOR,
     "", RELOAD, "Of a page: clients in the queue."},
    {SECTION_POOL, "max_wait_gauge", POOL(max_wait_gauge), &value_optional, SELECTOR,
     "", RELOAD, "Of a page: the longest wait in it, in seconds."},
    {SECTION_POOL, "busy_gauge", POOL(busy_gauge), &value_optional, SELECTOR,
     "", RELOAD, "Of a page: server connections in use."},
    {SECTION_POOL, "idle_gauge", POOL(idle_gauge), &value_optional, SELECTOR,
     "", RELOAD, "Of a page: server connections free."},
    {SECTION_POOL, "size_gauge", POOL(size_gauge), &value_optional, SELECTOR,
     "", RELOAD, "Of a page: the most the pool may open."},

    /* [statsd] */
    {SECTION_STATSD, "listen", CONFIG(statsd_listen),
     &value_list, {.max = 4, .check = value_check_listen, .accepted = LISTEN_ACCEPTED},
     "127.0.0.1:8125", RELOAD, "The sockets for StatsD datagrams: UDP, unix, or both, like "
                               "127.0.0.1:8125, unix:/run/poolwarden/statsd.sock."},
    {SECTION_STATSD, "database", CONFIG(statsd_database_name),
     &value_optional, {.accepted = DATABASE_ACCEPTED},
     "", RELOAD, "Whose the pools are that no section names: they are taken as they arrive. Empty: "
                 "none is."},
    {SECTION_STATSD, "max_pools", CONFIG(statsd_max_pools),
     &value_integer, {.min = 1, .max = 1000},
     "32", RELOAD, "How many of those."},
};
/* clang-format on */

const size_t config_key_count = MEM_COUNT(config_keys);

static const struct section {
    const char *name;
    bool once;
} sections[SECTION_COUNT] = {
#define X(id, name, once) [SECTION_##id] = {name, once},
    SECTION_MAP(X)
#undef X
};

const char *config_section_name(enum config_section section)
{
    return sections[section].name;
}

bool config_section_once(enum config_section section)
{
    return sections[section].once;
}

bool config_key_of(const struct config_key *key, enum config_section section)
{
    /* provision is the agent's own behaviour, the other keys of [alarms] are a database's. */
    bool inherited = section == SECTION_DATABASE && key->section == SECTION_ALARMS &&
                     strcmp(key->name, "provision") != 0;

    return key->section == section || inherited;
}

/* How the two sides write a key: '.' and small letters, '_' and capitals. */
static bool same_letters(const char *name, const char *text, size_t len, bool variable)
{
    for (size_t i = 0; i < len; i++) {
        char wanted = name[i];

        if (variable) {
            wanted = (char)(wanted == '.' ? '_' : toupper((unsigned char)wanted));
        }
        if (text[i] != wanted) {
            return false;
        }
    }
    return true;
}

static const struct config_key *find(enum config_section section, const char *text, bool variable,
                                     const char **name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        size_t len = strlen(key->name);
        bool open = key->name[len - 1] == '.';

        if (config_key_of(key, section) && strlen(text) >= len &&
            same_letters(key->name, text, len, variable) && (open || text[len] == '\0')) {
            *name = open ? text + len : NULL;
            return key;
        }
    }
    return NULL;
}

const struct config_key *config_key_find(enum config_section section, const char *text,
                                         const char **name)
{
    return find(section, text, false, name);
}

const struct config_key *config_key_of_variable(enum config_section section, const char *text,
                                                const char **name)
{
    return find(section, text, true, name);
}

void config_key_list(enum config_section section, struct buf *out)
{
    const char *between = "";

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        size_t len = strlen(key->name);

        if (config_key_of(key, section)) {
            buf_printf(out, "%s%s%s", between, key->name, key->name[len - 1] == '.' ? "NAME" : "");
            between = ", ";
        }
    }
}

const char *config_key_near(enum config_section section, const char *text)
{
    struct suggestion best = {.word = text};

    for (size_t i = 0; i < config_key_count; i++) {
        if (config_key_of(&config_keys[i], section)) {
            suggest_consider(&best, config_keys[i].name);
        }
    }
    return best.name;
}

const char *config_pool_type_name(enum pool_type type)
{
    const struct value_word *word = pool_types;

    while (word->word && word->number != (int)type) {
        word++;
    }
    return word->word;
}
