/*
 * Where credentials come from. A provider is a name and three functions; a chain of them
 * is one too.
 *
 * provider_get() ends in exactly one `done`, never before it has returned - also when the answer
 * was at hand at once - and in none after provider_cancel(). ERR_ABSENT from a provider means "not
 * configured here: ask the next"; any other error means "configured and failed": the chain stops
 * and tells it (botocore does the same).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "aws/common/err.h"

/* One immutable set; temporary credentials always travel with their token. */
struct credentials {
    char *access_key;
    char *secret_key;
    char *session_token;  /* NULL with long-lived keys */
    int64_t expires_ms;   /* wall clock; 0: never */
    bool outlives_expiry; /* stays in use after expires_ms until its source has a newer one */
    const char *source;   /* the provider's name, static */
};

void credentials_copy(struct credentials *to, const struct credentials *from);
void credentials_done(struct credentials *credentials); /* wipes, frees, zeroes */

/*
 * What every provider asks of a set before it hands it on: keys there, nothing too long, no
 * character that can not be in a key and would break a header (a newline at the end of a variable).
 * ERR_CONFIG names the part, never its content.
 */
PW_CHECK bool credentials_check(const struct credentials *credentials, struct err *err);

/* Valid during the call only; exactly one of the two is not NULL. */
typedef void provider_done(void *arg, const struct credentials *credentials, const struct err *err);

struct provider;

struct provider_ops {
    const char *name; /* "environment", "container", "IMDS" */
    void (*get)(struct provider *provider, provider_done *done, void *arg);
    void (*cancel)(struct provider *provider); /* the get under way: no `done` */
    void (*free)(struct provider *provider);
};

/* First member of every provider. At most one get at a time (the cache in front sees to that). */
struct provider {
    const struct provider_ops *ops;
};

void provider_get(struct provider *provider, provider_done *done, void *arg);
void provider_cancel(struct provider *provider);
void provider_free(struct provider *provider); /* cancels what is under way; NULL is fine */

/* An environment variable, or NULL when unset or empty. Tests hand in their own. */
typedef const char *provider_getenv(void *arg, const char *name);
