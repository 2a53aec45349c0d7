#include "agent/sample/bouncer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

#define OWN_DATABASE "pgbouncer" /* the console itself is listed too */

void bouncer_init(struct bouncer *bouncer, const struct config_list *globs)
{
    *bouncer = (struct bouncer){.globs = globs, .fresh = true};
}

static void forget_databases(struct bouncer *bouncer)
{
    for (size_t i = 0; i < bouncer->database_count; i++) {
        free(bouncer->databases[i].name);
    }
    bouncer->database_count = 0;
    bouncer->pool_count = 0;
}

void bouncer_done(struct bouncer *bouncer)
{
    forget_databases(bouncer);
    free(bouncer->databases);
    free(bouncer->pools);
    *bouncer = (struct bouncer){0};
}

void bouncer_reconnected(struct bouncer *bouncer)
{
    forget_databases(bouncer);
    bouncer->fresh = true;
}

/* --- rows ----------------------------------------------------------------------------------- */

static uint64_t number_at(const PGresult *rows, int row, int column)
{
    const char *text = column >= 0 ? PQgetvalue(rows, row, column) : "";
    char *end;

    if (text[0] < '0' || text[0] > '9') {
        return 0;
    }
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);

    return errno == 0 && (*end == '\0' || *end == '.') ? number : 0;
}

static uint64_t number_of(const PGresult *rows, int row, const char *column)
{
    return number_at(rows, row, PQfnumber(rows, column));
}

/* Of versions before and after a renaming; -1: in neither. */
static int column_of(const PGresult *rows, const char *name, const char *other)
{
    int column = PQfnumber(rows, name);

    return column >= 0 ? column : PQfnumber(rows, other);
}

static bool check(const PGresult *rows, const char *what, const char *const *columns,
                  struct err *err)
{
    for (; *columns; columns++) {
        if (PQfnumber(rows, *columns) < 0) {
            return err_set(err, ERR_PARSE, "%s has no column %s", what, *columns);
        }
    }
    return PQntuples(rows) <= BOUNCER_ROWS_MAX ||
           err_set(err, ERR_PARSE, "%s has more than %d rows", what, BOUNCER_ROWS_MAX);
}

static bool is_meant(const struct bouncer *bouncer, const char *name)
{
    return strcmp(name, OWN_DATABASE) != 0 && pool_has_database(bouncer->globs, name, strlen(name));
}

/* Rows of all commands come in much the same order: the one after the last is looked at first. */
static size_t find(const struct bouncer *bouncer, const char *name, size_t *hint)
{
    for (size_t i = 0; i < bouncer->database_count; i++) {
        size_t place = (*hint + i) % bouncer->database_count;

        if (strcmp(bouncer->databases[place].name, name) == 0) {
            *hint = place + 1;
            return place;
        }
    }
    return bouncer->database_count;
}

static struct bouncer_database *find_or_add(struct bouncer *bouncer, const char *name, size_t *hint)
{
    size_t place = find(bouncer, name, hint);

    if (place == bouncer->database_count) {
        bouncer->databases =
            mem_grow(bouncer->databases, bouncer->database_count + 1, sizeof(*bouncer->databases));
        bouncer->databases[bouncer->database_count++] =
            (struct bouncer_database){.name = mem_strdup(name)};
    }
    return &bouncer->databases[place];
}

/* --- SHOW DATABASES ------------------------------------------------------------------------- */

/* What a pool of the database may open: its size and its reserve, less when the database as a whole
 * may not. */
static uint64_t size_of_row(const PGresult *rows, int row)
{
    uint64_t size = number_of(rows, row, "pool_size") +
                    number_at(rows, row, column_of(rows, "reserve_pool_size", "reserve_pool"));
    uint64_t limit = number_of(rows, row, "max_connections");

    return limit > 0 && limit < size ? limit : size;
}

bool bouncer_take_databases(struct bouncer *bouncer, const PGresult *rows, struct err *err)
{
    static const char *const columns[] = {"name", "pool_size", NULL};
    int name = PQfnumber(rows, "name");
    size_t hint = 0;

    if (!check(rows, "SHOW DATABASES", columns, err)) {
        return false;
    }
    for (int row = 0; row < PQntuples(rows); row++) {
        size_t place = find(bouncer, PQgetvalue(rows, row, name), &hint);

        if (place < bouncer->database_count) {
            bouncer->databases[place].size = size_of_row(rows, row);
        }
    }
    return true;
}

bool bouncer_lacks_size(const struct bouncer *bouncer)
{
    for (size_t i = 0; i < bouncer->pool_count; i++) {
        if (bouncer->databases[bouncer->pools[i].database].size == 0) {
            return true;
        }
    }
    return false;
}

/* --- SHOW STATS ----------------------------------------------------------------------------- */

static void take_totals(struct bouncer *bouncer, struct bouncer_database *database,
                        const PGresult *rows, int row)
{
    uint64_t xacts = number_of(rows, row, "total_xact_count");
    uint64_t assignments = number_of(rows, row, "total_server_assignment_count");
    uint64_t queries = number_of(rows, row, "total_query_count");

    if (xacts < database->xacts || assignments < database->assignments ||
        queries < database->queries) {
        database->has_sample = database->has_most = false;
    } else if (!database->has_sample && !bouncer->fresh && database->xacts == 0) {
        database->has_sample = database->has_most =
            true; /* it came while we were looking: from 0 */
        database->gave_up = database->most = 0;
    }
    database->xacts = xacts;
    database->assignments = assignments;
    database->queries = queries;
    database->listed = true;
}

static void forget_unlisted(struct bouncer *bouncer)
{
    size_t kept = 0;

    for (size_t i = 0; i < bouncer->database_count; i++) {
        if (bouncer->databases[i].listed) {
            bouncer->databases[kept++] = bouncer->databases[i];
        } else {
            free(bouncer->databases[i].name);
        }
    }
    bouncer->database_count = kept;
}

bool bouncer_take_stats(struct bouncer *bouncer, const PGresult *rows, struct err *err)
{
    static const char *const columns[] = {"database", "total_xact_count", NULL};
    int name = PQfnumber(rows, "database");
    size_t hint = 0;

    if (!check(rows, "SHOW STATS", columns, err)) {
        return false;
    }
    bouncer->has_assignments = PQfnumber(rows, "total_server_assignment_count") >= 0;
    bouncer->pool_count = 0;
    for (size_t i = 0; i < bouncer->database_count; i++) {
        bouncer->databases[i].listed = false;
        bouncer->databases[i].waiting = 0;
        bouncer->databases[i].session = false;
    }
    for (int row = 0; row < PQntuples(rows); row++) {
        const char *database = PQgetvalue(rows, row, name);

        if (is_meant(bouncer, database)) {
            take_totals(bouncer, find_or_add(bouncer, database, &hint), rows, row);
        }
    }
    forget_unlisted(bouncer);
    return true;
}

/* --- SHOW POOLS ----------------------------------------------------------------------------- */

static double sum_of(const PGresult *rows, int row, const char *const *columns)
{
    double sum = 0;

    for (; *columns; columns++) {
        sum += (double)number_of(rows, row, *columns);
    }
    return sum;
}

static void take_pool(struct bouncer *bouncer, size_t place, const PGresult *rows, int row)
{
    static const char *const busy[] = {"sv_active", "sv_active_cancel", "sv_being_canceled", NULL};
    static const char *const idle[] = {"sv_idle", "sv_used", "sv_tested", NULL};
    struct bouncer_database *database = &bouncer->databases[place];
    int mode = PQfnumber(rows, "pool_mode");
    uint64_t waiting = number_of(rows, row, "cl_waiting");

    database->waiting += waiting;
    database->session |= mode < 0 || strcmp(PQgetvalue(rows, row, mode), "session") == 0;
    bouncer->pools = mem_grow(bouncer->pools, bouncer->pool_count + 1, sizeof(*bouncer->pools));
    bouncer->pools[bouncer->pool_count++] =
        (struct bouncer_pool){.database = place,
                              .waiting = (double)waiting,
                              .max_wait_s = (double)number_of(rows, row, "maxwait") +
                                            (double)number_of(rows, row, "maxwait_us") / 1e6,
                              .busy = sum_of(rows, row, busy),
                              .idle = sum_of(rows, row, idle)};
}

bool bouncer_take_pools(struct bouncer *bouncer, const PGresult *rows, struct err *err)
{
    static const char *const columns[] = {"database", "cl_waiting", "sv_active",
                                          "sv_idle",  "maxwait",    NULL};
    int name = PQfnumber(rows, "database");
    size_t hint = 0;

    if (!check(rows, "SHOW POOLS", columns, err)) {
        return false;
    }
    for (int row = 0; row < PQntuples(rows); row++) {
        size_t place = find(bouncer, PQgetvalue(rows, row, name), &hint);

        if (place < bouncer->database_count) { /* else it came after SHOW STATS */
            take_pool(bouncer, place, rows, row);
        }
    }
    return true;
}

/* --- numbers -------------------------------------------------------------------------------- */

static double larger(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

void bouncer_gauges(const struct bouncer *bouncer, struct pool_gauges *out)
{
    *out = (struct pool_gauges){.utilization = bouncer->pool_count > 0 ? NAN : 0};
    for (size_t i = 0; i < bouncer->pool_count; i++) {
        const struct bouncer_pool *pool = &bouncer->pools[i];
        double size = (double)bouncer->databases[pool->database].size;

        out->waiting += pool->waiting;
        out->max_wait_s = larger(out->max_wait_s, pool->max_wait_s);
        out->busy += pool->busy;
        out->idle += pool->idle;
        out->size += size;
        if (size > 0) {
            out->utilization = larger(out->utilization, pool->busy / size * 100);
        }
    }
    if (out->size == 0) { /* nobody has come yet, or SHOW DATABASES is still to be asked */
        out->size = NAN;
        out->utilization = NAN;
    }
}

static uint64_t count_database(struct bouncer_database *database)
{
    int64_t gave_up = (int64_t)(database->xacts - database->assignments - database->waiting);
    int64_t sure =
        database->has_sample && database->gave_up < gave_up ? database->gave_up : gave_up;
    uint64_t added = 0;

    if (database->has_most && sure > database->most) {
        added = (uint64_t)sure - (uint64_t)database->most;
    }
    if (database->has_sample && (!database->has_most || sure > database->most)) {
        database->most = sure;
        database->has_most = true;
    }
    database->gave_up = gave_up;
    database->has_sample = true;
    return added;
}

enum bouncer_exactness bouncer_timeouts(struct bouncer *bouncer, uint64_t *added)
{
    enum bouncer_exactness exactness = bouncer->has_assignments ? BOUNCER_EXACT : BOUNCER_TOO_OLD;
    uint64_t sum = 0;

    *added = 0;
    for (size_t i = 0; i < bouncer->database_count; i++) {
        struct bouncer_database *database = &bouncer->databases[i];

        if (database->session) { /* an assignment serves many transactions there */
            exactness = exactness == BOUNCER_EXACT ? BOUNCER_SESSION : exactness;
            database->has_sample = database->has_most = false;
        } else {
            sum += count_database(database);
        }
    }
    bouncer->fresh = false;
    if (exactness == BOUNCER_EXACT) {
        *added = sum;
    }
    return exactness;
}

/* Is there such a key with such a value? */
static bool is_set_to(const PGresult *config, const char *name, const char *text)
{
    int key = PQfnumber(config, "key"), value = PQfnumber(config, "value");

    for (int row = 0; key >= 0 && value >= 0 && row < PQntuples(config); row++) {
        if (strcmp(PQgetvalue(config, row, key), name) == 0) {
            return strcmp(PQgetvalue(config, row, value), text) == 0;
        }
    }
    return false;
}

bool bouncer_logs_timeouts(const PGresult *config)
{
    return !is_set_to(config, "log_pooler_errors", "0") ||
           !is_set_to(config, "log_disconnections", "0");
}

bool bouncer_shares_port(const PGresult *config)
{
    return is_set_to(config, "so_reuseport", "1");
}
