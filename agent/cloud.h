/*
 * The agent's way to AWS: one HTTP client, one set of credentials, the default region; clients for
 * each region are made from it.
 *
 *     cloud_init(&cloud, loop, config, &err);
 *     cloud_find_region(&cloud, false, on_region, self);     -> cloud.region is set, or err
 *     cloud_client(&cloud, cloud.region, &client, &err);
 *     cloud_done(&cloud);                             after all clients are freed
 */
#pragma once

#include <uv.h>

#include "agent/config.h"
#include "aws/request.h"

typedef void cloud_on_region(void *arg, const struct err *err);

struct cloud {
    uv_loop_t *loop;
    const struct config *config; /* borrowed */
    struct http_client *http;
    struct credentials_cache *credentials;
    struct aws_clock clock;
    char *region; /* where a database without a region of its own lives; NULL until it is found */
    struct region_lookup *lookup;
    uv_timer_t timer; /* calls back when the region is configured, or asks again for it */
    bool keep_asking;
    bool told;                         /* that the region is not known yet */
    struct credentials_waiter *waiter; /* for the first credentials */
    struct credentials_env env;
    struct aws_access access; /* of env and credentials, for those who log in by AWS */
    cloud_on_region *on_region;
    void *arg;
};

PW_CHECK bool cloud_init(struct cloud *cloud, uv_loop_t *loop, const struct config *config,
                         struct err *err);

/* After a reload: nothing refers to the old configuration any more. */
void cloud_reconfigure(struct cloud *cloud, const struct config *config);

/*
 * The configured region, or else what region_find() finds. One on_region, later. keep_asking: when
 * nobody answers for now (ERR_NET) that is logged, and asked again until there is one: then a
 * second on_region.
 */
void cloud_find_region(struct cloud *cloud, bool keep_asking, cloud_on_region *on_region,
                       void *arg);

/* Asks for credentials and logs what is wrong with them, so that it is said at the start and not
 * when the first minute is to be sent. */
void cloud_look_for_credentials(struct cloud *cloud);

PW_CHECK bool cloud_client(const struct cloud *cloud, const char *region, struct aws_client **out,
                           struct err *err);

/* The region that a database's metrics and alarms live in. */
const char *cloud_region_of(const struct cloud *cloud, const struct config_database *database);

void cloud_done(struct cloud *cloud);
