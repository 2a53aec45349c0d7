/* Any bytes as a credentials document: what is accepted could go into a header. */
#include <stdint.h>
#include <stdlib.h>

#include "aws/credentials/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct credentials credentials = {0};
    struct err err = {.code = ERR_NONE};

    if (document_read((const char *)data, size, &credentials, &err)) {
        if (!credentials_check(&credentials, &err)) {
            abort();
        }
    } else if (err.code == ERR_NONE || credentials.access_key) {
        abort();
    }
    credentials_done(&credentials);
    return 0;
}
