#include "agent/sample/queries.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

#define STATEMENT_TIMEOUT_MS      4000 /* below the 5 s in which an answer counts */
#define LOCK_TIMEOUT_MS           1000
#define IDLE_SESSION_TIMEOUT_MIN  20000
#define SECONDS_OF_KEEPALIVE_IDLE "10"
#define DIGITS_MAX                18 /* as many as always fit */

/* Every setting that takes slots away from ordinary users. Those that a server does not have read
 * as NULL. */
static const char *const reserving_settings[] = {
    "superuser_reserved_connections", "reserved_connections", /* 16 and newer */
    "rds.rds_superuser_reserved_connections",                 /* older RDS */
    "rds.rds_reserved_connections", /* RDS from 12.21, 13.17, 14.14, 15.9, 16.5, 17.1 */
};

/* Before any setting is sent, hence with its schema. */
const char query_backend_pid[] = "SELECT pg_catalog.pg_backend_pid()";

/* Only Aurora has the function, and a statement that names it would be refused elsewhere: hence as
 * text, which is not looked at unless the function is there. */
const char query_instance[] =
    "SELECT CASE WHEN to_regprocedure('pg_catalog.aurora_db_instance_identifier()') IS NOT NULL"
    " THEN substring(query_to_xml('SELECT pg_catalog.aurora_db_instance_identifier() AS id',"
    " false, false, '')::text FROM '<id>([^<]+)</id>') END";

const char query_database_names[] = "SELECT oid, datname FROM pg_database";

static void add_reserved(struct buf *out)
{
    for (size_t i = 0; i < MEM_COUNT(reserving_settings); i++) {
        buf_printf(out, "%scoalesce(nullif(current_setting('%s', true), '')::int, 0)",
                   i ? " + " : "", reserving_settings[i]);
    }
}

/* Until 14 members of the role see everything, from 15 on only those who inherit from it. */
static const char *privilege_of(int server_version)
{
    return server_version >= 150000 ? "usage" : "member";
}

void query_sample(const struct query_options *options, struct buf *out)
{
    /* What is one for the whole server stands in sub-selects: evaluated once, not for each group.
     */
    buf_printf(
        out,
        "SELECT a.state, %s AS datid, %s AS application_name,"
        " count(*) AS connections,"
        " count(*) FILTER (WHERE a.pid = pg_backend_pid()) AS own,"
        " count(*) FILTER (WHERE a.state = 'active' AND a.wait_event_type = 'Lock')"
        " AS waiting_on_lock,"
        " count(*) FILTER (WHERE a.state = 'active' AND"
        " a.query_start < statement_timestamp() - interval '%d milliseconds') AS long_running,"
        " count(*) FILTER (WHERE a.state IN"
        " ('idle in transaction', 'idle in transaction (aborted)') AND"
        " a.state_change < statement_timestamp() - interval '%d milliseconds') AS leaked,"
        " count(*) FILTER (WHERE a.state = 'idle' AND"
        " a.state_change < statement_timestamp() - interval '%d milliseconds') AS stale_idle,"
        " (extract(epoch FROM statement_timestamp() - min(a.xact_start)"
        " FILTER (WHERE a.pid <> pg_backend_pid()))::float8 * 1000000)::bigint"
        " AS oldest_transaction_us,"
        " (SELECT current_setting('max_connections')::int) AS max_connections,"
        " (SELECT ",
        options->by_group ? "a.datid" : "NULL::oid",
        options->by_group ? "a.application_name" : "NULL::text", options->long_query_ms,
        options->leak_ms, options->stale_idle_ms);
    add_reserved(out);
    buf_printf(out,
               ") AS reserved,"
               " (SELECT pg_has_role('pg_read_all_stats', '%s')) AS privileged,"
               " (SELECT pg_is_in_recovery()) AS is_replica,"
               " (extract(epoch FROM clock_timestamp() - statement_timestamp())::float8"
               " * 1000000)::bigint AS server_us"
               " FROM pg_stat_get_activity(NULL) a"
               " WHERE " QUERY_IS_CLIENT_BACKEND " GROUP BY a.state%s",
               privilege_of(options->server_version),
               options->by_group ? ", a.datid, a.application_name" : "");
}

void query_session(int server_version, int sample_interval_ms, struct buf *out)
{
    /* A session whose agent froze or lost its host must end, and with it what it holds. */
    int idle_ms = 3 * sample_interval_ms > IDLE_SESSION_TIMEOUT_MIN ? 3 * sample_interval_ms
                                                                    : IDLE_SESSION_TIMEOUT_MIN;

    buf_printf(out,
               "SELECT pg_catalog.set_config(name, setting, false) FROM (VALUES"
               " ('search_path', 'pg_catalog'),"
               " ('statement_timeout', '%d'),"
               " ('lock_timeout', '%d'),"
               " ('default_transaction_read_only', 'on'),"
               " ('tcp_keepalives_idle', '" SECONDS_OF_KEEPALIVE_IDLE "'),"
               " ('tcp_keepalives_interval', '5'),"
               " ('tcp_keepalives_count', '2')",
               STATEMENT_TIMEOUT_MS, LOCK_TIMEOUT_MS);
    if (server_version >= 140000) {
        buf_printf(out, ", ('idle_session_timeout', '%d')", idle_ms);
    }
    buf_puts(out, ") AS settings (name, setting)");
}

/* --- rows ----------------------------------------------------------------------------------- */

/* Whole numbers only: strtod() would be a tenth of what the agent computes for a sample. NULL
 * counts as 0: there is no oldest transaction where there is none. */
PW_CHECK static bool read_number(const PGresult *result, int row, enum query_column column,
                                 double *out)
{
    const char *text = PQgetvalue(result, row, (int)column);
    const char *first = text[0] == '-' ? text + 1 : text;
    int64_t value = 0;
    int digits = 0;

    while (first[digits] >= '0' && first[digits] <= '9' && digits < DIGITS_MAX) {
        value = value * 10 + (first[digits++] - '0');
    }
    *out = (double)(first == text ? value : -value);
    return first[digits] == '\0' && (digits > 0 || PQgetisnull(result, row, (int)column));
}

static bool read_bool(const PGresult *result, int row, enum query_column column)
{
    return strcmp(PQgetvalue(result, row, (int)column), "t") == 0;
}

static void add_state(struct snapshot *out, const char *state, double others)
{
    if (!state) {
        return;
    }
    if (strcmp(state, "active") == 0) {
        out->active += others;
    } else if (strcmp(state, "idle") == 0) {
        out->idle += others;
    } else if (strncmp(state, "idle in transaction", 19) == 0) {
        out->idle_in_transaction += others;
    }
}

PW_CHECK static bool read_group(const PGresult *result, int row, struct snapshot *out)
{
    struct snapshot_group *group = &out->groups[row];
    double number[QUERY_COLUMN_COUNT];

    for (int i = QUERY_CONNECTIONS; i <= QUERY_OLDEST_TRANSACTION; i++) {
        if (!read_number(result, row, (enum query_column)i, &number[i])) {
            return false;
        }
    }
    group->state =
        PQgetisnull(result, row, QUERY_STATE) ? NULL : PQgetvalue(result, row, QUERY_STATE);
    group->database_oid = (unsigned)strtoul(PQgetvalue(result, row, QUERY_DATABASE_OID), NULL, 10);
    group->application = PQgetvalue(result, row, QUERY_APPLICATION);
    group->connections = number[QUERY_CONNECTIONS];

    out->connections += number[QUERY_CONNECTIONS];
    add_state(out, group->state, number[QUERY_CONNECTIONS] - number[QUERY_OWN]);
    out->waiting_on_lock += number[QUERY_WAITING_ON_LOCK];
    out->long_running += number[QUERY_LONG_RUNNING];
    out->leaked += number[QUERY_LEAKED];
    out->stale_idle += number[QUERY_STALE_IDLE];
    out->oldest_transaction_s =
        fmax(out->oldest_transaction_s, number[QUERY_OLDEST_TRANSACTION] / 1e6);
    return true;
}

/* Stands in each row; the last was made last. */
PW_CHECK static bool read_server(const PGresult *result, int row, struct snapshot *out)
{
    double reserved, server_us;

    if (!read_number(result, row, QUERY_MAX_CONNECTIONS, &out->max_connections) ||
        !read_number(result, row, QUERY_RESERVED, &reserved) ||
        !read_number(result, row, QUERY_SERVER_US, &server_us)) {
        return false;
    }
    out->usable = out->max_connections - reserved;
    out->server_ms = fmax(0, server_us / 1e3);
    out->privileged = read_bool(result, row, QUERY_PRIVILEGED);
    out->is_replica = read_bool(result, row, QUERY_IS_REPLICA);
    return true;
}

/* The number of the row that holds what is no number, or -1. */
static int read_rows(const PGresult *result, int rows, struct snapshot *out)
{
    for (int row = 0; row < rows; row++) {
        if (!read_group(result, row, out)) {
            return row;
        }
    }
    return read_server(result, rows - 1, out) ? -1 : rows - 1;
}

bool snapshot_read(const PGresult *result, struct snapshot *out, struct err *err)
{
    int rows = PQntuples(result);

    memset(out, 0, sizeof(*out));
    if (PQnfields(result) != QUERY_COLUMN_COUNT || rows == 0) {
        return err_set(err, ERR_PARSE, "an answer of %d columns and %d rows is no sample",
                       PQnfields(result), rows);
    }
    out->groups = mem_alloc((size_t)rows * sizeof(*out->groups));
    out->group_count = (size_t)rows;
    int bad = read_rows(result, rows, out);
    if (bad >= 0) {
        snapshot_done(out);
        return err_set(err, ERR_PARSE, "row %d of the sample holds what is no number", bad + 1);
    }
    return true;
}

void snapshot_done(struct snapshot *snapshot)
{
    free(snapshot->groups);
    memset(snapshot, 0, sizeof(*snapshot));
}
