/* Any bytes as a log, through every rule at once, in pieces of any size. The first byte is the
 * size. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sample/log_lines.h"
#include "agent/sample/log_rules.h"
#include "aws/common/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const matches[] = {"pgbouncer",  "prisma", "node-postgres", "hikaricp",
                                      "sqlalchemy", "rails",  "npgsql",        "supavisor"};
static struct log_rules *rules[MEM_COUNT(matches)];

static void on_line(void *arg, const char *line, size_t len)
{
    char *copy = mem_alloc(len + 1); /* its own size, so that a read past the end is seen */

    (void)arg;
    memcpy(copy, line, len);
    for (size_t i = 0; i < MEM_COUNT(matches); i++) {
        struct log_finding found = log_rules_match(rules[i], copy, len, 1);

        if (found.database &&
            (found.database < copy || found.database + found.database_len > copy + len)) {
            abort();
        }
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct log_lines lines = {0};

    for (size_t i = 0; i < MEM_COUNT(matches) && !rules[i]; i++) {
        if (!log_rules_new(matches[i], &rules[i], NULL)) {
            abort();
        }
    }
    size_t step = size > 0 ? data[0] + 1u : 1;
    for (size_t at = 1; at < size; at += step) {
        log_lines_feed(&lines, (const char *)data + at, size - at < step ? size - at : step,
                       on_line, NULL);
    }
    log_lines_end(&lines, on_line, NULL);
    log_lines_done(&lines);
    return 0;
}
