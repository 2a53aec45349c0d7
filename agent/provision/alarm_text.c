#include "agent/provision/alarm_text.h"

#include "aws/common/mem.h"

#define DESCRIPTION_MAX 1024 /* characters, CloudWatch's limit */
#define FIRST           "Run first: poolwarden --diagnose"

typedef void describe(const struct alarm_context *, const struct cloudwatch_alarm *, struct buf *);

static void describe_high_connections(const struct alarm_context *context,
                                      const struct cloudwatch_alarm *alarm, struct buf *out)
{
    const struct config_threshold *threshold =
        &context->database->alarms.alarm[ALARM_HIGH_CONNECTIONS].threshold;

    buf_printf(out, "More than %.15g ", alarm->threshold);
    if (threshold->kind == THRESHOLD_PERCENT) {
        buf_printf(out, "(%.15g %% of the %.15g usable) ", threshold->value, context->usable);
    }
    buf_printf(out,
               "connections of PostgreSQL server %s are in use. When none is left, every login "
               "fails (FATAL 53300). " FIRST ". It shows who holds them and what would free some. "
               "Usual causes: a deploy or scale-out that multiplied an application's pools, "
               "sessions left idle in transaction, clients without a pool.",
               context->database->identifier);
}

static void describe_pool_timeout(const struct alarm_context *context,
                                  const struct cloudwatch_alarm *alarm, struct buf *out)
{
    buf_printf(out,
               "More than %.15g times in %d s a client gave up waiting for a connection of a pool "
               "in front of PostgreSQL server %s (Prisma: P2024). Users see errors. " FIRST
               ". It shows what holds connections for long, and whether the server has some left "
               "for a larger pool. Which pool it is tells the metric PoolTimeout by Pool.",
               alarm->threshold, alarm->period_s, context->database->identifier);
}

static void describe_exhausted(const struct alarm_context *context,
                               const struct cloudwatch_alarm *alarm, struct buf *out)
{
    if (alarm->threshold == 1) {
        buf_puts(out, "No connection is left");
    } else {
        buf_printf(out, "Fewer than %.15g connections are left", alarm->threshold);
    }
    buf_printf(out,
               " for ordinary users of PostgreSQL server %s: logins fail or are about to (FATAL "
               "53300). " FIRST
               ". It shows who holds the connections and how to get in when none is left. What "
               "frees some at once: ending sessions that are idle in transaction. Then look which "
               "application opens more than its share.",
               context->database->identifier);
}

static void describe_leak(const struct alarm_context *context, const struct cloudwatch_alarm *alarm,
                          struct buf *out)
{
    if (alarm->threshold > 0) {
        buf_printf(out, "More than %.15g sessions", alarm->threshold);
    } else {
        buf_puts(out, "Sessions");
    }
    buf_printf(out,
               " of PostgreSQL server %s have been idle in transaction for "
               "over %d s: a transaction was begun and never ended. They hold connections and "
               "locks, and keep vacuum from its work. " FIRST
               ". It names them, their applications and the last statement before each was "
               "forgotten.",
               context->database->identifier, context->database->leak_ms / 1000);
}

static void describe_silent(const struct alarm_context *context,
                            const struct cloudwatch_alarm *alarm, struct buf *out)
{
    buf_printf(out,
               "For %d s no agent has reported on PostgreSQL server %s: nobody watches its "
               "connections, and its other alarms are blind. The server itself may be well. " FIRST
               ". It tells whether the server can be reached. Then: does the agent run (systemctl "
               "status poolwarden, or its ECS service), what does its log say, may it still call "
               "cloudwatch:PutMetricData.",
               alarm->period_s * alarm->datapoints, context->database->identifier);
}

static void describe_waiting(const struct alarm_context *context,
                             const struct cloudwatch_alarm *alarm, struct buf *out)
{
    buf_printf(out,
               "Clients of pool %s in front of PostgreSQL server %s wait longer than %.15g s for a "
               "connection. One that waits for ever (a Prisma 7 application by default) never "
               "shows as a timeout: this is all that is seen of it. " FIRST
               ". It shows what holds the connections, and whether the server has some left for a "
               "larger pool.",
               context->pool->name, context->database->identifier, alarm->threshold);
}

static void describe_cpu(const struct alarm_context *context, const struct cloudwatch_alarm *alarm,
                         struct buf *out)
{
    buf_printf(out,
               "The CPU of PostgreSQL server %s (instance %s) is busy by more than %.15g %%. "
               "Statements take longer, connections are held longer, and pools run dry. " FIRST
               ". It lists what has been running for long and who waits for whom. Then Performance "
               "Insights: which statements take the time.",
               context->database->identifier, alarm->dimensions[0].value, alarm->threshold);
}

static void describe_memory(const struct alarm_context *context,
                            const struct cloudwatch_alarm *alarm, struct buf *out)
{
    buf_printf(
        out,
        "PostgreSQL server %s (instance %s) has less than %.15g MB of memory to spare. Each "
        "connection takes some; when it runs out the server restarts and all are lost. " FIRST
        ". It shows how many connections there are and who holds them, idle ones included. "
        "Fewer connections, a pooler, or a larger instance mend it.",
        context->database->identifier, alarm->dimensions[0].value, alarm->threshold / 1048576);
}

static void describe_borrow_latency(const struct alarm_context *context,
                                    const struct cloudwatch_alarm *alarm, struct buf *out)
{
    buf_printf(
        out,
        "RDS Proxy %s in front of PostgreSQL server %s takes longer than %.15g ms to get a "
        "connection for a client: its pool is used up, pinned, or has to open new ones. " FIRST
        ". It shows what holds the server's connections. Then the proxy's metrics "
        "DatabaseConnectionsCurrentlySessionPinned and MaxDatabaseConnectionsAllowed.",
        alarm->dimensions[0].value, context->database->identifier, alarm->threshold / 1000);
}

static describe *const describers[ALARM_KIND_COUNT] = {
    [ALARM_HIGH_CONNECTIONS] = describe_high_connections,
    [ALARM_POOL_TIMEOUT] = describe_pool_timeout,
    [ALARM_CONNECTIONS_EXHAUSTED] = describe_exhausted,
    [ALARM_CONNECTION_LEAK] = describe_leak,
    [ALARM_MONITORING_SILENT] = describe_silent,
    [ALARM_POOL_WAITING] = describe_waiting,
    [ALARM_RDS_CPU] = describe_cpu,
    [ALARM_RDS_MEMORY] = describe_memory,
    [ALARM_PROXY_BORROW_LATENCY] = describe_borrow_latency,
};

char *alarm_text(const struct alarm_context *context, enum alarm_kind kind,
                 const struct cloudwatch_alarm *alarm)
{
    struct buf text;

    buf_init(&text, 4096);
    describers[kind](context, alarm, &text);
    if (text.len > DESCRIPTION_MAX) {
        buf_truncate(&text, DESCRIPTION_MAX);
    }
    return buf_take(&text);
}
