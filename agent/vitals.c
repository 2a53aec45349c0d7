#include "agent/vitals.h"

#include <stdlib.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/notify.h"

#define TICK_MS  1000
#define EVERY_MS 10000 /* a third of what --health takes for silence */

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

static void tell_words(const struct health *health)
{
    struct buf words;

    buf_init(&words, 1024);
    health_words(health, &words);
    notify_status(buf_text(&words));
    buf_done(&words);
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
    bool new_words = vitals->written_ms == 0 || !health_same_words(health, &vitals->told);
    bool is_news = new_words || health->published_ms != vitals->told.published_ms ||
                   (health->waiting > 0) != (vitals->told.waiting > 0);

    vitals->told = *health;
    if (new_words) {
        tell_words(health);
    }
    if (is_news || health->told_ms - vitals->written_ms >= EVERY_MS - TICK_MS / 2) {
        vitals->written_ms = health->told_ms;
        write_file(vitals, config, health);
    }
    if (health->fault[0] == '\0') {
        tell_watchdog(vitals, health->told_ms);
    }
}

/* The words count as news at the next tick. */
void vitals_repeat(struct vitals *vitals)
{
    vitals->written_ms = 0;
}

/* Who is gone is not healthy. */
void vitals_forget(struct vitals *vitals, const struct config *config)
{
    char *path = health_path(config);

    if (path) {
        (void)unlink(path);
    }
    free(path);
    *vitals = (struct vitals){.written_ms = 0};
}
