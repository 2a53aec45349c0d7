#include "agent/alarm_kinds.h"

#include <stddef.h>

static const struct alarm_row rows[ALARM_KIND_COUNT] = {
#define X(id, key, stem, of, metric, aws_metric, fires, missing)                                   \
    [ALARM_##id] = {key, stem, ALARM_OF_##of, metric, aws_metric, ALARM_##fires, missing},
    ALARM_MAP(X)
#undef X
};

const struct alarm_row *alarm_row(enum alarm_kind kind)
{
    return &rows[kind];
}

bool alarm_is_aws(enum alarm_kind kind)
{
    return rows[kind].metric == METRIC_COUNT;
}

const char *alarm_metric_name(enum alarm_kind kind)
{
    return alarm_is_aws(kind) ? rows[kind].aws_metric : metric_get(rows[kind].metric)->name;
}
