#include "agent/rds_host.h"

#include <stddef.h>
#include <string.h>

#include "aws/common/mem.h"

/* How the second label of a host begins; the longer ones first. */
static const struct {
    const char *begins;
    enum rds_endpoint endpoint;
} kinds[] = {
    {".cluster-ro-", RDS_READER},
    {".cluster-custom-", RDS_CUSTOM},
    {".cluster-", RDS_WRITER},
    {".proxy-", RDS_PROXY},
};

static size_t label_len(const char *text)
{
    return strcspn(text, ".");
}

/* The region's label in a host's name; NULL: this is none of RDS. */
static const char *find_region(const char *host)
{
    const char *rds = host ? strstr(host, ".rds.") : NULL;

    if (!rds || rds == host) {
        return NULL;
    }
    const char *behind = rds + strlen(".rds.");
    if (strcmp(behind, "amazonaws.com") == 0 || strcmp(behind, "amazonaws.com.cn") == 0) {
        const char *before = memrchr(host, '.', (size_t)(rds - host));

        return before ? before + 1 : NULL;
    }
    return strcmp(behind + label_len(behind), ".amazonaws.com.cn") == 0 ? behind : NULL;
}

char *rds_region_of(const char *host)
{
    const char *region = find_region(host);

    return region ? mem_strndup(region, label_len(region)) : NULL;
}

enum rds_endpoint rds_endpoint_of(const char *host)
{
    if (!find_region(host)) {
        return RDS_NONE;
    }
    const char *second = strchr(host, '.');

    for (size_t i = 0; i < MEM_COUNT(kinds); i++) {
        if (strncmp(second, kinds[i].begins, strlen(kinds[i].begins)) == 0) {
            return kinds[i].endpoint;
        }
    }
    return RDS_INSTANCE;
}
