/* Any rows as the answers of a console, one command after the other (the parts are divided by NUL).
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sample/bouncer.h"
#include "tests/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *all[] = {(char[]){"*"}};

static void take(struct bouncer *bouncer, int command, const PGresult *rows)
{
    bool ok = true;

    if (command == 0) {
        ok = bouncer_take_stats(bouncer, rows, NULL);
    } else if (command == 1) {
        ok = bouncer_take_pools(bouncer, rows, NULL);
    } else if (command == 2) {
        ok = bouncer_take_databases(bouncer, rows, NULL);
    }
    (void)(ok && bouncer_logs_timeouts(rows));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct config_list every = {all, 1};
    const char *at = (const char *)data, *end = at + size;
    struct bouncer bouncer;

    bouncer_init(&bouncer, &every);
    for (int command = 0; at < end; command = (command + 1) % 3) {
        size_t len = strnlen(at, (size_t)(end - at));
        PGresult *rows = rows_of(at, len);
        struct pool_gauges gauges;
        uint64_t added;

        take(&bouncer, command, rows);
        bouncer_gauges(&bouncer, &gauges);
        if (bouncer_timeouts(&bouncer, &added) != BOUNCER_EXACT && added != 0) {
            abort();
        }
        PQclear(rows);
        at += len + 1;
    }
    bouncer_done(&bouncer);
    return 0;
}
