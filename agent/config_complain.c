#include "agent/config_complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/err.h"
#include "aws/common/mem.h"

void complain(struct complaints *complaints, const char *place, const char *format, ...)
{
    char message[ERR_MESSAGE_MAX];
    const char *colon = strrchr(place, ':');
    va_list args;

    if (complaints->count++ >= COMPLAINTS_MAX) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    complaints->items[complaints->count - 1] =
        (struct complaint){.line = colon != NULL ? strtol(colon + 1, NULL, 10) : 0,
                           .text = mem_printf("%s: %s\n", place, message)};
}

/* The next in order: the smallest line that is not told yet, those without one last. */
static struct complaint *next_of(struct complaint *items, size_t count)
{
    struct complaint *next = NULL;

    for (size_t i = 0; i < count; i++) {
        struct complaint *item = &items[i];

        if (item->text != NULL &&
            (next == NULL || (item->line > 0 && (next->line == 0 || item->line < next->line)))) {
            next = item;
        }
    }
    return next;
}

void complaints_tell(struct complaints *complaints, struct buf *out)
{
    size_t kept = complaints->count < COMPLAINTS_MAX ? complaints->count : COMPLAINTS_MAX;

    for (struct complaint *item; (item = next_of(complaints->items, kept)) != NULL;) {
        buf_puts(out, item->text);
        free(item->text);
        item->text = NULL;
    }
    if (complaints->count > kept) {
        buf_printf(out, "configuration: and %zu more mistakes\n", complaints->count - kept);
    }
}
