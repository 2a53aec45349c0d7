/* Who leads: keys, and what each answer of the server means. Statements run against real servers in
 * tests/integration/test_leader.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sample/election.h"
#include "aws/common/mem.h"

static void whoever_publishes_the_same_shares_a_key(void **state)
{
    char environment[] = "Environment", production[] = "production", team[] = "Team", a[] = "a";
    struct config_pair pairs[] = {{environment, production}, {team, a}};
    struct config_pair turned[] = {{team, a}, {environment, production}};
    const struct config_pairs none = {.count = 0}, two = {pairs, 2}, other = {turned, 2},
                              one = {pairs, 1};
    int64_t keys[] = {
        election_key("Application", "eu-west-1", "orders", &none),
        election_key("Staging", "eu-west-1", "orders", &none),
        election_key("Application", "us-east-1", "orders", &none),
        election_key("Application", "eu-west-1", "billing", &none),
        election_key("Application", "eu-west-1", "orders", &two),
        election_key("Application", "eu-west-1", "orders", &one),
        election_key("Applicationeu-west-1", "", "orders", &none),
    };

    (void)state;
    assert_true(keys[4] == election_key("Application", "eu-west-1", "orders", &other));
    for (size_t i = 0; i < MEM_COUNT(keys); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true(keys[i] != keys[j]);
        }
    }
}

/* What is asked: "T" try, "U" unlock, "-" only look. */
static char asked(struct election *election, bool at_fault)
{
    struct buf sql;

    buf_init(&sql, 4096);
    bool only_looks = election_ask(election, -5, at_fault, &sql);
    char what = strstr(buf_text(&sql), "pg_try_advisory_lock(-5)") ? 'T'
                : strstr(buf_text(&sql), "pg_advisory_unlock(-5)") ? 'U'
                                                                   : '-';
    assert_true(only_looks == (what == '-'));
    assert_non_null(strstr(buf_text(&sql), "classid = 4294967295 AND l.objid = 4294967291"));
    buf_done(&sql);
    return what;
}

static enum election_act answer(struct election *election, bool held, bool lower, int holder,
                                bool at_fault)
{
    const struct election_answer given = {
        .held = held, .lower = lower, .holder = holder, .own = 100};

    return election_answer(election, &given, at_fault, 1000);
}

static struct election leader(void)
{
    struct election election;

    election_init(&election, true, 0);
    assert_true(election_is_due(&election, 0));
    assert_int_equal(asked(&election, false), 'T');
    assert_int_equal(answer(&election, true, false, 0, false), ELECTION_GO_ON);
    assert_int_equal(election.role, ELECTION_LEADS);
    assert_false(election_is_due(&election, 5000));
    assert_true(election_is_due(&election, 11000));
    return election;
}

static void who_gets_the_lock_leads(void **state)
{
    struct election election = leader();

    (void)state;
    assert_int_equal(asked(&election, false), '-');
    assert_int_equal(answer(&election, true, false, 0, false), ELECTION_GO_ON);
    assert_true(election_may_report(&election, 1000));
}

static void who_does_not_follows_in_silence(void **state)
{
    struct election election;

    (void)state;
    election_init(&election, true, 0);
    assert_true(election_may_report(&election, 0));
    assert_int_equal(answer(&election, false, false, 7, false), ELECTION_STOP);
    assert_int_equal(election.role, ELECTION_FOLLOWS);
    assert_false(election_may_report(&election, 0));
    assert_int_equal(asked(&election, false), 'T');
    assert_int_equal(answer(&election, false, false, 0, false), ELECTION_STOP);
    assert_int_equal(answer(&election, true, false, 0, false), ELECTION_GO_ON);
    assert_int_equal(election.role, ELECTION_LEADS);
}

static void a_higher_database_yields(void **state)
{
    struct election election = leader();

    (void)state;
    assert_int_equal(answer(&election, true, true, 0, false), ELECTION_STOP);
    assert_int_equal(election.role, ELECTION_FOLLOWS);
}

static void neither_is_the_session_of_the_sampler_before_this_one(void **state)
{
    struct election election;

    (void)state;
    election_init(&election, true, 7);
    assert_int_equal(answer(&election, false, false, 7, false), ELECTION_END_TWIN);
    assert_false(election.saw_other);
    assert_int_equal(answer(&election, false, false, 8, false), ELECTION_STOP);
    assert_int_equal(answer(&election, false, false, 7, false), ELECTION_STOP);
}

static void a_session_of_our_own_is_no_rival(void **state)
{
    struct election election = leader();

    (void)state;
    election_lost(&election, 2000);
    assert_true(election_may_report(&election, 900000));
    election_connected(&election);
    assert_true(election_is_due(&election, 2000));
    assert_int_equal(asked(&election, false), 'T');
    assert_int_equal(answer(&election, false, false, 100, false), ELECTION_END_TWIN);
    assert_int_equal(election.role, ELECTION_LEADS);
    assert_false(election.saw_other);
    assert_int_equal(asked(&election, false), 'T');
    assert_int_equal(answer(&election, true, false, 0, false), ELECTION_GO_ON);
}

static void a_leader_that_is_cut_off_falls_silent_when_there_are_others(void **state)
{
    struct election election = leader();

    (void)state;
    election.saw_other = true;
    election_lost(&election, 2000);
    election_lost(&election, 50000);
    assert_true(election_may_report(&election, 62000));
    assert_false(election_may_report(&election, 62001));
    assert_int_equal(answer(&election, false, false, 7, false), ELECTION_STOP);
}

static void who_is_at_fault_offers_the_lock_and_goes_on_until_it_is_taken(void **state)
{
    struct election election = leader();

    (void)state;
    assert_int_equal(asked(&election, true), 'U');
    assert_int_equal(answer(&election, false, false, 0, true), ELECTION_GO_ON);
    assert_int_equal(election.role, ELECTION_OFFERS);
    assert_int_equal(asked(&election, true), '-');
    assert_true(election_may_report(&election, 1000));
    assert_int_equal(answer(&election, false, false, 0, true), ELECTION_GO_ON);
    assert_int_equal(answer(&election, false, false, 7, true), ELECTION_STOP);
    assert_true(election_delay_ms(&election, true, 0.5) == 600000);
}

static void who_is_well_again_takes_it_back(void **state)
{
    struct election election = leader();

    (void)state;
    assert_int_equal(asked(&election, true), 'U');
    assert_int_equal(answer(&election, false, false, 0, true), ELECTION_GO_ON);
    assert_int_equal(asked(&election, false), 'T');
    assert_int_equal(answer(&election, true, false, 0, false), ELECTION_GO_ON);
    assert_int_equal(election.role, ELECTION_LEADS);
}

/* Two that are at fault must not both think that they may go on. */
static void an_offer_ends_with_its_session(void **state)
{
    struct election election = leader();

    (void)state;
    assert_int_equal(asked(&election, true), 'U');
    assert_int_equal(answer(&election, false, false, 0, true), ELECTION_GO_ON);
    election_lost(&election, 2000);
    assert_int_equal(asked(&election, true), 'T');
}

static void followers_try_soon_at_first_and_then_every_20_to_30_s(void **state)
{
    static const struct {
        int refusals;
        uint64_t least_ms, most_ms;
    } cases[] = {{0, 500, 1000},   {1, 500, 1000},    {2, 1000, 2000},
                 {5, 8000, 16000}, {6, 20000, 30000}, {1000000, 20000, 30000}};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        const struct election election = {.refusals = cases[i].refusals};

        assert_true(election_delay_ms(&election, false, 0) == cases[i].least_ms);
        assert_in_range(election_delay_ms(&election, false, 0.9999), cases[i].least_ms,
                        cases[i].most_ms);
    }
}

static void what_could_not_be_asked_is_asked_later(void **state)
{
    struct election election;

    (void)state;
    election_init(&election, true, 0);
    election_put_off(&election, 1000);
    assert_false(election_is_due(&election, 10999));
    assert_true(election_is_due(&election, 11000));
    assert_true(election_may_report(&election, 1000));
}

static void without_election_nothing_is_asked(void **state)
{
    struct election election;

    (void)state;
    election_init(&election, false, 0);
    assert_false(election_is_due(&election, UINT64_MAX));
    assert_true(election_may_report(&election, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_publishes_the_same_shares_a_key),
        cmocka_unit_test(who_gets_the_lock_leads),
        cmocka_unit_test(who_does_not_follows_in_silence),
        cmocka_unit_test(a_higher_database_yields),
        cmocka_unit_test(a_session_of_our_own_is_no_rival),
        cmocka_unit_test(neither_is_the_session_of_the_sampler_before_this_one),
        cmocka_unit_test(a_leader_that_is_cut_off_falls_silent_when_there_are_others),
        cmocka_unit_test(who_is_at_fault_offers_the_lock_and_goes_on_until_it_is_taken),
        cmocka_unit_test(who_is_well_again_takes_it_back),
        cmocka_unit_test(an_offer_ends_with_its_session),
        cmocka_unit_test(followers_try_soon_at_first_and_then_every_20_to_30_s),
        cmocka_unit_test(what_could_not_be_asked_is_asked_later),
        cmocka_unit_test(without_election_nothing_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
