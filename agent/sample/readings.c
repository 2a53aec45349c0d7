#include "agent/sample/readings.h"

#include <math.h>

#include "aws/common/mem.h"

void readings_put(const struct readings *to, enum metric_id metric, double value)
{
    const struct reading reading = {.metric = metric,
                                    .database = to->database->identifier,
                                    .region = to->database->region,
                                    .time_ms = to->tick_ms,
                                    .value = value};

    to->sink->put(to->sink->arg, &reading);
}

static void put_states(const struct readings *to, const struct snapshot *snapshot)
{
    const struct {
        enum metric_id metric;
        double value;
    } numbers[] = {
        {METRIC_CONNECTIONS_ACTIVE, snapshot->active},
        {METRIC_CONNECTIONS_IDLE, snapshot->idle},
        {METRIC_CONNECTIONS_IDLE_IN_TRANSACTION, snapshot->idle_in_transaction},
        {METRIC_CONNECTIONS_WAITING_ON_LOCK, snapshot->waiting_on_lock},
        {METRIC_LONG_RUNNING_QUERIES, snapshot->long_running},
        {METRIC_LEAKED_CONNECTIONS, snapshot->leaked},
        {METRIC_STALE_IDLE_CONNECTIONS, snapshot->stale_idle},
        {METRIC_OLDEST_TRANSACTION_AGE, snapshot->oldest_transaction_s},
    };

    for (size_t i = 0; i < MEM_COUNT(numbers); i++) {
        readings_put(to, numbers[i].metric, numbers[i].value);
    }
}

void readings_put_snapshot(const struct readings *to, const struct snapshot *snapshot)
{
    readings_put(to, METRIC_DATABASE_CONNECTIONS, snapshot->connections);
    if (snapshot->usable > 0) {
        readings_put(to, METRIC_CONNECTION_UTILIZATION,
                     100 * snapshot->connections / snapshot->usable);
        readings_put(to, METRIC_AVAILABLE_CONNECTIONS,
                     fmax(0, snapshot->usable - snapshot->connections));
        readings_put(to, METRIC_MAX_CONNECTIONS, snapshot->usable);
    }
    if (snapshot->privileged) {
        put_states(to, snapshot);
    }
}

void readings_put_out_of_slots(const struct readings *to, double limit)
{
    readings_put(to, METRIC_AVAILABLE_CONNECTIONS, 0);
    if (limit > 0) {
        readings_put(to, METRIC_DATABASE_CONNECTIONS, limit);
        readings_put(to, METRIC_CONNECTION_UTILIZATION, 100);
        readings_put(to, METRIC_MAX_CONNECTIONS, limit);
    }
}
