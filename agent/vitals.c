#include "agent/vitals.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/notify.h"
#include "aws/common/mem.h"

#define TICK_MS  1000
#define EVERY_MS 5000 /* a third of what --health takes for silence */

static void write_file(struct vitals *vitals, const struct config *config,
                       const struct health *health)
{
    char *path = health_path(config);
    struct err err;

    if (path && !health_write(health, path, &err) && !vitals->told_no_file) {
        vitals->told_no_file = true;
        log_warn("--health can not tell how this agent is: %s", err.message);
    }
    free(path);
}

/* Have they changed? */
static bool tell_words(struct vitals *vitals, const struct health *health)
{
    bool changed = false;
    struct buf words;

    buf_init(&words, 1024);
    health_words(health, &words);
    if (!vitals->words || strcmp(buf_text(&words), vitals->words) != 0) {
        free(vitals->words);
        vitals->words = mem_strdup(buf_text(&words));
        notify_status(vitals->words);
        changed = true;
    }
    buf_done(&words);
    return changed;
}

static void tell_watchdog(struct vitals *vitals, int64_t now_ms)
{
    int every_ms = notify_watchdog_ms();

    if (every_ms > 0 && now_ms - vitals->alive_ms >= every_ms - TICK_MS) {
        vitals->alive_ms = now_ms;
        notify_watchdog();
    }
}

/* When we are at fault systemd hears no longer that we live. */
void vitals_tell(struct vitals *vitals, const struct config *config, const struct health *health)
{
    bool at_fault = health->fault[0] != '\0', waits = health->waiting > 0;
    bool is_news =
        tell_words(vitals, health) || at_fault != vitals->at_fault || waits != vitals->waits;

    vitals->at_fault = at_fault;
    vitals->waits = waits;
    if (is_news || health->told_ms - vitals->written_ms >= EVERY_MS - TICK_MS / 2) {
        vitals->written_ms = health->told_ms;
        write_file(vitals, config, health);
    }
    if (!at_fault) {
        tell_watchdog(vitals, health->told_ms);
    }
}

/* Who is gone is not healthy. */
void vitals_forget(struct vitals *vitals, const struct config *config)
{
    char *path = health_path(config);

    if (path) {
        (void)unlink(path);
    }
    free(path);
    free(vitals->words);
    *vitals = (struct vitals){.words = NULL};
}
