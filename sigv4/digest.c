#include "digest.h"

#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

bool digest_sha256(const void *bytes, size_t len, unsigned char digest[DIGEST_LEN])
{
    return EVP_Digest(len ? bytes : "", len, digest, NULL, EVP_sha256(), NULL) == 1;
}

bool digest_strings(const char *const *strings, size_t count, unsigned char digest[DIGEST_LEN])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(context, strings[i], strlen(strings[i]) + 1) == 1;
    ok = ok && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

bool digest_hmac(const void *key, size_t key_len, const char *message,
                 unsigned char mac[DIGEST_LEN])
{
    unsigned char own[EVP_MAX_MD_SIZE];
    unsigned int own_len = 0;
    bool ok =
        key_len <= INT_MAX && HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)message,
                                   strlen(message), own, &own_len) != NULL;
    if (ok)
        memcpy(mac, own, DIGEST_LEN);
    OPENSSL_cleanse(own, sizeof(own));
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
