#include "agent/clock.h"

#define EARLY_MS 5 /* timers fire: a tick that was just given must not come again */

static int64_t next_boundary(int64_t now_ms, int interval_ms, int phase_ms)
{
    return ((now_ms - phase_ms) / interval_ms + 1) * interval_ms + phase_ms;
}

int64_t clock_next_tick(int64_t now_ms, int64_t planned_ms, int interval_ms, int phase_ms)
{
    int64_t next = planned_ms + interval_ms;

    /* Timers may fire a millisecond early by the wall clock: the plan, not the clock, says that a
     * tick is over. */
    if (next <= now_ms || next - now_ms > 2 * (int64_t)interval_ms) {
        next = next_boundary(now_ms + EARLY_MS, interval_ms, phase_ms);
    }
    return next;
}

static void on_timer(uv_timer_t *timer);

static void plan(struct ticker *ticker)
{
    int64_t now_ms = aws_clock_now_ms(ticker->clock);

    ticker->planned_ms =
        clock_next_tick(now_ms, ticker->planned_ms, ticker->interval_ms, ticker->phase_ms);
    /* The loop's idea of now is as old as the callback that runs. */
    uv_update_time(ticker->timer.loop);
    uv_timer_start(&ticker->timer, on_timer, (uint64_t)(ticker->planned_ms - now_ms), 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct ticker *ticker = timer->data;

    plan(ticker);
    ticker->on_tick(ticker->arg, ticker->planned_ms - ticker->interval_ms);
}

void ticker_start(struct ticker *ticker, uv_loop_t *loop, const struct aws_clock *clock,
                  int interval_ms, int phase_ms, ticker_on_tick *on_tick, void *arg)
{
    *ticker = (struct ticker){.clock = clock,
                              .interval_ms = interval_ms,
                              .phase_ms = phase_ms,
                              .on_tick = on_tick,
                              .arg = arg};
    uv_timer_init(loop, &ticker->timer);
    ticker->timer.data = ticker;
    plan(ticker);
}

void ticker_stop(struct ticker *ticker, uv_close_cb on_closed)
{
    uv_close((uv_handle_t *)&ticker->timer, on_closed);
}
