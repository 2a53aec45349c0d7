/* What each rule counts, and what it must not: logs as the software writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sample/log_lines.h"
#include "agent/sample/log_rules.h"
#include "aws/common/mem.h"

#define P2024                                                                                      \
    "Timed out fetching a new connection from the connection pool. More info: "                    \
    "http://pris.ly/d/connection-pool (Current connection pool timeout: 10, connection limit: 17)"
#define BOUNCER(what) "2026-11-24 07:05:22.229 UTC [11851] " what
#define CLIENT        "C-0x560605206aa0: appdb/app@127.0.0.1:50468 "
#define HIKARI        "HikariPool-1 - Connection is not available, request timed out after 30000ms"
#define NPGSQL                                                                                     \
    "The connection pool has been exhausted, either raise 'Max Pool Size' (currently 100) or "     \
    "'Timeout' (currently 15 seconds) in your connection string."
#define TRANSIENT                                                                                  \
    "System.InvalidOperationException: An exception has been raised that is likely due to a "      \
    "transient failure.\n"
/* Entity Framework writes the error as a part of its message and hands it to the logger too. */
#define EF_CAUSE "       ---> Npgsql.NpgsqlException (0x80004005): " NPGSQL "\n"
#define EF_TIMEOUT                                                                                 \
    "       ---> System.TimeoutException: The operation has timed out.\n"                          \
    "         at Npgsql.PoolingDataSource.<Get>g__RentAsync|33_0(NpgsqlConnection conn)\n"         \
    "         --- End of inner exception stack trace ---\n"
#define EF_MESSAGE                                                                                 \
    "An exception occurred while iterating over the results of a query for context type "          \
    "'Shop.Orders'.\n"
#define EF_CONSOLE                                                                                 \
    "fail: Microsoft.EntityFrameworkCore.Query[10100]\n      " EF_MESSAGE                          \
    "      " TRANSIENT EF_CAUSE EF_TIMEOUT "      " TRANSIENT EF_CAUSE EF_TIMEOUT
#define KESTREL                                                                                    \
    "fail: Microsoft.AspNetCore.Server.Kestrel[13]\n"                                              \
    "      Connection id \"0HN\", Request id \"0HN:1\": An unhandled exception was thrown by "     \
    "the application.\n"
#define QUEUE_POOL                                                                                 \
    "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00 "          \
    "(Background on this error at: https://sqlalche.me/e/14/3o7r)"
#define TIMEOUT "timeout exceeded when trying to connect"

static const struct log_case {
    const char *name;
    const char *rule;
    const char *text;
    unsigned timeouts, errors;
} cases[] = {
    {"a timeout of PgBouncer is two lines", "pgbouncer",
     BOUNCER("LOG " CLIENT "closing because: query_wait_timeout (age=2s)\n")
         BOUNCER("WARNING " CLIENT "pooler error: query_wait_timeout\n"),
     1, 0},
    {"with log_disconnections = 0", "pgbouncer",
     BOUNCER("WARNING " CLIENT "pooler error: query_wait_timeout\n")
         BOUNCER("WARNING " CLIENT "pooler error: query_wait_timeout\n"),
     2, 0},
    {"in the journal, and as 1.8 wrote it", "pgbouncer",
     CLIENT "Pooler Error: query_wait_timeout\nC-0x5: (nodb)/(nouser)@[::1]:1 pooler error: "
            "query_wait_timeout\n",
     2, 0},
    {"other ends of a client", "pgbouncer",
     BOUNCER("LOG " CLIENT "closing because: client_idle_timeout (age=2s)\n")
         BOUNCER("WARNING " CLIENT "pooler error: query_timeout\n")
             BOUNCER("WARNING " CLIENT "pooler error: server shutting down\n")
                 BOUNCER("LOG " CLIENT "closing because: client unexpected eof (age=0s)\n")
                     BOUNCER("WARNING " CLIENT
                             "pooler error: no more connections allowed (max_client_conn)\n"),
     0, 0},
    {"a server that is down", "pgbouncer",
     BOUNCER("LOG S-0x5606: deaddb/app@127.0.0.1:25999 closing because: connect failed (age=0s)\n"),
     0, 1},
    {"a user called so", "pgbouncer",
     BOUNCER("LOG " CLIENT "login attempt: db=x user=query_wait_timeout tls=no\n"), 0, 0},

    {"Prisma 7 and an application that prints the error too", "prisma",
     "prisma:error " TIMEOUT "\nError: " TIMEOUT "\n    at async main (/app/x.js:3:1)\n", 1, 0},
    {"the same in bursts", "prisma",
     "prisma:error " TIMEOUT "\nprisma:error " TIMEOUT "\nError: " TIMEOUT "\nError: " TIMEOUT "\n",
     2, 0},
    {"with an application's JSON", "prisma",
     "{\"level\":\"error\",\"msg\":\"" TIMEOUT "\"}\nprisma:error " TIMEOUT "\n", 1, 0},
    {"in colours", "prisma", "\x1b[31mprisma:error\x1b[39m " TIMEOUT "\n", 1, 0},
    {"a listener's JSON", "prisma",
     "{\"message\":\"" TIMEOUT "\",\"target\":\"$queryRawUnsafe\",\"timestamp\":\"2026\"}\n", 1, 0},
    {"a record of several lines, and the application's own", "prisma",
     "prisma:error \nInvalid `prisma.user.findFirst()` invocation in\n/app/x.js:12:34\n\n  9 "
     "a\n\xe2\x86\x92 12 "
     "await prisma.user.findFirst(\n" P2024 "\nPrismaClientKnownRequestError: \nInvalid "
     "`prisma.user.findFirst()` invocation:\n\n\n" P2024 "\n  code: 'P2024',\n",
     1, 0},
    {"another error's record, then the application's own", "prisma",
     "prisma:error \nInvalid `prisma.user.create()` invocation:\nUnique constraint failed\nError: "
     "x\n" P2024 "\n",
     0, 0},
    {"P2024 that only the application prints", "prisma",
     "PrismaClientKnownRequestError: \nInvalid `prisma.user.findFirst()` invocation:\n\n\n" P2024
     "\n    at a\n{\n  code: 'P2024',\n  meta: { connection_limit: 17, timeout: 10 }\n}\n",
     1, 0},
    {"P2024 in an application's JSON", "prisma",
     "{\"level\":50,\"code\":\"P2024\",\"msg\":\"\\n\\n" P2024 "\"}\n", 1, 0},
    {"a server that is not there", "prisma",
     "prisma:error \nInvalid `prisma.item.findMany()` invocation:\n\n\nCan't reach database server "
     "at "
     "127.0.0.1:25999\n\nPlease make sure\nPrismaClientInitializationError: Can't reach database "
     "server "
     "at `x`\nprisma:error Too many database connections opened: FATAL\n",
     0, 2},
    {"what others say", "prisma", "prisma:info Starting a postgresql pool\nError: " TIMEOUT "\n", 0,
     0},

    {"an error as Node prints it", "node-postgres",
     "Error: " TIMEOUT
     "\n    at /app/node_modules/pg-pool/index.js:45:11 {\n  [cause]: Error: " TIMEOUT "\n",
     1, 0},
    {"pino", "node-postgres",
     "{\"level\":50,\"err\":{\"type\":\"Error\",\"message\":\"" TIMEOUT
     "\",\"stack\":\"Error: " TIMEOUT "\\n at\"},\"msg\":\"" TIMEOUT "\"}\n",
     1, 0},
    {"printed and logged", "node-postgres",
     "{\"msg\":\"" TIMEOUT "\"}\nError: " TIMEOUT "\n{\"msg\":\"" TIMEOUT "\"}\nError: " TIMEOUT
     "\n",
     2, 0},
    {"Prisma's own record", "node-postgres", "prisma:error " TIMEOUT "\n", 0, 0},
    {"a new connection that does not come up", "node-postgres",
     "Error: Connection terminated due to connection timeout\n", 0, 0},
    {"no slot, no server", "node-postgres",
     "error: sorry, too many clients already\nError: connect ECONNREFUSED 127.0.0.1:5432\n", 0, 2},

    {"Hibernate's line and the stack", "hikaricp",
     "2026-11-24 ERROR 1 --- [nio-1] o.h.engine.jdbc.spi.SqlExceptionHelper : " HIKARI ".\n"
     "org.springframework.dao.DataAccessResourceFailureException: x; nested exception is "
     "java.sql.SQLTransientConnectionException: " HIKARI "\n\tat x\nCaused by: "
     "java.sql.SQLTransientConnectionException: " HIKARI
     " (total=10, active=10, idle=0, waiting=3)\n",
     1, 0},
    {"Hibernate's line, and a handler's with Spring's message", "hikaricp",
     "2026-11-24 ERROR 1 --- [nio-1] o.h.engine.jdbc.spi.SqlExceptionHelper : " HIKARI
     " (total=2, active=2, idle=0, waiting=17)\n"
     "2026-11-24 ERROR 1 --- [nio-1] com.example.Handler : failed: Unable to acquire JDBC "
     "Connection [" HIKARI " (total=2, active=2, idle=0, waiting=17)] [n/a]\n",
     1, 0},
    {"only that handler's", "hikaricp",
     "ERROR Handler : Unable to acquire JDBC Connection [" HIKARI "] [n/a]\n", 1, 0},
    {"Hibernate's line in JSON", "hikaricp",
     "{\"level\":\"ERROR\",\"logger_name\":\"o.h.SqlExceptionHelper\",\"message\":\"" HIKARI "\"}\n"
     "level=error msg=" HIKARI "\n" HIKARI "\n",
     3, 0},
    {"only the stack", "hikaricp",
     "Exception in thread \"main\" java.sql.SQLTransientConnectionException: " HIKARI ".\n\tat x\n",
     1, 0},
    {"only the cause", "hikaricp",
     "java.lang.RuntimeException: x\nCaused by: java.sql.SQLTransientConnectionException: " HIKARI
     "\n",
     1, 0},
    {"no slot", "hikaricp",
     "Caused by: org.postgresql.util.PSQLException: FATAL: sorry, too many clients already\n", 0,
     1},

    {"a traceback", "sqlalchemy",
     "Traceback (most recent call last):\n  File \"x.py\"\nsqlalchemy.exc.TimeoutError: " QUEUE_POOL
     "\n",
     1, 0},
    {"a logger's line and its traceback", "sqlalchemy",
     "ERROR:root:" QUEUE_POOL "\nTraceback\nsqlalchemy.exc.TimeoutError: " QUEUE_POOL "\n", 1, 0},

    {"Rails", "rails",
     "ActiveRecord::ConnectionTimeoutError (could not obtain a connection from the pool within "
     "5.000 "
     "seconds (waited 5.001 seconds); all pooled connections were in use):\n",
     1, 0},
    {"a job of Rails, and Sidekiq of the same", "rails",
     "[ActiveJob] [Mail] Error performing Mail (Job ID: 1) from Sidekiq(default) in 5012.3ms: "
     "ActiveRecord::ConnectionTimeoutError (could not obtain a connection from the pool within "
     "5.000 seconds (waited 5.001 seconds); all pooled connections were in use):\n"
     "WARN: ActiveRecord::ConnectionTimeoutError: could not obtain a connection from the pool "
     "within 5.000 seconds (waited 5.001 seconds); all pooled connections were in use\n",
     1, 0},
    {"Sidekiq alone", "rails",
     "WARN: ActiveRecord::ConnectionTimeoutError: could not obtain a connection from the pool "
     "within 5.000 seconds (waited 5.001 seconds); all pooled connections were in use\n",
     1, 0},
    {"Rails in two lines", "rails",
     "ActiveRecord::ConnectionTimeoutError:\n  could not obtain a connection from the pool within "
     "5.000 "
     "seconds (waited 5.001 seconds); all pooled connections were in use\n",
     1, 0},

    {"Npgsql inside of another", "npgsql",
     "System.InvalidOperationException: An exception has been raised\n ---> Npgsql.NpgsqlException "
     "(0x80004005): " NPGSQL "\n",
     1, 0},
    {"Npgsql and again as the cause", "npgsql",
     "Npgsql.NpgsqlException (0x80004005): " NPGSQL
     "\n ---> Npgsql.NpgsqlException (0x80004005): " NPGSQL "\n",
     1, 0},

    {"Npgsql in ASP.NET's console", "npgsql",
     KESTREL "      Npgsql.NpgsqlException (0x80004005): " NPGSQL "\n" EF_TIMEOUT KESTREL
             "      Npgsql.NpgsqlException (0x80004005): " NPGSQL "\n" EF_TIMEOUT,
     2, 0},
    {"Entity Framework's record and what ASP.NET says of it", "npgsql",
     EF_CONSOLE KESTREL "      " TRANSIENT EF_CAUSE EF_TIMEOUT EF_CONSOLE KESTREL
                        "      " TRANSIENT EF_CAUSE EF_TIMEOUT,
     2, 0},
    {"Entity Framework through Serilog", "npgsql",
     "[12:00:00 ERR] " EF_MESSAGE TRANSIENT EF_CAUSE EF_TIMEOUT TRANSIENT EF_CAUSE EF_TIMEOUT
     "[12:00:01 ERR] HTTP GET /orders responded 500 in 15012 ms\n" TRANSIENT EF_CAUSE EF_TIMEOUT,
     1, 0},
    {"Entity Framework in JSON", "npgsql",
     "{\"EventId\":10100,\"LogLevel\":\"Error\",\"Message\":\"An exception occurred while "
     "iterating "
     "over the results of a query for context type \\u0027Shop\\u0027.\\n ---\\u003E "
     "Npgsql.NpgsqlException (0x80004005): " NPGSQL "\"}\n{\"EventId\":13,\"Exception\":\" "
     "---\\u003E Npgsql.NpgsqlException (0x80004005): " NPGSQL "\"}\n",
     1, 0},
    {"Npgsql in JSON", "npgsql",
     "{\"EventId\":13,\"Exception\":\"Npgsql.NpgsqlException (0x80004005): " NPGSQL "\"}\n", 1, 0},
    {"what Entity Framework says of a statement, and a pool beside it", "npgsql",
     "fail: Microsoft.EntityFrameworkCore.Update[10000]\n"
     "      An exception occurred in the database while saving changes for context type 'Shop'.\n"
     "      Npgsql.PostgresException (0x80004005): 23505: duplicate key value\n" KESTREL
     "      Npgsql.NpgsqlException (0x80004005): " NPGSQL "\n",
     1, 0},
    {"no slot, as Entity Framework tells it", "npgsql",
     "      " EF_MESSAGE
     "       ---> Npgsql.PostgresException (0x80004005): 53300: sorry, too many "
     "clients already\n       ---> Npgsql.PostgresException (0x80004005): 53300: sorry, too many "
     "clients already\n",
     0, 1},

    {"Supavisor", "supavisor",
     "[error] Unable to check out process from the pool due to timeout\n"
     "[error] ClientHandler: Unable to check out connection from the pool due to timeout\n"
     "[error] Too many clients already\n"
     "[error] ClientHandler: MaxClientsInSessionMode: max clients reached - in Session mode max "
     "clients are limited to pool_size\n",
     4, 0},
    {"Supavisor before a server that is full", "supavisor",
     "[error] DbHandler: FATAL sorry, too many clients already\n", 0, 1},

    {"an expression", "(?i)pool (timed out|exhausted)",
     "the Pool timed out\npool exhausted\npool\n", 2, 0},
    {"groups", "(a)(b)(c)(d)", "abcd\n", 1, 0},
    {"bytes that are no UTF-8", "x\xff", "x\xff\nx\xfe\n", 1, 0},
};

struct counts {
    struct log_rules *rules;
    unsigned events[LOG_EVENT_COUNT];
    int64_t now_ms;
    char database[64];
};

static void on_line(void *arg, const char *line, size_t len)
{
    struct counts *counts = arg;
    struct log_finding found = log_rules_match(counts->rules, line, len, counts->now_ms);

    counts->events[found.event]++;
    if (found.database) {
        (void)snprintf(counts->database, sizeof(counts->database), "%.*s", (int)found.database_len,
                       found.database);
    }
}

static struct counts count(const char *rule, const char *text)
{
    struct counts counts = {.now_ms = 1};
    struct log_lines lines = {0};
    struct err err;

    if (!log_rules_new(rule, &counts.rules, &err)) {
        fail_msg("%s %s", rule, err.message);
    }
    log_lines_feed(&lines, text, strlen(text), on_line, &counts);
    log_lines_done(&lines);
    log_rules_free(counts.rules);
    return counts;
}

static void counts_each_event_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        const struct log_case *c = &cases[i];
        struct counts counts = count(c->rule, c->text);

        if (counts.events[LOG_POOL_TIMEOUT] != c->timeouts ||
            counts.events[LOG_CONNECTION_ERROR] != c->errors) {
            fail_msg("%s: %s: %u timeouts, %u errors", c->rule, c->name,
                     counts.events[LOG_POOL_TIMEOUT], counts.events[LOG_CONNECTION_ERROR]);
        }
    }
}

static void names_the_database(void **state)
{
    (void)state;
    assert_string_equal(count("pgbouncer", cases[0].text).database, "appdb");
    assert_string_equal(count("(a)b", "ab\n").database, "");
}

static void another_shape_takes_over_when_the_first_is_seen_no_more(void **state)
{
    struct counts counts = {.now_ms = 1000};
    const char plain[] = "Error: " TIMEOUT, json[] = "{\"msg\":\"" TIMEOUT "\"}";

    (void)state;
    assert_true(log_rules_new("node-postgres", &counts.rules, NULL));
    on_line(&counts, plain, strlen(plain));
    counts.now_ms += 59000;
    on_line(&counts, json, strlen(json));
    assert_int_equal(counts.events[LOG_POOL_TIMEOUT], 1);
    counts.now_ms += 1000;
    on_line(&counts, json, strlen(json));
    on_line(&counts, plain, strlen(plain));
    assert_int_equal(counts.events[LOG_POOL_TIMEOUT], 2);
    log_rules_free(counts.rules);
}

static void the_shape_that_counts_outlives_a_restart(void **state)
{
    struct counts counts = {.now_ms = 1000};
    const char plain[] = "Error: " TIMEOUT, json[] = "{\"msg\":\"" TIMEOUT "\"}";

    (void)state;
    assert_true(log_rules_new("node-postgres", &counts.rules, NULL));
    on_line(&counts, json, strlen(json));
    unsigned shapes = log_rules_shapes(counts.rules);
    log_rules_free(counts.rules);
    assert_true(log_rules_new("node-postgres", &counts.rules, NULL));
    log_rules_set_shapes(counts.rules, shapes, 1000);
    on_line(&counts, plain, strlen(plain));
    assert_int_equal(counts.events[LOG_POOL_TIMEOUT], 1);
    log_rules_free(counts.rules);
}

static void gives_up_an_expression_that_explodes(void **state)
{
    struct counts counts = {0};
    char line[200];

    (void)state;
    memset(line, 'a', sizeof(line));
    line[sizeof(line) - 1] = 'c';
    assert_true(log_rules_new("^(a|aa)+$", &counts.rules, NULL));
    on_line(&counts, line, sizeof(line));
    assert_int_equal(counts.events[LOG_POOL_TIMEOUT], 0);
    assert_int_equal(log_rules_given_up(counts.rules), 1);
    assert_int_equal(log_rules_given_up(counts.rules), 0);
    log_rules_free(counts.rules);
}

/* A stack in one line of JSON: no rule of ours gives up on the longest line there is. */
static void reads_the_longest_line(void **state)
{
    static const struct {
        const char *rule, *text;
    } told[] = {
        {"hikaricp", HIKARI},
        {"hikaricp", "\"java.sql.SQLTransientConnectionException: " HIKARI},
        {"npgsql", "Npgsql.NpgsqlException (0x80004005): " NPGSQL},
        {"rails", "ActiveRecord::ConnectionTimeoutError: could not obtain a connection from the "
                  "pool within 5.000 seconds"},
        {"sqlalchemy", QUEUE_POOL},
        {"prisma", "Error: " P2024},
        {"node-postgres", "{\"stack\":\"\",\"message\":\"" TIMEOUT "\""},
    };
    static const char frame[] = " at com.example.Class.method(Class.java:42) \"x\":[1] = y";
    static char line[LOG_LINE_BYTES + 1];

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(told) * 2; i++) {
        bool last = i % 2 == 1; /* behind the stack instead of before it */
        const char *text = told[i / 2].text;
        struct counts counts = {.now_ms = 1000};

        for (size_t at = 0; at < LOG_LINE_BYTES; at++) {
            line[at] = frame[at % (sizeof(frame) - 1)];
        }
        line[0] = '{';
        memcpy(last ? line + LOG_LINE_BYTES - strlen(text) : line + 1, text, strlen(text));
        if (strcmp(told[i / 2].rule, "node-postgres") == 0 && !last) {
            memcpy(line, text, strlen(text));
        }
        assert_true(log_rules_new(told[i / 2].rule, &counts.rules, NULL));
        on_line(&counts, line, LOG_LINE_BYTES);
        if (log_rules_given_up(counts.rules) > 0 ||
            (counts.events[LOG_POOL_TIMEOUT] != 1 && !last)) {
            fail_msg("%s: %s: %u", told[i / 2].rule, last ? "last" : "first",
                     counts.events[LOG_POOL_TIMEOUT]);
        }
        log_rules_free(counts.rules);
    }
}

static void refuses_what_is_neither(void **state)
{
    static const struct {
        const char *match, *message;
    } bad[] = {
        {"prism", "is no known set (did you mean prisma?)"},
        {"hibernate", "is no known set"},
        {"a(b", "is no expression: missing closing parenthesis at 3"},
        {"\\C", "is no expression: using \\C is disabled by the application at 2"},
    };
    struct log_rules *rules;
    struct err err;

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(bad); i++) {
        assert_false(log_rules_new(bad[i].match, &rules, &err));
        assert_string_equal(err.message, bad[i].message);
    }
}

/* --- lines ---------------------------------------------------------------------------------- */

struct seen {
    char text[256];
    size_t longest;
};

static void on_any_line(void *arg, const char *line, size_t len)
{
    struct seen *seen = arg;
    size_t at = strlen(seen->text);

    seen->longest = len > seen->longest ? len : seen->longest;
    (void)snprintf(seen->text + at, sizeof(seen->text) - at, "[%.*s]", len > 20 ? 20 : (int)len,
                   line);
}

static void cuts_lines_however_the_bytes_come(void **state)
{
    static const char text[] = "one\r\n\ntwo\nthree\n\nrest";

    (void)state;
    for (size_t step = 1; step < sizeof(text); step++) {
        struct log_lines lines = {0};
        struct seen seen = {0};

        for (size_t at = 0; at < sizeof(text) - 1; at += step) {
            size_t left = sizeof(text) - 1 - at;

            log_lines_feed(&lines, text + at, left < step ? left : step, on_any_line, &seen);
        }
        assert_string_equal(seen.text, "[one][][two][three][]");
        assert_int_equal(lines.pending, 4);
        log_lines_end(&lines, on_any_line, &seen);
        assert_string_equal(seen.text, "[one][][two][three][][rest]");
        log_lines_done(&lines);
    }
}

static void a_long_line_is_its_beginning(void **state)
{
    struct log_lines lines = {0};
    struct seen seen = {0};
    char bytes[1000];

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    for (int i = 0; i < 100; i++) {
        log_lines_feed(&lines, bytes, sizeof(bytes), on_any_line, &seen);
    }
    assert_int_equal(lines.pending, 100000);
    log_lines_feed(&lines, "\nnext\n", 6, on_any_line, &seen);
    assert_string_equal(seen.text, "[xxxxxxxxxxxxxxxxxxxx][next]");
    assert_int_equal(seen.longest, LOG_LINE_BYTES);
    assert_int_equal(lines.pending, 0);
    log_lines_done(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_each_event_once),
        cmocka_unit_test(names_the_database),
        cmocka_unit_test(another_shape_takes_over_when_the_first_is_seen_no_more),
        cmocka_unit_test(the_shape_that_counts_outlives_a_restart),
        cmocka_unit_test(gives_up_an_expression_that_explodes),
        cmocka_unit_test(reads_the_longest_line),
        cmocka_unit_test(refuses_what_is_neither),
        cmocka_unit_test(cuts_lines_however_the_bytes_come),
        cmocka_unit_test(a_long_line_is_its_beginning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
