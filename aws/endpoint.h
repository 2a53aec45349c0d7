/*
 * A service's endpoint: an override, or the host by partition, FIPS and dual-stack rules
 * (botocore's endpoint rule sets). Reads the environment handed in and, where that does not say,
 * the shared files.
 */
#pragma once

#include <stdbool.h>

#include "aws/common/err.h"
#include "aws/credentials/credentials.h"

/* One row a service. NULL where it has no such thing. */
struct aws_service {
    const char *host_prefix;   /* "monitoring" */
    const char *fips_plain_in; /* the partition whose ordinary host is the FIPS one; or NULL */
    const char *signing_name;  /* "monitoring" */
    const char *iam_prefix;    /* "cloudwatch": of the actions in policies */
    const char *endpoint_env;  /* "AWS_ENDPOINT_URL_CLOUDWATCH" */
    const char *profile_name;  /* "cloudwatch": in a [services] block of the shared files */
    const char *target_prefix; /* "GraniteServiceVersion20100801." for X-Amz-Target */
    const char *content_type;  /* "application/x-amz-json-1.0" */
    const char *accept;        /* "application/json": of a service that prefers XML */
    bool query_mode; /* sends x-amzn-query-mode, for the codes that the older protocol had */
};

extern const struct aws_service aws_service_cloudwatch, aws_service_sts, aws_service_secrets;

struct endpoint {
    char url[512];  /* "https://monitoring.eu-west-1.amazonaws.com/": scheme, host, port, path */
    char host[300]; /* the Host header: lower case, IPv6 in brackets, port only when it is not the
                       scheme's own */
    char path[128]; /* "/" */
};

struct endpoint_options {
    const char *override; /* configured endpoint_url; NULL: look in the environment */
    const struct credentials_env *env;
};

/*
 * Override order: configured, AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, endpoint_url in the
 * profile's [services] block, endpoint_url of the profile (all but the first not when
 * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, or ignore_configured_endpoint_urls of the profile, is true);
 * else AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT, or the same of the profile in small
 * letters (true | false), choose the host.
 *
 * ERR_CONFIG: a region that is none; an override that is no http(s) URL, is too long, or has a user
 * name, query or fragment in it; FIPS or dual-stack together with an override; a variable that is
 * neither true nor false; shared files that can not be read. The message names the setting and does
 * not show its value, which may hold a password.
 */
PW_CHECK bool endpoint_resolve(const struct aws_service *service, const char *region,
                               const struct endpoint_options *options, struct endpoint *out,
                               struct err *err);
