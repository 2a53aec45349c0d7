/*
 * The providers there are, and the two that make one of many: chain and cache.
 *
 * Order of the default chain, as botocore's: environment, container (ECS, EKS), IMDS. Each of them
 * is one file; each decides at its get() whether it is configured, so that nothing is read before
 * it is needed.
 */
#pragma once

#include <stddef.h>
#include <uv.h>

#include "aws/credentials/provider.h"
#include "aws/http.h"

/* What providers take from outside; passed in, so that tests own it. Borrowed for the provider's
 * life. */
struct credentials_env {
    uv_loop_t *loop;
    struct http_client *http;
    provider_getenv *getenv; /* NULL: the process' own */
    void *getenv_arg;
};

/* A variable as env sees it; NULL when unset or empty. */
const char *credentials_getenv(const struct credentials_env *env, const char *name);

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION. */
struct provider *environment_provider_new(const struct credentials_env *env);

/* AWS_CONTAINER_CREDENTIALS_RELATIVE_URI / _FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN(_FILE). */
struct provider *container_provider_new(const struct credentials_env *env);

/* The instance's role, through IMDSv2 only. */
struct provider *imds_provider_new(const struct credentials_env *env);

/* The first that is configured answers. Owns the providers in the list. */
struct provider *chain_provider_new(uv_loop_t *loop, struct provider *const *providers,
                                    size_t count);

/*
 * Keeps one set, refreshes it ahead of its expiry (15 minutes, with jitter) while the old one still
 * serves, asks `inner` once however many wait, and lets a failed refresh neither wedge nor hammer
 * (backoff from 1 s to 60 s while nothing valid is at hand). Takes any number of concurrent waiters
 * through credentials_cache_get(). Owns inner.
 */
struct credentials_cache;
struct credentials_waiter;

struct credentials_cache *credentials_cache_new(uv_loop_t *loop, struct provider *inner);
void credentials_cache_free(struct credentials_cache *cache);

/* One `done` later; keep the result to be able to cancel. now_ms: the corrected wall clock that
 * judges expiry. */
struct credentials_waiter *credentials_cache_get(struct credentials_cache *cache, int64_t now_ms,
                                                 provider_done *done, void *arg);
void credentials_cache_cancel(struct credentials_waiter *waiter);

/* The service said that this set has expired: the next get asks inner anew. */
void credentials_cache_drop(struct credentials_cache *cache, const char *access_key);

/* The default chain behind one cache. */
struct credentials_cache *credentials_default_new(const struct credentials_env *env);
