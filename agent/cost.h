/*
 * What a configuration will cost a month at AWS's list prices (us-east-1): metrics, requests,
 * alarms. Pure.
 *
 * One agent is counted, its free tier not deducted. Counted are the metrics of the configured
 * databases and pools, each at the most its bounds let it have (ten databases of a server where
 * per_database is a glob); a StatsD pool that no section names comes on top when it arrives.
 * Provisioning is a handful of requests a start, less than a cent: not counted.
 */
#pragma once

#include "agent/config.h"

struct cost {
    int metrics;          /* distinct metrics: name + dimensions */
    int metrics_per_pool; /* what one more pool adds */
    double requests;      /* PutMetricData a month */
    int alarms;           /* standard alarm metrics */
    int high_resolution_alarms;
    double metrics_usd, requests_usd, alarms_usd, total_usd; /* a month */
};

/* As if `metrics` were the configured set: --check-config shows all three. */
void cost_estimate(const struct config *config, enum metric_set metrics, struct cost *out);
