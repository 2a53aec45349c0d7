/*
 * The providers there are, the chain that makes one of many, and the cache in front of it, which is
 * what the rest of the program asks.
 *
 * Order of the default chain, as botocore's: environment, role of the profile, web identity,
 * profile (keys in credentials, credential_process, keys in config), container (ECS, EKS), IMDS.
 * Each of them is one file; each decides at its get() whether it is configured, so that nothing is
 * read before it is needed.
 *
 *     struct credentials_env env = {.loop = loop, .http = http, .clock = &clock};
 *     struct credentials_cache *cache = credentials_default_new(&env, NULL);
 *     credentials_cache_get(cache, time_now_ms(), on_credentials, self);
 *     credentials_cache_free(cache);                  before the HTTP client
 */
#pragma once

#include <stddef.h>
#include <uv.h>

#include "aws/clock.h"
#include "aws/credentials/provider.h"
#include "aws/http.h"

/*
 * What providers take from outside; passed in, so that tests own it. Borrowed for the provider's
 * life.
 */
struct credentials_env {
    uv_loop_t *loop;
    struct http_client *http;
    provider_getenv *getenv; /* NULL: the process' own */
    void *getenv_arg;
    const char *profile; /* chosen in our own configuration; NULL: by environment or "default" */
    const char *region;  /* where STS is asked; NULL until it is known */
    struct aws_clock *clock; /* shared with the clients */
    char *const *withheld;   /* variables that a credential_process must not see: see child.h */
    size_t withheld_count;
};

/* A variable as env sees it; NULL when unset or empty. */
const char *credentials_getenv(const struct credentials_env *env, const char *name);

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION. */
struct provider *environment_provider_new(const struct credentials_env *env);

/*
 * The role that the chosen profile describes (role_arn with source_profile or credential_source),
 * assumed with whatever those lead to; profiles that lead to one another are followed.
 */
struct provider *role_provider_new(const struct credentials_env *env);

/*
 * A role assumed with the token in a file: AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN,
 * AWS_ROLE_SESSION_NAME, or the same in the chosen profile. name: only that profile's; else NULL.
 */
struct provider *web_identity_provider_new(const struct credentials_env *env, const char *name);

/* Keys of a profile, or its credential_process. name: NULL for the chosen one. */
struct provider *profile_provider_new(const struct credentials_env *env, const char *name);

/*
 * A command, run without a shell (child.h says what it sees), that prints credentials; at most 60 s
 * and 64 KB.
 */
struct provider *process_provider_new(const struct credentials_env *env, const char *command);

/* AWS_CONTAINER_CREDENTIALS_RELATIVE_URI / _FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN(_FILE). */
struct provider *container_provider_new(const struct credentials_env *env);

/* The instance's role, through IMDSv2 only. */
struct provider *imds_provider_new(const struct credentials_env *env);

/*
 * The first that is configured answers. When it fails, or none is (ERR_ABSENT), the error tells
 * what each that was asked said. The array is copied; the providers in it are owned.
 */
struct provider *chain_provider_new(uv_loop_t *loop, struct provider *const *providers,
                                    size_t count);

/*
 * Keeps one set and lends it to any number of waiters. It is refreshed ahead of its expiry (15
 * minutes and some jitter, or half of a shorter life) by a get that still receives the old one;
 * `inner`, which the cache owns, is asked once however many wait. After a failure inner is left
 * alone for 1 s, then 2 s, up to 60 s: with nothing usable at hand, gets in that pause are told the
 * last error at once. A set that is expired when it comes serves for some minutes all the same:
 * whether it is or our clock is ahead, only the service's answer can tell.
 */
struct credentials_cache;
struct credentials_waiter;

struct credentials_cache *credentials_cache_new(uv_loop_t *loop, struct provider *inner);
void credentials_cache_free(struct credentials_cache *cache); /* its waiters hear nothing */

/*
 * Exactly one `done`, on a later turn of the loop; the result is for cancelling until then. now_ms:
 * the wall clock, corrected, that judges expiry. `done` may get again, cancel other waiters, drop
 * the set and free the cache.
 */
struct credentials_waiter *credentials_cache_get(struct credentials_cache *cache, int64_t now_ms,
                                                 provider_done *done, void *arg);
void credentials_cache_cancel(struct credentials_waiter *waiter);

/* The service said that the set of this key has expired: the next get asks inner anew. */
void credentials_cache_drop(struct credentials_cache *cache, const char *access_key);

/* Who we are towards AWS: what whoever signs something needs. */
struct aws_access {
    const struct credentials_env *env;
    struct credentials_cache *credentials;
};

/* The default chain behind one cache; role_arn: a role assumed on top of what it finds, or NULL. A
 * profile chosen in our own configuration keeps the environment's keys out, as in botocore. */
struct credentials_cache *credentials_default_new(const struct credentials_env *env,
                                                  const char *role_arn);
