#include "agent/cloud.h"

#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "aws/common/mem.h"
#include "aws/region.h"

#define REGION_AGAIN_MS 15000

/* Each text belongs to the configuration, which goes with a reload. */
void cloud_reconfigure(struct cloud *cloud, const struct config *config)
{
    cloud->config = config;
    cloud->env.profile = config->profile;
    cloud->env.withheld = config->inserted.items;
    cloud->env.withheld_count = config->inserted.count;
}

bool cloud_init(struct cloud *cloud, uv_loop_t *loop, const struct config *config, struct err *err)
{
    const char *bundle = getenv("AWS_CA_BUNDLE");
    const struct http_options options = {.ca_bundle = bundle && *bundle ? bundle : NULL};

    *cloud = (struct cloud){.loop = loop, .config = config};
    aws_clock_init(&cloud->clock);
    if (!http_client_new(loop, &options, &cloud->http, err)) {
        return false;
    }
    cloud->env =
        (struct credentials_env){.loop = loop, .http = cloud->http, .clock = &cloud->clock};
    cloud_reconfigure(cloud, config);
    cloud->credentials = credentials_default_new(&cloud->env, config->role_arn);
    cloud->access = (struct aws_access){&cloud->env, cloud->credentials};
    uv_timer_init(loop, &cloud->timer);
    cloud->timer.data = cloud;
    return true;
}

static void on_ask_again(uv_timer_t *timer);

/* Is the search going on by itself? */
static bool will_ask_again(struct cloud *cloud, const struct err *err)
{
    /* Once it waits, whatever else goes wrong with the asking is no reason to end. */
    if (!err || !cloud->keep_asking || (err->code != ERR_NET && !cloud->told)) {
        return false;
    }
    uv_timer_start(&cloud->timer, on_ask_again, REGION_AGAIN_MS, 0);
    return true;
}

static void on_region_found(void *arg, const char *region, const struct err *err)
{
    struct cloud *cloud = arg;

    cloud->lookup = NULL;
    cloud->region = mem_strdup(region);
    cloud->env.region = cloud->region;
    if (will_ask_again(cloud, err)) {
        if (cloud->told) {
            return;
        }
        log_error("%s; what is sampled waits, the region is asked for every %d s", err->message,
                  REGION_AGAIN_MS / 1000);
        cloud->told = true;
    }
    cloud->on_region(cloud->arg, err);
}

static void on_configured(uv_timer_t *timer)
{
    struct cloud *cloud = timer->data;

    on_region_found(cloud, cloud->config->region, NULL);
}

static void on_ask_again(uv_timer_t *timer)
{
    struct cloud *cloud = timer->data;

    cloud->lookup = region_find(&cloud->env, on_region_found, cloud);
}

void cloud_find_region(struct cloud *cloud, bool keep_asking, cloud_on_region *on_region, void *arg)
{
    cloud->keep_asking = keep_asking;
    cloud->on_region = on_region;
    cloud->arg = arg;
    if (cloud->config->region) {
        uv_timer_start(&cloud->timer, on_configured, 0, 0);
    } else {
        on_ask_again(&cloud->timer);
    }
}

static void on_credentials(void *arg, const struct credentials *credentials, const struct err *err)
{
    struct cloud *cloud = arg;

    cloud->waiter = NULL;
    if (credentials) {
        log_debug("AWS credentials: %s", credentials->source);
    } else {
        log_error("no AWS credentials yet: %s; what is sampled waits, they are asked for again",
                  err->message);
    }
}

void cloud_look_for_credentials(struct cloud *cloud)
{
    cloud->waiter = credentials_cache_get(cloud->credentials, aws_clock_now_ms(&cloud->clock),
                                          on_credentials, cloud);
}

bool cloud_client(const struct cloud *cloud, const char *region, struct aws_client **out,
                  struct err *err)
{
    const struct aws_client_options options = {.loop = cloud->loop,
                                               .http = cloud->http,
                                               .credentials = cloud->credentials,
                                               .region = region,
                                               .endpoint_url = cloud->config->endpoint_url,
                                               .env = &cloud->env};

    return aws_client_new(&options, out, err);
}

const char *cloud_region_of(const struct cloud *cloud, const struct config_database *database)
{
    return database->region ? database->region : cloud->region;
}

void cloud_done(struct cloud *cloud)
{
    if (cloud->lookup) {
        region_cancel(cloud->lookup);
    }
    if (cloud->waiter) {
        credentials_cache_cancel(cloud->waiter);
    }
    credentials_cache_free(cloud->credentials);
    http_client_free(cloud->http);
    free(cloud->region);
    cloud->region = NULL;
    uv_close((uv_handle_t *)&cloud->timer, NULL);
}
