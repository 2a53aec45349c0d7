/*
 * A client of the EC2 instance metadata service, version 2 only: a path in, its text out. It
 * fetches the session token, keeps it for the rest of its six hours, and fetches another when the
 * service no longer takes it.
 *
 * One get at a time. imds_get() ends in exactly one `done`, later; after imds_cancel() or
 * imds_free() in none. The client may be freed in its own `done`. Settings are read from the
 * environment at each get: AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT,
 * AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE, AWS_METADATA_SERVICE_TIMEOUT (seconds of one request, 1),
 * AWS_METADATA_SERVICE_NUM_ATTEMPTS (1); all but the first also from the profile, in small letters
 * without AWS_.
 */
#pragma once

#include "aws/credentials/credentials.h"

struct imds;

/*
 * text: NUL-terminated, valid during the call only. ERR_ABSENT: there is no such service here, or
 * it is switched off; ERR_REJECTED: it has no such path (404); ERR_CONFIG: a setting is not usable;
 * else it is there and failed.
 */
typedef void imds_done(void *arg, const char *text, const struct err *err);

struct imds *imds_new(const struct credentials_env *env);
void imds_free(struct imds *imds); /* NULL is fine */

/* path: "/latest/meta-data/..." */
void imds_get(struct imds *imds, const char *path, imds_done *done, void *arg);
void imds_cancel(struct imds *imds);
