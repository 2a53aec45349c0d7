#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"
#include "aws/common/random.h"
#include "aws/credentials/credentials.h"

#define MINUTE_MS INT64_C(60000)
#define AHEAD_MS  (15 * MINUTE_MS) /* refreshed so long before its end, as the SDKs do */
#define AHEAD_JITTER_MS                                                                            \
    (2 * MINUTE_MS)              /* so that a fleet started together does not ask together         \
                                  */
#define SHORT_LIFE_MS  MINUTE_MS /* what arrives with less than this is as good as expired */
#define GRACE_MS       (5 * MINUTE_MS)
#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 60000

struct credentials_waiter {
    struct credentials_cache *cache;
    struct credentials_waiter *next;
    provider_done *done;
    void *arg;
    bool ready;
    bool granted;  /* it gets the set, not the failure */
    uint64_t turn; /* when ready: the delivery that it belongs to */
};

/*
 * The loop's clock (uv_now) paces the asking, the callers' clock judges expiry: a corrected clock
 * jumps, the loop's does not.
 */
struct credentials_cache {
    uv_loop_t *loop;
    struct provider *inner;
    uv_timer_t turn;
    uint64_t turn_count;
    struct credentials_waiter *waiters; /* in the order of their gets */
    int64_t now_ms;                     /* the latest that a caller gave */

    struct credentials set; /* access_key is NULL while there is none */
    bool dropped;           /* the service does not take it any more */
    int64_t refresh_at_ms;  /* callers' clock */
    int64_t grace_until_ms; /* loop's clock: until then it serves although it seems expired */

    bool asking;
    int64_t ask_from_ms; /* loop's clock: not to be asked before */
    unsigned failures;   /* since the last success */
    struct err failure;  /* the last one */
    bool freed;
};

/* --- Judging --- */

static int64_t loop_now_ms(const struct credentials_cache *cache)
{
    return (int64_t)uv_now(cache->loop);
}

static bool is_usable(const struct credentials_cache *cache)
{
    const struct credentials *set = &cache->set;

    return set->access_key && !cache->dropped &&
           (set->expires_ms == 0 || set->outlives_expiry || cache->now_ms < set->expires_ms ||
            loop_now_ms(cache) < cache->grace_until_ms);
}

static bool is_due(const struct credentials_cache *cache)
{
    return !is_usable(cache) ||
           (cache->set.expires_ms != 0 && cache->now_ms >= cache->refresh_at_ms);
}

static bool may_ask(const struct credentials_cache *cache)
{
    return (!is_usable(cache) && cache->failures == 0) || loop_now_ms(cache) >= cache->ask_from_ms;
}

static int64_t jitter_ms(int64_t limit_ms)
{
    return (int64_t)(random_fraction() * (double)limit_ms);
}

/* --- Answers --- */

static void on_turn(uv_timer_t *handle);

static void make_ready(struct credentials_waiter *waiter, bool granted)
{
    struct credentials_cache *cache = waiter->cache;

    waiter->ready = true;
    waiter->granted = granted;
    waiter->turn = cache->turn_count;
    uv_timer_start(&cache->turn, on_turn, 0, 0);
}

static void unlink_waiter(struct credentials_waiter *waiter)
{
    struct credentials_waiter **at = &waiter->cache->waiters;

    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
}

static struct credentials_waiter *next_ready(const struct credentials_cache *cache, uint64_t turn)
{
    struct credentials_waiter *waiter = cache->waiters;

    while (waiter && !(waiter->ready && waiter->turn <= turn)) {
        waiter = waiter->next;
    }
    return waiter;
}

/*
 * A waiter may get again, cancel others, or free the cache: each is looked up anew, gets made
 * meanwhile belong to the next turn, and a freed cache keeps its memory, and the set that it has
 * lent, until the loop's next turn.
 */
static void on_turn(uv_timer_t *handle)
{
    struct credentials_cache *cache = handle->data;
    uint64_t turn = cache->turn_count++;
    struct credentials_waiter *waiter;

    while (!cache->freed && (waiter = next_ready(cache, turn)) != NULL) {
        struct credentials_waiter detached = *waiter;

        unlink_waiter(waiter);
        free(waiter);
        detached.done(detached.arg, detached.granted ? &cache->set : NULL,
                      detached.granted ? NULL : &cache->failure);
    }
}

/*
 * A set that seems expired when it comes is either stale or looked at with a clock that is ahead.
 * The service knows: the set serves for a while, so that its answer can set our clock right. A set
 * with a short life is asked for anew at half of it.
 */
static void take_set(struct credentials_cache *cache, const struct credentials *credentials)
{
    int64_t left_ms = credentials->expires_ms - cache->now_ms;
    int64_t ahead_ms = AHEAD_MS + jitter_ms(AHEAD_JITTER_MS);

    credentials_done(&cache->set);
    credentials_copy(&cache->set, credentials);
    cache->dropped = false;
    cache->failures = 0;
    cache->ask_from_ms = cache->grace_until_ms = 0;
    if (left_ms < SHORT_LIFE_MS) {
        cache->grace_until_ms = loop_now_ms(cache) + GRACE_MS + jitter_ms(GRACE_MS);
        cache->ask_from_ms = cache->grace_until_ms;
    } else if (left_ms / 2 < ahead_ms) {
        ahead_ms = left_ms / 2;
    }
    cache->refresh_at_ms = credentials->expires_ms - ahead_ms;
}

static void take_failure(struct credentials_cache *cache, const struct err *err)
{
    int64_t backoff_ms = BACKOFF_MIN_MS;

    for (unsigned i = 0; i < cache->failures && backoff_ms < BACKOFF_MAX_MS; i++) {
        backoff_ms *= 2;
    }
    cache->failures++;
    cache->failure = *err;
    cache->ask_from_ms =
        loop_now_ms(cache) + (backoff_ms < BACKOFF_MAX_MS ? backoff_ms : BACKOFF_MAX_MS);
}

static void on_answer(void *arg, const struct credentials *credentials, const struct err *err)
{
    struct credentials_cache *cache = arg;

    cache->asking = false;
    if (credentials) {
        take_set(cache, credentials);
    } else {
        take_failure(cache, err);
    }
    for (struct credentials_waiter *waiter = cache->waiters; waiter; waiter = waiter->next) {
        if (!waiter->ready) {
            make_ready(waiter, is_usable(cache));
        }
    }
}

/* --- The cache --- */

struct credentials_waiter *credentials_cache_get(struct credentials_cache *cache, int64_t now_ms,
                                                 provider_done *done, void *arg)
{
    struct credentials_waiter *waiter = mem_alloc(sizeof(*waiter));
    struct credentials_waiter **end = &cache->waiters;

    *waiter = (struct credentials_waiter){.cache = cache, .done = done, .arg = arg};
    while (*end) {
        end = &(*end)->next;
    }
    *end = waiter;
    cache->now_ms = now_ms;
    if (!cache->asking && is_due(cache) && may_ask(cache)) {
        cache->asking = true;
        provider_get(cache->inner, on_answer, cache);
    }
    if (is_usable(cache)) {
        make_ready(waiter, true);
    } else if (!cache->asking) {
        make_ready(waiter, false);
    }
    return waiter;
}

void credentials_cache_cancel(struct credentials_waiter *waiter)
{
    unlink_waiter(waiter);
    free(waiter);
}

void credentials_cache_drop(struct credentials_cache *cache, const char *access_key)
{
    if (cache->set.access_key && strcmp(cache->set.access_key, access_key) == 0) {
        cache->dropped = true;
    }
}

struct credentials_cache *credentials_cache_new(uv_loop_t *loop, struct provider *inner)
{
    struct credentials_cache *cache = mem_alloc(sizeof(*cache));

    cache->loop = loop;
    cache->inner = inner;
    uv_timer_init(loop, &cache->turn);
    cache->turn.data = cache;
    return cache;
}

static void on_closed(uv_handle_t *turn)
{
    struct credentials_cache *cache = turn->data;

    credentials_done(&cache->set);
    free(cache);
}

void credentials_cache_free(struct credentials_cache *cache)
{
    if (!cache) {
        return;
    }
    cache->freed = true;
    while (cache->waiters) {
        struct credentials_waiter *waiter = cache->waiters;

        cache->waiters = waiter->next;
        free(waiter);
    }
    provider_free(cache->inner);
    uv_close((uv_handle_t *)&cache->turn, on_closed);
}
