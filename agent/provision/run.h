/*
 * One pass over a list of alarms: compare all (DescribeAlarms), ask for the tags of those that
 * exist, write or delete what is to be, one call at a time and never faster than the account's
 * quotas allow. A call that is throttled all the same is tried again, slower each time; any other
 * failure ends its item, not the pass.
 *
 *     run_init(&run, &options);
 *     run_start(&run, items, count);         -> on_item for each, then on_done
 *     run_cancel(&run);                      at any time; nothing is told any more
 *     run_close(&run, on_closed, arg);       once, at the end
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "agent/provision/item.h"
#include "aws/request.h"

struct run_options {
    uv_loop_t *loop;
    struct aws_client *client; /* borrowed */
    bool dry_run;              /* asks, but writes nothing */
    uint64_t put_gap_ms;       /* between two PutMetricAlarm or DeleteAlarms; 0: RUN_PUT_GAP_MS */
    /* err: why it failed; NULL: as item_outcome() says. */
    void (*on_item)(void *arg, const struct item *item, const struct err *err);
    void (*on_done)(void *arg, const struct err *err); /* err: it could not even compare */
    void *arg;
};

/* An account takes 3 PutMetricAlarm and 3 DeleteAlarms a second. */
#define RUN_PUT_GAP_MS 500

struct run {
    struct run_options options;
    uv_timer_t timer; /* goes on, after a pause or behind run_start() */
    struct item *items;
    size_t count, current;
    struct cloudwatch_describe *describe;
    struct cloudwatch_tags_call *tags;
    struct aws_call *call;
    enum item_step step; /* that `call` makes */
    uint64_t next_put_ms, next_tag_ms;
    int throttled; /* times in a row */
    bool compared; /* the items know what exists */
    bool going;    /* nothing is under way */
    void (*closed)(void *arg);
    void *closed_arg;
};

void run_init(struct run *run, const struct run_options *options);
void run_start(struct run *run, struct item *items, size_t count); /* takes the items */
void run_cancel(struct run *run);
void run_close(struct run *run, void (*closed)(void *arg), void *arg);
