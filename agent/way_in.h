/*
 * What a mode that looks at databases and then ends needs of AWS: the way in for those that log in
 * by it (IAM, Secrets Manager). A configuration without such a database asks nobody for anything.
 *
 *     if (!way_in_open(&cloud, &loop, config, on_open, self, &err)) ...
 *     -> on_open(self, err): err tells that there is no region; only who logs in by AWS misses it,
 *        and says so. &cloud.access may be used.
 *     cloud_done(&cloud);
 */
#pragma once

#include "agent/cloud.h"

/* on_open may come before it returns. */
PW_CHECK bool way_in_open(struct cloud *cloud, uv_loop_t *loop, const struct config *config,
                          cloud_on_region *on_open, void *arg, struct err *err);
