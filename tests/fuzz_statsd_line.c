/* Any bytes as a StatsD line: what is accepted points into the line and is a finite number. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sample/statsd_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* An exact copy, so that a read past the line's end is seen. */
    char *line = malloc(size ? size : 1);
    struct statsd_line parsed;

    if (!line) {
        return 0;
    }
    memcpy(line, data, size);
    if (statsd_line_parse(line, size, &parsed) == STATSD_OK) {
        if (parsed.pool < line || parsed.pool + parsed.pool_len > line + size ||
            parsed.field + parsed.field_len > line + size || !isfinite(parsed.value)) {
            abort();
        }
    }
    free(line);
    return 0;
}
