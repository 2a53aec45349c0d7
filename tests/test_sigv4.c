/* Signing, held against AWS's test suite and against requests that botocore signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "sigv4/key.h"
#include "sigv4/sigv4.h"

/* ---- the table of cases: sigv4_cases.json, with requests as tools/sigv4_tool.c takes them ---- */

struct request_case {
    const json_t *document;
    struct sigv4_header headers[16];
    unsigned char body[4096];
    char url[512]; /* cut behind the path */
    struct sigv4_request request;
    struct sigv4_credentials credentials;
    struct sigv4_scope scope;
};

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void load_headers(struct request_case *c)
{
    const json_t *list = json_object_get(c->document, "headers");
    size_t count = json_array_size(list);

    assert_in_range(count, 1, 16);
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(list, i);
        c->headers[i] = (struct sigv4_header){json_string_value(json_array_get(pair, 0)),
                                              json_string_value(json_array_get(pair, 1))};
    }
    c->request.headers = c->headers;
    c->request.header_count = count;
}

static void load_body(struct request_case *c)
{
    const char *base64 = text_of(c->document, "body_base64");
    size_t len = strlen(base64);

    assert_in_range(len, 0, sizeof(c->body));
    int decoded = EVP_DecodeBlock(c->body, (const unsigned char *)base64, (int)len);
    assert_true(decoded >= 0);
    c->request.body = c->body;
    c->request.body_len = (size_t)decoded;
    while (len > 0 && base64[--len] == '=')
        c->request.body_len--;
}

static void load_url(struct request_case *c)
{
    int len = snprintf(c->url, sizeof(c->url), "%s", text_of(c->document, "url"));
    assert_in_range(len, 1, sizeof(c->url) - 1);
    char *path = strchr(strstr(c->url, "://") + 3, '/');
    char *query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    c->request.path = path;
    c->request.query = query;
}

static time_t time_of(const char *text)
{
    struct tm utc = {0};
    assert_non_null(strptime(text, "%Y%m%dT%H%M%SZ", &utc));
    return timegm(&utc);
}

static void load(struct request_case *c, const json_t *document)
{
    memset(c, 0, sizeof(*c));
    c->document = document;
    load_headers(c);
    load_body(c);
    load_url(c);
    c->request.method = text_of(document, "method");
    c->request.keep_path = json_is_false(json_object_get(document, "normalize_path"));
    c->credentials = (struct sigv4_credentials){
        .access_key = text_of(document, "access_key"),
        .secret_key = text_of(document, "secret_key"),
        .session_token = text_of(document, "session_token"),
    };
    c->scope = (struct sigv4_scope){
        .when = time_of(text_of(document, "time")),
        .region = text_of(document, "region"),
        .service = text_of(document, "service"),
    };
}

static enum sigv4_status run(const struct request_case *c, struct sigv4_key_cache *cache,
                             struct sigv4_result *result)
{
    if (strcmp(text_of(c->document, "mode"), "header") == 0)
        return sigv4_sign(&c->request, &c->credentials, &c->scope, cache, result);
    int expires_s = (int)json_integer_value(json_object_get(c->document, "expires"));
    return sigv4_presign(&c->request, &c->credentials, &c->scope, expires_s, cache, result);
}

static void check_stage(const char *name, const char *stage, const char *got,
                        const json_t *expected)
{
    const char *wanted = text_of(expected, stage);

    if (wanted && (!got || strcmp(got, wanted) != 0))
        fail_msg("%s: %s\n--- expected\n%s\n--- got\n%s", name, stage, wanted,
                 got ? got : "nothing");
}

static void check_url(const char *name, const struct request_case *c, const char *query,
                      const json_t *expected)
{
    char url[2048];
    int path_end = (int)strlen(c->url);

    snprintf(url, sizeof(url), "%.*s?%s", path_end, c->url, query ? query : "");
    check_stage(name, "url", url, expected);
}

static void check_case(const json_t *row, struct sigv4_key_cache *cache)
{
    const char *name = text_of(row, "name");
    const json_t *expected = json_object_get(row, "expected");
    struct request_case c;
    struct sigv4_result result;

    load(&c, json_object_get(row, "request"));
    if (run(&c, cache, &result) != SIGV4_OK)
        fail_msg("%s: not signed", name);
    check_stage(name, "canonical_request", result.canonical_request, expected);
    check_stage(name, "string_to_sign", result.string_to_sign, expected);
    check_stage(name, "signature", result.signature, expected);
    check_stage(name, "authorization", result.authorization, expected);
    check_url(name, &c, result.query, expected);
    assert_string_equal(result.amz_date, text_of(c.document, "time"));
    sigv4_result_done(&result);
}

static json_t *load_cases(void)
{
    json_error_t error;
    json_t *cases = json_load_file(TEST_DATA "/sigv4_cases.json", 0, &error);

    if (!cases)
        fail_msg("sigv4_cases.json: %s", error.text);
    /* 30 cases of the suite in two forms, 25 botocore requests, 4 RDS tokens */
    assert_int_equal(json_array_size(cases), 89);
    return cases;
}

static void every_stage_of_every_case_agrees(void **state)
{
    json_t *cases = load_cases();
    const json_t *row;
    size_t i;

    (void)state;
    json_array_foreach(cases, i, row) check_case(row, NULL);
    json_decref(cases);
}

/* The cases change credentials, region, date and service between them. */
static void one_cache_serves_every_case(void **state)
{
    struct sigv4_key_cache cache = {0};
    json_t *cases = load_cases();
    const json_t *row;
    size_t i;

    (void)state;
    json_array_foreach(cases, i, row) check_case(row, &cache);
    sigv4_key_cache_wipe(&cache);
    json_decref(cases);
}

/* ---- single properties ---- */

static const struct sigv4_header plain_headers[] = {{"Host", "example.amazonaws.com"}};

static const struct sigv4_request plain = {
    .method = "GET", .path = "/", .headers = plain_headers, .header_count = 1};

static const struct sigv4_credentials keys = {
    .access_key = "AKIDEXAMPLE", .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};

/* 2015-08-30 12:36:00 UTC */
static const struct sigv4_scope scope = {
    .when = 1440938160, .region = "us-east-1", .service = "service"};

static void signature_of(const struct sigv4_credentials *credentials,
                         const struct sigv4_scope *where, struct sigv4_key_cache *cache,
                         char signature[65])
{
    struct sigv4_result result;

    assert_int_equal(sigv4_sign(&plain, credentials, where, cache, &result), SIGV4_OK);
    memcpy(signature, result.signature, 65);
    sigv4_result_done(&result);
}

/* A key changed behind the cache's back changes the signature: so it was taken from there. */
static void a_cached_key_is_used_again(void **state)
{
    struct sigv4_key_cache cache = {0};
    struct sigv4_scope later = scope;
    char first[65];
    char again[65];
    char fresh[65];

    (void)state;
    signature_of(&keys, &scope, &cache, first);
    signature_of(&keys, &scope, &cache, again);
    assert_string_equal(first, again);
    digest_key_free(cache.key->hmac);
    cache.key->hmac = digest_key_new("another", 7);
    signature_of(&keys, &scope, &cache, again);
    assert_string_not_equal(first, again);

    later.when += 3600; /* the same day: still the other key */
    signature_of(&keys, &later, &cache, again);
    signature_of(&keys, &later, NULL, fresh);
    assert_string_not_equal(again, fresh);
    sigv4_key_cache_wipe(&cache);
}

static void a_cached_key_is_not_used_for_another_scope(void **state)
{
    const struct {
        struct sigv4_credentials credentials;
        struct sigv4_scope scope;
    } others[] = {
        {{"AKIDEXAMPLE", "another secret", NULL}, scope},
        {keys, {scope.when + 86400, "us-east-1", "service"}},
        {keys, {scope.when, "us-east-2", "service"}},
        {keys, {scope.when, "us-east-1", "monitoring"}},
        {keys, {scope.when, "us-east-1s", "ervice"}}, /* the same letters, parted elsewhere */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct sigv4_key_cache cache = {0};
        char cached[65];
        char fresh[65];
        signature_of(&keys, &scope, &cache, cached);
        signature_of(&others[i].credentials, &others[i].scope, &cache, cached);
        signature_of(&others[i].credentials, &others[i].scope, NULL, fresh);
        assert_string_equal(cached, fresh);
        sigv4_key_cache_wipe(&cache);
    }
}

static void a_wiped_cache_is_empty_and_can_be_used_again(void **state)
{
    struct sigv4_key_cache cache = {0};
    char first[65];
    char again[65];

    (void)state;
    sigv4_key_cache_wipe(&cache);
    signature_of(&keys, &scope, &cache, first);
    assert_non_null(cache.key);
    sigv4_key_cache_wipe(&cache);
    assert_null(cache.key);
    signature_of(&keys, &scope, &cache, again);
    assert_string_equal(first, again);
    sigv4_key_cache_wipe(&cache);
}

static void only_these_headers_are_signed(void **state)
{
    static const struct sigv4_header headers[] = {
        {"Content-Type", "text/plain"},
        {"HOST", "example.amazonaws.com"},
        {"User-Agent", "agent"},
        {"Connection", "close"},
        {"Expect", "100-continue"},
        {"Transfer-Encoding", "chunked"},
        {"X-Amzn-Trace-Id", "Root=1"},
        {"authorization", "left by an earlier attempt"},
        {"X-Amz-Date", "19700101T000000Z"},
        {"X-Amz-Security-Token", "left too"},
        {"Content-Encoding", "gzip"},
    };
    const struct sigv4_credentials temporary = {keys.access_key, keys.secret_key, "a token"};
    struct sigv4_request request = plain;
    struct sigv4_result result;

    (void)state;
    request.headers = headers;
    request.header_count = sizeof(headers) / sizeof(headers[0]);
    assert_int_equal(sigv4_sign(&request, &temporary, &scope, NULL, &result), SIGV4_OK);
    assert_non_null(strstr(result.canonical_request,
                           "\ncontent-encoding:gzip\ncontent-type:text/plain\n"
                           "host:example.amazonaws.com\nx-amz-date:20150830T123600Z\n"
                           "x-amz-security-token:a token\n\n"
                           "content-encoding;content-type;host;x-amz-date;x-amz-security-token\n"));
    assert_null(result.query);
    sigv4_result_done(&result);
}

static void blanks_in_header_values_are_normalised(void **state)
{
    static const struct {
        const char *sent;
        const char *canonical;
    } values[] = {
        {"plain", "x:plain\n"},
        {"", "x:\n"},
        {" \t ", "x:\n"},
        {"  at both ends\t", "x:at both ends\n"},
        {"a  b\t\tc \t d", "x:a b c d\n"},
        {"\"in   quotes  too\"", "x:\"in quotes too\"\n"},
        {"folded\r\n  line", "x:folded line\n"},
        {"\xc2\xa0no\xe2\x80\xaf\xe3\x80\x80 break\xc2\xa0", "x:no break\n"},
        {"na\xc3\xafve \xe2\x82\xac", "x:na\xc3\xafve \xe2\x82\xac\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct sigv4_header headers[] = {plain_headers[0], {"X", values[i].sent}};
        struct sigv4_request request = plain;
        struct sigv4_result result;
        request.headers = headers;
        request.header_count = 2;
        assert_int_equal(sigv4_sign(&request, &keys, &scope, NULL, &result), SIGV4_OK);
        const char *line = strstr(result.canonical_request, "\nx:");
        assert_non_null(line);
        assert_memory_equal(line + 1, values[i].canonical, strlen(values[i].canonical));
        sigv4_result_done(&result);
    }
}

static void a_presigned_query_is_complete_and_signs_what_it_sends(void **state)
{
    struct sigv4_request request = plain;
    struct sigv4_result result;
    static const char expected[] =
        "b=2%202&a=&=x&b=%2F&X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request"
        "&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=";

    (void)state;
    request.query = "b=2+2&a&&=x&b=/&";
    assert_int_equal(sigv4_presign(&request, &keys, &scope, 60, NULL, &result), SIGV4_OK);
    assert_memory_equal(result.query, expected, strlen(expected));
    assert_string_equal(result.query + strlen(expected), result.signature);
    assert_non_null(strstr(result.canonical_request, "\n=x&X-Amz-Algorithm="));
    assert_non_null(
        strstr(result.canonical_request, "&X-Amz-SignedHeaders=host&a=&b=%2F&b=2%202\n"));
    assert_null(result.authorization);
    sigv4_result_done(&result);
}

static void what_cannot_be_signed_is_refused(void **state)
{
    const struct sigv4_credentials no_access = {"", "secret", NULL};
    const struct sigv4_credentials no_secret = {"AKIDEXAMPLE", NULL, NULL};
    struct sigv4_scope far = scope;
    struct sigv4_request no_host = plain;
    struct sigv4_result untouched = {.signature = "untouched"};

    (void)state;
    no_host.header_count = 0;
    far.when = (time_t)400000 * 365 * 86400;
    assert_int_equal(sigv4_sign(&plain, &no_access, &scope, NULL, &untouched), SIGV4_NO_CREDENTIAL);
    assert_int_equal(sigv4_sign(&plain, &no_secret, &scope, NULL, &untouched), SIGV4_NO_CREDENTIAL);
    assert_int_equal(sigv4_sign(&no_host, &keys, &scope, NULL, &untouched), SIGV4_NO_HOST);
    assert_int_equal(sigv4_sign(&plain, &keys, &far, NULL, &untouched), SIGV4_FAILED);
    assert_int_equal(sigv4_presign(&plain, &keys, &scope, 0, NULL, &untouched), SIGV4_BAD_EXPIRY);
    assert_int_equal(sigv4_presign(&plain, &keys, &scope, 604801, NULL, &untouched),
                     SIGV4_BAD_EXPIRY);
    assert_string_equal(untouched.signature, "untouched");
    assert_null(untouched.canonical_request);
}

static void a_giant_request_is_refused(void **state)
{
    size_t len = (size_t)17 << 20;
    char *path = malloc(len + 1);
    struct sigv4_request request = plain;
    struct sigv4_result result;

    (void)state;
    assert_non_null(path);
    memset(path, '/', len);
    path[len] = '\0';
    request.path = path;
    request.keep_path = true;
    assert_int_equal(sigv4_sign(&request, &keys, &scope, NULL, &result), SIGV4_FAILED);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stage_of_every_case_agrees),
        cmocka_unit_test(one_cache_serves_every_case),
        cmocka_unit_test(a_cached_key_is_used_again),
        cmocka_unit_test(a_cached_key_is_not_used_for_another_scope),
        cmocka_unit_test(a_wiped_cache_is_empty_and_can_be_used_again),
        cmocka_unit_test(only_these_headers_are_signed),
        cmocka_unit_test(blanks_in_header_values_are_normalised),
        cmocka_unit_test(a_presigned_query_is_complete_and_signs_what_it_sends),
        cmocka_unit_test(what_cannot_be_signed_is_refused),
        cmocka_unit_test(a_giant_request_is_refused),
    };

    return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
