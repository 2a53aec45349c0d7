/*
 * Roles that are assumed: what the providers that ask the Security Token Service have in common.
 */
#pragma once

#include "aws/credentials/credentials.h"
#include "aws/sts.h"

/* A client of STS in env->region. source: NULL for what is not signed. ERR_NET: the region is not
 * known yet; else as aws_client_new(). */
PW_CHECK bool assume_client_new(const struct credentials_env *env, struct credentials_cache *source,
                                struct aws_client **out, struct err *err);

/* The role with the credentials of source, which it owns. The role's texts are copied. */
struct provider *assume_provider_new(const struct credentials_env *env, const struct sts_role *role,
                                     struct provider *source);
