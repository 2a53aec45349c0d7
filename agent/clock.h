/*
 * The one timer of the agent: ticks aligned to the wall clock, as the services have it, so that
 * every minute holds the same number of samples.
 *
 * A tick's time is the planned one (phase + a whole number of intervals since 1970), not the moment
 * at which the loop came to it. Ticks that were slept through (a suspended host) are skipped: the
 * one that comes late is that of its own time; a clock that is set back is followed.
 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "aws/clock.h"

typedef void ticker_on_tick(void *arg, int64_t tick_ms);

struct ticker {
    uv_timer_t timer;
    const struct aws_clock *clock;
    int interval_ms;
    int phase_ms;
    int64_t planned_ms;
    ticker_on_tick *on_tick;
    void *arg;
};

/* The tick after `planned_ms` (0: there was none yet), seen from now. Pure. */
int64_t clock_next_tick(int64_t now_ms, int64_t planned_ms, int interval_ms, int phase_ms);

/* clock: borrowed; NULL: the host's own. */
void ticker_start(struct ticker *ticker, uv_loop_t *loop, const struct aws_clock *clock,
                  int interval_ms, int phase_ms, ticker_on_tick *on_tick, void *arg);
void ticker_stop(struct ticker *ticker, uv_close_cb on_closed);
