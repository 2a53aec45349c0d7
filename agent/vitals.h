/*
 * Tells how the agent is: the file that --health reads, systemd's words and watchdog.
 *
 *     vitals_tell(&vitals, config, &health);      at each tick; the file every 10 s, or when
 *                                                 something has changed
 *     vitals_repeat(&vitals);                     systemd was told something else meanwhile
 *     vitals_forget(&vitals, config);             when it leaves
 */
#pragma once

#include "agent/health.h"

struct vitals {
    struct health told; /* what systemd and the file say */
    int64_t alive_ms;   /* when the watchdog was last told */
    int64_t written_ms; /* when the file was; 0: nothing was told yet */
    bool told_no_file;  /* that the file can not be written */
};

void vitals_tell(struct vitals *vitals, const struct config *config, const struct health *health);
void vitals_repeat(struct vitals *vitals);
void vitals_forget(struct vitals *vitals, const struct config *config);
