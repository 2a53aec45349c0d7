/* The SQL that gives the configured users what they need, and no more. */
#include <string.h>

#include "agent/print.h"
#include "aws/common/mem.h"

/* Own sessions: the kept one, a diagnosis, another agent's, and those that a lost host left behind.
 */
#define CONNECTION_LIMIT 5

static const char *user_of(const struct config_database *database)
{
    return database->conninfo.user ? database->conninfo.user : "poolwarden";
}

/* "name", with each " in it twice; or 'name'. */
static void add_quoted(struct buf *out, const char *text, char quote)
{
    buf_putc(out, quote);
    for (; *text != '\0'; text++) {
        if (*text == quote) {
            buf_putc(out, quote);
        }
        buf_putc(out, *text);
    }
    buf_putc(out, quote);
}

static void add_role(struct buf *out, const char *user)
{
    buf_puts(out, "DO $poolwarden$\n"
                  "BEGIN\n"
                  "    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ");
    add_quoted(out, user, '\'');
    buf_puts(out, ") THEN\n"
                  "        CREATE ROLE ");
    add_quoted(out, user, '"');
    buf_printf(out, " LOGIN CONNECTION LIMIT %d;\n", CONNECTION_LIMIT);
    buf_puts(out, "    END IF;\n"
                  "END\n"
                  "$poolwarden$;\n");
}

static void add_grant(struct buf *out, const char *what, const char *user)
{
    buf_printf(out, "GRANT %s TO ", what);
    add_quoted(out, user, '"');
    buf_puts(out, ";\n");
}

/* Slots for those who look when no other is left; a name that older servers do not know. */
static void add_reserved(struct buf *out, const char *user)
{
    buf_puts(out, "-- PostgreSQL 16 and newer: the slots of reserved_connections, where there are "
                  "some\n"
                  "DO $poolwarden$\n"
                  "BEGIN\n"
                  "    IF current_setting('server_version_num')::int >= 160000 THEN\n"
                  "        GRANT pg_use_reserved_connections TO ");
    add_quoted(out, user, '"');
    buf_puts(out, ";\n"
                  "    END IF;\n"
                  "EXCEPTION WHEN insufficient_privilege THEN\n"
                  "    RAISE NOTICE 'pg_use_reserved_connections is not ours to grant: %', "
                  "SQLERRM;\n"
                  "END\n"
                  "$poolwarden$;\n");
}

static void add_password(struct buf *out, const struct config_database *database)
{
    const char *user = user_of(database);

    if (database->auth == AUTH_IAM) {
        buf_puts(out, "-- logs in by a token of RDS IAM authentication; passwords do not work any "
                      "more then\n");
        add_grant(out, "rds_iam", user);
        return;
    }
    buf_puts(out, "-- a new role has no password yet; in psql: \\password ");
    add_quoted(out, user, '"');
    buf_puts(out, "\n");
}

static void add_database(struct buf *out, const struct config_database *database)
{
    const struct conninfo *info = &database->conninfo;
    const char *user = user_of(database);

    buf_printf(out, "-- [database %s] %s:%s: as a superuser, on RDS as the master user\n",
               database->name, info->host ? info->host : "localhost",
               info->port ? info->port : "5432");
    add_role(out, user);
    buf_puts(out, "-- sees every session's state, and settings\n");
    add_grant(out, "pg_monitor", user);
    buf_puts(out, "GRANT CONNECT ON DATABASE ");
    add_quoted(out, info->dbname ? info->dbname : user, '"');
    buf_puts(out, " TO ");
    add_quoted(out, user, '"');
    buf_puts(out, ";\n");
    add_password(out, database);
    add_reserved(out, user);
    buf_puts(out, "-- only where --diagnose --terminate-idle shall end sessions:\n-- ");
    add_grant(out, "pg_signal_backend", user);
}

void print_grants(const struct print *print, struct buf *out)
{
    for (size_t i = 0; i < print->config->database_count; i++) {
        buf_puts(out, i > 0 ? "\n" : "");
        add_database(out, &print->config->databases[i]);
    }
}
