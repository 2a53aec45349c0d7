/*
 * The metrics there are: one row each, with everything that is said about one in one place.
 * Sampling names them by id, publishing reads name, unit and kind, provisioning and --check-config
 * read the set.
 *
 * A metric's unit never changes: CloudWatch keeps datums of different units apart.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum metric_set { METRICS_CORE, METRICS_STANDARD, METRICS_FULL };

enum metric_kind {
    METRIC_GAUGE,  /* each value is a sample: read with Maximum, Minimum, Average */
    METRIC_COUNTER /* values are added up over the window: read with Sum */
};

enum metric_of { METRIC_OF_DATABASE, METRIC_OF_POOL, METRIC_OF_AGENT };

/*  id, name, unit, set, kind, of, extra dimension or NULL, meaning (for people) */
#define METRIC_MAP(X)                                                                              \
    X(DATABASE_CONNECTIONS, "DatabaseConnections", "Count", CORE, GAUGE, DATABASE, NULL,           \
      "client backends of the whole server: what counts against max_connections")                  \
    X(CONNECTION_UTILIZATION, "ConnectionUtilization", "Percent", CORE, GAUGE, DATABASE, NULL,     \
      "DatabaseConnections / usable connections")                                                  \
    X(POOL_TIMEOUT, "PoolTimeout", "Count", CORE, COUNTER, POOL, NULL,                             \
      "clients that gave up waiting for a connection of a pool")                                   \
    X(DATABASE_UP, "DatabaseUp", "None", CORE, GAUGE, DATABASE, NULL, "1 sampled, 0 not")          \
    X(AVAILABLE_CONNECTIONS, "AvailableConnections", "Count", CORE, GAUGE, DATABASE, NULL,         \
      "usable connections that are left")                                                          \
    X(MAX_CONNECTIONS, "MaxConnections", "Count", STANDARD, GAUGE, DATABASE, NULL,                 \
      "the usable limit: max_connections less every reserved slot")                                \
    X(CONNECTIONS_ACTIVE, "ConnectionsActive", "Count", STANDARD, GAUGE, DATABASE, NULL,           \
      "sessions running a statement")                                                              \
    X(CONNECTIONS_IDLE, "ConnectionsIdle", "Count", STANDARD, GAUGE, DATABASE, NULL,               \
      "sessions waiting for their client")                                                         \
    X(CONNECTIONS_IDLE_IN_TRANSACTION, "ConnectionsIdleInTransaction", "Count", STANDARD, GAUGE,   \
      DATABASE, NULL, "sessions in a transaction, waiting for their client")                       \
    X(CONNECTIONS_WAITING_ON_LOCK, "ConnectionsWaitingOnLock", "Count", STANDARD, GAUGE, DATABASE, \
      NULL, "active sessions waiting for a heavyweight lock")                                      \
    X(LONG_RUNNING_QUERIES, "LongRunningQueries", "Count", STANDARD, GAUGE, DATABASE, NULL,        \
      "statements running longer than long_query")                                                 \
    X(LEAKED_CONNECTIONS, "LeakedConnections", "Count", STANDARD, GAUGE, DATABASE, NULL,           \
      "sessions idle in transaction longer than leak")                                             \
    X(STALE_IDLE_CONNECTIONS, "StaleIdleConnections", "Count", STANDARD, GAUGE, DATABASE, NULL,    \
      "sessions idle longer than stale_idle")                                                      \
    X(OLDEST_TRANSACTION_AGE, "OldestTransactionAge", "Seconds", STANDARD, GAUGE, DATABASE, NULL,  \
      "age of the oldest open transaction")                                                        \
    X(CONNECTIONS_REJECTED, "ConnectionsRejected", "Count", STANDARD, GAUGE, DATABASE, NULL,       \
      "own connection attempts refused for want of a slot")                                        \
    X(POOL_CLIENTS_WAITING, "PoolClientsWaiting", "Count", STANDARD, GAUGE, POOL, NULL,            \
      "clients queueing for a connection")                                                         \
    X(POOL_MAX_WAIT, "PoolMaxWait", "Seconds", STANDARD, GAUGE, POOL, NULL,                        \
      "longest wait in that queue")                                                                \
    X(POOL_CONNECTIONS_BUSY, "PoolConnectionsBusy", "Count", STANDARD, GAUGE, POOL, NULL,          \
      "server connections in use")                                                                 \
    X(POOL_CONNECTIONS_IDLE, "PoolConnectionsIdle", "Count", STANDARD, GAUGE, POOL, NULL,          \
      "server connections free")                                                                   \
    X(POOL_SIZE, "PoolSize", "Count", STANDARD, GAUGE, POOL, NULL, "most the pool may open")       \
    X(POOL_UTILIZATION, "PoolUtilization", "Percent", STANDARD, GAUGE, POOL, NULL, "busy / size")  \
    X(CONNECTION_ERRORS, "ConnectionErrors", "Count", STANDARD, COUNTER, POOL, NULL,               \
      "log lines that tell of an unreachable or full server")                                      \
    X(CONNECTIONS_BY_DATABASE, "DatabaseConnections", "Count", FULL, GAUGE, DATABASE,              \
      "DatabaseName", "client backends of one database of the server")                             \
    X(CONNECTIONS_BY_APPLICATION, "DatabaseConnections", "Count", FULL, GAUGE, DATABASE,           \
      "ApplicationName", "client backends of one application_name")                                \
    X(CONNECTIONS_BY_STATE, "DatabaseConnections", "Count", FULL, GAUGE, DATABASE, "State",        \
      "client backends in one state")                                                              \
    X(SAMPLE_LATENCY, "SampleLatency", "Milliseconds", FULL, GAUGE, DATABASE, NULL,                \
      "from query to answer")                                                                      \
    X(DATABASE_ROLE, "DatabaseRole", "None", FULL, GAUGE, DATABASE, NULL, "1 writer, 0 reader")    \
    X(AGENT_DATAPOINTS_DROPPED, "AgentDatapointsDropped", "Count", FULL, COUNTER, AGENT, NULL,     \
      "datums given up: too old, refused, or no room to keep them")                                \
    X(AGENT_PUBLISH_ERRORS, "AgentPublishErrors", "Count", FULL, COUNTER, AGENT, NULL,             \
      "PutMetricData requests that failed")                                                        \
    X(AGENT_AMBIGUOUS_RETRIES, "AgentAmbiguousRetries", "Count", FULL, COUNTER, AGENT, NULL,       \
      "datums sent again though an earlier answer was lost: perhaps counted twice")                \
    X(AGENT_DATAGRAMS_DROPPED, "AgentDatagramsDropped", "Count", FULL, COUNTER, AGENT, NULL,       \
      "StatsD datagrams that the kernel had no room for")                                          \
    X(AGENT_SPOOL_BYTES, "AgentSpoolBytes", "Bytes", FULL, GAUGE, AGENT, NULL,                     \
      "datums kept until CloudWatch takes them")

enum metric_id {
#define X(id, name, unit, set, kind, of, extra, meaning) METRIC_##id,
    METRIC_MAP(X)
#undef X
        METRIC_COUNT
};

struct metric {
    const char *name;
    const char *unit;
    enum metric_set set;
    enum metric_kind kind;
    enum metric_of of;
    const char *extra_dimension; /* name of a dimension beside the usual ones, or NULL */
    const char *meaning;
};

const struct metric *metric_get(enum metric_id id);
const char *metric_set_name(enum metric_set set); /* "core", "standard", "full" */
