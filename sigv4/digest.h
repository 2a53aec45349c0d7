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

/* The digest of several strings, each with its NUL, so that ("ab", "c") is not ("a", "bc"). */
bool digest_strings(const char *const *strings, size_t count, unsigned char digest[DIGEST_LEN])
    __attribute__((warn_unused_result));

/* mac may be the key's own memory. */
bool digest_hmac(const void *key, size_t key_len, const char *message,
                 unsigned char mac[DIGEST_LEN]) __attribute__((warn_unused_result));

void digest_hex(const unsigned char digest[DIGEST_LEN], char hex[DIGEST_HEX]);
