/*
 * AWS Signature Version 4: signs a request's headers, or presigns a URL.
 *
 * Bytes in, bytes out: no clock, no environment, no I/O. A caller fills a struct sigv4_request and
 * a struct sigv4_scope, calls sigv4_sign() or sigv4_presign(), sends exactly what was signed, and
 * frees the result with sigv4_result_done(). The three stages stand in the result, so that a test
 * (or a person with a SignatureDoesNotMatch answer at hand) can compare each of them.
 *
 * Specification: "Signature Version 4 signing process", AWS General Reference; where it is silent,
 * botocore's auth.py is the judge.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct sigv4_header {
    const char *name;  /* any case */
    const char *value; /* as sent; blanks are normalised while signing */
};

/* What will travel. Everything is borrowed until the call returns. */
struct sigv4_request {
    const char *method;
    const char *path; /* as it will be sent, without the query; "" means "/" */
    /*
     * As it will be sent, without "?"; NULL or "" when there is none. sigv4_sign() takes the
     * encoding as it stands (encode names and values with uri_encode()) and encodes but what cannot
     * travel, blanks and UTF-8; sigv4_presign() reads it like a form ("+" is a blank) and writes it
     * anew.
     */
    const char *query;
    /* Host among them; X-Amz-Date and the token are added here */
    const struct sigv4_header *headers;
    size_t header_count;
    const void *body;
    size_t body_len;
    bool keep_path; /* no dot segments removed, no "//" collapsed; it is encoded all the same */
};

struct sigv4_credentials {
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* NULL with long-lived keys */
};

struct sigv4_scope {
    time_t when; /* UTC; the one clock reading for X-Amz-Date and the scope's date */
    const char *region;
    const char *service; /* the signing name: "monitoring" for CloudWatch */
};

/*
 * The derived key of the last (secret, date, region, service), so that a day's requests derive it
 * once. Zero-initialise; give the same cache to each call of one client; sigv4_key_cache_wipe()
 * when done, and no copies: it owns what it points to. NULL where a cache does not pay.
 */
struct sigv4_key_cache {
    struct sigv4_key *key; /* NULL: the cache is empty */
};

/* Owned strings; sigv4_result_done() frees them. */
struct sigv4_result {
    char amz_date[17]; /* YYYYMMDDTHHMMSSZ, to be sent as X-Amz-Date */
    char *canonical_request;
    char *string_to_sign;
    char signature[65];
    char *authorization; /* value of the Authorization header; NULL from sigv4_presign() */
    char *query; /* from sigv4_presign(): the complete query, the signature last; else NULL */
};

enum sigv4_status {
    SIGV4_OK,
    SIGV4_NO_HOST,       /* no Host header among those given */
    SIGV4_NO_CREDENTIAL, /* access or secret key missing or empty */
    SIGV4_BAD_EXPIRY,    /* expires_s outside 1..604800 */
    SIGV4_FAILED         /* out of memory, or the digest library refused */
};

/* A sentence for a status, without a full stop; never NULL. */
const char *sigv4_status_text(enum sigv4_status status);

/*
 * Signs the request. Signed are: all headers given, but those that proxies and clients may change
 * (connection, user-agent, ...), X-Amz-Date, and X-Amz-Security-Token where there is one.
 * On failure the result is untouched and needs no sigv4_result_done().
 */
enum sigv4_status sigv4_sign(const struct sigv4_request *request,
                             const struct sigv4_credentials *credentials,
                             const struct sigv4_scope *scope, struct sigv4_key_cache *cache,
                             struct sigv4_result *result) __attribute__((warn_unused_result));

/* The same as query parameters, valid for expires_s seconds (1..604800) from scope->when on. */
enum sigv4_status sigv4_presign(const struct sigv4_request *request,
                                const struct sigv4_credentials *credentials,
                                const struct sigv4_scope *scope, int expires_s,
                                struct sigv4_key_cache *cache, struct sigv4_result *result)
    __attribute__((warn_unused_result));

void sigv4_result_done(struct sigv4_result *result);

/* Leaves an empty cache, to be used again or not; wiping an empty one is fine. */
void sigv4_key_cache_wipe(struct sigv4_key_cache *cache);
