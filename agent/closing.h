/*
 * When windows close: once an interval, a moment after a tick, as soon as all that belongs in them
 * has come.
 *
 *     closing_init(&closing, &options);
 *     closing_begin(&closing, interval_ms);               from now on; again when time has moved
 *     closing_tick(&closing, interval_ms, tick_ms);       at each tick, before its readings
 *     closing_stop(&closing); ... closing_end(&closing);
 *
 * An answer that is still out is waited for, but not for ever. When the clock was set back the
 * tick's readings are for windows that are closed until then: the open ones close at once.
 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "aws/clock.h"

struct closing_options {
    uv_loop_t *loop;
    const struct aws_clock *clock; /* borrowed */
    /* Nothing that was asked for before this time can still arrive; at most tick_ms. */
    int64_t (*settled_ms)(void *arg, int64_t tick_ms);
    void (*close)(void *arg, int64_t until_ms); /* of windows that end by then */
    void *arg;
};

struct closing {
    struct closing_options options;
    uv_timer_t later;
    int interval_ms;
    int64_t ticked_ms; /* the last tick */
    int64_t until_ms;  /* windows up to here are closed */
};

void closing_init(struct closing *closing, const struct closing_options *options);
void closing_begin(struct closing *closing, int interval_ms);
void closing_tick(struct closing *closing, int interval_ms, int64_t tick_ms);

/* For how long nothing was closed beyond what is usual; 0 or less: it is as it should be. */
int64_t closing_late_ms(const struct closing *closing);

void closing_stop(struct closing *closing); /* nothing more closes by itself */
void closing_end(struct closing *closing);  /* the loop closes its timer */
