#include "agent/metrics.h"

static const struct metric metrics[METRIC_COUNT] = {
#define X(id, name, unit, set, kind, of, extra, meaning)                                           \
    [METRIC_##id] = {name, unit, METRICS_##set, METRIC_##kind, METRIC_OF_##of, extra, meaning},
    METRIC_MAP(X)
#undef X
};

const struct metric *metric_get(enum metric_id id)
{
    return &metrics[id];
}

const char *metric_set_name(enum metric_set set)
{
    static const char *const names[] = {"core", "standard", "full"};

    return names[set];
}
