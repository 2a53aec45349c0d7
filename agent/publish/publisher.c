#include "agent/publish/publisher.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/log.h"
#include "agent/publish/batch.h"
#include "agent/publish/trouble.h"
#include "aws/common/mem.h"
#include "aws/common/random.h"

#define BACKOFF_BASE_MS 500
#define BACKOFF_MAX_MS  15000
#define PAUSE_MIN_MS    100
#define FAULT_AFTER_MS  60000
#define PAUSE_SPAN_MS   200

/* Single datums refused in a row, with nothing accepted between, that are dropped. */
#define REFUSED_MAX 5

struct publisher {
    struct publisher_options options;
    char *namespace_;
    uv_timer_t timer; /* until the next attempt */
    struct aws_call *call;
    struct batch batch;
    size_t bytes;      /* of the request under way */
    size_t max_count;  /* datums of a request; less once a request was too large */
    int failures;      /* in a row */
    uint64_t fault_ms; /* since when failures are our own; 0: they are not */
    bool hurry;        /* no pauses: the agent is leaving */
    bool catching_up;  /* with what waited while requests failed */
    int refused;       /* single datums, since one was accepted */
    size_t probes;     /* while everything is refused */
    struct trouble trouble;
    struct publisher_counters counters;
    publisher_closed *closed;
    void *closed_arg;
};

static void send_next(struct publisher *publisher);

struct publisher *publisher_new(const struct publisher_options *options)
{
    struct publisher *publisher = mem_alloc(sizeof(*publisher));

    publisher->options = *options;
    publisher->namespace_ = mem_strdup(options->namespace_);
    publisher->max_count = CLOUDWATCH_DATUMS_MAX;
    if (!options->random) {
        publisher->options.random = random_fraction;
    }
    if (options->former_region) {
        (void)snprintf(publisher->trouble.where, sizeof(publisher->trouble.where),
                       " (what an earlier run left for %s in %s)", options->namespace_,
                       options->former_region);
    }
    uv_timer_init(options->loop, &publisher->timer);
    publisher->timer.data = publisher;
    return publisher;
}

/* --- What came of a request ------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    send_next(timer->data);
}

uint64_t publisher_backoff_ms(int failures, double random, int64_t hint_ms)
{
    int64_t most_ms = BACKOFF_BASE_MS;
    int64_t asked_ms = hint_ms < BACKOFF_MAX_MS ? hint_ms : BACKOFF_MAX_MS;

    for (int i = 1; i < failures && most_ms < BACKOFF_MAX_MS; i++) {
        most_ms *= 2;
    }
    int64_t own_ms =
        (int64_t)(random * (double)(most_ms < BACKOFF_MAX_MS ? most_ms : BACKOFF_MAX_MS));
    return (uint64_t)(own_ms > asked_ms ? own_ms : asked_ms);
}

/* A service that answers 5xx or throttles does so to every agent; one that we do not reach, or that
 * does not take our credentials, others may. */
static void note_fault(struct publisher *publisher, const struct err *err,
                       const struct aws_failure *failure)
{
    bool own = err->code == ERR_DENIED || err->code == ERR_CONFIG ||
               ((err->code == ERR_NET || err->code == ERR_TIMEOUT) && failure->status == 0);

    if (!own) {
        publisher->fault_ms = 0;
    } else if (publisher->fault_ms == 0) {
        publisher->fault_ms = uv_now(publisher->options.loop);
    }
}

const char *publisher_trouble(const struct publisher *publisher)
{
    return publisher->trouble.reason;
}

bool publisher_is_at_fault(const struct publisher *publisher)
{
    uint64_t now_ms = uv_now(publisher->options.loop);

    return publisher->fault_ms > 0 && now_ms - publisher->fault_ms > FAULT_AFTER_MS;
}

/* Everything is kept. A search for a bad datum goes on later; any other batch is composed anew, so
 * that the newest window comes first again. */
static void back_off(struct publisher *publisher, const struct err *err,
                     const struct aws_failure *failure)
{
    struct batch *batch = &publisher->batch;

    if (failure->may_have_arrived) {
        publisher->counters.ambiguous += batch->sent;
        publisher->options.on_ambiguous(publisher->options.arg, batch->sent);
    }
    if (batch->sent == batch->count) {
        batch->count = 0;
    }
    publisher->failures++;
    note_fault(publisher, err, failure);
    trouble_failed(&publisher->trouble, uv_now(publisher->options.loop), err, failure->code,
                   spool_count(publisher->options.spool));
    uv_timer_start(&publisher->timer, on_timer,
                   publisher_backoff_ms(publisher->failures, publisher->options.random(),
                                        failure->retry_after_ms),
                   0);
}

/* What was too large once need not be for ever: tried again once an interval. */
static void allow_larger(struct publisher *publisher)
{
    size_t doubled = 2 * publisher->max_count;

    publisher->max_count = doubled < CLOUDWATCH_DATUMS_MAX ? doubled : CLOUDWATCH_DATUMS_MAX;
}

uint64_t publisher_pause_ms(double random)
{
    return PAUSE_MIN_MS + (uint64_t)(random * PAUSE_SPAN_MS);
}

/* After everything that takes datums out of the spool; the caller's last act. */
static void go_on(struct publisher *publisher)
{
    const struct publisher_options *options = &publisher->options;

    if (spool_count(options->spool) > 0) {
        bool at_once = publisher->hurry || publisher->batch.count > 0 || options->on_dry_run;

        uv_timer_start(&publisher->timer, on_timer,
                       at_once ? 0 : publisher_pause_ms(options->random()), 0);
    } else {
        allow_larger(publisher);
        options->on_sent(options->arg);
    }
}

static void drop_refused(struct publisher *publisher, const struct err *err)
{
    struct spool *spool = publisher->options.spool;
    const struct spool_record *record = spool_find(spool, publisher->batch.ids[0]);

    trouble_refused(&publisher->trouble, uv_now(publisher->options.loop),
                    record ? record->members : "", err);
    batch_drop_refused(&publisher->batch, spool);
    publisher->counters.refused += record ? 1 : 0;
    publisher->refused++;
}

static bool is_refused_throughout(const struct publisher *publisher)
{
    return publisher->refused >= REFUSED_MAX;
}

/* No datum is bad; somebody on the way takes less than the service does. */
static void on_too_large(struct publisher *publisher, const struct err *err,
                         const struct aws_failure *failure)
{
    struct batch *batch = &publisher->batch;

    if (batch->sent == 1) {
        back_off(publisher, err, failure);
        return;
    }
    publisher->max_count = batch->sent / 2;
    batch->count = 0;
    send_next(publisher);
}

/* The service says that the input is bad. */
static void on_refused(struct publisher *publisher, const struct err *err,
                       const struct aws_failure *failure)
{
    struct batch *batch = &publisher->batch;

    if (batch->sent > 1) {
        batch_refused(batch);
        send_next(publisher);
    } else if (!is_refused_throughout(publisher)) {
        drop_refused(publisher, err);
        go_on(publisher);
    } else {
        batch->count = batch->sent; /* it is no use to look on */
        back_off(publisher, err, failure);
    }
}

static void on_accepted(struct publisher *publisher)
{
    const struct publisher_options *options = &publisher->options;
    struct batch *batch = &publisher->batch;
    size_t sent = batch->sent;
    bool was_in_trouble = publisher->trouble.code != ERR_NONE;

    log_debug("sent %zu datums in one request (%zu bytes)", sent, publisher->bytes);
    publisher->counters.sent += sent;
    publisher->counters.acknowledged_ms = uv_hrtime() / 1000000;
    publisher->failures = 0;
    publisher->fault_ms = 0;
    publisher->refused = 0;
    batch_accepted(batch, options->spool);
    trouble_over(&publisher->trouble, uv_now(options->loop), sent, spool_count(options->spool));
    publisher->catching_up = publisher->catching_up || was_in_trouble;
    if (publisher->catching_up && spool_count(options->spool) == 0) {
        publisher->catching_up = false;
        malloc_trim(0); /* what waited lay among what stays: whole pages of it go back */
    }
    go_on(publisher);
}

static void on_answer(void *arg, const struct aws_answer *answer, const struct err *err,
                      const struct aws_failure *failure)
{
    struct publisher *publisher = arg;

    publisher->call = NULL;
    publisher->counters.requests++;
    publisher->counters.errors += answer ? 0 : 1;
    if (!answer && !failure->may_have_arrived) {
        spool_mark(publisher->options.spool, NULL, 0);
    }
    if (answer) {
        on_accepted(publisher);
    } else if (failure->status == 413) {
        on_too_large(publisher, err, failure);
    } else if (err->code == ERR_REJECTED) {
        on_refused(publisher, err, failure);
    } else {
        back_off(publisher, err, failure);
    }
}

/* --- A request -------------------------------------------------------------------------------- */

static void compose(struct publisher *publisher)
{
    const struct publisher_options *options = &publisher->options;
    struct batch *batch = &publisher->batch;
    const struct batch_source source = {.spool = options->spool,
                                        .namespace_ = publisher->namespace_,
                                        .now_ms = aws_clock_now_ms(options->clock)};

    batch_renew(batch, options->spool);
    if (batch->count > 0) {
        return;
    }
    batch_fill(batch, &source, publisher->max_count);
    /* Another one each time: the first may be one of those that really are bad. */
    if (batch->count > 0 && is_refused_throughout(publisher)) {
        batch_pick(batch, publisher->probes++ % batch->count);
    }
}

static void dry_run(struct publisher *publisher)
{
    const struct publisher_options *options = &publisher->options;

    options->on_dry_run(options->arg, publisher->batch.entries, publisher->batch.sent);
    publisher->counters.requests++;
    on_accepted(publisher);
}

static void send_next(struct publisher *publisher)
{
    const struct publisher_options *options = &publisher->options;
    struct batch *batch = &publisher->batch;

    if (!options->client && !options->on_dry_run) {
        return;
    }
    compose(publisher);
    trouble_lost(&publisher->trouble, uv_now(options->loop),
                 spool_dropped(options->spool) - publisher->counters.refused);
    if (batch->count == 0) {
        return;
    }
    publisher->bytes = batch_bytes(batch, publisher->namespace_);
    if (options->on_dry_run) {
        dry_run(publisher);
        return;
    }
    spool_mark(options->spool, batch->ids, batch->sent);
    publisher->call = cloudwatch_put_metric_data(options->client, publisher->namespace_,
                                                 batch->entries, batch->sent, on_answer, publisher);
}

void publisher_set_client(struct publisher *publisher, struct aws_client *client)
{
    publisher->options.client = client;
    publisher_kick(publisher);
}

void publisher_kick(struct publisher *publisher)
{
    if (publisher_idle(publisher)) {
        uv_timer_start(&publisher->timer, on_timer, (uint64_t)publisher->options.delay_ms, 0);
    }
}

void publisher_flush(struct publisher *publisher)
{
    publisher->failures = 0;
    publisher->hurry = true;
    if (!publisher->call) {
        uv_timer_start(&publisher->timer, on_timer, 0, 0);
    }
}

bool publisher_idle(const struct publisher *publisher)
{
    return !publisher->call && !uv_is_active((const uv_handle_t *)&publisher->timer);
}

const struct publisher_counters *publisher_counters(const struct publisher *publisher)
{
    return &publisher->counters;
}

/* --- The end ---------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *timer)
{
    struct publisher *publisher = timer->data;
    publisher_closed *closed = publisher->closed;
    void *arg = publisher->closed_arg;

    free(publisher->namespace_);
    free(publisher);
    closed(arg);
}

void publisher_stop(struct publisher *publisher, publisher_closed *closed, void *arg)
{
    aws_cancel(publisher->call);
    publisher->call = NULL;
    publisher->closed = closed;
    publisher->closed_arg = arg;
    uv_close((uv_handle_t *)&publisher->timer, on_timer_closed);
}
