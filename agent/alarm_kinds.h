/*
 * The alarms there are: one row each, with everything that is said about one in one place. The
 * configuration reads keys and what they need, --check-config counts, provisioning makes alarms of
 * rows. What an alarm tells the person who is paged stands in provision/alarm_text.c.
 */
#pragma once

#include <stdbool.h>

#include "agent/metrics.h"

/* Whose alarm it is: how many there are of it, and its dimensions. */
enum alarm_of {
    ALARM_OF_DATABASE, /* DBInstanceIdentifier and the configured dimensions */
    ALARM_OF_POOL,     /* the same and Pool: one alarm for each configured pool */
    ALARM_OF_INSTANCE, /* AWS's own metrics: DBInstanceIdentifier alone */
    ALARM_OF_PROXY     /* AWS's own: ProxyName alone */
};

enum alarm_fires { ALARM_ABOVE, ALARM_BELOW };

/*
 * In the order in which they are printed: id, the configuration's key, what stands before the
 * database in its name, whose, our metric or else AWS's, when it fires, how missing data counts.
 */
#define ALARM_MAP(X)                                                                               \
    X(HIGH_CONNECTIONS, "high_connections", "rds-high-connections-", DATABASE,                     \
      METRIC_DATABASE_CONNECTIONS, NULL, ABOVE, "missing")                                         \
    X(POOL_TIMEOUT, "pool_timeout", "prisma-pool-timeout-", DATABASE, METRIC_POOL_TIMEOUT, NULL,   \
      ABOVE, "notBreaching")                                                                       \
    X(CONNECTIONS_EXHAUSTED, "connections_exhausted", "connections-exhausted-", DATABASE,          \
      METRIC_AVAILABLE_CONNECTIONS, NULL, BELOW, "missing")                                        \
    X(CONNECTION_LEAK, "connection_leak", "connection-leak-", DATABASE, METRIC_LEAKED_CONNECTIONS, \
      NULL, ABOVE, "missing")                                                                      \
    X(MONITORING_SILENT, "monitoring_silent", "monitoring-silent-", DATABASE, METRIC_DATABASE_UP,  \
      NULL, BELOW, "breaching")                                                                    \
    X(POOL_WAITING, "pool_waiting", "pool-waiting-", POOL, METRIC_POOL_MAX_WAIT, NULL, ABOVE,      \
      "missing")                                                                                   \
    X(RDS_CPU, "rds_cpu", "rds-cpu-", INSTANCE, METRIC_COUNT, "CPUUtilization", ABOVE, "missing")  \
    X(RDS_MEMORY, "rds_memory", "rds-memory-", INSTANCE, METRIC_COUNT, "FreeableMemory", BELOW,    \
      "missing")                                                                                   \
    X(PROXY_BORROW_LATENCY, "proxy_borrow_latency", "rds-proxy-borrow-latency-", PROXY,            \
      METRIC_COUNT, "DatabaseConnectionsBorrowLatency", ABOVE, "missing")

enum alarm_kind {
#define X(id, key, stem, of, metric, aws_metric, fires, missing) ALARM_##id,
    ALARM_MAP(X)
#undef X
        ALARM_KIND_COUNT
};

/* The namespace of AWS's own metrics of databases and proxies. */
#define ALARM_AWS_NAMESPACE "AWS/RDS"

struct alarm_row {
    const char *key;
    const char *stem;
    enum alarm_of of;
    enum metric_id metric;  /* METRIC_COUNT: AWS's own */
    const char *aws_metric; /* NULL: ours */
    enum alarm_fires fires;
    const char *missing_data;
};

const struct alarm_row *alarm_row(enum alarm_kind kind);

/* Is it about a metric that AWS publishes, not the agent? */
bool alarm_is_aws(enum alarm_kind kind);
const char *alarm_metric_name(enum alarm_kind kind);
