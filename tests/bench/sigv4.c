/*
 * Signing a request with a body of 2 KB, the key derived already, beside what OpenSSL alone needs
 * for it: two SHA-256 (the body, the canonical request) and one HMAC. In turn, many times.
 *
 *     bench_sigv4 [ROUNDS]
 */
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "sigv4/sigv4.h"
#include "tests/bench/measure.h"

#define BODY_BYTES 2048
#define BATCH      500

static char body[BODY_BYTES];

static const struct sigv4_header headers[] = {
    {"Host", "monitoring.eu-west-1.amazonaws.com"},
    {"Content-Type", "application/x-amz-json-1.0"},
    {"X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData"},
};
static const struct sigv4_credentials credentials = {
    "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL};
static const struct sigv4_scope scope = {1764068400, "eu-west-1", "monitoring"};

static void sign(struct sigv4_key_cache *cache, struct sigv4_result *result)
{
    const struct sigv4_request request = {.method = "POST",
                                          .path = "/",
                                          .headers = headers,
                                          .header_count = sizeof(headers) / sizeof(headers[0]),
                                          .body = body,
                                          .body_len = sizeof(body)};

    if (sigv4_sign(&request, &credentials, &scope, cache, result) != SIGV4_OK) {
        exit(1);
    }
}

static double measure_ours(struct sigv4_key_cache *cache)
{
    double before = measure_cpu_us();

    for (int i = 0; i < BATCH; i++) {
        struct sigv4_result result;

        sign(cache, &result);
        sigv4_result_done(&result);
    }
    return (measure_cpu_us() - before) / BATCH;
}

struct floor {
    EVP_MD *digest;
    EVP_MD_CTX *hash;
    EVP_MAC_CTX *mac;
    size_t canonical_len, to_sign_len; /* of what is signed */
};

static void hash(const struct floor *floor, size_t len)
{
    unsigned char out[EVP_MAX_MD_SIZE];

    if (EVP_DigestInit_ex2(floor->hash, floor->digest, NULL) != 1 ||
        EVP_DigestUpdate(floor->hash, body, len) != 1 ||
        EVP_DigestFinal_ex(floor->hash, out, NULL) != 1) {
        exit(1);
    }
}

static void authenticate(const struct floor *floor)
{
    static const unsigned char key[32] = "thirty-two bytes of derived key";
    unsigned char out[EVP_MAX_MD_SIZE];
    size_t out_len;

    if (EVP_MAC_init(floor->mac, key, sizeof(key), NULL) != 1 ||
        EVP_MAC_update(floor->mac, (const unsigned char *)body, floor->to_sign_len) != 1 ||
        EVP_MAC_final(floor->mac, out, &out_len, sizeof(out)) != 1) {
        exit(1);
    }
}

static double measure_floor(const struct floor *floor)
{
    double before = measure_cpu_us();

    for (int i = 0; i < BATCH; i++) {
        hash(floor, sizeof(body));
        hash(floor, floor->canonical_len);
        authenticate(floor);
    }
    return (measure_cpu_us() - before) / BATCH;
}

static void prepare(struct floor *floor, struct sigv4_key_cache *cache)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                 OSSL_PARAM_construct_end()};
    struct sigv4_result result;

    floor->digest = EVP_MD_fetch(NULL, "SHA256", NULL);
    floor->hash = EVP_MD_CTX_new();
    floor->mac = EVP_MAC_CTX_new(mac);
    if (!floor->digest || !floor->hash || !floor->mac ||
        EVP_MAC_CTX_set_params(floor->mac, params) != 1) {
        exit(1);
    }
    sign(cache, &result);
    floor->canonical_len = strlen(result.canonical_request);
    floor->to_sign_len = strlen(result.string_to_sign);
    sigv4_result_done(&result);
    EVP_MAC_free(mac);
}

int main(int argc, char **argv)
{
    size_t rounds = measure_rounds(argc, argv, 101);
    double ours[MEASURE_ROUNDS_MAX], floors[MEASURE_ROUNDS_MAX];
    struct sigv4_key_cache cache = {0};
    struct floor floor;

    memset(body, 'x', sizeof(body));
    prepare(&floor, &cache);
    for (size_t i = 0; i < rounds; i++) {
        floors[i] = measure_floor(&floor);
        ours[i] = measure_ours(&cache);
    }
    measure_print("ours_us", measure_median(ours, rounds));
    measure_print("floor_us", measure_median(floors, rounds));
    sigv4_key_cache_wipe(&cache);
    EVP_MAC_CTX_free(floor.mac);
    EVP_MD_CTX_free(floor.hash);
    EVP_MD_free(floor.digest);
    return 0;
}
