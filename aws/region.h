/*
 * Regions and partitions: which partition a region is in, its DNS suffixes and ARN prefix, and how
 * a region is found when none is configured. Table: botocore's partitions.json.
 */
#pragma once

#include <stdbool.h>

#include "aws/common/err.h"
#include "aws/credentials/credentials.h"

struct partition {
    const char *name;             /* "aws", "aws-cn"; the second part of its ARNs too */
    const char *dns_suffix;       /* "amazonaws.com" */
    const char *dualstack_suffix; /* "api.aws" */
};

/* Never NULL: a region that matches nothing is in "aws". */
const struct partition *region_partition(const char *region);

/* A host label of letters, digits and hyphens, 1..63, no hyphen at its ends. */
PW_CHECK bool region_valid(const char *region);

/*
 * AWS_REGION, else AWS_DEFAULT_REGION, else the profile's, else the task's ARN from ECS task
 * metadata, else IMDS. One `done`, later, after which the lookup is gone; none after
 * region_cancel(). ERR_CONFIG: what was found is no region, or there is none anywhere (the message
 * tells each way and what came of it); ERR_NET: the same, but somebody was asked who may answer
 * another time. region is valid during the call only.
 */
typedef void region_done(void *arg, const char *region, const struct err *err);
struct region_lookup;
struct region_lookup *region_find(const struct credentials_env *env, region_done *done, void *arg);
void region_cancel(struct region_lookup *lookup);
