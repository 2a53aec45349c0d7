#include "agent/publish/trouble.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/log.h"

#define AGAIN_MS (UINT64_C(10) * 60 * 1000) /* losses are told of so often at most */

/* "45 s", "3 m", "2 h": as exactly as one wants to know it. */
static const char *duration(uint64_t ms, char out[24])
{
    static const struct {
        uint64_t from_ms, unit_ms;
        const char *unit;
    } units[] = {{172800000, 86400000, "d"}, {7200000, 3600000, "h"}, {120000, 60000, "m"}};

    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (ms >= units[i].from_ms) {
            snprintf(out, 24, "%" PRIu64 " %s", ms / units[i].unit_ms, units[i].unit);
            return out;
        }
    }
    snprintf(out, 24, "%" PRIu64 " s", ms / 1000);
    return out;
}

/* Passes by itself: nobody has to do anything. */
static bool passes(enum err_code code)
{
    return code == ERR_NET || code == ERR_TIMEOUT || code == ERR_THROTTLED;
}

/* A network that is down shows itself in many ways, which take turns. */
static bool is_same(const struct trouble *trouble, enum err_code code, const char *service_code)
{
    if (passes(trouble->code) && passes(code)) {
        return (trouble->code == ERR_THROTTLED) == (code == ERR_THROTTLED);
    }
    return trouble->code == code && strcmp(trouble->service_code, service_code) == 0;
}

void trouble_failed(struct trouble *trouble, uint64_t now_ms, const struct err *err,
                    const char *service_code, size_t kept)
{
    bool begins = trouble->code == ERR_NONE;

    if (is_same(trouble, err->code, service_code)) {
        return;
    }
    trouble->code = err->code;
    snprintf(trouble->service_code, sizeof(trouble->service_code), "%s", service_code);
    snprintf(trouble->reason, sizeof(trouble->reason), "%.255s", err->message);
    if (begins) {
        trouble->since_ms = now_ms;
    }
    log_at(passes(err->code) ? LOG_WARN : LOG_ERROR,
           "%s to CloudWatch%s: %s; keeping %zu datums, trying again",
           begins ? "cannot publish" : "still cannot publish", trouble->where, err->message, kept);
}

void trouble_over(struct trouble *trouble, uint64_t now_ms, size_t sent, size_t left)
{
    char after[24];

    if (trouble->code == ERR_NONE) {
        return;
    }
    duration(now_ms - trouble->since_ms, after);
    if (left > 0) {
        log_info("publishing again after %s: %zu datums sent, %zu more wait", after, sent, left);
    } else {
        log_info("publishing again after %s: %zu datums sent", after, sent);
    }
    trouble->code = ERR_NONE;
    trouble->service_code[0] = '\0';
    trouble->reason[0] = '\0';
}

/* A datum begins with its metric's name. */
static int metric_of(const char *members, const char **name)
{
    static const char before[] = "\"MetricName\":\"";

    *name = strncmp(members, before, strlen(before)) == 0 ? members + strlen(before) : members;
    return (int)strcspn(*name, "\"");
}

void trouble_refused(struct trouble *trouble, uint64_t now_ms, const char *members,
                     const struct err *err)
{
    const char *name;
    int len = metric_of(members, &name);

    log_debug("refused: {%s}", members);
    trouble->refused++;
    if (trouble->refused_told_ms != 0 && now_ms - trouble->refused_told_ms < AGAIN_MS) {
        return;
    }
    log_error("CloudWatch refused a datum of %.*s, which is dropped%s: %s", len, name,
              trouble->refused > 1 ? ", as others were since the last such line" : "",
              err->message);
    trouble->refused = 0;
    trouble->refused_told_ms = now_ms > 0 ? now_ms : 1;
}

void trouble_lost(struct trouble *trouble, uint64_t now_ms, uint64_t lost)
{
    if (lost == trouble->lost_told ||
        (trouble->lost_told_ms != 0 && now_ms - trouble->lost_told_ms < AGAIN_MS)) {
        return;
    }
    log_error("%" PRIu64 " datums are lost: the oldest, for want of room (spool_limit) or because "
              "CloudWatch takes nothing older than two weeks, or damaged on disk",
              lost - trouble->lost_told);
    trouble->lost_told = lost;
    trouble->lost_told_ms = now_ms > 0 ? now_ms : 1;
}
