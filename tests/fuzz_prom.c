/* Any bytes as pages of metrics (divided by NUL): what is added is never negative, selectors never
 * crash. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sample/prom_page.h"
#include "aws/common/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_pages(const char *const *selectors, const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    struct prom_page page;
    double now_s = 1000;

    prom_page_init(&page, selectors, now_s);
    while (at < end) {
        size_t len = strnlen(at, (size_t)(end - at));
        char *text = mem_alloc(len + 1); /* its own size, so that a read past the end is seen */
        struct prom_found found;

        memcpy(text, at, len);
        prom_page_read(&page, text, len, now_s++, &found);
        if (!(found.timeouts >= 0)) {
            abort();
        }
        free(text);
        at += len + 1;
    }
    prom_page_done(&page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const known[PROM_FIELD_COUNT];
    const char *own[PROM_FIELD_COUNT] = {[PROM_TIMEOUTS] = "a", [PROM_WAITING] = "b{c=\"d\"}"};
    char *text = mem_strndup((const char *)data, size);
    struct prom_sample selector;

    (void)prom_selector_parse(text, &selector);
    read_pages(known, data, size);
    read_pages(own, data, size);
    free(text);
    return 0;
}
