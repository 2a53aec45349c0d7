/* libpq's messages, as libpq 15 with verbosity VERBOSE writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sample/refusal.h"
#include "aws/common/mem.h"

#define TO_A "connection to server at \"db\" (10.0.1.7), port 5432 failed: "
#define TO_B "connection to server at \"db\" (10.0.1.8), port 5432 failed: "

static void slots_are_told_from_limits(void **state)
{
    static const struct {
        const char *name, *sqlstate, *message;
        bool out_of_slots;
    } cases[] = {
        {"all gone", "53300", "FATAL:  53300: sorry, too many clients already", true},
        {"reserved, 15", "53300",
         "FATAL:  53300: remaining connection slots are reserved for non-replication superuser "
         "connections",
         true},
        {"reserved, RDS 15", "53300",
         "FATAL:  53300: remaining connection slots are reserved for non-replication superuser and "
         "rds_superuser connections",
         true},
        {"reserved, 16", "53300",
         "FATAL:  53300: remaining connection slots are reserved for roles with the SUPERUSER "
         "attribute",
         true},
        {"reserved, RDS 16", "53300",
         "FATAL:  53300: remaining connection slots are reserved for roles with privileges of the "
         "\"rds_reserved\" role",
         true},
        {"translated", "53300",
         "VERHÄNGNISVOLL:  53300: tut mir leid, schon zu viele Verbindungen\nLOCATION:  "
         "ProcArrayAdd, procarray.c:462",
         true},
        {"role", "53300", "FATAL:  53300: too many connections for role \"app\"", false},
        {"database", "53300", "FATAL:  53300: too many connections for database \"app\"", false},
        {"role, translated", "53300",
         "FATAL:  53300: trop de connexions pour le rôle « app »\nLOCATION:  "
         "InitializeSessionUserId, miscinit.c:784",
         false},
        {"database, translated", "53300",
         "FATAL:  53300: trop de connexions pour la base\nLOCATION:  CheckMyDatabase, "
         "postinit.c:386",
         false},
        {"replication", "53300",
         "FATAL:  53300: number of requested standby connections exceeds max_wal_senders", false},
        {"no code, known text", "", "FATAL:  sorry, too many clients already", true},
        {"no code, reserved", "", "FATAL:  remaining connection slots are reserved for x", true},
        {"no code, role", "", "FATAL:  too many connections for role \"app\"", false},
        {"another code", "57P03", "FATAL:  57P03: the database system is starting up", false},
        {"nothing", "", "", false},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        print_message("%s\n", cases[i].name);
        assert_int_equal(refusal_is_out_of_slots(cases[i].sqlstate, cases[i].message),
                         cases[i].out_of_slots);
    }
}

static void a_message_becomes_one_line(void **state)
{
    static const struct {
        const char *name, *message, *text, *sqlstate;
        enum err_code code;
        enum refusal_pace pace;
    } cases[] = {
        {"password",
         TO_A "FATAL:  28P01: password authentication failed for user \"app\"\n"
              "LOCATION:  auth_failed, auth.c:334\n",
         "password authentication failed for user \"app\"", "28P01", ERR_DENIED, REFUSAL_SLOW},
        {"full, TLS and plain",
         TO_A "FATAL:  53300: sorry, too many clients already\nLOCATION:  ProcArrayAdd, "
              "procarray.c:462\n" TO_A "FATAL:  53300: sorry, too many clients already\n",
         "sorry, too many clients already", "53300", ERR_FULL, REFUSAL_SLOTS},
        {"no server", TO_A "Connection refused\n\tIs the server running on that host?\n",
         "Connection refused", "", ERR_NET, REFUSAL_SOON},
        {"what a server says beats what libpq says",
         TO_A "FATAL:  57P03: the database system is starting up\n" TO_B "Connection refused\n",
         "the database system is starting up", "57P03", ERR_NET, REFUSAL_SOON},
        {"the last of equals", TO_A "Connection refused\n" TO_B "No route to host\n",
         "No route to host", "", ERR_NET, REFUSAL_SOON},
        {"translated severity", TO_A "ВАЖНО:  3D000: база данных не существует\n",
         "база данных не существует", "3D000", ERR_CONFIG, REFUSAL_SLOW},
        {"without a prefix",
         "FATAL:  28000: no pg_hba.conf entry for host \"::1\", no encryption\n",
         "no pg_hba.conf entry for host \"::1\", no encryption", "28000", ERR_DENIED, REFUSAL_SLOW},
        {"broken in the middle",
         "server closed the connection unexpectedly\n\tThis probably means the server\n",
         "server closed the connection unexpectedly", "", ERR_NET, REFUSAL_SOON},
        {"no password", TO_A "fe_sendauth: no password supplied\n",
         "fe_sendauth: no password supplied", "", ERR_DENIED, REFUSAL_SLOW},
        {"limit of a role", TO_A "FATAL:  53300: too many connections for role \"app\"\n",
         "too many connections for role \"app\"", "53300", ERR_DENIED, REFUSAL_SLOW},
        {"no such code", TO_A "FATAL:  5330x: odd\n", "FATAL:  5330x: odd", "", ERR_NET,
         REFUSAL_SOON},
        {"empty", "", "no reason given", "", ERR_NET, REFUSAL_SOON},
        {"only a newline", "\n", "no reason given", "", ERR_NET, REFUSAL_SOON},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct refusal got;

        print_message("%s\n", cases[i].name);
        refusal_read(cases[i].message, &got);
        assert_string_equal(got.text, cases[i].text);
        assert_string_equal(got.sqlstate, cases[i].sqlstate);
        assert_int_equal(got.code, cases[i].code);
        assert_int_equal(got.pace, cases[i].pace);
        assert_int_equal(got.out_of_slots, cases[i].code == ERR_FULL);
    }
}

static void a_long_message_is_cut(void **state)
{
    char message[4096];
    struct refusal got;

    (void)state;
    memset(message, 'x', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    refusal_read(message, &got);
    assert_int_equal(strlen(got.text), sizeof(got.text) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_told_from_limits),
        cmocka_unit_test(a_message_becomes_one_line),
        cmocka_unit_test(a_long_message_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
