/* Whatever a DATABASE_URL is: taken and printed so that it reads the same again, or refused in one
 * line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/conninfo.h"
#include "aws/common/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *printed(const struct conninfo *info)
{
    struct buf text;

    buf_init(&text, (size_t)8 * CONNINFO_URL_MAX);
    conninfo_print(info, true, &text);
    return buf_take(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *url = mem_strndup((const char *)data, size);
    struct conninfo info, again;
    struct err err = {.code = ERR_NONE};

    if (conninfo_parse(url, &info, &err)) {
        char *first = printed(&info);

        if (strlen(first) < CONNINFO_URL_MAX) {
            if (!conninfo_parse(first, &again, &err)) {
                abort();
            }
            char *second = printed(&again);

            if (strcmp(first, second) != 0) {
                abort();
            }
            free(second);
            conninfo_done(&again);
        }
        free(conninfo_describe(&info));
        free(first);
        conninfo_done(&info);
    } else if (err.code != ERR_CONFIG || strpbrk(err.message, "\n\033") != NULL) {
        abort();
    }
    free(url);
    return 0;
}
