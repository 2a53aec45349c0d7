/*
 * The keys of a profile that describe a role. (AWS CLI: "Using an IAM role".)
 */
#pragma once

#include "aws/profiles.h"
#include "aws/sts.h"

/* role_arn, role_session_name, external_id, duration_seconds; borrowed from profiles. ERR_CONFIG
 * names the profile and the key. */
PW_CHECK bool role_read(const struct profiles *profiles, const char *name, struct sts_role *out,
                        struct err *err);
