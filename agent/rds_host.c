#include "agent/rds_host.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "aws/common/mem.h"

static const char *const domains[] = {".rds.amazonaws.com", ".rds.amazonaws.com.cn"};

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

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

enum rds_endpoint rds_endpoint_of(const char *host)
{
    bool is_rds = false;

    for (size_t i = 0; i < MEM_COUNT(domains) && host; i++) {
        is_rds = is_rds || ends_in(host, domains[i]);
    }
    if (!is_rds) {
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
