/* DATABASE_URLs as applications have them: what goes to libpq, what is Prisma's, what is refused,
 * and that no message shows a password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/conninfo.h"
#include "aws/common/mem.h"

static const struct good_case {
    const char *url;
    const char *describe;
    const char *password;
    const char *ignored;
    const char *params; /* "keyword=value ..." for libpq */
} good[] = {
    {"postgresql://app@db/orders", "app@db:5432/orders", NULL, NULL, ""},
    {"postgres://app:pw@db:6543/orders", "app@db:6543/orders", "pw", NULL, ""},
    {"postgresql://db", "db:5432", NULL, NULL, ""},
    {"postgresql:///orders", "localhost:5432/orders", NULL, NULL, ""},
    {"postgresql://app:a%40b%2Fc%3A%25%3F@db/orders", "app@db:5432/orders", "a@b/c:%?", NULL, ""},
    {"postgresql://app:what?no#way@db/orders?schema=public", "app@db:5432/orders", "what?no#way",
     "schema", ""},
    {"postgresql://app:${x}$$@db/orders", "app@db:5432/orders", "${x}$$", NULL, ""},
    {"postgresql://app@[::1]:5433/orders", "app@[::1]:5433/orders", NULL, NULL, ""},
    {"postgresql://app@%2Fvar%2Frun%2Fpostgresql/orders", "app@/var/run/postgresql:5432/orders",
     NULL, NULL, ""},
    {"postgresql://app@/orders?host=/tmp", "app@/tmp:5432/orders", NULL, NULL, ""},
    {"postgresql://app@/orders?host=/tmp/a:b", "app@[/tmp/a:b]:5432/orders", NULL, NULL, ""},
    {"postgresql://app@db/orders?password=pw%26", "app@db:5432/orders", "pw&", NULL, ""},
    {"postgresql://app@db/orders?sslmode=verify-full&sslrootcert=/rds.pem", "app@db:5432/orders",
     NULL, NULL, "sslmode=verify-full sslrootcert=/rds.pem "},
    {"postgresql://app@db/orders?ssl=true", "app@db:5432/orders", NULL, NULL, "sslmode=require "},
    {"postgresql://app@db/orders?schema=public&socket_timeout=3&statement_cache_size=0&"
     "sslaccept=strict&sslidentity=x.p12&max_connection_lifetime=1&max_idle_connection_lifetime=2&"
     "single_use_connections=true",
     "app@db:5432/orders", NULL,
     "schema, socket_timeout, statement_cache_size, sslaccept, sslidentity, "
     "max_connection_lifetime, max_idle_connection_lifetime, single_use_connections",
     ""},
    {"postgresql://app@db/orders?sslcert=ca.pem&sslpassword=x&sslmode=require",
     "app@db:5432/orders", NULL, "sslcert, sslpassword", "sslmode=require "},
    {"postgresql://app@db/orders?sslcert=c.pem&sslkey=c.key", "app@db:5432/orders", NULL, NULL,
     "sslcert=c.pem sslkey=c.key "},
    {"postgresql://app@db/orders?application_name=web&gssencmode=prefer", "app@db:5432/orders",
     NULL, "application_name, gssencmode", ""},
    {"postgresql://app@db/orders?&&schema=a&", "app@db:5432/orders", NULL, "schema", ""},
};

static void takes_what_applications_have(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(good); i++) {
        const struct good_case *c = &good[i];
        struct conninfo info;
        struct err err;
        struct buf params;

        if (!conninfo_parse(c->url, &info, &err)) {
            fail_msg("%s: %s", c->url, err.message);
        }
        char *describe = conninfo_describe(&info);

        buf_init(&params, 4096);
        for (size_t j = 0; info.keywords[j] != NULL; j++) {
            buf_printf(&params, "%s=%s ", info.keywords[j], info.values[j]);
        }
        assert_string_equal(describe, c->describe);
        assert_string_equal(buf_text(&params), c->params);
        assert_string_equal(info.password != NULL ? info.password : "(none)",
                            c->password != NULL ? c->password : "(none)");
        assert_string_equal(info.ignored != NULL ? info.ignored : "(none)",
                            c->ignored != NULL ? c->ignored : "(none)");
        free(describe);
        buf_done(&params);
        conninfo_done(&info);
    }
}

/* Every one of these holds "s3cret" somewhere: none may show it. */
static const struct bad_case {
    const char *url;
    const char *message; /* a part of it */
} bad[] = {
    {"", "is no URL"},
    {"host=db password=s3cret", "is no URL"},
    {"prisma://accelerate.prisma-data.net/?api_key=s3cret", "is no URL"},
    {"prisma+postgres://app:s3cret@db/orders", "is no URL"},
    {"mysql://app:s3cret@db/orders", "is no URL"},
    {"POSTGRESQL://app:s3cret@db/orders", "is no URL"},
    {"postgresql://app:s3cret@a,b/orders", "several hosts"},
    {"postgresql://app:s3cret@db/orders?host=a,b", "several hosts"},
    {"postgresql://app:p@s3cret@db/orders", "an @ too many"},
    {"postgresql://app:p/s3cret@db/orders", "an @ too many"},
    {"postgresql://app:12/s3cret@db/orders", "an @ too many"},
    {"postgresql://app:%zzs3cret@db/orders", "is no valid URL"},
    {"postgresql://app:s3cret%00@db/orders", "is no valid URL"},
    {"postgresql://app:a/b?s3cret=x@db/orders", "is no valid URL"},
    {"postgresql://app:s3cret@[::1/orders", "is no valid URL"},
    {"postgresql://app:s3cret@db s/orders", "has a host with a character"},
    {"postgresql://app:s3cret@db:0/orders", "has a port"},
    {"postgresql://app:s3cret@db:65536/orders", "has a port"},
    {"postgresql://app:s3cret@db:x/orders", "has a port"},
    {"postgresql://app:s3cret@db/orders?sslmode=no-verify", "accepted: disable, allow, prefer"},
    {"postgresql://app:s3cret@db/orders?connection_limt=3", "did you mean connection_limit?"},
    {"postgresql://app:s3cret@db/orders?max=2", "unknown parameter \"max\""},
    {"postgresql://app:s3cret@db/orders?service=x", "\"service\", which can not be used"},
    {"postgresql://app:s3cret@db/orders?replication=true", "\"replication\", which can not"},
    {"postgresql://app:x@db/orders?s3cret!", "not of the form name=value"},
    {"postgresql://app:x@db/orders?connection_limit=s3cret", "no number"},
    {"postgresql://app:x@db/orders?pool_timeout=1.2.3&a=s3cret", "pool_timeout"},
    {"postgresql://app:x@db/orders?connect_timeout=-1", "connect_timeout"},
    {"postgresql://app:x@db/orders?hostaddr=s3cret", "no numeric address"},
    {"postgresql://app%0a:s3cret@db/orders", "a control character in its user"},
    {"postgresql://app:s3cret@db/or%1bders", "a control character in its dbname"},
};

static void refuses_the_rest_without_its_password(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(bad); i++) {
        struct conninfo info;
        struct err err = {.code = ERR_NONE};

        if (conninfo_parse(bad[i].url, &info, &err)) {
            fail_msg("%s: taken", bad[i].url);
        }
        if (err.code != ERR_CONFIG || strstr(err.message, bad[i].message) == NULL) {
            fail_msg("%s: %s", bad[i].url, err.message);
        }
        assert_null(strstr(err.message, "s3cret"));
        assert_null(info.host);
        assert_null(info.password);
    }
}

static void understands_prismas_numbers(void **state)
{
    static const struct {
        const char *query;
        int connect_timeout_ms, connection_limit;
        double pool_timeout_s;
        bool pgbouncer;
    } cases[] = {
        {"", 5000, 0, -1, false},
        {"?connection_limit=17&pool_timeout=10&connect_timeout=3&pgbouncer=true", 3000, 17, 10,
         true},
        {"?pool_timeout=0&connect_timeout=0&pgbouncer=false", 10000, 0, 0, false},
        {"?pool_timeout=2.5&connect_timeout=600", 60000, 0, 2.5, false},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        char *url = mem_printf("postgresql://app@db/orders%s", cases[i].query);
        struct conninfo info;
        struct err err;

        assert_true(conninfo_parse(url, &info, &err));
        assert_int_equal(info.connect_timeout_ms, cases[i].connect_timeout_ms);
        assert_int_equal(info.connection_limit, cases[i].connection_limit);
        assert_float_equal(info.pool_timeout_s, cases[i].pool_timeout_s, 0);
        assert_int_equal(info.pgbouncer, cases[i].pgbouncer);
        conninfo_done(&info);
        free(url);
    }
}

static void prints_what_it_can_read_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(good); i++) {
        struct conninfo info, again;
        struct err err;
        struct buf first, second, hidden;

        buf_init(&first, 65536);
        buf_init(&second, 65536);
        buf_init(&hidden, 65536);
        assert_true(conninfo_parse(good[i].url, &info, &err));
        conninfo_print(&info, true, &first);
        conninfo_print(&info, false, &hidden);
        if (!conninfo_parse(buf_text(&first), &again, &err)) {
            fail_msg("%s: printed as %s: %s", good[i].url, buf_text(&first), err.message);
        }
        conninfo_print(&again, true, &second);
        assert_string_equal(buf_text(&first), buf_text(&second));
        assert_int_equal(info.password != NULL, strstr(buf_text(&hidden), ":***@") != NULL);
        conninfo_done(&info);
        conninfo_done(&again);
        buf_done(&first);
        buf_done(&second);
        buf_done(&hidden);
    }
}

static void knows_what_needs_no_lookup(void **state)
{
    static const struct {
        const char *url;
        bool none;
    } cases[] = {
        {"postgresql://db.example/x", false}, {"postgresql://10.0.0.1/x", true},
        {"postgresql://[::1]/x", true},       {"postgresql:///x", true},
        {"postgresql:///x?host=/tmp", true},  {"postgresql://db/x?hostaddr=10.0.0.1", true},
        {"postgresql://1.2.3/x", false},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct conninfo info;
        struct err err;

        assert_true(conninfo_parse(cases[i].url, &info, &err));
        assert_int_equal(conninfo_needs_no_lookup(&info), cases[i].none);
        conninfo_done(&info);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_applications_have),
        cmocka_unit_test(refuses_the_rest_without_its_password),
        cmocka_unit_test(understands_prismas_numbers),
        cmocka_unit_test(prints_what_it_can_read_again),
        cmocka_unit_test(knows_what_needs_no_lookup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
