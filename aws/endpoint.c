#include "aws/endpoint.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/common/mem.h"
#include "aws/profiles.h"
#include "aws/region.h"

const struct aws_service aws_service_cloudwatch = {
    .host_prefix = "monitoring",
    .fips_plain_in = "aws-us-gov",
    .signing_name = "monitoring",
    .iam_prefix = "cloudwatch",
    .endpoint_env = "AWS_ENDPOINT_URL_CLOUDWATCH",
    .profile_name = "cloudwatch",
    .target_prefix = "GraniteServiceVersion20100801.",
    .content_type = "application/x-amz-json-1.0",
    .query_mode = true,
};

const struct aws_service aws_service_sts = {
    .host_prefix = "sts",
    .fips_plain_in = "aws-us-gov",
    .signing_name = "sts",
    .iam_prefix = "sts",
    .endpoint_env = "AWS_ENDPOINT_URL_STS",
    .profile_name = "sts",
    .content_type = "application/x-www-form-urlencoded; charset=utf-8",
    .accept = "application/json",
};

const struct aws_service aws_service_secrets = {
    .host_prefix = "secretsmanager",
    .signing_name = "secretsmanager",
    .iam_prefix = "secretsmanager",
    .endpoint_env = "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    .profile_name = "secrets_manager",
    .target_prefix = "secretsmanager.",
    .content_type = "application/x-amz-json-1.1",
};

/* --- Settings --- */

struct settings {
    char *override;     /* NULL: none */
    const char *source; /* what set it, or would have */
    bool fips;
    bool dualstack;
    bool ignore_configured;
};

/* Where a setting may stand, in order. */
struct place {
    const struct credentials_env *env;
    const struct profiles *profiles;
    const char *profile;
};

/* Unset is false. */
static bool read_flag(const struct place *place, const char *variable, const char *key, bool *out,
                      struct err *err)
{
    const char *value = profiles_setting(place->profiles, place->env, variable, key);
    const char *name = credentials_getenv(place->env, variable) ? variable : key;

    *out = value && strcasecmp(value, "true") == 0;
    if (value && !*out && strcasecmp(value, "false") != 0) {
        return err_set(err, ERR_CONFIG, "%s: true or false is accepted", name);
    }
    return true;
}

static const char *find_override(const struct aws_service *service, const struct place *place,
                                 const char **source)
{
    const struct {
        const char *name;
        const char *value;
    } ways[] = {
        {service->endpoint_env, credentials_getenv(place->env, service->endpoint_env)},
        {"AWS_ENDPOINT_URL", credentials_getenv(place->env, "AWS_ENDPOINT_URL")},
        {"endpoint_url of the profile's [services]",
         profiles_get_service(place->profiles, place->profile, service->profile_name,
                              "endpoint_url")},
        {"endpoint_url of the profile",
         profiles_get(place->profiles, place->profile, "endpoint_url")},
    };

    for (size_t i = 0; i < MEM_COUNT(ways); i++) {
        if (ways[i].value) {
            *source = ways[i].name;
            return ways[i].value;
        }
    }
    return NULL;
}

static bool read_settings(const struct aws_service *service, const struct endpoint_options *options,
                          const struct place *place, struct settings *out, struct err *err)
{
    const char *override = options->override;

    if (!read_flag(place, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", &out->fips, err) ||
        !read_flag(place, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint", &out->dualstack,
                   err) ||
        !read_flag(place, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls",
                   &out->ignore_configured, err)) {
        return false;
    }
    out->source = "endpoint_url";
    if (!override && !out->ignore_configured) {
        override = find_override(service, place, &out->source);
    }
    if (override && (out->fips || out->dualstack)) {
        return err_set(err, ERR_CONFIG, "%s and %s exclude each other", out->source,
                       out->fips ? "AWS_USE_FIPS_ENDPOINT" : "AWS_USE_DUALSTACK_ENDPOINT");
    }
    out->override = mem_strdup(override);
    return true;
}

/* --- From parts to an endpoint --- */

static bool fill(const char *scheme, const char *host, const char *port, const char *path,
                 struct endpoint *out)
{
    struct endpoint made;
    const char *colon = port ? ":" : "";
    int host_len = snprintf(made.host, sizeof(made.host), "%s%s%s", host, colon, port ? port : "");
    int path_len = snprintf(made.path, sizeof(made.path), "%s", path);

    for (char *c = made.host; *c; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    }
    int url_len = snprintf(made.url, sizeof(made.url), "%s://%s%s", scheme, made.host, made.path);
    if (host_len >= (int)sizeof(made.host) || path_len >= (int)sizeof(made.path) ||
        url_len >= (int)sizeof(made.url)) {
        return false;
    }
    *out = made;
    return true;
}

/* The rules of CloudWatch's endpoint rule set, which most services share. */
static bool from_rules(const struct aws_service *service, const char *region,
                       const struct settings *settings, struct endpoint *out, struct err *err)
{
    const struct partition *partition = region_partition(region);
    bool is_plain = service->fips_plain_in && strcmp(partition->name, service->fips_plain_in) == 0;
    char host[sizeof(out->host)];

    snprintf(host, sizeof(host), "%s%s.%s.%s", service->host_prefix,
             settings->fips && !is_plain ? "-fips" : "", region,
             settings->dualstack ? partition->dualstack_suffix : partition->dns_suffix);
    return fill("https", host, NULL, "/", out) || err_set(err, ERR_CONFIG, "the host is too long");
}

/* --- From a URL --- */

/* As libcurl, which will connect there, understands the URL. */
struct parts {
    CURLU *url;
    char *scheme, *host, *port, *path, *user, *query, *fragment, *zone;
};

static void parts_init(struct parts *parts, const char *text)
{
    const struct {
        CURLUPart part;
        char **to;
    } wanted[] = {
        {CURLUPART_SCHEME, &parts->scheme},     {CURLUPART_HOST, &parts->host},
        {CURLUPART_PORT, &parts->port},         {CURLUPART_PATH, &parts->path},
        {CURLUPART_USER, &parts->user},         {CURLUPART_QUERY, &parts->query},
        {CURLUPART_FRAGMENT, &parts->fragment}, {CURLUPART_ZONEID, &parts->zone},
    };

    *parts = (struct parts){.url = mem_check(curl_url())};
    if (curl_url_set(parts->url, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK) {
        for (size_t i = 0; i < MEM_COUNT(wanted); i++) {
            /* NULL where there is no such part, and for a port that is the scheme's own. */
            (void)curl_url_get(parts->url, wanted[i].part, wanted[i].to, CURLU_NO_DEFAULT_PORT);
        }
    }
}

static void parts_done(struct parts *parts)
{
    curl_free(parts->scheme);
    curl_free(parts->host);
    curl_free(parts->port);
    curl_free(parts->path);
    curl_free(parts->user);
    curl_free(parts->query);
    curl_free(parts->fragment);
    curl_free(parts->zone);
    curl_url_cleanup(parts->url);
}

/* What is signed must be what travels: nothing that would have to be encoded on the way. */
static bool is_printable(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c <= ' ' || *c > '~') {
            return false;
        }
    }
    return true;
}

static const char *complaint_about(const struct parts *parts)
{
    const char *const scheme = parts->scheme;

    if (!scheme || !parts->host) {
        return "this is not a URL; https://host[:port] is accepted";
    }
    if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0) {
        return "only http and https are spoken";
    }
    if (parts->user) {
        return "a user name in the URL is not accepted";
    }
    if (parts->query || parts->fragment) {
        return "a query or fragment in the URL is not accepted";
    }
    if (parts->zone || !is_printable(parts->host) || !is_printable(parts->path)) {
        return "host or path hold what is not accepted: plain ASCII, no IPv6 zone";
    }
    return NULL;
}

static bool from_override(const struct settings *settings, struct endpoint *out, struct err *err)
{
    struct parts parts;

    parts_init(&parts, settings->override);
    const char *complaint = complaint_about(&parts);
    if (!complaint && !fill(parts.scheme, parts.host, parts.port, parts.path, out)) {
        complaint = "the URL is too long";
    }
    parts_done(&parts);
    return complaint ? err_set(err, ERR_CONFIG, "%s: %s", settings->source, complaint) : true;
}

bool endpoint_resolve(const struct aws_service *service, const char *region,
                      const struct endpoint_options *options, struct endpoint *out, struct err *err)
{
    struct settings settings = {0};
    struct profiles *profiles;

    if (!region || !region_valid(region)) {
        return err_set(err, ERR_CONFIG, "%.80s is no region's name", region ? region : "(none)");
    }
    if (!profiles_load(options->env, &profiles, err)) {
        return false;
    }
    const struct place place = {options->env, profiles, profiles_selected(profiles)};
    bool ok = read_settings(service, options, &place, &settings, err) &&
              (settings.override ? from_override(&settings, out, err)
                                 : from_rules(service, region, &settings, out, err));
    free(settings.override);
    profiles_free(profiles);
    return ok;
}
