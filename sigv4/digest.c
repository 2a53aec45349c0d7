#include "digest.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

/* Looked up once: by their names OpenSSL would do it under a lock at each use. Never freed. */
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static EVP_MD *sha256;
static EVP_MAC_CTX *hmac; /* without a key: what each use is a copy of */

static void look_up(void)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);

    sha256 = EVP_MD_fetch(NULL, digest, NULL);
    hmac = mac ? EVP_MAC_CTX_new(mac) : NULL;
    if (hmac && EVP_MAC_CTX_set_params(hmac, params) != 1) {
        EVP_MAC_CTX_free(hmac);
        hmac = NULL;
    }
    EVP_MAC_free(mac);
}

static bool is_ready(void)
{
    return CRYPTO_THREAD_run_once(&once, look_up) == 1 && sha256 && hmac;
}

bool digest_sha256(const void *bytes, size_t len, unsigned char digest[DIGEST_LEN])
{
    return is_ready() && EVP_Digest(len ? bytes : "", len, digest, NULL, sha256, NULL) == 1;
}

bool digest_strings(const char *const *strings, size_t count, unsigned char digest[DIGEST_LEN])
{
    EVP_MD_CTX *context = is_ready() ? EVP_MD_CTX_new() : NULL;
    bool ok = context && EVP_DigestInit_ex(context, sha256, NULL) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(context, strings[i], strlen(strings[i]) + 1) == 1;
    ok = ok && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

bool digest_hmac(const void *key, size_t key_len, const char *message,
                 unsigned char mac[DIGEST_LEN])
{
    EVP_MAC_CTX *context = is_ready() ? EVP_MAC_CTX_dup(hmac) : NULL;
    size_t len = 0;
    bool ok = context && EVP_MAC_init(context, key, key_len, NULL) == 1 &&
              EVP_MAC_update(context, (const unsigned char *)message, strlen(message)) == 1 &&
              EVP_MAC_final(context, mac, &len, DIGEST_LEN) == 1 && len == DIGEST_LEN;

    EVP_MAC_CTX_free(context);
    return ok;
}

void digest_hex(const unsigned char digest[DIGEST_LEN], char hex[DIGEST_HEX])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST_LEN; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[DIGEST_HEX - 1] = '\0';
}
