/*
 * What a configuration will cost a month at AWS's list prices (us-east-1): metrics, requests, alarms. Pure.
 */
#pragma once

#include "agent/config.h"

struct cost {
    int metrics;       /* distinct metrics published: name + dimensions, at most (full: by its bounds) */
    double requests;   /* API requests a month */
    int alarms;        /* standard alarm metrics */
    int high_resolution_alarms;
    double metrics_usd, requests_usd, alarms_usd, total_usd; /* a month, free tier not deducted */
};

void cost_estimate(const struct config *config, struct cost *out);
