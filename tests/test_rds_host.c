/* What the name of an endpoint says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/rds_host.h"
#include "aws/common/mem.h"

static const struct {
    const char *host;
    enum rds_endpoint endpoint;
    const char *region;
} cases[] = {
    {NULL, RDS_NONE, NULL},
    {"", RDS_NONE, NULL},
    {"db", RDS_NONE, NULL},
    {"/var/run/postgresql", RDS_NONE, NULL},
    {".rds.amazonaws.com", RDS_NONE, NULL},
    {"orders.abc.eu-west-1.rds.amazonaws.com.evil.example", RDS_NONE, NULL},
    {"orders.abcdefghijkl.eu-west-1.rds.amazonaws.com", RDS_INSTANCE, "eu-west-1"},
    {"orders.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn", RDS_INSTANCE, "cn-north-1"},
    {"orders.abcdefghijkl.cn-north-1.rds.amazonaws.com.cn", RDS_INSTANCE, "cn-north-1"},
    {"orders.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com", RDS_WRITER, "eu-west-1"},
    {"orders.cluster-ro-abcdefghijkl.eu-west-1.rds.amazonaws.com", RDS_READER, "eu-west-1"},
    {"reports.cluster-custom-abcdefghijkl.eu-west-1.rds.amazonaws.com", RDS_CUSTOM, "eu-west-1"},
    {"orders.proxy-abcdefghijkl.eu-west-1.rds.amazonaws.com", RDS_PROXY, "eu-west-1"},
    {"a.cluster-b", RDS_NONE, NULL},
    {"orders.cluster-abcdefghijkl.rds.cn-north-1.amazonaws.com.cn", RDS_WRITER, "cn-north-1"},
    {"orders.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn.evil.example", RDS_NONE, NULL},
    {"orders.rds.amazonaws.com", RDS_NONE, NULL},
    {"my.cluster-like.abcdefghijkl.eu-west-1.rds.amazonaws.com", RDS_WRITER, "eu-west-1"},
};

static void each_kind_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        if (rds_endpoint_of(cases[i].host) != cases[i].endpoint) {
            fail_msg("%s", cases[i].host);
        }
        char *region = rds_region_of(cases[i].host);
        assert_int_equal(region != NULL, cases[i].region != NULL);
        if (region) {
            assert_string_equal(region, cases[i].region);
        }
        free(region);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_kind_is_known)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
