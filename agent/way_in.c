#include "agent/way_in.h"

static bool needs_aws(const struct config *config)
{
    for (size_t i = 0; i < config->database_count; i++) {
        if (config->databases[i].auth == AUTH_IAM || config->databases[i].password_secret) {
            return true;
        }
    }
    return false;
}

bool way_in_open(struct cloud *cloud, uv_loop_t *loop, const struct config *config,
                 cloud_on_region *on_open, void *arg, struct err *err)
{
    if (!cloud_init(cloud, loop, config, err)) {
        return false;
    }
    if (needs_aws(config)) {
        cloud_find_region(cloud, false, on_open, arg);
    } else {
        on_open(arg, NULL);
    }
    return true;
}
