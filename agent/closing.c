#include "agent/closing.h"

#define CLOSE_AFTER_MS 300  /* of a tick: no sample waits while thousands of series close */
#define LATE_ANSWER_MS 6000 /* a window does not wait longer for an answer that is still out */

void closing_init(struct closing *closing, const struct closing_options *options)
{
    *closing = (struct closing){.options = *options};
    uv_timer_init(options->loop, &closing->later);
    closing->later.data = closing;
}

void closing_begin(struct closing *closing, int interval_ms)
{
    closing->interval_ms = interval_ms;
    closing->until_ms = aws_clock_now_ms(closing->options.clock) / interval_ms * interval_ms;
    closing->ticked_ms = closing->until_ms;
}

static int64_t due_until(const struct closing *closing)
{
    int64_t settled = closing->options.settled_ms(closing->options.arg, closing->ticked_ms);
    int64_t least = closing->ticked_ms - LATE_ANSWER_MS;

    return (settled > least ? settled : least) / closing->interval_ms * closing->interval_ms;
}

static void close_until(struct closing *closing, int64_t until_ms)
{
    closing->until_ms = until_ms;
    closing->options.close(closing->options.arg, until_ms);
}

static void on_later(uv_timer_t *later)
{
    struct closing *closing = later->data;
    int64_t until_ms = due_until(closing);

    if (until_ms > closing->until_ms) { /* else an answer is still out */
        close_until(closing, until_ms);
    }
}

void closing_tick(struct closing *closing, int interval_ms, int64_t tick_ms)
{
    closing->interval_ms = interval_ms;
    closing->ticked_ms = tick_ms;

    if (tick_ms < closing->until_ms) {
        close_until(closing, due_until(closing));
    } else if (tick_ms - closing->until_ms >= interval_ms) {
        uv_timer_start(&closing->later, on_later, CLOSE_AFTER_MS, 0);
    }
}

int64_t closing_late_ms(const struct closing *closing)
{
    return closing->ticked_ms - closing->until_ms - closing->interval_ms - LATE_ANSWER_MS;
}

void closing_stop(struct closing *closing)
{
    uv_timer_stop(&closing->later);
}

void closing_end(struct closing *closing)
{
    uv_close((uv_handle_t *)&closing->later, NULL);
}
