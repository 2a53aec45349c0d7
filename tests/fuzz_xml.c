/* Any bytes as XML: what is accepted is an object that can be written down again. */
#include <stdint.h>
#include <stdlib.h>

#include "aws/common/json.h"
#include "aws/common/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {.code = ERR_NONE};
    json_t *document;

    if (xml_parse((const char *)data, size, &document, &err)) {
        if (!json_is_object(document)) {
            abort();
        }
        free(json_encode(document));
        json_decref(document);
    } else if (err.code != ERR_PARSE) {
        abort();
    }
    return 0;
}
