#include "digest.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define BLOCK_LEN 64 /* what SHA-256 reads at a time */

/* Looked up once: by its name OpenSSL would do it under a lock at each use. Never freed. */
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static EVP_MD *sha256;

static void look_up(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static bool is_ready(void)
{
    return CRYPTO_THREAD_run_once(&once, look_up) == 1 && sha256;
}

bool digest_sha256(const void *bytes, size_t len, unsigned char digest[DIGEST_LEN])
{
    return is_ready() && EVP_Digest(len ? bytes : "", len, digest, NULL, sha256, NULL) == 1;
}

/*
 * HMAC is H(outer pad, H(inner pad, message)), RFC 2104; both pads are made of the key. Put
 * together here, because EVP_MAC would read the key, half of its work, again for each message: only
 * since OpenSSL 3.0.3, and not with an older FIPS module, does it begin again without.
 */
struct digest_key {
    EVP_MD_CTX *inner; /* has read its pad; only copied from then on */
    EVP_MD_CTX *outer; /* the same */
    EVP_MD_CTX *work;
};

static bool read_pad(EVP_MD_CTX *context, const unsigned char block[BLOCK_LEN], unsigned char pad)
{
    unsigned char padded[BLOCK_LEN];

    for (size_t i = 0; i < BLOCK_LEN; i++)
        padded[i] = (unsigned char)(block[i] ^ pad);
    bool ok = context && EVP_DigestInit_ex(context, sha256, NULL) == 1 &&
              EVP_DigestUpdate(context, padded, BLOCK_LEN) == 1;
    OPENSSL_cleanse(padded, sizeof(padded));
    return ok;
}

static bool read_key(struct digest_key *key, const void *bytes, size_t len)
{
    unsigned char block[BLOCK_LEN] = {0};
    bool ok = true;

    if (len > BLOCK_LEN)
        ok = digest_sha256(bytes, len, block);
    else
        memcpy(block, bytes, len);
    ok = ok && read_pad(key->inner, block, 0x36) && read_pad(key->outer, block, 0x5c);
    OPENSSL_cleanse(block, sizeof(block));
    return ok;
}

struct digest_key *digest_key_new(const void *bytes, size_t len)
{
    struct digest_key *key = is_ready() ? malloc(sizeof(*key)) : NULL;

    if (!key)
        return NULL;
    *key = (struct digest_key){EVP_MD_CTX_new(), EVP_MD_CTX_new(), EVP_MD_CTX_new()};
    if (!key->work || !read_key(key, bytes, len)) {
        digest_key_free(key);
        return NULL;
    }
    return key;
}

/* One of the two digests: what the pad began, ended with the bytes. */
static bool end_digest(EVP_MD_CTX *work, const EVP_MD_CTX *begun, const void *bytes, size_t len,
                       unsigned char digest[DIGEST_LEN])
{
    return EVP_MD_CTX_copy_ex(work, begun) == 1 && EVP_DigestUpdate(work, bytes, len) == 1 &&
           EVP_DigestFinal_ex(work, digest, NULL) == 1;
}

bool digest_hmac(struct digest_key *key, const char *message, unsigned char mac[DIGEST_LEN])
{
    return end_digest(key->work, key->inner, message, strlen(message), mac) &&
           end_digest(key->work, key->outer, mac, DIGEST_LEN, mac);
}

void digest_key_free(struct digest_key *key)
{
    if (!key)
        return;
    EVP_MD_CTX_free(key->inner);
    EVP_MD_CTX_free(key->outer);
    EVP_MD_CTX_free(key->work);
    free(key);
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
