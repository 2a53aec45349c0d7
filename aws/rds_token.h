/*
 * The password of a PostgreSQL role that logs in by IAM: a presigned URL without its scheme, good
 * for a quarter of an hour, made here without asking anybody. Pure. (Amazon RDS user guide, "IAM
 * database authentication"; botocore's generate_db_auth_token.)
 */
#pragma once

#include <stdint.h>

#include "aws/credentials/provider.h"

struct rds_token_for {
    const char *host; /* as RDS names the instance, whatever way leads there */
    const char *port;
    const char *user;
    const char *region; /* the instance's */
};

/* The token, a secret: mem_free_secret(). ERR_SYSTEM: signing failed. */
PW_CHECK bool rds_token_make(const struct rds_token_for *what,
                             const struct credentials *credentials, int64_t now_ms, char **out,
                             struct err *err);
