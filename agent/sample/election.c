#include "agent/sample/election.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_MS   10000 /* a second holder in another database is seen by then */
#define OFFERS_EVERY_MS 5000
#define FIRST_DELAY_MS  1000
#define QUICK_ATTEMPTS  5 /* 1 s, 2 s ... 16 s */
#define DELAY_MIN_MS    20000
#define DELAY_SPAN_MS   10000
#define STAND_BACK_MS   600000
#define SPEAKS_FOR_MS   60000 /* without a session; by then another leads */

/* --- The key ---------------------------------------------------------------------------------- */

/* FNV-1a; a NUL ends each text. */
static uint64_t add_text(uint64_t hash, const char *text)
{
    for (size_t i = 0;; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
        if (text[i] == '\0') {
            return hash;
        }
    }
}

int64_t election_key(const char *namespace_, const char *region, const char *identifier,
                     const struct config_pairs *dimensions)
{
    uint64_t hash = add_text(UINT64_C(0xcbf29ce484222325), "poolwarden");
    uint64_t unordered = 0; /* the order of dimensions means nothing */

    hash = add_text(hash, namespace_);
    hash = add_text(hash, region ? region : "");
    hash = add_text(hash, identifier);
    for (size_t i = 0; i < dimensions->count; i++) {
        unordered +=
            add_text(add_text(hash, dimensions->items[i].name), dimensions->items[i].value);
    }
    hash ^= unordered;
    int64_t key;
    memcpy(&key, &hash, sizeof(key));
    return key;
}

/* --- State ------------------------------------------------------------------------------------ */

void election_init(struct election *election, bool on, int pid)
{
    *election = (struct election){.on = on, .role = ELECTION_ALONE, .pid = pid};
}

void election_connected(struct election *election)
{
    election->next_ms = 0;
}

void election_lost(struct election *election, uint64_t now_ms)
{
    election->held = false;
    election->settled = true;
    if (election->role == ELECTION_OFFERS) {
        election->role = ELECTION_LEADS; /* must be had again: another may offer it by then */
    }
    if (election->lost_ms == 0) {
        election->lost_ms = now_ms > 0 ? now_ms : 1;
    }
}

void election_put_off(struct election *election, uint64_t now_ms)
{
    election->next_ms = now_ms + LOOK_EVERY_MS;
}

bool election_is_due(const struct election *election, uint64_t now_ms)
{
    return election->on && now_ms >= election->next_ms;
}

bool election_may_report(const struct election *election, uint64_t now_ms)
{
    bool silent =
        election->saw_other && election->lost_ms > 0 && now_ms - election->lost_ms > SPEAKS_FOR_MS;

    return !election->on || (election->role != ELECTION_FOLLOWS && !silent);
}

uint64_t election_delay_ms(const struct election *election, bool at_fault, double random)
{
    if (at_fault) {
        return STAND_BACK_MS;
    }
    if (election->refusals <= QUICK_ATTEMPTS) {
        int doubled = election->refusals > 0 ? election->refusals - 1 : 0;
        double most_ms = (double)((uint64_t)FIRST_DELAY_MS << doubled);

        return (uint64_t)((0.5 + random / 2) * most_ms);
    }
    return DELAY_MIN_MS + (uint64_t)(random * DELAY_SPAN_MS);
}

/* --- Statements ------------------------------------------------------------------------------- */

static const char look[] =
    "SELECT coalesce(bool_or(l.database = d.oid AND l.pid = pg_backend_pid()), false),"
    " coalesce(bool_or(l.database < d.oid), false),"
    " coalesce(min(l.pid) FILTER (WHERE l.database = d.oid AND l.pid <> pg_backend_pid()), 0),"
    " pg_backend_pid()"
    " FROM pg_database d LEFT JOIN pg_locks l ON l.locktype = 'advisory' AND l.granted"
    " AND l.classid = %" PRIu32 " AND l.objid = %" PRIu32 " AND l.objsubid = 1"
    " WHERE d.datname = current_database()";

/* Two statements in one text; the second sees what the first did. */
bool election_ask(struct election *election, int64_t key, bool at_fault, struct buf *sql)
{
    uint64_t bits = (uint64_t)key;
    bool only_looks = false;

    if (election->held && at_fault) {
        buf_printf(sql, "SELECT pg_advisory_unlock(%" PRId64 "); ", key);
        election->role = ELECTION_OFFERS;
    } else if (!election->held && !(election->role == ELECTION_OFFERS && at_fault)) {
        buf_printf(sql, "SELECT pg_try_advisory_lock(%" PRId64 "); ", key);
    } else {
        only_looks = true;
    }
    buf_printf(sql, look, (uint32_t)(bits >> 32), (uint32_t)bits);
    return only_looks;
}

void election_end_twin(const struct election_answer *answer, struct buf *sql)
{
    buf_printf(sql,
               "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
               " WHERE pid = %d AND usename = current_user AND application_name = 'poolwarden'",
               answer->holder);
}

bool election_read(const PGresult *result, struct election_answer *out, struct err *err)
{
    if (PQntuples(result) != 1 || PQnfields(result) != 4) {
        return err_set(err, ERR_PARSE, "who holds the advisory lock: %d rows of %d columns",
                       PQntuples(result), PQnfields(result));
    }
    *out = (struct election_answer){
        .held = PQgetvalue(result, 0, 0)[0] == 't',
        .lower = PQgetvalue(result, 0, 1)[0] == 't',
        .holder = (int)strtol(PQgetvalue(result, 0, 2), NULL, 10),
        .own = (int)strtol(PQgetvalue(result, 0, 3), NULL, 10),
    };
    return true;
}

/* --- What an answer means --------------------------------------------------------------------- */

static enum election_act follow(struct election *election)
{
    election->role = ELECTION_FOLLOWS;
    election->held = false;
    election->saw_other = true;
    election->refusals++;
    election->pid = 0;
    return ELECTION_STOP;
}

static enum election_act lead(struct election *election, const struct election_answer *answer,
                              uint64_t now_ms)
{
    election->role = ELECTION_LEADS;
    election->pid = answer->own;
    election->refusals = 0;
    election->lost_ms = 0;
    election->next_ms = now_ms + LOOK_EVERY_MS;
    return ELECTION_GO_ON;
}

enum election_act election_answer(struct election *election, const struct election_answer *answer,
                                  bool at_fault, uint64_t now_ms)
{
    election->held = answer->held;
    if (answer->held) {
        return answer->lower ? follow(election) : lead(election, answer, now_ms);
    }
    if (election->role == ELECTION_FOLLOWS ||
        (answer->holder != 0 && answer->holder != election->pid)) {
        return follow(election);
    }
    election->lost_ms = 0;
    election->next_ms = now_ms + (at_fault ? OFFERS_EVERY_MS : FIRST_DELAY_MS);
    if (answer->holder != 0) {
        return ELECTION_END_TWIN;
    }
    /* Nobody holds it: ours to offer, or just given back by somebody. */
    return ELECTION_GO_ON;
}
