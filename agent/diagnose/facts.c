#include "agent/diagnose/facts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

/* Who blocks whom is asked one by one, and each question stops the server's lock table. */
#define WAITERS_MAX "50"
#define QUERY_MAX   "200"

const char *fact_what(enum fact fact)
{
    static const char *const names[] = {
#define X(id, what) what,
        FACT_MAP(X)
#undef X
    };

    return names[fact];
}

/* --- statements ----------------------------------------------------------------------------- */

static const char sessions_sql[] =
    "SELECT a.pid, a.pid = pg_backend_pid(), a.backend_type IS NOT NULL,"
    " coalesce(r.rolsuper, false), coalesce(r.rolname, a.usesysid::text, ''),"
    " coalesce(d.datname, ''),"
    " CASE WHEN a.application_name <> '' THEN a.application_name"
    " ELSE '(none) of ' || coalesce(r.rolname, '?') END,"
    " extract(epoch FROM clock_timestamp() - a.backend_start)::float8,"
    " coalesce(a.state, ''), coalesce(host(a.client_addr), ''),"
    " CASE WHEN a.state <> 'idle' THEN left(a.query, " QUERY_MAX ") ELSE '' END,"
    " coalesce(a.ssl, false), coalesce(a.wait_event_type = 'Lock', false),"
    " extract(epoch FROM clock_timestamp() - a.query_start)::float8,"
    " extract(epoch FROM clock_timestamp() - a.state_change)::float8,"
    " extract(epoch FROM clock_timestamp() - a.xact_start)::float8"
    " FROM pg_stat_get_activity(NULL) a"
    " LEFT JOIN pg_roles r ON r.oid = a.usesysid LEFT JOIN pg_database d ON d.oid = a.datid"
    " WHERE " QUERY_IS_CLIENT_BACKEND " ORDER BY a.backend_start, a.pid";

/* pg_locks needs no privilege. */
static void add_waits(int server_version, struct buf *out)
{
    bool has_waitstart = server_version >= 140000;

    buf_printf(out,
               "SELECT w.pid, w.waited_s, unnest(pg_blocking_pids(w.pid)) FROM"
               " (SELECT l.pid, %s AS waited_s FROM pg_locks l WHERE NOT l.granted"
               " GROUP BY l.pid ORDER BY 2 DESC NULLS LAST, 1 LIMIT " WAITERS_MAX ") w",
               has_waitstart ? "extract(epoch FROM clock_timestamp() - min(l.waitstart))::float8"
                             : "NULL::float8");
}

static const char limits_sql[] =
    "SELECT true, rolname, rolconnlimit FROM pg_roles"
    " WHERE rolconnlimit > 0 AND rolcanlogin AND NOT rolsuper"
    " UNION ALL SELECT false, datname, datconnlimit FROM pg_database WHERE datconnlimit > 0";

static const char setting_names[] =
#define X(id, name) ", '" name "'"
    FACT_SETTING_MAP(X)
#undef X
    ;

/* reset_val, because this session has a statement_timeout of its own. */
static void add_settings(struct buf *out)
{
    buf_printf(out, "SELECT name, reset_val FROM pg_settings WHERE name IN (%s)",
               setting_names + 2);
}

static void add_overrides(struct buf *out)
{
    buf_printf(out,
               "SELECT coalesce(d.datname, ''), coalesce(r.rolname, ''), split_part(c, '=', 1),"
               " substr(c, strpos(c, '=') + 1) FROM pg_db_role_setting s"
               " LEFT JOIN pg_database d ON d.oid = s.setdatabase"
               " LEFT JOIN pg_roles r ON r.oid = s.setrole,"
               " unnest(s.setconfig) c WHERE split_part(c, '=', 1) IN (%s)",
               setting_names + 2);
}

bool fact_statement(enum fact fact, int server_version, struct buf *out)
{
    switch (fact) {
    case FACT_LOGINS_BEFORE:
    case FACT_LOGINS_AFTER:
        buf_puts(out, "SELECT sum(sessions)::float8, extract(epoch FROM clock_timestamp())::float8"
                      " FROM pg_stat_database");
        return server_version >= 140000;
    case FACT_SESSIONS:
        buf_puts(out, sessions_sql);
        return true;
    case FACT_WAITS:
        add_waits(server_version, out);
        return true;
    case FACT_LIMITS:
        buf_puts(out, limits_sql);
        return true;
    case FACT_SETTINGS:
        add_settings(out);
        return true;
    case FACT_OVERRIDES:
        add_overrides(out);
        return true;
    case FACT_COUNT:
        break;
    }
    return false;
}

/* --- rows ----------------------------------------------------------------------------------- */

static double number_of(const PGresult *result, int row, int column)
{
    double number = strtod(PQgetvalue(result, row, column), NULL);

    return PQgetisnull(result, row, column) || !isfinite(number) ? -1 : number;
}

static int integer_of(const PGresult *result, int row, int column)
{
    return (int)strtol(PQgetvalue(result, row, column), NULL, 10);
}

static bool flag_of(const PGresult *result, int row, int column)
{
    return strcmp(PQgetvalue(result, row, column), "t") == 0;
}

/* "0" and "-1" turn each of these settings off; "1min" and "250" do not. */
static bool has_effect(const char *value)
{
    return strtod(value, NULL) > 0;
}

static void take_sessions(struct facts *facts, const PGresult *rows, size_t count)
{
    facts->sessions = mem_alloc(count * sizeof(*facts->sessions));
    facts->session_count = count;
    for (int i = 0; i < (int)count; i++) {
        facts->sessions[i] = (struct fact_session){
            .pid = integer_of(rows, i, 0),
            .own = flag_of(rows, i, 1),
            .visible = flag_of(rows, i, 2),
            .superuser = flag_of(rows, i, 3),
            .user = PQgetvalue(rows, i, 4),
            .database = PQgetvalue(rows, i, 5),
            .application = PQgetvalue(rows, i, 6),
            .age_s = number_of(rows, i, 7),
            .state = PQgetvalue(rows, i, 8),
            .address = PQgetvalue(rows, i, 9),
            .query = PQgetvalue(rows, i, 10),
            .tls = flag_of(rows, i, 11),
            .on_lock = flag_of(rows, i, 12),
            .query_age_s = number_of(rows, i, 13),
            .state_age_s = number_of(rows, i, 14),
            .transaction_age_s = number_of(rows, i, 15),
        };
    }
}

static void take_waits(struct facts *facts, const PGresult *rows, size_t count)
{
    facts->waits = mem_alloc(count * sizeof(*facts->waits));
    facts->wait_count = count;
    for (int i = 0; i < (int)count; i++) {
        facts->waits[i] = (struct fact_wait){.waiter = integer_of(rows, i, 0),
                                             .waited_s = number_of(rows, i, 1),
                                             .blocker = integer_of(rows, i, 2)};
    }
}

static void take_limits(struct facts *facts, const PGresult *rows, size_t count)
{
    facts->limits = mem_alloc(count * sizeof(*facts->limits));
    facts->limit_count = count;
    for (int i = 0; i < (int)count; i++) {
        facts->limits[i] = (struct fact_limit){.of_role = flag_of(rows, i, 0),
                                               .name = PQgetvalue(rows, i, 1),
                                               .limit = integer_of(rows, i, 2)};
    }
}

static const char *setting_name(enum fact_setting setting)
{
    static const char *const names[] = {
#define X(id, name) name,
        FACT_SETTING_MAP(X)
#undef X
    };

    return names[setting];
}

static void take_settings(struct facts *facts, const PGresult *rows, size_t count)
{
    for (int i = 0; i < (int)count; i++) {
        for (int setting = 0; setting < SETTING_COUNT; setting++) {
            if (strcmp(PQgetvalue(rows, i, 0), setting_name((enum fact_setting)setting)) == 0) {
                facts->settings[setting] = has_effect(PQgetvalue(rows, i, 1));
            }
        }
    }
}

static void take_overrides(struct facts *facts, const PGresult *rows, size_t count)
{
    facts->overrides = mem_alloc(count * sizeof(*facts->overrides));
    facts->override_count = count;
    for (int i = 0; i < (int)count; i++) {
        facts->overrides[i] = (struct fact_override){.database = PQgetvalue(rows, i, 0),
                                                     .role = PQgetvalue(rows, i, 1),
                                                     .setting = PQgetvalue(rows, i, 2),
                                                     .is_set = has_effect(PQgetvalue(rows, i, 3))};
    }
}

static void take_logins(struct facts *facts, const PGresult *rows, size_t index)
{
    facts->logins[index] = number_of(rows, 0, 0);
    facts->logins_apart_s = number_of(rows, 0, 1) - facts->logins_apart_s;
}

static int columns_of(enum fact fact)
{
    static const int columns[FACT_COUNT] = {
        [FACT_LOGINS_BEFORE] = 2, [FACT_SESSIONS] = 16, [FACT_WAITS] = 3,       [FACT_LIMITS] = 3,
        [FACT_SETTINGS] = 2,      [FACT_OVERRIDES] = 4, [FACT_LOGINS_AFTER] = 2};

    return columns[fact];
}

bool facts_take(struct facts *facts, enum fact fact, const PGresult *result, struct err *err)
{
    bool one_row = fact == FACT_LOGINS_BEFORE || fact == FACT_LOGINS_AFTER;

    if (facts->kept[fact] || PQnfields(result) != columns_of(fact) ||
        (one_row && PQntuples(result) != 1)) {
        return err_set(err, ERR_PARSE, "%s: an answer of %d columns and %d rows", fact_what(fact),
                       PQnfields(result), PQntuples(result));
    }
    PGresult *kept = mem_check(PQcopyResult(result, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES));
    size_t count = (size_t)PQntuples(kept);

    facts->kept[fact] = kept;
    facts->known[fact] = true;
    switch (fact) {
    case FACT_SESSIONS:
        take_sessions(facts, kept, count);
        break;
    case FACT_WAITS:
        take_waits(facts, kept, count);
        break;
    case FACT_LIMITS:
        take_limits(facts, kept, count);
        break;
    case FACT_SETTINGS:
        take_settings(facts, kept, count);
        break;
    case FACT_OVERRIDES:
        take_overrides(facts, kept, count);
        break;
    case FACT_LOGINS_BEFORE:
        take_logins(facts, kept, 0);
        break;
    case FACT_LOGINS_AFTER:
        take_logins(facts, kept, 1);
        break;
    case FACT_COUNT:
        break;
    }
    return true;
}

void facts_init(struct facts *facts)
{
    memset(facts, 0, sizeof(*facts));
}

void facts_done(struct facts *facts)
{
    free(facts->sessions);
    free(facts->waits);
    free(facts->limits);
    free(facts->overrides);
    for (size_t i = 0; i < FACT_COUNT; i++) {
        PQclear(facts->kept[i]);
    }
    memset(facts, 0, sizeof(*facts));
}

/* --- what follows from several -------------------------------------------------------------- */

const struct fact_session *facts_session_of(const struct facts *facts, int pid)
{
    for (size_t i = 0; i < facts->session_count; i++) {
        if (facts->sessions[i].pid == pid) {
            return &facts->sessions[i];
        }
    }
    return NULL;
}

const struct fact_session *facts_own(const struct facts *facts)
{
    for (size_t i = 0; i < facts->session_count; i++) {
        if (facts->sessions[i].own) {
            return &facts->sessions[i];
        }
    }
    return NULL;
}

size_t facts_count_against(const struct facts *facts, const struct fact_limit *limit)
{
    size_t count = 0;

    for (size_t i = 0; i < facts->session_count; i++) {
        const struct fact_session *session = &facts->sessions[i];

        count += strcmp(limit->of_role ? session->user : session->database, limit->name) == 0;
    }
    return count;
}

/* The most specific wins: role in database, role, database. */
static const struct fact_override *override_of(const struct facts *facts, const char *setting,
                                               const char *role, const char *database)
{
    const struct fact_override *best = NULL;
    int best_rank = 0;

    for (size_t i = 0; i < facts->override_count; i++) {
        const struct fact_override *override = &facts->overrides[i];
        bool for_all = override->role[0] == '\0', everywhere = override->database[0] == '\0';
        int rank = (for_all ? 0 : 2) + (everywhere ? 0 : 1) + 1;

        if (strcmp(override->setting, setting) == 0 && rank > best_rank &&
            (for_all || strcmp(override->role, role) == 0) &&
            (everywhere || strcmp(override->database, database) == 0)) {
            best = override;
            best_rank = rank;
        }
    }
    return best;
}

bool facts_setting_is_set(const struct facts *facts, enum fact_setting setting, const char *role,
                          const char *database)
{
    const char *name = setting_name(setting);
    const struct fact_override *override = override_of(facts, name, role, database);
    const struct fact_session *own = facts_own(facts);

    if (override) {
        return override->is_set;
    }
    /* The server's own value can not be seen through one that is set for us: nothing is claimed. */
    if (own && override_of(facts, name, own->user, own->database)) {
        return true;
    }
    return facts->settings[setting];
}

bool fact_is_application(const struct fact_session *session)
{
    return !session->own && !session->superuser && strcmp(session->application, "poolwarden") != 0;
}

double facts_logins_per_s(const struct facts *facts)
{
    if (!facts->known[FACT_LOGINS_BEFORE] || !facts->known[FACT_LOGINS_AFTER] ||
        facts->logins[0] < 0 || facts->logins[1] < facts->logins[0] || facts->logins_apart_s <= 0) {
        return -1;
    }
    return (facts->logins[1] - facts->logins[0]) / facts->logins_apart_s;
}
