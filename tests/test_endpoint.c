/* Where requests go: by partition, FIPS and dual-stack, or by an override. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aws/common/mem.h"
#include "aws/endpoint.h"

#define SERVICE_URL "AWS_ENDPOINT_URL_CLOUDWATCH"
#define GENERAL_URL "AWS_ENDPOINT_URL"
#define IGNORE      "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
#define FIPS        "AWS_USE_FIPS_ENDPOINT"
#define DUALSTACK   "AWS_USE_DUALSTACK_ENDPOINT"

#define VARIABLES_MAX 4

struct variable {
    const char *name;
    const char *value;
};

static const char *variable_of(void *arg, const char *name)
{
    const struct variable *variables = arg;

    for (size_t i = 0; i < VARIABLES_MAX && variables[i].name; i++) {
        if (strcmp(variables[i].name, name) == 0) {
            return variables[i].value;
        }
    }
    return NULL;
}

static bool resolve(const char *region, const char *configured, const struct variable *variables,
                    struct endpoint *out, struct err *err)
{
    struct variable copy[VARIABLES_MAX];

    memcpy(copy, variables, sizeof(copy));
    const struct credentials_env env = {.getenv = variable_of, .getenv_arg = copy};
    const struct endpoint_options options = {.override = configured, .env = &env};
    return endpoint_resolve(&aws_service_cloudwatch, region, &options, out, err);
}

static const struct good_case {
    const char *name;
    const char *region;
    const char *configured;
    struct variable variables[VARIABLES_MAX];
    const char *url;
    const char *host;
} good_cases[] = {
    /* By rule. */
    {"plain",
     "eu-west-1",
     NULL,
     {{0}},
     "https://monitoring.eu-west-1.amazonaws.com/",
     "monitoring.eu-west-1.amazonaws.com"},
    {"an unknown region is in aws",
     "xx-far-9",
     NULL,
     {{0}},
     "https://monitoring.xx-far-9.amazonaws.com/",
     "monitoring.xx-far-9.amazonaws.com"},
    {"China",
     "cn-north-1",
     NULL,
     {{0}},
     "https://monitoring.cn-north-1.amazonaws.com.cn/",
     "monitoring.cn-north-1.amazonaws.com.cn"},
    {"FIPS",
     "us-east-1",
     NULL,
     {{FIPS, "true"}},
     "https://monitoring-fips.us-east-1.amazonaws.com/",
     "monitoring-fips.us-east-1.amazonaws.com"},
    {"FIPS in GovCloud is the plain host",
     "us-gov-west-1",
     NULL,
     {{FIPS, "true"}},
     "https://monitoring.us-gov-west-1.amazonaws.com/",
     "monitoring.us-gov-west-1.amazonaws.com"},
    {"FIPS and dual-stack in GovCloud",
     "us-gov-west-1",
     NULL,
     {{FIPS, "true"}, {DUALSTACK, "true"}},
     "https://monitoring.us-gov-west-1.api.aws/",
     "monitoring.us-gov-west-1.api.aws"},
    {"dual-stack",
     "eu-west-1",
     NULL,
     {{DUALSTACK, "True"}},
     "https://monitoring.eu-west-1.api.aws/",
     "monitoring.eu-west-1.api.aws"},
    {"FIPS and dual-stack",
     "us-east-1",
     NULL,
     {{FIPS, "true"}, {DUALSTACK, "true"}},
     "https://monitoring-fips.us-east-1.api.aws/",
     "monitoring-fips.us-east-1.api.aws"},
    {"false is false",
     "us-east-1",
     NULL,
     {{FIPS, "false"}, {DUALSTACK, "FALSE"}},
     "https://monitoring.us-east-1.amazonaws.com/",
     "monitoring.us-east-1.amazonaws.com"},
    {"a host is lower case",
     "EU-West-1",
     NULL,
     {{0}},
     "https://monitoring.eu-west-1.amazonaws.com/",
     "monitoring.eu-west-1.amazonaws.com"},
    /* By override. */
    {"configured",
     "eu-west-1",
     "http://127.0.0.1:4566",
     {{0}},
     "http://127.0.0.1:4566/",
     "127.0.0.1:4566"},
    {"configured wins over the environment",
     "eu-west-1",
     "https://a.example",
     {{SERVICE_URL, "https://b.example"}, {GENERAL_URL, "https://c.example"}},
     "https://a.example/",
     "a.example"},
    {"the service's wins over the general one",
     "eu-west-1",
     NULL,
     {{GENERAL_URL, "https://c.example"}, {SERVICE_URL, "https://b.example"}},
     "https://b.example/",
     "b.example"},
    {"the general one",
     "eu-west-1",
     NULL,
     {{GENERAL_URL, "https://c.example"}},
     "https://c.example/",
     "c.example"},
    {"the environment's are ignored on request",
     "eu-west-1",
     NULL,
     {{GENERAL_URL, "https://c.example"}, {SERVICE_URL, "https://b.example"}, {IGNORE, "true"}},
     "https://monitoring.eu-west-1.amazonaws.com/",
     "monitoring.eu-west-1.amazonaws.com"},
    {"a configured one is not ignored",
     "eu-west-1",
     "https://a.example",
     {{IGNORE, "true"}},
     "https://a.example/",
     "a.example"},
    {"an empty variable is none",
     "eu-west-1",
     NULL,
     {{SERVICE_URL, ""}},
     "https://monitoring.eu-west-1.amazonaws.com/",
     "monitoring.eu-west-1.amazonaws.com"},
    {"the scheme's own port is left out, https",
     "eu-west-1",
     "https://A.Example:443/",
     {{0}},
     "https://a.example/",
     "a.example"},
    {"the scheme's own port is left out, http",
     "eu-west-1",
     "HTTP://a.example:80/",
     {{0}},
     "http://a.example/",
     "a.example"},
    {"the other scheme's port stays",
     "eu-west-1",
     "http://a.example:443/",
     {{0}},
     "http://a.example:443/",
     "a.example:443"},
    {"IPv6", "eu-west-1", "http://[::1]:8080", {{0}}, "http://[::1]:8080/", "[::1]:8080"},
    {"a path stays as it is",
     "eu-west-1",
     "https://a.example/base/x%20y/../z",
     {{0}},
     "https://a.example/base/x%20y/../z",
     "a.example"},
};

static void goes_where_the_rules_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(good_cases); i++) {
        const struct good_case *c = &good_cases[i];
        struct endpoint endpoint;
        struct err err;

        if (!resolve(c->region, c->configured, c->variables, &endpoint, &err)) {
            fail_msg("%s: %s", c->name, err.message);
        }
        if (strcmp(endpoint.url, c->url) != 0 || strcmp(endpoint.host, c->host) != 0) {
            fail_msg("%s: %s, Host %s", c->name, endpoint.url, endpoint.host);
        }
        assert_string_equal(endpoint.path, strchr(c->url + strlen("https://"), '/'));
    }
}

#define LONG_100                                                                                   \
    "/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890" \
    "12345678"

static const struct bad_case {
    const char *name;
    const char *region;
    const char *configured;
    struct variable variables[VARIABLES_MAX];
    const char *message;
} bad_cases[] = {
    {"no region", NULL, NULL, {{0}}, "(none) is no region's name"},
    {"a region that would change the host", "evil.example/", NULL, {{0}}, "is no region's name"},
    {"the region is needed beside an override: it is signed",
     "",
     "https://a.example",
     {{0}},
     "is no region's name"},
    {"no scheme", "eu-west-1", "localhost:4566", {{0}}, "endpoint_url: "},
    {"another scheme", "eu-west-1", "ftp://a.example", {{0}}, "endpoint_url: only http and https"},
    {"nothing", "eu-west-1", "", {{0}}, "endpoint_url: this is not a URL"},
    {"no host", "eu-west-1", "https://", {{0}}, "endpoint_url: this is not a URL"},
    {"a port that is none", "eu-west-1", "https://a.example:99999", {{0}}, "this is not a URL"},
    {"a user",
     "eu-west-1",
     NULL,
     {{SERVICE_URL, "https://me:sesame@a.example"}},
     SERVICE_URL ": a user name in the URL"},
    {"a query",
     "eu-west-1",
     NULL,
     {{GENERAL_URL, "https://a.example/?token=sesame"}},
     GENERAL_URL ": a query or fragment"},
    {"a fragment", "eu-west-1", "https://a.example/#sesame", {{0}}, "a query or fragment"},
    {"a blank", "eu-west-1", "https://a.example/a b", {{0}}, "this is not a URL"},
    {"not ASCII", "eu-west-1", "https://a.example/\xc3\xa9", {{0}}, "plain ASCII"},
    {"an IPv6 zone", "eu-west-1", "http://[fe80::1%25eth0]/", {{0}}, "no IPv6 zone"},
    {"a path too long", "eu-west-1", "https://a.example" LONG_100 LONG_100, {{0}}, "too long"},
    {"FIPS and an override",
     "eu-west-1",
     "https://a.example",
     {{FIPS, "true"}},
     "endpoint_url and AWS_USE_FIPS_ENDPOINT exclude each other"},
    {"dual-stack and an override",
     "eu-west-1",
     NULL,
     {{DUALSTACK, "true"}, {GENERAL_URL, "https://a.example"}},
     GENERAL_URL " and AWS_USE_DUALSTACK_ENDPOINT exclude each other"},
    {"neither true nor false",
     "eu-west-1",
     NULL,
     {{FIPS, "yes"}},
     FIPS ": true or false is accepted"},
};

static void refuses_what_it_can_not_use(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(bad_cases); i++) {
        const struct bad_case *c = &bad_cases[i];
        struct endpoint endpoint;
        struct err err = {.code = ERR_NONE};

        if (resolve(c->region, c->configured, c->variables, &endpoint, &err)) {
            fail_msg("%s: taken as %s", c->name, endpoint.url);
        }
        if (err.code != ERR_CONFIG || !strstr(err.message, c->message)) {
            fail_msg("%s: %s: %s", c->name, err_name(err.code), err.message);
        }
        assert_null(strstr(err.message, "sesame"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_where_the_rules_say),
        cmocka_unit_test(refuses_what_it_can_not_use),
    };

    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
