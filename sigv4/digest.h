/*
 * SHA-256 and HMAC-SHA256 through OpenSSL 3, and lower-case hex.
 *
 * false only when OpenSSL refuses (no memory, or a provider without SHA-256).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_LEN 32
#define DIGEST_HEX 65 /* with the NUL */

bool digest_sha256(const void *bytes, size_t len, unsigned char digest[DIGEST_LEN])
    __attribute__((warn_unused_result));

/*
 * A key of HMAC-SHA256 that many messages are authenticated with: the two blocks of SHA-256 that it
 * costs are done once. By one thread at a time.
 */
struct digest_key;

/* NULL where the others return false. */
struct digest_key *digest_key_new(const void *bytes, size_t len);

bool digest_hmac(struct digest_key *key, const char *message, unsigned char mac[DIGEST_LEN])
    __attribute__((warn_unused_result));

/* Wipes the key, too; NULL is fine. */
void digest_key_free(struct digest_key *key);

void digest_hex(const unsigned char digest[DIGEST_LEN], char hex[DIGEST_HEX]);
