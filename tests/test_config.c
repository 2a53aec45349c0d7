/* agent.conf and the environment: what is taken, what wins, what each mistake is told, and that the
 * example file is the table. UPDATE=1 writes the example anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "agent/check.h"
#include "agent/config.h"
#include "agent/config_keys.h"
#include "aws/common/mem.h"

#define URL     "url = postgresql://app:s3cret@db/orders\n"
#define ORDERS  "[database orders]\n" URL
#define EXAMPLE TEST_DATA "/../../agent.conf.example"

static const char *const no_environment[] = {NULL};

static struct config *load_with(const char *text, const char *const *environment)
{
    const struct config_source source = {.file = "a.conf", .text = text, .environ = environment};
    struct config *config;
    struct buf errors;

    buf_init(&errors, CONFIG_ERRORS_MAX);
    if (!config_load(&source, &config, &errors)) {
        fail_msg("refused: %s", buf_text(&errors));
    }
    assert_string_equal(buf_text(&errors), "");
    buf_done(&errors);
    return config;
}

static struct config *load(const char *text)
{
    return load_with(text, no_environment);
}

/* "line: ..." as it stands in the errors; NULL: there are none. Owned by the caller. */
static char *errors_of(const char *text, const char *const *environment)
{
    const struct config_source source = {.file = "a.conf", .text = text, .environ = environment};
    struct config *config;
    struct buf errors;

    buf_init(&errors, CONFIG_ERRORS_MAX);
    bool ok = config_load(&source, &config, &errors);

    assert_int_equal(ok, errors.len == 0);
    if (ok) {
        config_free(config);
        buf_done(&errors);
        return NULL;
    }
    assert_null(config);
    assert_null(strstr(buf_text(&errors), "s3cret"));
    return buf_take(&errors);
}

/* --- what is taken -------------------------------------------------------------------------- */

static void needs_no_more_than_a_url(void **state)
{
    const char *const environment[] = {"PATH=/bin",
                                       "DATABASE_URL=postgresql://app:s3cret@db.example/x", NULL};
    struct config *config = load_with("", environment);
    const struct config_database *database = &config->databases[0];

    (void)state;
    assert_int_equal(config->database_count, 1);
    assert_string_equal(database->name, "db.example");
    assert_string_equal(database->identifier, "db.example");
    assert_string_equal(database->place, "DATABASE_URL");
    assert_string_equal(database->conninfo.password, "s3cret");
    assert_null(database->region);
    assert_int_equal(database->long_query_ms, 60000);
    assert_int_equal(database->leak_ms, 600000);
    assert_int_equal(database->stale_idle_ms, 300000);
    assert_int_equal(database->per_application, 10);
    assert_string_equal(database->per_database.items[0], "*");
    assert_int_equal(config->sample_interval_ms, 1000);
    assert_int_equal(config->publish_interval_ms, 60000);
    assert_string_equal(config->state_dir, "/var/lib/poolwarden");
    assert_string_equal(config->runtime_dir, "/run/poolwarden");
    assert_int_equal(config->spool_limit, 64 << 20);
    assert_true(config->leader_election);
    assert_int_equal(config->log_format, LOG_TEXT);
    assert_string_equal(config->namespace_, "Application");
    assert_null(config->region);
    assert_null(config->endpoint_url);
    assert_int_equal(config->metrics, METRICS_CORE);
    assert_true(config->rollup);
    assert_int_equal(config->resolution_s, 60);
    assert_true(config->provision_at_startup);
    assert_false(config->statsd);
    assert_int_equal(config->statsd_listen.count, 1);
    assert_string_equal(config->statsd_listen.items[0], "127.0.0.1:8125");
    assert_int_equal(config->statsd_max_pools, 32);
    assert_int_equal(config->warnings.count, 0);
    config_free(config);
}

static void assert_alarm(const struct config_database *database, enum alarm_kind kind,
                         enum threshold_kind threshold, double value, const char *statistic,
                         int period_s, int datapoints, int of)
{
    const struct config_alarm *alarm = &database->alarms.alarm[kind];

    assert_int_equal(alarm->threshold.kind, threshold);
    assert_float_equal(alarm->threshold.value, value, 0);
    assert_string_equal(alarm->rule.statistic, statistic);
    assert_int_equal(alarm->rule.period_s, period_s);
    assert_int_equal(alarm->rule.datapoints, datapoints);
    assert_int_equal(alarm->rule.evaluation_periods, of);
}

static void has_the_documented_alarms(void **state)
{
    struct config *config = load(ORDERS);
    const struct config_database *database = &config->databases[0];

    (void)state;
    assert_alarm(database, ALARM_HIGH_CONNECTIONS, THRESHOLD_PERCENT, 80, "Maximum", 60, 2, 3);
    assert_alarm(database, ALARM_POOL_TIMEOUT, THRESHOLD_NUMBER, 5, "Sum", 60, 1, 1);
    assert_alarm(database, ALARM_CONNECTIONS_EXHAUSTED, THRESHOLD_NUMBER, 1, "Minimum", 60, 1, 1);
    assert_alarm(database, ALARM_CONNECTION_LEAK, THRESHOLD_OFF, 0, "Maximum", 60, 5, 5);
    assert_alarm(database, ALARM_MONITORING_SILENT, THRESHOLD_NUMBER, 3, "SampleCount", 60, 3, 3);
    config_free(config);
}

static void inherits_section_by_section(void **state)
{
    struct config *config =
        load("[alarms]\nhigh_connections = 70%\npool_timeout = 9\ntag.team = payments\n"
             "tag.env = prod\nactions = arn:aws:sns:eu-west-1:1:a, arn:aws:sns:eu-west-1:1:b\n"
             "[database]\nleak = 1h\npool_timeout = 8\nregion = eu-west-1\n"
             "[database orders]\n" URL "high_connections = 47\ntag.team = orders\n"
             "[database stock]\n" URL "pool_timeout = off\nleak = 2m\nregion = us-east-1\n"
             "identifier = stock-1\nactions =\n");
    const struct config_database *orders = config_database_named(config, "orders");
    const struct config_database *stock = config_database_named(config, "stock");

    (void)state;
    assert_alarm(orders, ALARM_HIGH_CONNECTIONS, THRESHOLD_NUMBER, 47, "Maximum", 60, 2, 3);
    assert_alarm(stock, ALARM_HIGH_CONNECTIONS, THRESHOLD_PERCENT, 70, "Maximum", 60, 2, 3);
    assert_alarm(orders, ALARM_POOL_TIMEOUT, THRESHOLD_NUMBER, 8, "Sum", 60, 1, 1);
    assert_alarm(stock, ALARM_POOL_TIMEOUT, THRESHOLD_OFF, 0, "Sum", 60, 1, 1);
    assert_int_equal(orders->leak_ms, 3600000);
    assert_int_equal(stock->leak_ms, 120000);
    assert_string_equal(orders->region, "eu-west-1");
    assert_string_equal(stock->region, "us-east-1");
    assert_string_equal(orders->identifier, "orders");
    assert_string_equal(stock->identifier, "stock-1");
    assert_int_equal(orders->alarms.tags.count, 2);
    assert_string_equal(orders->alarms.tags.items[0].value, "orders");
    assert_string_equal(stock->alarms.tags.items[0].value, "payments");
    assert_int_equal(orders->alarms.actions.count, 2);
    assert_string_equal(orders->alarms.actions.items[1], "arn:aws:sns:eu-west-1:1:b");
    assert_int_equal(stock->alarms.actions.count, 0);
    assert_null(config_database_named(config, "nothing"));
    config_free(config);
}

static void environment_wins_over_the_file(void **state)
{
    const char *const environment[] = {"POOLWARDEN_CLOUDWATCH_NAMESPACE=Env",
                                       "POOLWARDEN_AGENT_LOG_FORMAT=json",
                                       "POOLWARDEN_AGENT_SAMPLE_INTERVAL=",
                                       "POOLWARDEN_CLOUDWATCH_DIMENSION_Environment=staging",
                                       "POOLWARDEN_CLOUDWATCH_DIMENSION_Team=a${b}",
                                       "POOLWARDEN_ALARMS_POOL_TIMEOUT_RULE=Sum 300s 1/2",
                                       "POOLWARDEN_STATSD_MAX_POOLS=7",
                                       NULL};
    struct config *config =
        load_with("[agent]\nsample_interval = 2s\n[cloudwatch]\nnamespace = File\n"
                  "dimension.Environment = prod\n" ORDERS,
                  environment);

    (void)state;
    assert_string_equal(config->namespace_, "Env");
    assert_int_equal(config->log_format, LOG_JSON);
    assert_int_equal(config->sample_interval_ms, 2000);
    assert_int_equal(config->dimensions.count, 2);
    assert_string_equal(config->dimensions.items[0].name, "Environment");
    assert_string_equal(config->dimensions.items[0].value, "staging");
    assert_string_equal(config->dimensions.items[1].value, "a${b}");
    assert_alarm(&config->databases[0], ALARM_POOL_TIMEOUT, THRESHOLD_NUMBER, 5, "Sum", 300, 1, 2);
    assert_int_equal(config->statsd_max_pools, 7);
    config_free(config);
}

static void replaces_variables_once(void **state)
{
    const char *const environment[] = {"URL=postgresql://app:a${NO} ;b#c%25@db/orders", "NAME=x",
                                       "N=3", NULL};
    struct config *config =
        load_with("[cloudwatch]\nnamespace = $${NAME}-$-${NAME}${NAME} ; ${NOT_READ}\n"
                  "[alarms]\npool_timeout = ${N}\n"
                  "[database orders]\nurl = ${URL}\n",
                  environment);

    (void)state;
    assert_string_equal(config->namespace_, "${NAME}-$-xx");
    assert_string_equal(config->databases[0].conninfo.password, "a${NO} ;b#c%");
    config_free(config);
}

static void takes_directories_of_systemd(void **state)
{
    const char *const environment[] = {"STATE_DIRECTORY=/var/lib/a:/var/lib/b",
                                       "RUNTIME_DIRECTORY=/run/a", NULL};
    struct config *config = load_with(ORDERS, environment);

    (void)state;
    assert_string_equal(config->state_dir, "/var/lib/a");
    assert_string_equal(config->runtime_dir, "/run/a");
    config_free(config);
    config = load_with("[agent]\nstate_dir =\nruntime_dir = /tmp\n" ORDERS, environment);
    assert_null(config->state_dir);
    assert_string_equal(config->runtime_dir, "/tmp");
    config_free(config);
}

#define RDS(name, cn, parameters) "postgresql://" name ".rds.amazonaws.com" cn "/x" parameters

static void names_the_database_of_the_environment(void **state)
{
    static const struct {
        const char *url, *given, *name;
        size_t warnings;
    } cases[] = {
        {"postgresql://db.example/x", NULL, "db.example", 0},
        {"postgresql://db.example/x", "shop", "shop", 0},
        {RDS("orders.c1a.eu-west-1", "", "?sslmode=verify-full"), NULL, "orders", 0},
        {RDS("orders.c1a.cn-north-1", ".cn", "?sslmode=verify-ca"), NULL, "orders", 0},
        {RDS("orders.c1a.eu-west-1", "", ""), NULL, "orders", 1},
        {RDS("orders.c1a.eu-west-1", "", "?sslmode=require"), NULL, "orders", 1},
        {RDS("orders.cluster-c1a.eu-west-1", "", "?sslmode=verify-full"), NULL, "orders", 1},
        {RDS("orders.proxy-c1a.eu-west-1", "", "?sslmode=verify-full"), NULL, "orders", 1},
        {"postgresql://db/x?pgbouncer=true", NULL, "db", 1},
        {"postgresql://app@/x?host=/var/run/postgresql", NULL, "localhost", 0},
        {"postgresql://[::1]/x", NULL, "::1", 0},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        char *url = mem_printf("DATABASE_URL=%s", cases[i].url);
        char *name =
            mem_printf("POOLWARDEN_DATABASE_NAME=%s", cases[i].given != NULL ? cases[i].given : "");
        const char *const environment[] = {url, name, NULL};
        struct config *config = load_with("", environment);

        assert_string_equal(config->databases[0].name, cases[i].name);
        assert_int_equal(config->warnings.count, cases[i].warnings);
        config_free(config);
        free(url);
        free(name);
    }
}

static void configures_the_one_database_by_variables(void **state)
{
    const char *const environment[] = {
        "DATABASE_URL=postgresql://not-this/x",    "POOLWARDEN_DATABASE_URL=postgresql://db/x",
        "POOLWARDEN_DATABASE_IDENTIFIER=orders-1", "POOLWARDEN_DATABASE_HIGH_CONNECTIONS=70%",
        "POOLWARDEN_DATABASE_AUTH=password",       NULL};
    struct config *config = load_with("[database]\nleak = 1h\n", environment);
    const struct config_database *database = &config->databases[0];

    (void)state;
    assert_string_equal(database->conninfo.host, "db");
    assert_string_equal(database->identifier, "orders-1");
    assert_alarm(database, ALARM_HIGH_CONNECTIONS, THRESHOLD_PERCENT, 70, "Maximum", 60, 2, 3);
    assert_int_equal(database->leak_ms, 3600000);
    config_free(config);
}

static void settles_the_silent_alarm(void **state)
{
    static const struct {
        const char *text;
        double minutes;
        int period_s, datapoints, of;
    } cases[] = {
        {"monitoring_silent = 5m\n", 5, 60, 5, 5},
        {"monitoring_silent.rule = SampleCount 120s 2/3\n", 4, 120, 2, 3},
        {"monitoring_silent = 4m\nmonitoring_silent.rule = samplecount 2m 2/2\n", 4, 120, 2, 2},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        char *text = mem_printf("%s%s", ORDERS, cases[i].text);
        struct config *config = load(text);

        assert_alarm(&config->databases[0], ALARM_MONITORING_SILENT, THRESHOLD_NUMBER,
                     cases[i].minutes, "SampleCount", cases[i].period_s, cases[i].datapoints,
                     cases[i].of);
        config_free(config);
        free(text);
    }
}

static void knows_whose_the_pools_are(void **state)
{
    struct config *config =
        load(ORDERS "[pool workers]\n[pool api]\ndatabase = orders\ntype = statsd\n");

    (void)state;
    assert_true(config->statsd);
    assert_null(config->statsd_database);
    assert_int_equal(config->pool_count, 2);
    assert_ptr_equal(config->pools[0].of, &config->databases[0]);
    assert_string_equal(config->pools[1].database, "orders");
    config_free(config);
    config = load(ORDERS "[statsd]\ndatabase = orders\nlisten = 0.0.0.0:9125\n");
    assert_true(config->statsd);
    assert_ptr_equal(config->statsd_database, &config->databases[0]);
    assert_int_equal(config->warnings.count, 1);
    config_free(config);
    config = load(ORDERS "[statsd]\nlisten = [::1]:8125\n");
    assert_false(config->statsd);
    assert_int_equal(config->warnings.count, 1);
    config_free(config);
}

/* Taken, with one warning each. */
static void knows_which_pools_are_shared(void **state)
{
    static const struct {
        const char *keys;
        bool shared, log_shared;
    } cases[] = {
        {"type = statsd\n", false, false},
        {"type = pgbouncer\nurl = postgresql://stats@127.0.0.1:6432\n", false, false},
        {"type = pgbouncer\nurl = postgresql://stats@/pgbouncer?host=/tmp\n", false, false},
        {"type = pgbouncer\nurl = postgresql://stats@10.0.0.5:6432\n", true, false},
        {"type = pgbouncer\nurl = postgresql://stats@10.0.0.5:6432\nscope = host\n", false, false},
        {"type = pgbouncer\nurl = postgresql://stats@127.0.0.1:6432\nscope = shared\n", true, true},
        {"type = pgbouncer\nlog = /x\n", false, false},
        {"type = pgbouncer\nurl = postgresql://stats@10.0.0.5:6432\nlog = /x\n", true, false},
        {"type = log\npath = /x\nmatch = prisma\n", false, false},
        {"type = log\npath = /x\nmatch = prisma\nscope = shared\n", true, true},
        {"type = prometheus\nurl = http://127.0.0.1:3000/metrics\n", false, false},
        {"type = prometheus\nurl = http://u:p@[::1]:3000/metrics\n", false, false},
        {"type = prometheus\nurl = http://unix:/run/x:/metrics\n", false, false},
        {"type = prometheus\nurl = https://app.internal/metrics\n", true, false},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        char *text = mem_printf(ORDERS "[pool x]\n%s", cases[i].keys);
        struct config *config = load(text);

        if (config->pools[0].shared != cases[i].shared ||
            config->pools[0].log_shared != cases[i].log_shared) {
            fail_msg("%s", cases[i].keys);
        }
        if (strstr(cases[i].keys, "url")) { /* in force, for --check-config */
            assert_int_equal(config->pools[0].scope, cases[i].shared ? SCOPE_SHARED : SCOPE_HOST);
        }
        config_free(config);
        free(text);
    }
}

static void hides_the_passwords_of_pools(void **state)
{
    struct config *config =
        load(ORDERS "[pool a]\ntype = pgbouncer\nurl = postgresql://stats:s3cret@db:6432\n"
                    "[pool b]\ntype = prometheus\nurl = http://u:s3cret@app/metrics\n");
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    config_print(config, &text);
    assert_null(strstr(buf_text(&text), "s3cret"));
    assert_non_null(strstr(buf_text(&text), "url = postgresql://stats:***@db:6432/pgbouncer\n"));
    assert_non_null(strstr(buf_text(&text), "url = http://***@app/metrics\n"));
    buf_done(&text);
    config_free(config);
}

static void warns(void **state)
{
    static const struct {
        const char *text, *warning;
    } cases[] = {
        {"[agent]\npublish_interval = 5m\n", "monitoring_silent is not longer"},
        {"[statsd]\nmax_pools = 3\n", "[statsd] has no use"},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        char *text = mem_printf("%s%s", ORDERS, cases[i].text);
        struct config *config = load(text);

        assert_int_equal(config->warnings.count, 1);
        assert_non_null(strstr(config->warnings.items[0], cases[i].warning));
        config_free(config);
        free(text);
    }
}

/* --- what is refused ------------------------------------------------------------------------ */

#define DATABASE_KEYS                                                                              \
    "high_connections, high_connections.rule, pool_timeout, pool_timeout.rule, "                   \
    "connections_exhausted, connections_exhausted.rule, connection_leak, connection_leak.rule, "   \
    "monitoring_silent, monitoring_silent.rule, "                                                  \
    "pool_waiting, pool_waiting.rule, rds_cpu, rds_cpu.rule, rds_memory, rds_memory.rule, "        \
    "proxy_borrow_latency, proxy_borrow_latency.rule, proxy_name, adopt, actions, ok_actions, "    \
    "insufficient_data_actions, name_prefix, tag.NAME, url, auth, password_file, "                 \
    "password_secret, identifier, region, "                                                        \
    "long_query, leak, stale_idle, per_database, per_application"

static const struct {
    const char *text;  /* a whole file, or what follows a sound [database orders] of 2 lines */
    const char *error; /* the whole line */
} mistakes[] = {
    {"[agent]\nsample_interval = 0s\n",
     "a.conf:4: [agent] sample_interval: \"0s\" is out of range; accepted: 1s to 60s"},
    {"[agent]\nsample_interval = 61s\n",
     "a.conf:4: [agent] sample_interval: \"61s\" is out of range; accepted: 1s to 60s"},
    {"[agent]\nsample_interval = 5\n",
     "a.conf:4: [agent] sample_interval: \"5\" has no unit; accepted: 1s to 60s"},
    {"[agent]\nsample_interval = 5x\n",
     "a.conf:4: [agent] sample_interval: \"5x\" has an unknown unit; accepted: 1s to 60s"},
    {"[agent]\nsample_interval = 99999999999999999999s\n",
     "a.conf:4: [agent] sample_interval: \"99999999999999999999s\" is out of range; accepted: 1s "
     "to 60s"},
    {"[agent]\npublish_interval = 7s\n",
     "a.conf:4: [agent] publish_interval: \"7s\" does not fit into minutes; accepted: a divisor of "
     "60s, or a multiple of 60s up to 5m"},
    {"[agent]\npublish_interval = 90s\n",
     "a.conf:4: [agent] publish_interval: \"90s\" does not fit into minutes; accepted: a divisor "
     "of 60s, or a multiple of 60s up to 5m"},
    {"[agent]\npublish_interval = 10s\nsample_interval = 3s\n",
     "a.conf:4: [agent] publish_interval: \"10s\" is no multiple of sample_interval"},
    {"[agent]\nsample_interval = 45s\n",
     "configuration: [agent] publish_interval: its default is no multiple of sample_interval"},
    {"[agent]\nspool_limit = 64\n",
     "a.conf:4: [agent] spool_limit: \"64\" has no unit; accepted: 1MB to 4096MB"},
    {"[agent]\nspool_limit = 1KB\n",
     "a.conf:4: [agent] spool_limit: \"1KB\" is out of range; accepted: 1MB to 4096MB"},
    {"[agent]\nstate_dir = here\n",
     "a.conf:4: [agent] state_dir: \"here\" is no absolute path; accepted: an absolute path"},
    {"[agent]\nlog_format = xml\n",
     "a.conf:4: [agent] log_format: \"xml\" is not known; accepted: text or json"},
    {"[agent]\nlog_fromat = json\n",
     "a.conf:4: [agent] log_fromat: unknown key; did you mean log_format?"},
    {"[agent]\nfrobnicate = 1\n",
     "a.conf:4: [agent] frobnicate: unknown key; accepted: sample_interval, publish_interval, "
     "state_dir, runtime_dir, spool_limit, leader_election, log_format"},
    {"[agent]\nlog_format = json\nlog_format = text\n",
     "a.conf:5: [agent] log_format: a second time; the first is at a.conf:4"},
    {"[agnet]\nx = 1\n", "a.conf:3: unknown section [agnet] (did you mean [agent]?); accepted: "
                         "[agent], [cloudwatch], [alarms], [database NAME], [pool NAME], [statsd]"},
    {"[agent x]\n", "a.conf:3: [agent] stands once and has no name"},
    {"[pool]\n", "a.conf:3: [pool] needs a name: [pool NAME]"},
    {"[agent]\n[cloudwatch]\n[agent]\n",
     "a.conf:5: [agent] a second time; the first is at a.conf:3"},
    {"[database orders]\n" URL,
     "a.conf:3: [database orders] a second time; the first is at a.conf:1"},
    {"[database a b]\n" URL,
     "a.conf:3: [database NAME]: the name has a character that a name can not have; accepted: 1 to "
     "200 letters, digits and . _ : -"},
    {"[database postgresql://app:s3cret@db]\n",
     "a.conf:3: [database NAME]: the name has a character that a name can not have; accepted: 1 to "
     "200 letters, digits and . _ : -"},
    {"[cloudwatch]\nnamespace = AWS/RDS\n",
     "a.conf:4: [cloudwatch] namespace: \"AWS/RDS\" starts with AWS/, which is Amazon's own; "
     "accepted: 1 to 255 printable ASCII characters that start neither with AWS/ nor with a colon"},
    {"[cloudwatch]\nnamespace = :x\n",
     "a.conf:4: [cloudwatch] namespace: \":x\" starts with a colon; accepted: 1 to 255 printable "
     "ASCII characters that start neither with AWS/ nor with a colon"},
    {"[cloudwatch]\nregion = eu_west\n", "a.conf:4: [cloudwatch] region: \"eu_west\" is no "
                                         "region's name; accepted: a region like eu-west-1"},
    {"[cloudwatch]\nendpoint_url = https://app:s3cret@localhost\n",
     "a.conf:4: [cloudwatch] endpoint_url: the value has more than a scheme, a host, a port and a "
     "path; accepted: https://HOST[:PORT]"},
    {"[cloudwatch]\nrole_arn = admin\n",
     "a.conf:4: [cloudwatch] role_arn: \"admin\" is no role's ARN; "
     "accepted: a role's ARN, like arn:aws:iam::123456789012:role/NAME"},
    {"[cloudwatch]\nresolution = 30\n",
     "a.conf:4: [cloudwatch] resolution: \"30\" is not known; accepted: 60 or 1"},
    {"[cloudwatch]\ndimension.Pool = x\n",
     "a.conf:4: [cloudwatch] dimension.Pool: \"x\" would replace a dimension that is set already; "
     "accepted: at most 28; names of 1 to 255, values of 1 to 1024 printable ASCII characters"},
    {"[cloudwatch]\ndimension.X =\n",
     "a.conf:4: [cloudwatch] dimension.X: \"\" is empty; accepted: at most 28; names of 1 to 255, "
     "values of 1 to 1024 printable ASCII characters"},
    {"[cloudwatch]\nnamespace = ${NOPE}\n",
     "a.conf:4: [cloudwatch] namespace: needs the environment variable NOPE, which is not set or "
     "empty"},
    {"[alarms]\nname_prefix = ${CREDENTIALS_DIRECTORY}\n",
     "a.conf:4: [alarms] name_prefix: needs the environment variable CREDENTIALS_DIRECTORY, "
     "which is not set or empty; systemd sets it for the service, by hand give the file's "
     "directory"},
    {"[cloudwatch]\nnamespace = ${\n",
     "a.conf:4: [cloudwatch] namespace: has a ${ that is not of the form ${NAME}; a literal one is "
     "written $${"},
    {"[alarms]\nhigh_connections = 101%\n",
     "a.conf:4: [alarms] high_connections: \"101%\" is out of range; accepted: a percentage up to "
     "100%, a number 1 to 1000000, or off"},
    {"[alarms]\nhigh_connections =\n",
     "a.conf:4: [alarms] high_connections: \"\" is no number; accepted: a percentage up to 100%, a "
     "number 1 to 1000000, or off"},
    {"[alarms]\npool_timeout = 5%\n", "a.conf:4: [alarms] pool_timeout: \"5%\" is no number; "
                                      "accepted: 0 to 1000000000, or off"},
    {"[alarms]\nmonitoring_silent = 90s\n",
     "a.conf:4: [alarms] monitoring_silent: \"90s\" is not in whole minutes; accepted: 1m to 1d in "
     "whole minutes, or off"},
    {"[alarms]\nmonitoring_silent = 3m\nmonitoring_silent.rule = SampleCount 60s 5/5\n",
     "a.conf:5: [alarms] monitoring_silent.rule: \"SampleCount 60s 5/5\" covers 5 minutes and "
     "monitoring_silent says 3: leave one of them out"},
    {"[alarms]\nconnection_leak = 0\n",
     "a.conf:4: [alarms] connection_leak: \"0\" needs a metric that is not published: [cloudwatch] "
     "metrics = standard is needed"},
    {"[alarms]\nhigh_connections.rule = Maximum 10s 2/3\n",
     "a.conf:4: [alarms] high_connections.rule: \"Maximum 10s 2/3\" has a period below 60s, which "
     "needs [cloudwatch] resolution = 1"},
    {"[alarms]\nrds_cpu = 170%\n",
     "a.conf:4: [alarms] rds_cpu: \"170%\" is out of range; accepted: 1% to 100%, or off"},
    {"[alarms]\nrds_memory = 256\n",
     "a.conf:4: [alarms] rds_memory: \"256\" has no unit; accepted: 1MB to 16777216MB, or off"},
    {"[alarms]\nrds_cpu = 70%\nrds_cpu.rule = Average 10s 1/1\n[cloudwatch]\nresolution = 1\n",
     "a.conf:5: [alarms] rds_cpu.rule: \"Average 10s 1/1\" has a period below 60s, and AWS "
     "publishes "
     "this metric once a minute"},
    {"[alarms]\nproxy_borrow_latency = 100ms\n",
     "a.conf:4: [alarms] proxy_borrow_latency: \"100ms\" needs proxy_name, the RDS Proxy's"},
    {"[alarms]\npool_waiting = 5s\n",
     "a.conf:4: [alarms] pool_waiting: \"5s\" needs a metric that is not published: [cloudwatch] "
     "metrics = standard is needed"},
    {"[alarms]\ntag.poolwarden = x\n",
     "a.conf:4: [alarms] tag.poolwarden: \"x\" would replace a tag that says whose the alarm is; "
     "accepted: at most 48; names of 1 to 128, values of up to 256 printable ASCII characters"},
    {"[database far]\nurl = postgresql://x.cluster-ro-abc.eu-west-1.rds.amazonaws.com/x\n",
     "a.conf:4: [database far] url: the value leads to "
     "x.cluster-ro-abc.eu-west-1.rds.amazonaws.com, a cluster's reader endpoint, behind which "
     "another instance may answer each time: write one section [database NAME] for each instance, "
     "with its own endpoint"},
    {"[database far]\nurl = postgresql://x.cluster-custom-abc.eu-west-1.rds.amazonaws.com/x\n",
     "a.conf:4: [database far] url: the value leads to "
     "x.cluster-custom-abc.eu-west-1.rds.amazonaws.com, a cluster's custom endpoint, behind which "
     "another instance may answer each time: write one section [database NAME] for each instance, "
     "with its own endpoint"},
    {"[alarms]\nactions = ops\n",
     "a.conf:4: [alarms] actions: \"ops\" has an item that is no ARN; accepted: at most 5 ARNs "
     "with commas between"},
    {"[alarms]\nactions = arn:1 arn:2 arn:3 arn:4 arn:5 arn:6\n",
     "a.conf:4: [alarms] actions: \"arn:1 arn:2 arn:3 arn:4 arn:5 arn:6\" has more than 5 items; "
     "accepted: at most 5 ARNs with commas between"},
    {"[alarms]\ntag.managed-by = me\n",
     "a.conf:4: [alarms] tag.managed-by: \"me\" would replace a tag that says whose the alarm "
     "is; accepted: at most 48; names of 1 to 128, values of up to 256 printable ASCII characters"},
    {"auth = iam\n", "a.conf:3: [database orders] auth: \"iam\" needs sslmode=verify-full and "
                     "sslrootcert=FILE (the RDS bundle) in url: the token is a password"},
    {"auth = kerberos\n", "a.conf:3: [database orders] auth: \"kerberos\" is not known; accepted: "
                          "password or iam"},
    {"password_secret = my s3cret\n",
     "a.conf:3: [database orders] password_secret: the value is no secret's ARN or name; accepted: "
     "a secret's ARN or name"},
    {"password_secret = orders\npassword_file = /run/secrets/pw\n",
     "a.conf:1: [database orders]: only one of auth = iam, password_file and password_secret can "
     "be"},
    {"password_file = s3cret\n", "a.conf:3: [database orders] password_file: the value is no "
                                 "absolute path; accepted: an absolute path"},
    {"password = s3cret\n",
     "a.conf:3: [database orders] password: unknown key; accepted: " DATABASE_KEYS},
    {"provision = off\n",
     "a.conf:3: [database orders] provision: unknown key; accepted: " DATABASE_KEYS},
    {"name = x\n", "a.conf:3: [database orders] name: stands in the heading: [database NAME]"},
    {"postgresql://app:s3cret@db/x?schema = public\n",
     "a.conf:3: [database orders] (not a name): unknown key; accepted: " DATABASE_KEYS},
    {"per_database =\n", "a.conf:3: [database orders] per_database: \"\" is empty; accepted: names "
                         "or globs with commas between, or none"},
    {"per_application = -1\n", "a.conf:3: [database orders] per_application: \"-1\" is no whole "
                               "number; accepted: 0 to 100"},
    {"[database stock]\n", "a.conf:3: [database stock]: url is missing"},
    {"[database stock]\nidentifier = orders\n" URL,
     "a.conf:3: [database stock]: has the identifier of [database orders] (a.conf:1): their "
     "numbers would be added up"},
    {"[database stock]\nurl = mysql://app:s3cret@db/x\n",
     "a.conf:4: [database stock] url: the value is no URL that begins with postgresql:// or "
     "postgres://; accepted: postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with the parameters of "
     "libpq or Prisma"},
    {"[pool api]\ntype = pgbouncer\n",
     "a.conf:3: [pool api]: url is missing, like postgresql://stats@127.0.0.1:6432/pgbouncer"},
    {"[pool api]\ntype = pgbouncer\nurl = http://x:s3cret@y/\n",
     "a.conf:5: [pool api] url: the value is no console of PgBouncer, like "
     "postgresql://stats@127.0.0.1:6432/pgbouncer"},
    {"[pool api]\ntype = prometheus\n",
     "a.conf:3: [pool api]: url is missing, like http://127.0.0.1:3000/metrics"},
    {"[pool api]\ntype = prometheus\nurl = ftp://x:s3cret@y/\n",
     "a.conf:5: [pool api] url: the value begins neither with postgresql:// nor with http://; "
     "accepted: postgresql://USER:PASSWORD@HOST:PORT/pgbouncer, http://HOST:PORT/PATH, "
     "https://HOST/PATH, http://unix:/SOCKET:/PATH"},
    {"[pool api]\ntype = prometheus\nurl = postgresql://x:s3cret@y/\n",
     "a.conf:5: [pool api] url: the value is no page of metrics, like "
     "http://127.0.0.1:3000/metrics"},
    {"[pool api]\ntype = prometheus\nurl = http://x\ntimeout_counter = a{b}\n",
     "a.conf:6: [pool api] timeout_counter: \"a{b}\" names no series; accepted: the name of a "
     "series, like name{label=\"value\"}"},
    {"[pool a]\ntype = pgbouncer\nlog = /x\n[pool b]\ntype = log\npath = /x\nmatch = pgbouncer\n",
     "a.conf:6: [pool b]: has the log of [pool a] (a.conf:3): each timeout would be counted twice"},
    {"[pool a]\ntype = pgbouncer\nurl = postgresql://a@x:1\n[pool b]\ntype = pgbouncer\nurl = "
     "postgresql://b@x:1\n",
     "a.conf:6: [pool b]: has the url of [pool a] (a.conf:3): each timeout would be counted twice"},
    {"[pool api]\npath = /var/log/app.log\n",
     "a.conf:4: [pool api] path: \"/var/log/app.log\" is of no use to a pool of this type"},
    {"[pool api]\ntype = log\nmatch = prisma\n",
     "a.conf:3: [pool api]: path is missing (or command): what is to be read?"},
    {"[pool api]\ntype = log\npath = /x\n",
     "a.conf:3: [pool api]: match is missing; accepted: pgbouncer, prisma, node-postgres, "
     "hikaricp, "
     "sqlalchemy, rails, npgsql, supavisor, or a regular expression (PCRE2)"},
    {"[pool api]\ntype = log\npath = /x\ncommand = cat /x\nmatch = prisma\n",
     "a.conf:6: [pool api] command: \"cat /x\" stands beside path: a pool has one source of "
     "PoolTimeout"},
    {"[pool api]\ntype = log\npath = /x\nmatch = prism\n",
     "a.conf:6: [pool api] match: \"prism\" is no known set (did you mean prisma?); accepted: "
     "pgbouncer, prisma, node-postgres, hikaricp, sqlalchemy, rails, npgsql, supavisor, or a "
     "regular expression (PCRE2)"},
    {"[pool api]\ntype = log\npath = /x\nmatch = a(b\n",
     "a.conf:6: [pool api] match: \"a(b\" is no expression: missing closing parenthesis at 3; "
     "accepted: pgbouncer, prisma, node-postgres, hikaricp, sqlalchemy, rails, npgsql, supavisor, "
     "or a regular expression (PCRE2)"},
    {"[pool api]\ntype = log\ncommand = 'cat /x\nmatch = prisma\n",
     "a.conf:5: [pool api] command: \"'cat /x\" has a quote that is not closed; accepted: a "
     "program and its arguments, with quotes around what holds blanks"},
    {"[pool a]\ntype = log\npath = /x\nmatch = prisma\n[pool b]\ntype = log\npath = /x\nmatch = "
     "prisma\n",
     "a.conf:7: [pool b]: has the path of [pool a] (a.conf:3): each timeout would be "
     "counted twice"},
    {"[pool api]\ndatabase = stock\n",
     "a.conf:4: [pool api] database: \"stock\" is no database here (there is: orders)"},
    {"[database stock]\n" URL "[pool api]\n", "a.conf:5: [pool api]: database is missing"},
    {"[statsd]\ndatabase = stock\n",
     "a.conf:4: [statsd] database: \"stock\" is no database here (there is: orders)"},
    {"[statsd]\nlisten = localhost:8125\n", "a.conf:4: [statsd] listen: \"localhost:8125\" is no "
                                            "numeric address with a port; accepted: at "
                                            "most 4 of 127.0.0.1:8125, [::1]:8125, unix:/PATH"},
    {"[statsd]\nlisten = unix:run/x\n",
     "a.conf:4: [statsd] listen: \"unix:run/x\" has a path that does not start with / or is longer "
     "than 107; accepted: at most 4 of 127.0.0.1:8125, [::1]:8125, unix:/PATH"},
    {"[statsd]\nlisten = ,\n", "a.conf:4: [statsd] listen: \",\" names no socket"},
};

static void tells_each_mistake(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(mistakes); i++) {
        char *text = mem_printf("%s%s", ORDERS, mistakes[i].text);
        char *error = mem_printf("%s\n", mistakes[i].error);
        char *errors = errors_of(text, no_environment);

        assert_string_equal(errors != NULL ? errors : "(none)", error);
        free(text);
        free(error);
        free(errors);
    }
}

static const struct {
    const char *variable, *error; /* the error's beginning */
} bad_variables[] = {
    {"POOLWARDEN_AGENT_SAMPLE_INTERVAL=0s",
     "POOLWARDEN_AGENT_SAMPLE_INTERVAL: \"0s\" is out of range; accepted: 1s to 60s\n"},
    {"POOLWARDEN_AGENT_SAMPLE_INTERVALL=", "POOLWARDEN_AGENT_SAMPLE_INTERVALL: unknown variable "
                                           "(did you mean the key sample_interval?); accepted: "},
    {"POOLWARDEN_NAMESPACE=x", "POOLWARDEN_NAMESPACE: unknown variable; accepted: "},
    {"POOLWARDEN_POOL_TYPE=x", "POOLWARDEN_POOL_TYPE: unknown variable; accepted: "},
    {"POOLWARDEN_DATABASE_URL=postgresql://app:s3cret@db:x/y",
     "POOLWARDEN_DATABASE_URL: the value has a port that is not 1 to 65535; accepted: "},
    {"POOLWARDEN_DATABASE_NAME=a b",
     "POOLWARDEN_DATABASE_NAME: the database's name has a character "
     "that a name can not have; accepted: "},
    {"STATE_DIRECTORY=here", "STATE_DIRECTORY: is no absolute path\n"},
};

static void tells_mistakes_of_the_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(bad_variables); i++) {
        char *variable = mem_strdup(bad_variables[i].variable);
        const char *const environment[] = {variable, "DATABASE_URL=postgresql://db/x", NULL};
        char *errors = errors_of("", environment);

        assert_non_null(errors);
        assert_int_equal(strncmp(errors, bad_variables[i].error, strlen(bad_variables[i].error)),
                         0);
        assert_ptr_equal(strchr(errors, '\n'), errors + strlen(errors) - 1);
        free(variable);
        free(errors);
    }
}

static void says_how_to_name_a_database(void **state)
{
    char *errors = errors_of("[agent]\n", no_environment);

    (void)state;
    assert_non_null(strstr(errors, "set DATABASE_URL"));
    assert_non_null(strstr(errors, "[database NAME]"));
    free(errors);
}

static void refuses_variables_that_have_nothing_to_set(void **state)
{
    const char *const environment[] = {"POOLWARDEN_DATABASE_IDENTIFIER=x",
                                       "POOLWARDEN_DATABASE_NAME=y",
                                       "DATABASE_URL=postgresql://fine/x", NULL};
    char *errors = errors_of(ORDERS, environment);

    (void)state;
    assert_non_null(strstr(errors, "POOLWARDEN_DATABASE_IDENTIFIER: sets the one database"));
    assert_non_null(strstr(errors, "POOLWARDEN_DATABASE_NAME: sets the one database"));
    free(errors);
}

/* In the order of the file, each once, however many databases inherit it. */
static void tells_all_mistakes_at_once(void **state)
{
    const char *const environment[] = {"POOLWARDEN_AGENT_X=1", NULL};
    char *errors = errors_of("[alarms]\npool_timeout = x\nconnection_leak = 1\n"
                             "[database]\nleak = 1\n"
                             "[database a]\n" URL "[database b]\n" URL "auth = iam\n"
                             "[cloudwatch]\nmetrics = some\n",
                             environment);
    static const char *const starts[] = {"a.conf:2: ",  "a.conf:3: ",  "a.conf:5: ",
                                         "a.conf:10: ", "a.conf:12: ", "POOLWARDEN_AGENT_X: "};
    const char *line = errors;

    (void)state;
    assert_non_null(errors);
    for (size_t i = 0; i < MEM_COUNT(starts); i++) {
        assert_int_equal(strncmp(line, starts[i], strlen(starts[i])), 0);
        line = strchr(line, '\n') + 1;
    }
    assert_string_equal(line, "");
    free(errors);
}

static void bounds_what_it_tells(void **state)
{
    struct buf text;
    char *errors;

    (void)state;
    buf_init(&text, 1 << 20);
    buf_puts(&text, ORDERS);
    for (int i = 0; i < 5000; i++) {
        buf_printf(&text, "k%d = 1\n", i);
    }
    errors = errors_of(buf_text(&text), no_environment);
    assert_non_null(errors);
    assert_in_range(strlen(errors), 1000, CONFIG_ERRORS_MAX);
    assert_non_null(strstr(errors, "configuration: and 4800 more mistakes\n"));
    free(errors);
    buf_done(&text);
}

static void names_a_file_that_is_not_there(void **state)
{
    const struct config_source source = {.file = "/nonexistent/agent.conf",
                                         .environ = no_environment};
    struct config *config;
    struct buf errors;

    (void)state;
    buf_init(&errors, CONFIG_ERRORS_MAX);
    assert_false(config_load(&source, &config, &errors));
    assert_non_null(strstr(buf_text(&errors), "/nonexistent/agent.conf"));
    buf_done(&errors);
}

static void tells_of_a_line_that_is_none(void **state)
{
    char *errors = errors_of(ORDERS "what is this\n", no_environment);

    (void)state;
    assert_non_null(errors);
    assert_int_equal(strncmp(errors, "a.conf:3: ", 10), 0);
    free(errors);
}

/* --- printed, compared ---------------------------------------------------------------------- */

#define EVERYTHING                                                                                 \
    "[agent]\nsample_interval = 1500ms\npublish_interval = 30s\nlog_format = json\n"               \
    "[cloudwatch]\nnamespace = A/$${B}\nmetrics = full\nresolution = 1\nrollup = no\n"             \
    "dimension.Environment = prod\ndimension.Team = a b\nregion = eu-west-1\n"                     \
    "endpoint_url = http://127.0.0.1:4566\n"                                                       \
    "[alarms]\nprovision = off\nhigh_connections.rule = Average 10s 1/1\nadopt = yes\n"            \
    "tag.team = x\nactions = arn:a, arn:b\nname_prefix = prod-\n"                                  \
    "[database orders]\nurl = postgresql://app:s3cret@db/orders?schema=x&sslmode=require\n"        \
    "per_database = a*, b\nlong_query = 90s\nmonitoring_silent.rule = SampleCount 120s 2/3\n"      \
    "[database stock]\nurl = postgresql://[::1]/x\nper_database = none\nconnection_leak = 2.5\n"   \
    "[pool workers]\ndatabase = orders\n[statsd]\ndatabase = stock\nmax_pools = 3\n"

static char *print(const struct config *config)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    config_print(config, &text);
    assert_true(buf_ok(&text));
    assert_null(strstr(buf_text(&text), "s3cret"));
    return buf_take(&text);
}

static void prints_a_file_that_means_the_same(void **state)
{
    static const char *const texts[] = {ORDERS, EVERYTHING};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(texts); i++) {
        struct config *config = load(texts[i]);
        char *first = print(config);
        struct config *again = load(first);
        char *second = print(again);

        assert_string_equal(first, second);
        free(first);
        free(second);
        config_free(config);
        config_free(again);
    }
}

static void prints_of_a_pool_what_its_type_has(void **state)
{
    struct config *config = load(ORDERS "[pool a]\ntype = statsd\n"
                                        "[pool b]\ntype = prometheus\nurl = http://app/metrics\n");
    char *text = print(config);

    (void)state;
    assert_non_null(strstr(text, "[pool a]\ntype = statsd\ndatabase = orders\n\n[pool b]\n"));
    assert_non_null(strstr(text, "\ntimeout_counter =\n"));
    assert_null(strstr(text, "\ncommand ="));
    free(text);
    config_free(config);
}

static void sees_what_a_reload_can_not_take(void **state)
{
    struct config *old = load(EVERYTHING);
    struct config *same = load(EVERYTHING);
    struct config *other = load("[agent]\nsample_interval = 1500ms\npublish_interval = 60s\n"
                                "[cloudwatch]\nnamespace = B\nregion = eu-west-1\n"
                                "[database orders]\nurl = postgresql://app:0ther@db/orders?"
                                "sslmode=require\nper_database = a*, b\nlong_query = 90s\n"
                                "[database stock]\nurl = postgresql://[::1]/x\n"
                                "per_database = none\nhigh_connections = 3\n");
    struct buf names;

    (void)state;
    buf_init(&names, 4096);
    config_not_reloadable(old, same, &names);
    assert_string_equal(buf_text(&names), "");
    config_not_reloadable(old, other, &names);
    assert_string_equal(buf_text(&names), "publish_interval, log_format, namespace, endpoint_url");
    buf_done(&names);
    assert_true(config_database_same_source(&old->databases[0], &same->databases[0]));
    assert_false(config_database_same_source(&old->databases[0], &other->databases[0]));
    assert_true(config_database_same_source(&old->databases[1], &other->databases[1]));
    config_free(old);
    config_free(same);
    config_free(other);
}

static void checks_in_text_and_json(void **state)
{
    struct config *config = load(EVERYTHING);
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    check_print(config, FORMAT_TEXT, &text);
    assert_null(strstr(buf_text(&text), "s3cret"));
    assert_non_null(strstr(buf_text(&text), "app:***@db:5432/orders?sslmode=require"));
    assert_non_null(strstr(buf_text(&text), "ignored in its URL: schema"));
    assert_non_null(strstr(buf_text(&text), "<- metrics in force"));
    /* The page is a configuration itself. */
    config_free(load(buf_text(&text)));
    buf_clear(&text);
    check_print(config, FORMAT_JSON, &text);
    assert_null(strstr(buf_text(&text), "s3cret"));
    json_t *page = json_loads(buf_text(&text), 0, NULL);
    const char *url, *namespace_, *pool, *ignored;
    double total;

    assert_non_null(page);
    assert_int_equal(
        json_unpack(page, "{s:{s:{s:s}, s:{s:{s:s}}, s:{s:{s:s}}}, s:{s:{s:f}}, s:{s:s}, s:[]}",
                    "config", "cloudwatch", "namespace", &namespace_, "databases", "orders", "url",
                    &url, "pools", "workers", "database", &pool, "cost", "core", "total_usd",
                    &total, "ignored", "orders", &ignored, "warnings"),
        0);
    assert_string_equal(namespace_, "A/$${B}");
    assert_string_equal(pool, "orders");
    assert_string_equal(ignored, "schema");
    assert_true(total > 0);
    json_decref(page);
    buf_done(&text);
    config_free(config);
}

/* --- the table and its example -------------------------------------------------------------- */

static void reads_its_own_defaults(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        union {
            struct config config;
            struct config_database database;
            struct config_pool pool;
        } *target = mem_alloc(sizeof(*target));
        void *field = (char *)target + key->offset;
        struct buf accepted;
        struct err err;

        if (!key->type->parse(&key->rule, key->default_text, field, &err)) {
            fail_msg("%s: its default %s", key->name, err.message);
        }
        buf_init(&accepted, 1024);
        value_accepted(key->type, &key->rule, &accepted);
        assert_true(buf_ok(&accepted) && accepted.len > 0);
        if (key->type->done != NULL) {
            key->type->done(field);
        }
        buf_done(&accepted);
        free(target);
    }
}

static char *read_example(void)
{
    FILE *file = fopen(EXAMPLE, "r");
    char *text = mem_alloc(1 << 20);

    assert_non_null(file);
    text[fread(text, 1, (1 << 20) - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

static void the_example_is_the_table(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    config_print_example(&text);
    assert_true(buf_ok(&text));
    if (getenv("UPDATE") != NULL) {
        FILE *file = fopen(EXAMPLE, "w");

        assert_non_null(file);
        (void)fputs(buf_text(&text), file);
        assert_int_equal(fclose(file), 0);
    }
    char *example = read_example();

    assert_string_equal(example, buf_text(&text));
    free(example);
    buf_done(&text);
}

/* A '#' that stands right before a key or a heading goes, a comment's ("# ") stays. */
static void uncomment(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        bool line_start = from == text || from[-1] == '\n';

        if (!(line_start && from[0] == '#' && from[1] != ' ' && from[1] != '\n')) {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* Uncommenting a default changes nothing; only dimension.NAME and tag.NAME stand for something new.
 */
static void assert_same_defaults(const char *defaults, const char *uncommented)
{
    for (const char *line = uncommented; strncmp(line, "[database ", 10) != 0;) {
        size_t len = strcspn(line, "\n") + 1;

        if (strncmp(line, "dimension.NAME =", 16) != 0 && strncmp(line, "tag.NAME =", 10) != 0) {
            assert_memory_equal(line, defaults, len);
            defaults += len;
        }
        line += len;
    }
    assert_int_equal(strncmp(defaults, "[database ", 10), 0);
}

static void the_example_is_valid(void **state)
{
    const char *const environment[] = {"DATABASE_URL=postgresql://app@db/orders", NULL};
    char *example = read_example();
    struct config *config = load_with(example, environment);
    char *defaults = print(config);

    (void)state;
    assert_int_equal(config->warnings.count, 0);
    config_free(config);
    uncomment(example);
    assert_non_null(strstr(example, "\n[database orders]\n"));
    assert_non_null(strstr(example, "\nhigh_connections = 80%\n"));
    config = load_with(example, environment);
    char *uncommented = print(config);

    assert_same_defaults(defaults, uncommented);
    config_free(config);
    free(example);
    free(defaults);
    free(uncommented);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needs_no_more_than_a_url),
        cmocka_unit_test(has_the_documented_alarms),
        cmocka_unit_test(inherits_section_by_section),
        cmocka_unit_test(environment_wins_over_the_file),
        cmocka_unit_test(replaces_variables_once),
        cmocka_unit_test(takes_directories_of_systemd),
        cmocka_unit_test(names_the_database_of_the_environment),
        cmocka_unit_test(configures_the_one_database_by_variables),
        cmocka_unit_test(settles_the_silent_alarm),
        cmocka_unit_test(knows_whose_the_pools_are),
        cmocka_unit_test(knows_which_pools_are_shared),
        cmocka_unit_test(hides_the_passwords_of_pools),
        cmocka_unit_test(warns),
        cmocka_unit_test(tells_each_mistake),
        cmocka_unit_test(tells_mistakes_of_the_environment),
        cmocka_unit_test(says_how_to_name_a_database),
        cmocka_unit_test(refuses_variables_that_have_nothing_to_set),
        cmocka_unit_test(tells_all_mistakes_at_once),
        cmocka_unit_test(bounds_what_it_tells),
        cmocka_unit_test(names_a_file_that_is_not_there),
        cmocka_unit_test(tells_of_a_line_that_is_none),
        cmocka_unit_test(prints_a_file_that_means_the_same),
        cmocka_unit_test(prints_of_a_pool_what_its_type_has),
        cmocka_unit_test(sees_what_a_reload_can_not_take),
        cmocka_unit_test(checks_in_text_and_json),
        cmocka_unit_test(reads_its_own_defaults),
        cmocka_unit_test(the_example_is_the_table),
        cmocka_unit_test(the_example_is_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
