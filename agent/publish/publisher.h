/*
 * Sends the spool to CloudWatch: one request at a time, full batches, backoff with jitter (at most 15 s apart) while it fails.
 *
 * Nothing leaves the spool before CloudWatch has acknowledged it. A refused batch (400) is halved until the bad datum stands alone;
 * that one is dropped, counted and logged with the reason. Denied, unknown host, throttled: everything is kept.
 * Trouble is logged when it begins, when its reason changes, and when it ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "agent/publish/spool.h"
#include "aws/request.h"

struct publisher;

struct publisher_counters {
    uint64_t sent;      /* datums acknowledged */
    uint64_t requests;
    uint64_t errors;    /* requests that failed */
    uint64_t ambiguous; /* datums sent again after a lost answer */
    uint64_t refused;   /* datums dropped because the service refused them */
};

struct publisher_options {
    uv_loop_t *loop;
    struct aws_client *client; /* borrowed; NULL: dry run, print what would be sent */
    struct spool *spool;       /* borrowed */
    const char *namespace_;
    int window_ms;
    void (*on_dry_run)(void *arg, const struct cloudwatch_entry *entries, size_t count);
    void (*on_sent)(void *arg); /* the spool has become empty by an acknowledged batch */
    void *arg;
};

struct publisher *publisher_new(const struct publisher_options *options);

/* There is something to send: begins unless it is under way already or backing off. */
void publisher_kick(struct publisher *publisher);

/* The same at once, without waiting for the backoff to end: before leaving. */
void publisher_flush(struct publisher *publisher);

bool publisher_idle(const struct publisher *publisher); /* nothing under way */
const struct publisher_counters *publisher_counters(const struct publisher *publisher);

typedef void publisher_closed(void *arg);
void publisher_stop(struct publisher *publisher, publisher_closed *closed, void *arg); /* frees it, then calls */
