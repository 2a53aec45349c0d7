/* Findings from rows made by hand: each kind is found where it is, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "diagnosis_rows.h"

#define SESSIONS_MAX 128

static struct config_database database = {
    .name = (char[]){"orders"},
    .identifier = (char[]){"orders"},
    .conninfo = {.port = (char[]){"5432"}, .connect_timeout_ms = 5000, .pool_timeout_s = -1},
    .long_query_ms = 60000,
    .leak_ms = 600000,
    .stale_idle_ms = 300000};

static struct fact_session rows[SESSIONS_MAX];

static size_t fill(size_t count, const char *application, size_t addresses)
{
    static const char *const address[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"};

    for (size_t i = 0; i < count; i++) {
        rows[i] = session_made(100 + (int)i, application, address[i % addresses]);
    }
    return count;
}

/* The ids, ' ' between, worst first. */
static char *ids_of(struct diagnosis *diagnosis)
{
    struct buf ids;

    diagnosis_conclude(diagnosis);
    buf_init(&ids, 4096);
    for (size_t i = 0; i < diagnosis->findings.count; i++) {
        buf_printf(&ids, "%s%s", i > 0 ? " " : "", diagnosis->findings.items[i].id);
    }
    return buf_take(&ids);
}

static void expect_ids(struct diagnosis *diagnosis, const char *ids)
{
    char *found = ids_of(diagnosis);

    assert_string_equal(found ? found : "", ids);
    free(found);
}

static void expect(size_t count, const char *ids, const char *title)
{
    struct diagnosis *made = diagnosis_made(&database, rows, count);

    expect_ids(made, ids);
    if (title) {
        assert_string_equal(made->findings.items[0].title, title);
    }
    diagnosis_free_made(made);
}

/* --- nothing is invented -------------------------------------------------------------------- */

static void a_healthy_server_gives_nothing(void **state)
{
    (void)state;
    expect(0, "", NULL);
    expect(fill(20, "web", 2), "", NULL);
}

static void what_is_just_below_a_threshold_is_nothing(void **state)
{
    size_t count = fill(4, "web", 1);

    (void)state;
    rows[0].state = "idle in transaction";
    rows[0].state_age_s = 600;
    rows[0].transaction_age_s = 5000;
    rows[1].state = "active";
    rows[1].query_age_s = 60;
    rows[1].state_age_s = 5000;
    rows[2].state_age_s = 300;
    rows[3].state = "active";
    rows[3].query_age_s = 5000;
    rows[3].on_lock = true; /* slow only because others are */
    expect(count, "", NULL);
}

static void what_can_not_be_seen_is_not_claimed(void **state)
{
    size_t count = fill(3, "web", 1);

    (void)state;
    rows[0].visible = false;
    rows[0].state = "idle in transaction";
    rows[0].state_age_s = 5000;
    rows[1].visible = false;
    rows[1].tls = false;
    rows[1].address = "10.0.0.1";
    expect(count, "", NULL);
}

/* --- sessions ------------------------------------------------------------------------------- */

static void a_leak_is_found_with_its_statement(void **state)
{
    size_t count = fill(3, "web", 1);

    (void)state;
    rows[1].user = "my-app";
    rows[1].state = "idle in transaction (aborted)";
    rows[1].state_age_s = 720;
    rows[1].transaction_age_s = 800;
    rows[1].query = "UPDATE t SET a = 's3cret'";
    struct diagnosis *made = diagnosis_made(&database, rows, count);

    expect_ids(made, "leak");
    const struct finding *leak = &made->findings.items[0];

    assert_int_equal(leak->severity, SEVERITY_CRITICAL);
    assert_string_equal(leak->title, "1 session idle in transaction longer than 10 min, the oldest "
                                     "for 12 min");
    assert_string_equal(leak->evidence.items[0],
                        "pid 101, web, my-app@orders from 127.0.0.1: idle in transaction (aborted) "
                        "for 12 min, open for 13 min, last: UPDATE t SET a = ?");
    assert_string_equal(leak->remedies.items[0], "SELECT pg_terminate_backend(101);");
    assert_string_equal(leak->remedies.items[1],
                        "ALTER ROLE \"my-app\" SET idle_in_transaction_session_timeout = '60s';");
    diagnosis_free_made(made);
}

static void long_statements_are_the_oldest_first_and_a_few(void **state)
{
    size_t count = fill(8, "web", 1);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        rows[i].state = "active";
        rows[i].query_age_s = 100 + (double)i;
        rows[i].query = "SELECT 1";
    }
    struct diagnosis *made = diagnosis_made(&database, rows, count);

    expect_ids(made, "long_queries");
    const struct finding *slow = &made->findings.items[0];

    assert_string_equal(slow->title, "8 statements run longer than 60 s, the oldest for 107 s");
    assert_int_equal(slow->evidence.count, EVIDENCE_MAX + 1);
    assert_non_null(strstr(slow->evidence.items[0], "pid 107,"));
    assert_string_equal(slow->evidence.items[EVIDENCE_MAX], "and 3 more");
    assert_string_equal(slow->remedies.items[0],
                        "SELECT pid, pg_cancel_backend(pid) FROM "
                        "unnest('{107,106,105,104,103,102,101,100}'::int[]) pid;");
    diagnosis_free_made(made);
}

static void stale_sessions_are_advice_until_they_are_many(void **state)
{
    static const struct {
        size_t stale;
        enum severity severity;
    } cases[] = {{1, SEVERITY_ADVICE}, {11, SEVERITY_ADVICE}, {12, SEVERITY_WARNING}};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        size_t count = fill(20, "web", 1);

        for (size_t j = 0; j < cases[i].stale; j++) {
            rows[j].state_age_s = 301;
        }
        struct diagnosis *made = diagnosis_made(&database, rows, count);

        expect_ids(made, "stale_idle");
        assert_int_equal(made->findings.items[0].severity, cases[i].severity);
        diagnosis_free_made(made);
    }
}

static void set_waits(struct diagnosis *diagnosis, const struct fact_wait *waits, size_t count)
{
    diagnosis->facts.waits = mem_alloc(count * sizeof(*waits));
    memcpy(diagnosis->facts.waits, waits, count * sizeof(*waits));
    diagnosis->facts.wait_count = count;
}

/* The third waits behind the second in the same queue, so it is blocked by both. */
static void a_chain_of_three_has_one_root(void **state)
{
    static const struct fact_wait waits[] = {{101, 100, 12}, {102, 100, 5}, {102, 101, 5}};
    size_t count = fill(3, "web", 1);

    (void)state;
    rows[0].state = "idle in transaction";
    rows[1].state = rows[2].state = "active";
    rows[1].on_lock = rows[2].on_lock = true;
    struct diagnosis *made = diagnosis_made(&database, rows, count);

    set_waits(made, waits, MEM_COUNT(waits));
    expect_ids(made, "lock_waits");
    const struct finding *locks = &made->findings.items[0];

    assert_string_equal(locks->title,
                        "2 sessions wait for locks behind pid 100, the longest for 12 s");
    assert_int_equal(locks->evidence.count, 3);
    assert_non_null(strstr(locks->evidence.items[0], "pid 100, web"));
    assert_int_equal(strncmp(locks->evidence.items[1], "  blocks, for 12 s: pid 101,", 28), 0);
    assert_int_equal(strncmp(locks->evidence.items[2], "    blocks, for 5 s: pid 102,", 29), 0);
    assert_int_equal(locks->remedies.count, 1);
    assert_string_equal(locks->remedies.items[0], "SELECT pg_terminate_backend(100);");
    diagnosis_free_made(made);
}

static void other_ways_to_wait(void **state)
{
    static const struct {
        const char *name, *ids, *remedy;
        struct fact_wait waits[2];
        size_t count;
    } cases[] = {
        {"a moment is nothing", "", NULL, {{101, 100, 0.5}}, 1},
        {"a deadlock ends by itself", "", NULL, {{101, 100, 5}, {100, 101, 5}}, 2},
        {"a prepared transaction",
         "lock_waits",
         "SELECT gid, prepared, owner, database FROM pg_prepared_xacts ORDER BY prepared;",
         {{101, 0, 70}},
         1},
        {"somebody who is no client",
         "lock_waits",
         "SELECT pg_terminate_backend(7777);",
         {{101, 7777, 5}},
         1},
        {"an active one is cancelled",
         "lock_waits",
         "SELECT pg_cancel_backend(102);",
         {{101, 102, 5}},
         1},
        {"not known for how long, its statement runs a moment", "", NULL, {{101, 100, -1}}, 1},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        size_t count = fill(3, "web", 1);

        print_message("%s\n", cases[i].name);
        rows[1].query_age_s = 0.5;
        rows[2].state = "active";
        struct diagnosis *made = diagnosis_made(&database, rows, count);

        set_waits(made, cases[i].waits, cases[i].count);
        expect_ids(made, cases[i].ids);
        if (cases[i].remedy) {
            assert_string_equal(made->findings.items[0].remedies.items[0], cases[i].remedy);
        }
        diagnosis_free_made(made);
    }
}

/* --- capacity ------------------------------------------------------------------------------- */

static void slots_that_run_out_name_who_takes_them(void **state)
{
    static const struct {
        size_t count; /* and our own */
        const char *ids, *title;
    } cases[] = {
        {27, "", NULL},
        {28, "", NULL},
        {29, "budget", "applications hold 29 connections, their budget is 28 (60 % of 47 usable)"},
        {36, "budget", NULL},
        {37, "slots budget", "38 of 47 usable connections are taken (81 %), 37 of them by web"},
        {46, "slots budget", "47 of 47 usable connections are taken (100 %), 46 of them by web"},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        expect(fill(cases[i].count, "web", 2), cases[i].ids, cases[i].title);
    }
}

static void the_budget_is_shared_by_tasks(void **state)
{
    size_t count = fill(40, "web", 4);
    struct diagnosis *made = diagnosis_made(&database, rows, count);
    struct budget budget;

    (void)state;
    expect_ids(made, "slots budget");
    budget_of(made, &budget);
    assert_int_equal(budget.budget, 28);
    assert_int_equal(budget.in_use, 40);
    assert_int_equal(budget.tasks, 4);
    assert_int_equal(budget_per_task(&budget, 4), 7);
    assert_int_equal(budget_per_task(&budget, 100), 1);
    assert_string_equal(made->findings.items[1].evidence.items[0],
                        "web: 40 connections, 4 addresses, at most 10 from one");
    assert_string_equal(made->findings.items[1].remedies.items[0],
                        "connection_limit=7 in the URL of each of the 4 tasks seen (Prisma 7: max "
                        "of the adapter)");
    diagnosis_free_made(made);
}

/* Four tasks with a pool of 10 each, though they hold only 8 now. */
static void what_the_pools_may_grow_to_counts(void **state)
{
    struct config_database own = database;
    size_t count = fill(8, "web", 4);

    (void)state;
    own.conninfo.connection_limit = 10;
    own.conninfo.pool_timeout_s = 20;
    own.conninfo.connect_timeout_ms = 10000;
    struct diagnosis *made = diagnosis_made(&own, rows, count);

    expect_ids(made, ""); /* the URL is not the application's */
    diagnosis_free_made(made);
    made = diagnosis_made(&own, rows, count);
    made->facts.sessions[count].user = "app";
    expect_ids(made, "budget");
    assert_string_equal(made->findings.items[0].title,
                        "applications may take 40 connections (4 tasks, connection_limit 10), "
                        "their budget is 28 (60 % of 47 usable)");
    diagnosis_free_made(made);
}

static void limits_of_roles_and_databases(void **state)
{
    static const struct {
        struct fact_limit limit;
        const char *ids, *title;
        enum severity severity;
    } cases[] = {
        {{true, "app", 13}, "", NULL, SEVERITY_ADVICE},
        {{true, "app", 12},
         "connection_limit",
         "1 CONNECTION LIMIT almost reached",
         SEVERITY_WARNING},
        {{true, "app", 10}, "connection_limit", "1 CONNECTION LIMIT reached", SEVERITY_CRITICAL},
        {{true, "other", 1}, "", NULL, SEVERITY_ADVICE},
        {{false, "orders", 11},
         "connection_limit",
         "1 CONNECTION LIMIT reached",
         SEVERITY_CRITICAL},
        {{false, "other", 1}, "", NULL, SEVERITY_ADVICE},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct diagnosis *made = diagnosis_made(&database, rows, fill(10, "web", 1));

        made->facts.limits = mem_alloc(sizeof(struct fact_limit));
        made->facts.limits[0] = cases[i].limit;
        made->facts.limit_count = 1;
        expect_ids(made, cases[i].ids);
        if (cases[i].title) {
            assert_string_equal(made->findings.items[0].title, cases[i].title);
            assert_int_equal(made->findings.items[0].severity, cases[i].severity);
        }
        diagnosis_free_made(made);
    }
}

/* The URL is the application's own: role app. */
static void more_connections_than_the_url_allows(void **state)
{
    struct config_database own = database;
    static const struct {
        int limit;
        const char *user, *ids;
    } cases[] = {{5, "app", ""}, {4, "app", "several_pools"}, {4, "poolwarden", ""}};

    (void)state;
    own.conninfo.pool_timeout_s = 20;
    own.conninfo.connect_timeout_ms = 10000;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        size_t count = fill(10, "web", 2);

        own.conninfo.connection_limit = cases[i].limit;
        struct diagnosis *made = diagnosis_made(&own, rows, count);

        made->facts.sessions[count].user = cases[i].user;
        expect_ids(made, cases[i].ids);
        if (cases[i].ids[0] != '\0') {
            assert_string_equal(made->findings.items[0].evidence.items[0],
                                "web from 127.0.0.1: 5 connections");
            assert_int_equal(made->findings.items[0].evidence.count, 2);
        }
        diagnosis_free_made(made);
    }
}

static void when_a_pooler_is_due(void **state)
{
    struct diagnosis *made = diagnosis_made(&database, rows, fill(5, "web", 1));

    (void)state;
    made->facts.logins[0] = 1000;
    made->facts.logins[1] = 1010;
    expect_ids(made, "");
    diagnosis_free_made(made);

    made = diagnosis_made(&database, rows, fill(5, "web", 1));
    made->facts.logins[0] = 1000;
    made->facts.logins[1] = 1080;
    expect_ids(made, "pooler_due");
    assert_string_equal(made->findings.items[0].evidence.items[0], "40 logins a second");
    diagnosis_free_made(made);

    made = diagnosis_made(&database, rows, fill(101, "web", 4));
    made->snapshot.usable = 500;
    expect_ids(made, "pooler_due");
    assert_string_equal(made->findings.items[0].evidence.items[0],
                        "101 connections of applications");
    diagnosis_free_made(made);
}

/* --- pools ---------------------------------------------------------------------------------- */

static char pool_name[] = "api", sessions[] = "orders, billing";
static const struct config_pool api = {.name = pool_name, .type = POOL_PGBOUNCER};

static const struct {
    const char *name, *ids, *evidence;
    enum severity severity;
    struct fact_pool pool;
} pool_cases[] = {
    {"at ease",
     "",
     NULL,
     SEVERITY_ADVICE,
     {.readings = 8, .waiting = 0, .max_wait_s = 0, .busy = 2, .size = 28}},
    {"a moment's queue",
     "",
     NULL,
     SEVERITY_ADVICE,
     {.readings = 8, .waiting_readings = 2, .waiting = 3, .max_wait_s = 0.3, .size = NAN}},
    {"a long wait",
     "pool_waiting",
     "pool api: 3 clients wait, the longest for 2.5 s, 10 connections busy of 10",
     SEVERITY_WARNING,
     {.readings = 8, .waiting = 3, .max_wait_s = 2.5, .busy = 10, .size = 10}},
    {"a very long one",
     "pool_waiting",
     "pool api: 3 clients wait, the longest for 7 s, 5 gave up meanwhile",
     SEVERITY_CRITICAL,
     {.readings = 8, .waiting = 3, .max_wait_s = 7, .busy = NAN, .size = NAN, .timeouts = 5}},
    {"always somebody",
     "pool_waiting",
     "pool api: 1 client waits",
     SEVERITY_WARNING,
     {.readings = 8,
      .waiting_readings = 5,
      .waiting = 1,
      .max_wait_s = NAN,
      .busy = NAN,
      .size = NAN}},
    {"by session",
     "pool_mode",
     "pool api: orders, billing",
     SEVERITY_ADVICE,
     {.readings = 8, .waiting = 0, .max_wait_s = 0, .size = 2, .session_pooled = sessions}},
    {"too large",
     "pool_sizes",
     "pool api: 29",
     SEVERITY_WARNING,
     {.readings = 8, .waiting = 0, .max_wait_s = 0, .size = 29}},
};

static void pools_that_are_too_small_or_too_large(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(pool_cases); i++) {
        struct diagnosis *made = diagnosis_made(&database, rows, fill(5, "web", 1));

        print_message("%s\n", pool_cases[i].name);
        made->pools = mem_alloc(sizeof(struct fact_pool));
        made->pools[0] = pool_cases[i].pool;
        made->pools[0].pool = &api;
        made->pool_count = 1;
        expect_ids(made, pool_cases[i].ids);
        if (pool_cases[i].evidence) {
            assert_string_equal(made->findings.items[0].evidence.items[0], pool_cases[i].evidence);
            assert_int_equal(made->findings.items[0].severity, pool_cases[i].severity);
        }
        diagnosis_free_made(made);
    }
}

static void where_a_pgbouncer_is_none_is_due(void **state)
{
    struct diagnosis *made = diagnosis_made(&database, rows, fill(101, "web", 4));

    (void)state;
    made->snapshot.usable = 500;
    made->pools = mem_alloc(sizeof(struct fact_pool));
    made->pools[0] = (struct fact_pool){.pool = &api, .size = NAN};
    made->pool_count = 1;
    expect_ids(made, "");
    diagnosis_free_made(made);
}

/* --- access and settings --------------------------------------------------------------------- */

static void without_pg_monitor(void **state)
{
    size_t count = fill(2, "web", 1);

    (void)state;
    rows[0].visible = rows[1].visible = false;
    struct diagnosis *made = diagnosis_made(&database, rows, count);

    made->snapshot.privileged = false;
    expect_ids(made, "no_privilege");
    assert_int_equal(made->findings.items[0].severity, SEVERITY_WARNING);
    assert_string_equal(made->findings.items[0].evidence.items[0],
                        "2 of 3 sessions hide their state, age and client address");
    assert_string_equal(made->findings.items[0].remedies.items[0],
                        "GRANT pg_monitor TO poolwarden;");
    diagnosis_free_made(made);
}

static void only_a_network_needs_tls(void **state)
{
    static const struct {
        const char *address;
        bool tls;
        const char *ids;
    } cases[] = {{"10.0.0.1", false, "no_tls"},
                 {"10.0.0.1", true, ""},
                 {"127.0.0.1", false, ""},
                 {"::1", false, ""},
                 {"", false, ""},
                 {"fd00::2", false, "no_tls"}};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        size_t count = fill(1, "web", 1);

        rows[0].address = cases[i].address;
        rows[0].tls = cases[i].tls;
        expect(count, cases[i].ids, NULL);
    }
}

static void why_there_is_nothing_to_see(void **state)
{
    struct diagnosis *made = mem_alloc(sizeof(*made));

    (void)state;
    made->database = &database;
    made->known_limit = 47;
    err_set(&made->err, ERR_FULL, "sorry, too many clients already");
    expect_ids(made, "no_slot_left");
    assert_string_equal(made->findings.items[0].title,
                        "every one of the 47 usable connections is taken");
    assert_non_null(strstr(made->findings.items[0].remedies.items[0], "psql \"host="));
    diagnosis_free_made(made);

    made = mem_alloc(sizeof(*made));
    made->database = &database;
    err_set(&made->err, ERR_NET, "refused\x1b[2J");
    expect_ids(made, "unreachable");
    assert_string_equal(made->findings.items[0].title, "could not be examined: refused [2J");
    diagnosis_free_made(made);
}

static void settings_count_for_the_roles_that_have_none(void **state)
{
    static const struct {
        const char *name;
        struct fact_override override; /* setting NULL: none */
        const char *title;             /* NULL: nothing found */
        const char *own;               /* role of our own session */
    } cases[] = {
        {"for nobody", {0}, "statement_timeout is not set for app", "poolwarden"},
        {"for the role", {"", "app", "statement_timeout", true}, NULL, "poolwarden"},
        {"for the database", {"orders", "", "statement_timeout", true}, NULL, "poolwarden"},
        {"for another role",
         {"", "x", "statement_timeout", true},
         "statement_timeout is not set for app",
         "poolwarden"},
        {"another setting",
         {"", "app", "log_min_duration_statement", true},
         "statement_timeout is not set for app",
         "poolwarden"},
        {"off for the role",
         {"", "app", "statement_timeout", false},
         "statement_timeout is not set for app",
         "poolwarden"},
        {"ours hides the server's",
         {"", "poolwarden", "statement_timeout", false},
         NULL,
         "poolwarden"},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct diagnosis *made = diagnosis_made(&database, rows, fill(3, "web", 1));

        print_message("%s\n", cases[i].name);
        made->facts.settings[SETTING_STATEMENT_TIMEOUT] = false;
        if (cases[i].override.setting) {
            made->facts.overrides = mem_alloc(sizeof(struct fact_override));
            made->facts.overrides[0] = cases[i].override;
            made->facts.override_count = 1;
        }
        expect_ids(made, cases[i].title ? "statement_timeout" : "");
        if (cases[i].title) {
            assert_string_equal(made->findings.items[0].title, cases[i].title);
            assert_string_equal(made->findings.items[0].remedies.items[0],
                                "ALTER ROLE app SET statement_timeout = '30s';");
        }
        diagnosis_free_made(made);
    }
}

static void parameters_of_an_applications_url(void **state)
{
    struct config_database own = database;
    static const struct {
        const char *name;
        int connection_limit;
        double pool_timeout_s;
        int connect_timeout_ms;
        const char *evidence; /* the first; NULL: nothing found */
    } cases[] = {
        {"not Prisma's", 0, -1, 5000, NULL},
        {"as recommended", 5, 20, 10000, NULL},
        {"no limit", 0, 20, 10000,
         "connection_limit is not given: Prisma takes 2 x CPUs + 1, different on each machine"},
        {"no pool_timeout", 5, -1, 10000, "pool_timeout is not given: 10 s"},
        {"for ever", 5, 0, 10000, "pool_timeout=0: requests wait for ever"},
        {"short", 5, 20, 5000, "connect_timeout is 5 s: short for a server under load"},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        print_message("%s\n", cases[i].name);
        own.conninfo.connection_limit = cases[i].connection_limit;
        own.conninfo.pool_timeout_s = cases[i].pool_timeout_s;
        own.conninfo.connect_timeout_ms = cases[i].connect_timeout_ms;
        struct diagnosis *made = diagnosis_made(&own, rows, 0);

        expect_ids(made, cases[i].evidence ? "url_parameters" : "");
        if (cases[i].evidence) {
            assert_string_equal(made->findings.items[0].evidence.items[0], cases[i].evidence);
        }
        diagnosis_free_made(made);
    }
}

/* --- all together ---------------------------------------------------------------------------- */

static void the_worst_comes_first(void **state)
{
    static const struct fact_wait waits[] = {{101, 100, 12}};
    size_t count = fill(46, "web", 1);

    (void)state;
    rows[2].state_age_s = 400; /* advice */
    rows[3].state = "active";
    rows[3].query_age_s = 100; /* warning */
    rows[4].state = "idle in transaction";
    rows[4].state_age_s = 700; /* critical */
    struct diagnosis *made = diagnosis_made(&database, rows, count);

    set_waits(made, waits, MEM_COUNT(waits));
    expect_ids(made, "slots leak lock_waits long_queries budget stale_idle");
    diagnosis_free_made(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_server_gives_nothing),
        cmocka_unit_test(what_is_just_below_a_threshold_is_nothing),
        cmocka_unit_test(what_can_not_be_seen_is_not_claimed),
        cmocka_unit_test(a_leak_is_found_with_its_statement),
        cmocka_unit_test(long_statements_are_the_oldest_first_and_a_few),
        cmocka_unit_test(stale_sessions_are_advice_until_they_are_many),
        cmocka_unit_test(a_chain_of_three_has_one_root),
        cmocka_unit_test(other_ways_to_wait),
        cmocka_unit_test(slots_that_run_out_name_who_takes_them),
        cmocka_unit_test(the_budget_is_shared_by_tasks),
        cmocka_unit_test(what_the_pools_may_grow_to_counts),
        cmocka_unit_test(limits_of_roles_and_databases),
        cmocka_unit_test(more_connections_than_the_url_allows),
        cmocka_unit_test(when_a_pooler_is_due),
        cmocka_unit_test(pools_that_are_too_small_or_too_large),
        cmocka_unit_test(where_a_pgbouncer_is_none_is_due),
        cmocka_unit_test(without_pg_monitor),
        cmocka_unit_test(only_a_network_needs_tls),
        cmocka_unit_test(why_there_is_nothing_to_see),
        cmocka_unit_test(settings_count_for_the_roles_that_have_none),
        cmocka_unit_test(parameters_of_an_applications_url),
        cmocka_unit_test(the_worst_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
