#include "aws/credentials/imds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/common/mem.h"
#include "aws/credentials/document.h"
#include "aws/profiles.h"

#define TOKEN_TTL_TEXT "21600"
#define TOKEN_LIFE_MS  UINT64_C(21595000) /* given up a little before the service does */
#define TOKEN_MAX      1024
#define ANSWER_MAX     65536

struct settings {
    char *base; /* scheme, host, port; no slash at its end */
    long timeout_s;
    long attempts;
};

/* A get is a token, when none is at hand, then the path. */
enum imds_state { IMDS_IDLE, IMDS_TOKEN, IMDS_PATH };

struct imds {
    const struct credentials_env *env;
    uv_timer_t turn;
    enum imds_state state;
    struct settings settings;
    struct http_transfer *transfer;
    long attempt;
    bool renewed; /* the token was fetched anew because of a 401 in this get */
    bool met;     /* it has given us a token before: it exists */
    char *path;
    char *token;
    uint64_t token_until_ms; /* on the loop's clock */
    imds_done *done;
    void *arg;
};

/* --- Settings --- */

static bool is_true(const char *value)
{
    return value && strcasecmp(value, "true") == 0;
}

static bool read_number(const char *text, const char *name, long max, long *out, struct err *err)
{
    char *end;

    *out = 1;
    if (!text) {
        return true;
    }
    errno = 0;
    *out = strtol(text, &end, 10);
    if (*end != '\0' || errno != 0 || *out < 1 || *out > max) {
        return err_set(err, ERR_CONFIG, "%s must be a number from 1 to %ld", name, max);
    }
    return true;
}

/* The base's address as a person knows it: without the scheme. */
static const char *host_of(const struct settings *settings)
{
    return strstr(settings->base, "://") + 3;
}

static bool read_base(const char *endpoint, const char *mode, char **out, struct err *err)
{
    bool ipv6 = mode && strcasecmp(mode, "IPv6") == 0;

    if (mode && !ipv6 && strcasecmp(mode, "IPv4") != 0) {
        return err_set(err, ERR_CONFIG,
                       "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE must be IPv4 or IPv6");
    }
    if (!endpoint) {
        endpoint = ipv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    }
    if (strncmp(endpoint, "http://", 7) != 0 && strncmp(endpoint, "https://", 8) != 0) {
        return err_set(err, ERR_CONFIG,
                       "AWS_EC2_METADATA_SERVICE_ENDPOINT must begin with http:// or https://");
    }
    size_t scheme_len = (size_t)(strstr(endpoint, "://") + 3 - endpoint);
    size_t len = strlen(endpoint);
    while (len > scheme_len && endpoint[len - 1] == '/') {
        len--;
    }
    if (len == scheme_len) {
        return err_set(err, ERR_CONFIG, "AWS_EC2_METADATA_SERVICE_ENDPOINT names no host");
    }
    *out = mem_strndup(endpoint, len);
    return true;
}

/* Of the process, or else of the profile. */
static bool read_from(const struct credentials_env *env, const struct profiles *profiles,
                      struct settings *out, struct err *err)
{
    const char *timeout =
        profiles_setting(profiles, env, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout");
    const char *attempts = profiles_setting(profiles, env, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
                                            "metadata_service_num_attempts");
    const char *endpoint = profiles_setting(profiles, env, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                            "ec2_metadata_service_endpoint");
    const char *mode = profiles_setting(profiles, env, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                                        "ec2_metadata_service_endpoint_mode");

    return read_number(timeout, "AWS_METADATA_SERVICE_TIMEOUT", 60, &out->timeout_s, err) &&
           read_number(attempts, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", 10, &out->attempts, err) &&
           read_base(endpoint, mode, &out->base, err);
}

static bool read_settings(const struct credentials_env *env, struct settings *out, struct err *err)
{
    struct settings found = {0};
    struct profiles *profiles;

    if (is_true(credentials_getenv(env, "AWS_EC2_METADATA_DISABLED"))) {
        return err_set(err, ERR_ABSENT, "AWS_EC2_METADATA_DISABLED is true");
    }
    if (!profiles_load(env, &profiles, err)) {
        return false;
    }
    bool read = read_from(env, profiles, &found, err);
    profiles_free(profiles);
    if (read) {
        free(out->base);
        *out = found;
    }
    return read;
}

/* --- Ends --- */

static void reset(struct imds *imds)
{
    imds->state = IMDS_IDLE;
    free(imds->path);
    imds->path = NULL;
}

static void finish(struct imds *imds, const char *text, const struct err *err)
{
    reset(imds);
    imds->done(imds->arg, text, err);
}

static void forget_token(struct imds *imds)
{
    mem_free_secret(imds->token);
    imds->token = NULL;
}

/*
 * Nobody there. The first token request is how one learns whether this is EC2 at all; and its
 * answer travels with an IP hop limit, often 1, so that in a container behind a bridge it never
 * arrives: no refusal, just silence.
 */
static void finish_unreached(struct imds *imds, const struct err *cause)
{
    const char *host = host_of(&imds->settings);
    bool unknown = imds->state == IMDS_TOKEN && !imds->met;
    struct err err;

    if (cause->code == ERR_TIMEOUT) {
        err_set(&err, ERR_TIMEOUT, "no answer from %s in %ld s%s", host,
                imds->settings.timeout_s * imds->settings.attempts,
                unknown ? " (not on EC2, or hop limit 1 in a container)" : "");
    } else if (unknown && cause->code == ERR_NET) {
        err_set(&err, ERR_ABSENT, "%s can not be reached (not on EC2)", host);
    } else {
        err_set(&err, cause->code == ERR_REJECTED ? ERR_PARSE : cause->code, "%s", cause->message);
    }
    finish(imds, NULL, &err);
}

/* --- Requests --- */

static void on_response(void *arg, const struct http_response *response, const struct err *err,
                        bool may_have_arrived);

static void send_request(struct imds *imds)
{
    bool for_token = imds->state == IMDS_TOKEN;
    const struct http_header token_ttl = {"x-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL_TEXT};
    const struct http_header token = {"x-aws-ec2-metadata-token", imds->token};
    char *url =
        mem_printf("%s%s", imds->settings.base, for_token ? "/latest/api/token" : imds->path);
    const struct http_request request = {
        .method = for_token ? "PUT" : "GET",
        .url = url,
        .headers = for_token ? &token_ttl : &token,
        .header_count = 1,
        .connect_timeout_ms = (int)imds->settings.timeout_s * 1000,
        .timeout_ms = (int)imds->settings.timeout_s * 1000,
        .max_response = ANSWER_MAX,
        .no_proxy = true,
    };

    imds->attempt++;
    imds->transfer = http_send(imds->env->http, &request, on_response, imds);
    free(url);
}

static void set_state(struct imds *imds, enum imds_state state)
{
    imds->state = state;
    imds->attempt = 0;
    send_request(imds);
}

/* A token goes into a header: printable, and of a sane length. */
static bool token_is_usable(const char *token)
{
    size_t len = strnlen(token, TOKEN_MAX + 1);

    for (size_t i = 0; i < len; i++) {
        if (token[i] <= ' ' || token[i] > '~') {
            return false;
        }
    }
    return len > 0 && len <= TOKEN_MAX;
}

static void on_token(struct imds *imds, const struct http_response *response)
{
    const char *host = host_of(&imds->settings);
    int status = response->status;
    struct err err;

    if (status == 200 && token_is_usable(response->body)) {
        forget_token(imds);
        imds->token = mem_strdup(response->body);
        imds->token_until_ms = uv_now(imds->env->loop) + TOKEN_LIFE_MS;
        imds->met = true;
        set_state(imds, IMDS_PATH);
        return;
    }
    /* Version 1 would do without a token: it is left alone, because any proxy or SSRF can use it.
     */
    if (status == 200) {
        err_set(&err, ERR_PARSE, "%s gave something that is no token", host);
    } else if (status == 403) {
        err_set(&err, ERR_ABSENT, "%s answered 403 (the instance has it switched off)", host);
    } else if (status == 404 || status == 405) {
        err_set(&err, ERR_ABSENT, "%s answered %d (not on EC2: it knows no IMDSv2)", host, status);
    } else {
        err_set(&err, ERR_NET, "%s answered %d to the request for a token", host, status);
    }
    finish(imds, NULL, &err);
}

static void on_text(struct imds *imds, const struct http_response *response)
{
    int status = response->status;
    char excerpt[DOCUMENT_EXCERPT_MAX];
    struct err err;

    if (status == 200) {
        finish(imds, response->body, NULL);
        return;
    }
    if (status == 401 && !imds->renewed) {
        imds->renewed = true;
        forget_token(imds);
        set_state(imds, IMDS_TOKEN);
        return;
    }
    enum err_code code = status == 404                    ? ERR_REJECTED
                         : status == 401 || status == 403 ? ERR_DENIED
                                                          : ERR_NET;
    err_set(&err, code, "%s answered %d to %s: %s", host_of(&imds->settings), status, imds->path,
            document_excerpt(response->body, excerpt));
    finish(imds, NULL, &err);
}

static void on_response(void *arg, const struct http_response *response, const struct err *err,
                        bool may_have_arrived)
{
    struct imds *imds = arg;
    bool failed = err ? err->code == ERR_NET || err->code == ERR_TIMEOUT : response->status >= 500;

    (void)may_have_arrived;
    imds->transfer = NULL;
    if (failed && imds->attempt < imds->settings.attempts) {
        send_request(imds);
    } else if (err) {
        finish_unreached(imds, err);
    } else if (imds->state == IMDS_TOKEN) {
        on_token(imds, response);
    } else {
        on_text(imds, response);
    }
}

static void on_turn(uv_timer_t *turn)
{
    struct imds *imds = turn->data;
    struct err err;

    imds->renewed = false;
    if (!read_settings(imds->env, &imds->settings, &err)) {
        finish(imds, NULL, &err);
    } else if (imds->token && uv_now(imds->env->loop) < imds->token_until_ms) {
        set_state(imds, IMDS_PATH);
    } else {
        set_state(imds, IMDS_TOKEN);
    }
}

/* --- The client --- */

struct imds *imds_new(const struct credentials_env *env)
{
    struct imds *imds = mem_alloc(sizeof(*imds));

    imds->env = env;
    uv_timer_init(env->loop, &imds->turn);
    imds->turn.data = imds;
    return imds;
}

void imds_get(struct imds *imds, const char *path, imds_done *done, void *arg)
{
    imds->path = mem_strdup(path);
    imds->done = done;
    imds->arg = arg;
    uv_timer_start(&imds->turn, on_turn, 0, 0);
}

void imds_cancel(struct imds *imds)
{
    uv_timer_stop(&imds->turn);
    if (imds->transfer) {
        http_cancel(imds->transfer);
        imds->transfer = NULL;
    }
    reset(imds);
}

static void on_closed(uv_handle_t *turn)
{
    struct imds *imds = turn->data;

    forget_token(imds);
    free(imds->settings.base);
    free(imds);
}

void imds_free(struct imds *imds)
{
    if (imds) {
        imds_cancel(imds);
        uv_close((uv_handle_t *)&imds->turn, on_closed);
    }
}
