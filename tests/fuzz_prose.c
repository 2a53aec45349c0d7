/* Any bytes as a statement and as a name: what comes out is one line that a terminal only shows. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/prose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct buf *out, size_t characters)
{
    for (const char *c = buf_text(out); *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            abort();
        }
    }
    if (!buf_ok(out) || prose_length(buf_text(out)) > characters + 3) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct buf out;

    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    buf_init(&out, 4096);
    prose_statement(text, 100, &out);
    check(&out, 100);
    buf_clear(&out);
    prose_plain(text, 100, &out);
    check(&out, 100);
    buf_done(&out);
    free(text);
    return 0;
}
