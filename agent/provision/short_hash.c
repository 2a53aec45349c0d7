#include "agent/provision/short_hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

uint64_t short_hash_add(uint64_t hash, const char *text)
{
    for (size_t i = 0; i <= strlen(text); i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

void short_hash_print(uint64_t hash, char out[SHORT_HASH_TEXT])
{
    (void)snprintf(out, SHORT_HASH_TEXT, "%010" PRIx64,
                   (hash ^ (hash >> 40)) & UINT64_C(0xffffffffff));
}
