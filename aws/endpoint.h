/*
 * A service's endpoint: an override, or the host by partition, FIPS and dual-stack rules
 * (botocore's endpoint rule sets). Pure, but for reading the environment handed in.
 */
#pragma once

#include <stdbool.h>

#include "aws/common/err.h"
#include "aws/credentials/provider.h"

/* One row a service. */
struct aws_service {
    const char *host_prefix;    /* "monitoring" */
    const char *signing_name;   /* "monitoring" */
    const char *endpoint_env;   /* "AWS_ENDPOINT_URL_CLOUDWATCH" */
    const char *target_prefix;  /* "GraniteServiceVersion20100801." for X-Amz-Target */
    const char *content_type;   /* "application/x-amz-json-1.0" */
};

extern const struct aws_service aws_service_cloudwatch;

struct endpoint {
    char url[512];  /* "https://monitoring.eu-west-1.amazonaws.com/": scheme, host, port, path; no query */
    char host[300]; /* the Host header: lower case, port only when it is not the scheme's own, IPv6 in brackets */
    char path[128]; /* "/" */
};

struct endpoint_options {
    const char *override; /* configured endpoint_url; NULL: look in the environment */
    provider_getenv *getenv;
    void *getenv_arg;
};

/*
 * ERR_CONFIG: not an http(s) URL, userinfo or query in it, too long, FIPS or dual-stack together with an override. Override order:
 * configured, AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL (the last two not when
 * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true). AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT: true | false.
 */
PW_CHECK bool endpoint_resolve(const struct aws_service *service, const char *region,
                               const struct endpoint_options *options, struct endpoint *out,
                               struct err *err);
