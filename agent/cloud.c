#include "agent/cloud.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"
#include "aws/region.h"

bool cloud_init(struct cloud *cloud, uv_loop_t *loop, const struct config *config, struct err *err)
{
    const struct http_options options = {.ca_bundle = getenv("AWS_CA_BUNDLE")};

    *cloud = (struct cloud){.loop = loop, .config = config};
    if (!http_client_new(loop, &options, &cloud->http, err)) {
        return false;
    }
    cloud->env = (struct credentials_env){
        .loop = loop, .http = cloud->http, .profile = config->profile, .clock = &cloud->clock};
    cloud->credentials = credentials_default_new(&cloud->env, config->role_arn);
    uv_timer_init(loop, &cloud->soon);
    cloud->soon.data = cloud;
    return true;
}

static void on_region_found(void *arg, const char *region, const struct err *err)
{
    struct cloud *cloud = arg;

    cloud->lookup = NULL;
    cloud->region = mem_strdup(region);
    cloud->env.region = cloud->region;
    cloud->on_region(cloud->arg, err);
}

static void on_configured(uv_timer_t *soon)
{
    struct cloud *cloud = soon->data;

    on_region_found(cloud, cloud->config->region, NULL);
}

void cloud_find_region(struct cloud *cloud, cloud_on_region *on_region, void *arg)
{
    cloud->on_region = on_region;
    cloud->arg = arg;
    if (cloud->config->region) {
        uv_timer_start(&cloud->soon, on_configured, 0, 0);
    } else {
        cloud->lookup = region_find(&cloud->env, on_region_found, cloud);
    }
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
    credentials_cache_free(cloud->credentials);
    http_client_free(cloud->http);
    free(cloud->region);
    cloud->region = NULL;
    uv_close((uv_handle_t *)&cloud->soon, NULL);
}
