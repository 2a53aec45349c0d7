#include "sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "canonical.h"
#include "digest.h"
#include "key.h"
#include "text.h"
#include "uri.h"

#define ALGORITHM     "AWS4-HMAC-SHA256"
#define TERMINATOR    "aws4_request"
#define MAX_EXPIRES_S 604800

/* One request on its way through the stages; each stage reads what those before it wrote. */
struct signing {
    const struct sigv4_request *request;
    const struct sigv4_credentials *credentials;
    const struct sigv4_scope *scope;
    char amz_date[17];
    char payload_hash[DIGEST_HEX];
    char signature[DIGEST_HEX];
    struct canonical_headers headers;
    struct text signed_headers;
    struct text query; /* from sigv4_presign() */
    struct text canonical_request;
    struct text string_to_sign;
    struct text authorization;
};

static bool is_empty(const char *string)
{
    return !string || *string == '\0';
}

static const struct sigv4_header *find_header(const struct sigv4_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return &request->headers[i];
    return NULL;
}

static enum sigv4_status check(const struct signing *s)
{
    if (is_empty(s->credentials->access_key) || is_empty(s->credentials->secret_key))
        return SIGV4_NO_CREDENTIAL;
    if (!find_header(s->request, "host"))
        return SIGV4_NO_HOST;
    return SIGV4_OK;
}

/* The date sent and the scope's date come from one reading of the clock. */
static bool write_date(struct signing *s)
{
    struct tm utc;

    return gmtime_r(&s->scope->when, &utc) &&
           strftime(s->amz_date, sizeof(s->amz_date), "%Y%m%dT%H%M%SZ", &utc) == 16;
}

static bool start(struct signing *s)
{
    s->headers.list = calloc(s->request->header_count + 2, sizeof(*s->headers.list));
    return s->headers.list && write_date(s);
}

static void add_scope(struct text *out, const struct signing *s)
{
    text_add(out, s->amz_date, strlen("YYYYMMDD"));
    text_join(out, "/", s->scope->region, "/", s->scope->service, "/" TERMINATOR, NULL);
}

static void add_given_header(struct signing *s, const struct sigv4_header *header)
{
    if (canonical_is_signed(header->name))
        canonical_add_header(&s->headers, header->name, header->value);
}

/* Those given and ours, which replace what an earlier attempt may have left of them. */
static void collect_headers_to_send(struct signing *s)
{
    bool has_token = !is_empty(s->credentials->session_token);

    for (size_t i = 0; i < s->request->header_count; i++) {
        const struct sigv4_header *header = &s->request->headers[i];
        if (strcasecmp(header->name, "x-amz-date") == 0 ||
            (has_token && strcasecmp(header->name, "x-amz-security-token") == 0))
            continue;
        add_given_header(s, header);
    }
    canonical_add_header(&s->headers, "x-amz-date", s->amz_date);
    if (has_token)
        canonical_add_header(&s->headers, "x-amz-security-token", s->credentials->session_token);
    canonical_signed_headers(&s->signed_headers, &s->headers);
}

static void collect_headers_given(struct signing *s)
{
    for (size_t i = 0; i < s->request->header_count; i++)
        add_given_header(s, &s->request->headers[i]);
    canonical_signed_headers(&s->signed_headers, &s->headers);
}

static void add_parameter(struct signing *s, const char *name, const char *value)
{
    text_join(&s->query, s->query.len ? "&" : "", name, "=", NULL);
    uri_encode(&s->query, value, strlen(value), URI_KEEP_NONE);
}

/* The given query spelled anew: it will travel as written here. Empty pairs are dropped. */
static void add_given_query(struct signing *s)
{
    const char *rest = s->request->query;
    struct uri_pair pair;

    while (uri_next_pair(&rest, &pair)) {
        if (pair.name_len == 0 && pair.value == pair.name)
            continue;
        text_puts(&s->query, s->query.len ? "&" : "");
        uri_encode_again(&s->query, pair.name, pair.name_len);
        text_puts(&s->query, "=");
        uri_encode_again(&s->query, pair.value, pair.value_len);
    }
}

static void write_presigned_query(struct signing *s, int expires_s)
{
    struct text credential = {0};
    char expires[16];

    text_join(&credential, s->credentials->access_key, "/", NULL);
    add_scope(&credential, s);
    (void)snprintf(expires, sizeof(expires), "%d", expires_s);
    add_given_query(s);
    add_parameter(s, "X-Amz-Algorithm", ALGORITHM);
    add_parameter(s, "X-Amz-Credential", text_string(&credential));
    add_parameter(s, "X-Amz-Date", s->amz_date);
    add_parameter(s, "X-Amz-Expires", expires);
    add_parameter(s, "X-Amz-SignedHeaders", text_string(&s->signed_headers));
    if (!is_empty(s->credentials->session_token))
        add_parameter(s, "X-Amz-Security-Token", s->credentials->session_token);
    s->query.failed |= credential.failed;
    text_done(&credential);
}

/* The body's digest; a caller who states it in a header is believed, as the server believes him. */
static const char *provide_payload_hash(struct signing *s)
{
    const struct sigv4_header *stated = find_header(s->request, "x-amz-content-sha256");
    unsigned char digest[DIGEST_LEN];

    if (stated)
        return stated->value;
    if (!digest_sha256(s->request->body, s->request->body_len, digest))
        return NULL;
    digest_hex(digest, s->payload_hash);
    return s->payload_hash;
}

/* Stage one. */
static bool write_canonical_request(struct signing *s, const char *query)
{
    struct canonical_request request = {
        .method = s->request->method,
        .path = s->request->path,
        .keep_segments = s->request->keep_path,
        .query = query ? query : "",
        .headers = s->headers,
        .signed_headers = text_string(&s->signed_headers),
        .payload_hash = provide_payload_hash(s),
    };

    if (!request.payload_hash)
        return false;
    canonical_write(&s->canonical_request, &request);
    return true;
}

/* Stage two. */
static bool write_string_to_sign(struct signing *s)
{
    unsigned char digest[DIGEST_LEN];
    char hex[DIGEST_HEX];

    if (!digest_sha256(text_string(&s->canonical_request), s->canonical_request.len, digest))
        return false;
    digest_hex(digest, hex);
    text_join(&s->string_to_sign, ALGORITHM "\n", s->amz_date, "\n", NULL);
    add_scope(&s->string_to_sign, s);
    text_join(&s->string_to_sign, "\n", hex, NULL);
    return true;
}

/* mac may be the key's own memory. */
static bool hmac_once(const void *key_bytes, size_t len, const char *message,
                      unsigned char mac[DIGEST_LEN])
{
    struct digest_key *key = digest_key_new(key_bytes, len);
    bool ok = key && digest_hmac(key, message, mac);

    digest_key_free(key);
    return ok;
}

/* NULL on failure. */
static struct digest_key *derive_key(const char *const strings[4])
{
    struct text secret = {0};
    unsigned char key[DIGEST_LEN];

    text_join(&secret, "AWS4", strings[0], NULL);
    bool ok = !secret.failed && hmac_once(secret.bytes, secret.len, strings[1], key) &&
              hmac_once(key, DIGEST_LEN, strings[2], key) &&
              hmac_once(key, DIGEST_LEN, strings[3], key) &&
              hmac_once(key, DIGEST_LEN, TERMINATOR, key);
    struct digest_key *derived = ok ? digest_key_new(key, DIGEST_LEN) : NULL;
    text_done(&secret);
    OPENSSL_cleanse(key, sizeof(key));
    return derived;
}

/*
 * Whether these are what the key was derived from; in constant time, for one of them is the secret.
 * They are kept and compared as they are: to digest them costs as much as to sign with the key.
 */
static bool is_derived_from(const struct text *known, const char *const strings[4])
{
    size_t at = 0;

    for (size_t i = 0; i < 4; i++) {
        size_t len = strlen(strings[i]) + 1;
        if (len > known->len - at || CRYPTO_memcmp(known->bytes + at, strings[i], len) != 0)
            return false;
        at += len;
    }
    return true;
}

static void key_free(struct sigv4_key *key)
{
    if (!key)
        return;
    digest_key_free(key->hmac);
    text_done(&key->derived_from);
    free(key);
}

/* NULL on failure. */
static struct sigv4_key *key_new(const char *const strings[4])
{
    struct sigv4_key *key = calloc(1, sizeof(*key));

    if (!key)
        return NULL;
    for (size_t i = 0; i < 4; i++)
        text_add(&key->derived_from, strings[i], strlen(strings[i]) + 1);
    key->hmac = key->derived_from.failed ? NULL : derive_key(strings);
    if (!key->hmac) {
        key_free(key);
        return NULL;
    }
    return key;
}

/* Fills the cache with the key of this request, unless it already holds that key. */
static bool provide_key(const struct signing *s, struct sigv4_key_cache *cache)
{
    char date[9] = "";
    memcpy(date, s->amz_date, 8);
    const char *const strings[4] = {s->credentials->secret_key, date, s->scope->region,
                                    s->scope->service};

    if (cache->key && is_derived_from(&cache->key->derived_from, strings))
        return true;
    sigv4_key_cache_wipe(cache);
    cache->key = key_new(strings);
    return cache->key;
}

/* Stage three. */
static bool write_signature(struct signing *s, struct sigv4_key_cache *cache)
{
    struct sigv4_key_cache none = {0};
    unsigned char mac[DIGEST_LEN];

    if (!cache)
        cache = &none;
    bool ok = provide_key(s, cache) &&
              digest_hmac(cache->key->hmac, text_string(&s->string_to_sign), mac);
    sigv4_key_cache_wipe(&none);
    if (ok)
        digest_hex(mac, s->signature);
    return ok;
}

static bool run_stages(struct signing *s, const char *query, struct sigv4_key_cache *cache)
{
    return write_canonical_request(s, query) && write_string_to_sign(s) &&
           write_signature(s, cache);
}

static void write_authorization(struct signing *s)
{
    text_join(&s->authorization, ALGORITHM " Credential=", s->credentials->access_key, "/", NULL);
    add_scope(&s->authorization, s);
    text_join(&s->authorization, ", SignedHeaders=", text_string(&s->signed_headers),
              ", Signature=", s->signature, NULL);
}

static bool any_text_failed(const struct signing *s)
{
    return s->signed_headers.failed || s->query.failed || s->canonical_request.failed ||
           s->string_to_sign.failed || s->authorization.failed;
}

/* None of the text_take() can fail: these texts are filled and none has failed. */
static void hand_over(struct signing *s, struct sigv4_result *result)
{
    bool in_headers = s->authorization.len > 0;

    *result = (struct sigv4_result){
        .canonical_request = text_take(&s->canonical_request),
        .string_to_sign = text_take(&s->string_to_sign),
        .authorization = in_headers ? text_take(&s->authorization) : NULL,
        .query = in_headers ? NULL : text_take(&s->query),
    };
    memcpy(result->amz_date, s->amz_date, sizeof(result->amz_date));
    memcpy(result->signature, s->signature, sizeof(result->signature));
}

static enum sigv4_status finish(struct signing *s, bool ok, struct sigv4_result *result)
{
    ok = ok && !any_text_failed(s);
    if (ok)
        hand_over(s, result);
    text_done(&s->signed_headers);
    text_done(&s->query);
    text_done(&s->canonical_request);
    text_done(&s->string_to_sign);
    text_done(&s->authorization);
    free(s->headers.list);
    OPENSSL_cleanse(s, sizeof(*s));
    return ok ? SIGV4_OK : SIGV4_FAILED;
}

enum sigv4_status sigv4_sign(const struct sigv4_request *request,
                             const struct sigv4_credentials *credentials,
                             const struct sigv4_scope *scope, struct sigv4_key_cache *cache,
                             struct sigv4_result *result)
{
    struct signing s = {.request = request, .credentials = credentials, .scope = scope};

    enum sigv4_status status = check(&s);
    if (status != SIGV4_OK)
        return status;
    bool ok = start(&s);
    if (ok) {
        collect_headers_to_send(&s);
        ok = run_stages(&s, request->query, cache);
        write_authorization(&s);
    }
    return finish(&s, ok, result);
}

enum sigv4_status sigv4_presign(const struct sigv4_request *request,
                                const struct sigv4_credentials *credentials,
                                const struct sigv4_scope *scope, int expires_s,
                                struct sigv4_key_cache *cache, struct sigv4_result *result)
{
    struct signing s = {.request = request, .credentials = credentials, .scope = scope};

    enum sigv4_status status = check(&s);
    if (status != SIGV4_OK)
        return status;
    if (expires_s < 1 || expires_s > MAX_EXPIRES_S)
        return SIGV4_BAD_EXPIRY;
    bool ok = start(&s);
    if (ok) {
        collect_headers_given(&s);
        write_presigned_query(&s, expires_s);
        ok = run_stages(&s, text_string(&s.query), cache);
        text_join(&s.query, "&X-Amz-Signature=", s.signature, NULL);
    }
    return finish(&s, ok, result);
}

const char *sigv4_status_text(enum sigv4_status status)
{
    switch (status) {
    case SIGV4_OK:
        return "signed";
    case SIGV4_NO_HOST:
        return "the request has no Host header";
    case SIGV4_NO_CREDENTIAL:
        return "the access key or the secret key is empty";
    case SIGV4_BAD_EXPIRY:
        return "a presigned URL is valid for 1 to 604800 seconds";
    case SIGV4_FAILED:
        break;
    }
    return "signing failed: out of memory, a request over 16 MB, or no SHA-256 in OpenSSL";
}

void sigv4_result_done(struct sigv4_result *result)
{
    text_free(result->canonical_request);
    text_free(result->string_to_sign);
    text_free(result->authorization);
    text_free(result->query);
    OPENSSL_cleanse(result, sizeof(*result));
}

void sigv4_key_cache_wipe(struct sigv4_key_cache *cache)
{
    key_free(cache->key);
    cache->key = NULL;
}
