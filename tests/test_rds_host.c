/* What the name of an endpoint says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rds_host.h"
#include "aws/common/mem.h"

static const struct {
    const char *host;
    enum rds_endpoint endpoint;
} cases[] = {
    {NULL, RDS_NONE},
    {"", RDS_NONE},
    {"db", RDS_NONE},
    {"/var/run/postgresql", RDS_NONE},
    {".rds.amazonaws.com", RDS_NONE},
    {"orders.abc.eu-west-1.rds.amazonaws.com.evil.example", RDS_NONE},
    {"orders.abcdefghijkl.eu-west-1.rds.amazonaws.com", RDS_INSTANCE},
    {"orders.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn", RDS_NONE},
    {"orders.abcdefghijkl.cn-north-1.rds.amazonaws.com.cn", RDS_INSTANCE},
    {"orders.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com", RDS_WRITER},
    {"orders.cluster-ro-abcdefghijkl.eu-west-1.rds.amazonaws.com", RDS_READER},
    {"reports.cluster-custom-abcdefghijkl.eu-west-1.rds.amazonaws.com", RDS_CUSTOM},
    {"orders.proxy-abcdefghijkl.eu-west-1.rds.amazonaws.com", RDS_PROXY},
    {"a.cluster-b", RDS_NONE},
    {"my.cluster-like.abcdefghijkl.eu-west-1.rds.amazonaws.com", RDS_WRITER},
};

static void each_kind_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        if (rds_endpoint_of(cases[i].host) != cases[i].endpoint) {
            fail_msg("%s", cases[i].host);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_kind_is_known)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
