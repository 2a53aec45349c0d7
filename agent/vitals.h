/*
 * Tells how the agent is: the file that --health reads, systemd's words and watchdog.
 *
 *     vitals_tell(&vitals, config, &health);      at each tick; the file every 5 s, or when
 *                                                 something has changed
 *     vitals_forget(&vitals, config);             when it leaves
 */
#pragma once

#include "agent/health.h"

struct vitals {
    char *words;          /* that systemd shows; NULL: none yet */
    int64_t alive_ms;     /* when the watchdog was last told */
    int64_t written_ms;   /* when the file was */
    bool at_fault, waits; /* as the file says: the agent is; something does */
    bool told_no_file;    /* that the file can not be written */
};

void vitals_tell(struct vitals *vitals, const struct config *config, const struct health *health);
void vitals_forget(struct vitals *vitals, const struct config *config);
