/*
 * Sends the spool to CloudWatch: one request at a time, full batches, backoff with jitter (at most
 * 15 s apart) while it fails. A backlog goes out at five requests a second on average: a hundred
 * agents that come back together stay under an account's 500, and jitter keeps them out of step.
 *
 *     struct publisher *publisher = publisher_new(&options);
 *     spool_push(...); publisher_kick(publisher);
 *     publisher_stop(publisher, on_closed, self);       before spool and client are freed
 *
 * Nothing leaves the spool before CloudWatch has acknowledged it. A refused batch (400) is halved
 * until the bad datum stands alone; that one is dropped, counted and logged with the reason. When
 * one after another is refused and nothing accepted, the fault is not the datums' (a namespace, an
 * account): nothing more is dropped, and one datum at a time is tried until one is taken. Denied,
 * unreachable, throttled: everything is kept.
 *
 * A batch is marked in the spool before it is sent, so that a crash does not hide that it was. A
 * request whose answer was lost is sent again, and counted: PutMetricData knows no idempotency,
 * so that its sums and sample counts may then be too high (maximum and minimum stay right). A lost
 * minute would be the worse mistake.
 *
 * Trouble is logged when it begins, when its reason changes, and when it ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "agent/publish/spool.h"
#include "aws/cloudwatch.h"
#include "aws/request.h"

struct publisher;

struct publisher_counters {
    uint64_t sent; /* datums acknowledged */
    uint64_t requests;
    uint64_t errors;          /* requests that failed */
    uint64_t ambiguous;       /* datums that are sent again after a lost answer */
    uint64_t acknowledged_ms; /* when a request last was, by uv_hrtime(); 0: not yet */
    uint64_t refused;         /* datums dropped because the service refused them */
};

struct publisher_options {
    uv_loop_t *loop;
    struct aws_client *client;     /* borrowed; NULL: none yet, see publisher_set_client() */
    const struct aws_clock *clock; /* borrowed: what is too old, or not yet to be sent */
    struct spool *spool;           /* borrowed */
    const char *namespace_;        /* copied */
    const char
        *former_region; /* not NULL: what an earlier run left for there is sent; for the log */
    int delay_ms;       /* between a kick and the request */
    /* NULL: send; else tell what would be sent, and need no client. */
    void (*on_dry_run)(void *arg, const struct cloudwatch_entry *entries, size_t count);
    /* The spool has become empty: all of it was acknowledged or given up. May stop the publisher.
     */
    void (*on_sent)(void *arg);
    /* So many datums were sent, and nobody knows whether they arrived: they are sent again. */
    void (*on_ambiguous)(void *arg, size_t datums);
    void *arg;
    double (*random)(void); /* of the jitter, 0 <= x < 1; NULL: the system's */
};

struct publisher *publisher_new(const struct publisher_options *options);

/* Until there is a client everything waits in the spool. */
void publisher_set_client(struct publisher *publisher, struct aws_client *client);

/* There is something to send: begins, after delay_ms, unless it is under way already or backing
 * off.
 */
void publisher_kick(struct publisher *publisher);

/* The same at once, without waiting for the backoff to end: before leaving. */
void publisher_flush(struct publisher *publisher);

/* Why nothing is accepted at present; "": it is. Valid until the next turn of the loop. */
const char *publisher_trouble(const struct publisher *publisher);

/* Nothing was accepted for a minute, for a reason of our own: credentials, permissions, no route.
 */
bool publisher_is_at_fault(const struct publisher *publisher);

bool publisher_idle(const struct publisher *publisher); /* nothing under way, no backoff either */
const struct publisher_counters *publisher_counters(const struct publisher *publisher);

typedef void publisher_closed(void *arg);
void publisher_stop(struct publisher *publisher, publisher_closed *closed,
                    void *arg); /* frees it, then calls, later */

/* --- inside, for tests ------------------------------------------------------------------------ */

/* Milliseconds between two requests of a backlog. */
uint64_t publisher_pause_ms(double random);

/*
 * Milliseconds before the next attempt after so many failures in a row (1 for the first): full
 * jitter under 0.5 s, 1 s, 2 s ... 15 s, and no less than the service asks for, up to 15 s.
 */
uint64_t publisher_backoff_ms(int failures, double random, int64_t hint_ms);
