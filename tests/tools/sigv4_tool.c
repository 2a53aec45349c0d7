/*
 * Signs requests given as JSON on standard input, so that other implementations can judge ours.
 *
 * In, one document after the other, on one line or several:
 *   {"method", "url", "access_key", "secret_key", "region", "service", "time": "20150830T123600Z",
 *    "headers": [[name, value], ...], "body_base64", "session_token", "normalize_path": true,
 *    "mode": "header" | "query", "expires": seconds}
 * The second and third lines may be left out; "expires" belongs to "query" and is needed there.
 * A missing Host is taken from the url, which may hold raw blanks and UTF-8; its fragment is
 * dropped.
 *
 * Out, one line for each: {"canonical_request", "string_to_sign", "signature", "authorization",
 * "url"} Bad input ends it with a sentence on standard error and status 2.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "sigv4/sigv4.h"

#define INPUT_LIMIT ((size_t)64 << 20)

struct url {
    char *scheme;    /* lower case */
    char *authority; /* as given */
    char *host;      /* the value of a Host header */
    char *path;      /* as given, perhaps "" */
    char *query;     /* as given, without "?"; NULL when there is none */
};

struct job {
    struct url url;
    struct sigv4_header *headers;
    unsigned char *body;
    struct sigv4_request request;
    struct sigv4_credentials credentials;
    struct sigv4_scope scope;
    bool presign;
    int expires_s;
};

__attribute__((format(printf, 1, 2))) static bool bad(const char *format, ...)
{
    va_list args;

    fputs("sigv4_tool: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return false;
}

static void *need(void *memory)
{
    if (!memory) {
        bad("out of memory");
        exit(1);
    }
    return memory;
}

__attribute__((format(printf, 1, 2))) static char *format(const char *pattern, ...)
{
    char *text;
    va_list args;

    va_start(args, pattern);
    int len = vasprintf(&text, pattern, args);
    va_end(args);
    return need(len < 0 ? NULL : text);
}

/* ---- the url ---- */

static int default_port(const struct url *url)
{
    return strcmp(url->scheme, "https") == 0 ? 443 : 80;
}

/* Reads what stands behind a host: "", ":" or ":port". The first two mean the scheme's own port. */
static bool read_port(const struct url *url, const char *text, int *port)
{
    char *end;

    *port = default_port(url);
    if (text[0] == '\0' || strcmp(text, ":") == 0)
        return true;
    long number = strtol(text + 1, &end, 10);
    if (text[0] != ':' || text[1] < '0' || text[1] > '9' || *end || number > 65535)
        return bad("url: \"%s\" is not a port", text);
    *port = (int)number;
    return true;
}

static bool is_ipv6(const char *address)
{
    unsigned char binary[16];
    char *without_zone = need(strndup(address, strcspn(address, "%")));
    bool ok = inet_pton(AF_INET6, without_zone, binary) == 1;
    free(without_zone);
    return ok;
}

/* Where the host ends and perhaps ":port" begins; NULL for a bracket that holds no IPv6 address. */
static char *end_of_host(char *host)
{
    if (host[0] != '[')
        return host + strcspn(host, ":");
    char *bracket = strchr(host, ']');
    if (!bracket)
        return NULL;
    *bracket = '\0';
    bool ok = is_ipv6(host + 1);
    *bracket = ']';
    return ok ? bracket + 1 : NULL;
}

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text |= 0x20;
}

/* Lower case, without user and password, without the scheme's own port. */
static bool read_host(struct url *url)
{
    char *at = strrchr(url->authority, '@');
    char *name = need(strdup(at ? at + 1 : url->authority));
    char *end = end_of_host(name);
    int port = 0;

    bool ok = end || bad("url: no IPv6 address in its brackets");
    ok = ok && (end > name || bad("url: no host")) && read_port(url, end, &port);
    if (ok) {
        *end = '\0';
        lower(name);
        url->host = port == default_port(url) ? format("%s", name) : format("%s:%d", name, port);
    }
    free(name);
    return ok;
}

static bool read_url(struct url *url, const char *text)
{
    size_t scheme_len = strcspn(text, ":");
    url->scheme = need(strndup(text, scheme_len));
    lower(url->scheme);
    if (strncmp(text + scheme_len, "://", 3) != 0 ||
        (strcmp(url->scheme, "http") != 0 && strcmp(url->scheme, "https") != 0))
        return bad("url: it does not begin with http:// or https://");
    text += scheme_len + 3;
    size_t len = strcspn(text, "/?#");
    url->authority = need(strndup(text, len));
    for (const char *c = url->authority; *c; c++)
        if ((*c >= 0 && *c <= ' ') || *c == 0x7f || *c == '\\')
            return bad("url: a blank, backslash or control character in its host");
    text += len;
    len = strcspn(text, "?#");
    url->path = need(strndup(text, len));
    text += len;
    if (*text == '?')
        url->query = need(strndup(text + 1, strcspn(text + 1, "#")));
    return read_host(url);
}

static void url_done(struct url *url)
{
    free(url->scheme);
    free(url->authority);
    free(url->host);
    free(url->path);
    free(url->query);
}

/* ---- the other fields ---- */

/* NULL when the field is missing or null, unless it is required. */
static bool read_string(const json_t *document, const char *key, bool required, const char **value)
{
    const json_t *field = json_object_get(document, key);

    *value = json_string_value(field);
    if (*value && (**value || !required))
        return true;
    if (field && !json_is_null(field) && !*value)
        return bad("%s: not a string", key);
    return required ? bad("%s: missing or empty", key) : true;
}

/* A method or a header's name: RFC 9110's "token". */
static bool is_token(const char *text)
{
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "!#$%&'*+-.^_`|~";
    return *text && text[strspn(text, allowed)] == '\0';
}

/* Only a time that reads back as it was written: strptime() alone takes "2015 830" and 30 February.
 */
static bool read_time(const char *text, time_t *when)
{
    struct tm utc = {0};
    char again[32] = "";

    const char *end = strptime(text, "%Y%m%dT%H%M%SZ", &utc);
    if (end && *end == '\0') {
        *when = timegm(&utc);
        if (gmtime_r(when, &utc))
            strftime(again, sizeof(again), "%Y%m%dT%H%M%SZ", &utc);
    }
    if (strlen(text) == 16 && strcmp(text, again) == 0)
        return true;
    return bad("time: not a time like 20150830T123600Z");
}

static bool read_header(const json_t *pair, size_t number, struct sigv4_header *header)
{
    header->name = json_string_value(json_array_get(pair, 0));
    header->value = json_string_value(json_array_get(pair, 1));
    if (json_array_size(pair) != 2 || !header->name || !header->value)
        return bad("headers: number %zu is not [name, value]", number + 1);
    if (!is_token(header->name))
        return bad("headers: the name of number %zu is not one of HTTP", number + 1);
    return true;
}

static bool read_headers(struct job *job, const json_t *list)
{
    bool has_host = false;

    if (list && !json_is_null(list) && !json_is_array(list))
        return bad("headers: not a list");
    size_t count = json_array_size(list);
    job->headers = need(calloc(count + 1, sizeof(*job->headers)));
    for (size_t i = 0; i < count; i++) {
        if (!read_header(json_array_get(list, i), i, &job->headers[i]))
            return false;
        has_host |= strcasecmp(job->headers[i].name, "host") == 0;
    }
    if (!has_host)
        job->headers[count++] = (struct sigv4_header){"Host", job->url.host};
    job->request.headers = job->headers;
    job->request.header_count = count;
    return true;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bool read_base64(const char *text, unsigned char *out, size_t *out_len)
{
    size_t len = strlen(text);
    unsigned bits = 0;

    if (len % 4 != 0)
        return false;
    for (int padding = 0; padding < 2 && len > 0 && text[len - 1] == '='; padding++)
        len--;
    *out_len = 0;
    for (size_t i = 0; i < len; i++) {
        int digit = base64_digit(text[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (unsigned)digit;
        if (i % 4 != 0)
            out[(*out_len)++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    return true;
}

static bool read_body(struct job *job, const char *base64)
{
    if (!base64)
        base64 = "";
    job->body = need(malloc(strlen(base64) + 1));
    if (!read_base64(base64, job->body, &job->request.body_len))
        return bad("body_base64: not base64");
    job->request.body = job->body;
    return true;
}

static bool read_mode(struct job *job, const json_t *document, const char *mode)
{
    const json_t *expires = json_object_get(document, "expires");

    job->presign = mode && strcmp(mode, "query") == 0;
    if (mode && !job->presign && strcmp(mode, "header") != 0)
        return bad("mode: neither \"header\" nor \"query\"");
    if (!job->presign)
        return true;
    json_int_t seconds = json_integer_value(expires);
    if (!json_is_integer(expires) || seconds < 1 || seconds > 604800)
        return bad("expires: not a number of seconds from 1 to 604800");
    job->expires_s = (int)seconds;
    return true;
}

static bool read_normalize(struct job *job, const json_t *normalize)
{
    if (normalize && !json_is_boolean(normalize))
        return bad("normalize_path: neither true nor false");
    job->request.keep_path = json_is_false(normalize);
    return true;
}

static bool read_job(struct job *job, const json_t *document)
{
    const char *url;
    const char *time;
    const char *body;
    const char *mode;

    if (!json_is_object(document))
        return bad("the request is not a JSON object");
    if (!read_string(document, "method", true, &job->request.method) ||
        !read_string(document, "url", true, &url) ||
        !read_string(document, "access_key", true, &job->credentials.access_key) ||
        !read_string(document, "secret_key", true, &job->credentials.secret_key) ||
        !read_string(document, "session_token", false, &job->credentials.session_token) ||
        !read_string(document, "region", true, &job->scope.region) ||
        !read_string(document, "service", true, &job->scope.service) ||
        !read_string(document, "time", true, &time) ||
        !read_string(document, "body_base64", false, &body) ||
        !read_string(document, "mode", false, &mode))
        return false;
    if (!is_token(job->request.method))
        return bad("method: not one of HTTP");
    if (!read_url(&job->url, url) || !read_time(time, &job->scope.when) ||
        !read_headers(job, json_object_get(document, "headers")) || !read_body(job, body) ||
        !read_normalize(job, json_object_get(document, "normalize_path")) ||
        !read_mode(job, document, mode))
        return false;
    job->request.path = job->url.path;
    job->request.query = job->url.query;
    return true;
}

static void job_done(struct job *job)
{
    url_done(&job->url);
    free(job->headers);
    free(job->body);
}

/* ---- signing ---- */

/* The url to send; the path stays as it was given, which is how it was signed. */
static json_t *signed_url(const struct url *url, const char *query)
{
    return json_sprintf("%s://%s%s%s%s", url->scheme, url->authority, url->path, query ? "?" : "",
                        query ? query : "");
}

static bool print_result(const struct job *job, const struct sigv4_result *result)
{
    const char *query = result->query ? result->query : job->url.query;
    json_t *line =
        json_pack("{s:s, s:s, s:s, s:s?, s:o}", "canonical_request", result->canonical_request,
                  "string_to_sign", result->string_to_sign, "signature", result->signature,
                  "authorization", result->authorization, "url", signed_url(&job->url, query));
    need(line);
    bool ok = json_dumpf(line, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF;
    json_decref(line);
    return ok || bad("standard output: %s", strerror(errno));
}

static bool sign_job(const struct job *job, struct sigv4_key_cache *cache)
{
    struct sigv4_result result;
    enum sigv4_status status;

    if (job->presign)
        status = sigv4_presign(&job->request, &job->credentials, &job->scope, job->expires_s, cache,
                               &result);
    else
        status = sigv4_sign(&job->request, &job->credentials, &job->scope, cache, &result);
    if (status != SIGV4_OK)
        return bad("%s", sigv4_status_text(status));
    bool ok = print_result(job, &result);
    sigv4_result_done(&result);
    return ok;
}

static bool sign(const json_t *document, struct sigv4_key_cache *cache)
{
    struct job job = {0};

    bool ok = read_job(&job, document) && sign_job(&job, cache);
    job_done(&job);
    return ok;
}

/* ---- standard input ---- */

static bool read_input(char **input, size_t *len)
{
    size_t size = 1 << 16;

    *input = need(malloc(size));
    *len = 0;
    for (size_t got = 1; got > 0; *len += got) {
        if (*len == size)
            *input = need(realloc(*input, size *= 2));
        if (*len > INPUT_LIMIT)
            return bad("more than 64 MB on standard input");
        got = fread(*input + *len, 1, size - *len, stdin);
    }
    return !ferror(stdin) || bad("standard input: %s", strerror(errno));
}

static size_t skip_blanks(const char *input, size_t at, size_t len)
{
    while (at < len && input[at] && strchr(" \t\r\n", input[at]))
        at++;
    return at;
}

static bool sign_all(const char *input, size_t len)
{
    struct sigv4_key_cache cache = {0};
    json_error_t error;
    size_t at = skip_blanks(input, 0, len);
    bool ok = at < len || bad("no request on standard input");

    while (ok && at < len) {
        json_t *document = json_loadb(input + at, len - at,
                                      JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);
        ok = document ? sign(document, &cache) : bad("not JSON: %s", error.text);
        json_decref(document);
        at = skip_blanks(input, at + (size_t)error.position, len);
    }
    sigv4_key_cache_wipe(&cache);
    return ok;
}

int main(void)
{
    char *input;
    size_t len;

    bool ok = read_input(&input, &len) && sign_all(input, len);
    free(input);
    if (fflush(stdout) != 0)
        return 1;
    return ok ? 0 : 2;
}
