/*
 * Short hashes that tell texts of one account from one another: FNV-1a, because nobody has to be
 * kept from finding another text of the same hash. Pure.
 */
#pragma once

#include <stdint.h>

#define SHORT_HASH_BEGIN UINT64_C(0xcbf29ce484222325)
#define SHORT_HASH_TEXT  11 /* ten digits and a NUL */

/* The text with its NUL, so that ("ab", "c") is not ("a", "bc"). */
uint64_t short_hash_add(uint64_t hash, const char *text);
void short_hash_print(uint64_t hash, char out[SHORT_HASH_TEXT]);
