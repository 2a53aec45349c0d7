/* Which failures are tried again, at what price, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aws/common/mem.h"
#include "aws/retry.h"

static void failures_fall_into_classes(void **state)
{
    static const struct {
        int status;
        const char *code;
        enum failure_class class;
        enum err_code err;
    } cases[] = {
        {400, "Throttling", FAILURE_THROTTLED, ERR_THROTTLED},
        {400, "ThrottlingException", FAILURE_THROTTLED, ERR_THROTTLED},
        {503, "SlowDown", FAILURE_THROTTLED, ERR_THROTTLED},
        {429, "ConcurrentModificationException", FAILURE_THROTTLED, ERR_THROTTLED},
        {429, NULL, FAILURE_THROTTLED, ERR_THROTTLED},
        {400, "LimitExceededException", FAILURE_THROTTLED, ERR_THROTTLED},
        {400, "LimitExceeded", FAILURE_BAD_INPUT, ERR_REJECTED},
        {500, "InternalServiceError", FAILURE_TRANSIENT, ERR_NET},
        {500, NULL, FAILURE_TRANSIENT, ERR_NET},
        {502, "", FAILURE_TRANSIENT, ERR_NET},
        {503, NULL, FAILURE_TRANSIENT, ERR_NET},
        {504, NULL, FAILURE_TRANSIENT, ERR_NET},
        {400, "RequestTimeout", FAILURE_TRANSIENT, ERR_NET},
        {408, NULL, FAILURE_TRANSIENT, ERR_NET},
        {403, "RequestTimeTooSkewed", FAILURE_SKEW, ERR_DENIED},
        {400, "InvalidSignatureException", FAILURE_SKEW, ERR_DENIED},
        {403, "SignatureDoesNotMatch", FAILURE_SKEW, ERR_DENIED},
        {403, "ExpiredTokenException", FAILURE_EXPIRED, ERR_DENIED},
        {403, "UnrecognizedClientException", FAILURE_EXPIRED, ERR_DENIED},
        {403, "InvalidClientTokenId", FAILURE_EXPIRED, ERR_DENIED},
        {403, "AccessDeniedException", FAILURE_DENIED, ERR_DENIED},
        {400, "AccessDenied", FAILURE_DENIED, ERR_DENIED},
        {403, NULL, FAILURE_FOREIGN, ERR_CONFIG},
        {403, "SomethingNew", FAILURE_DENIED, ERR_DENIED},
        {400, "InvalidParameterValue", FAILURE_BAD_INPUT, ERR_REJECTED},
        {400, "ValidationError", FAILURE_BAD_INPUT, ERR_REJECTED},
        {404, "ResourceNotFound", FAILURE_BAD_INPUT, ERR_REJECTED},
        {413, NULL, FAILURE_BAD_INPUT, ERR_REJECTED},
        /* What did not come from the service must not cost its owner the data. */
        {400, NULL, FAILURE_FOREIGN, ERR_CONFIG},
        {404, "", FAILURE_FOREIGN, ERR_CONFIG},
        {400, "UnknownOperationException", FAILURE_FOREIGN, ERR_CONFIG},
        {302, NULL, FAILURE_FOREIGN, ERR_CONFIG},
        {407, NULL, FAILURE_FOREIGN, ERR_CONFIG},
        {302, "Found", FAILURE_FOREIGN, ERR_CONFIG},
        {599, "Unheard", FAILURE_FOREIGN, ERR_CONFIG},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        enum failure_class class = retry_classify(cases[i].status, cases[i].code);

        if (class != cases[i].class || retry_err_code(class) != cases[i].err) {
            fail_msg("%d %s: class %d, %s", cases[i].status, cases[i].code ? cases[i].code : "-",
                     (int)class, err_name(retry_err_code(class)));
        }
    }
}

static void retries_wait(void **state)
{
    static const struct {
        const char *name;
        enum failure_class class;
        int retry;
        double random;
        int64_t hint_ms;
        int64_t delay_ms;
    } cases[] = {
        {"no luck", FAILURE_TRANSIENT, 0, 0.0, 0, 0},
        {"transient, first", FAILURE_TRANSIENT, 0, 0.5, 0, 25},
        {"transient, second", FAILURE_TRANSIENT, 1, 0.5, 0, 50},
        {"throttled, first", FAILURE_THROTTLED, 0, 0.5, 0, 500},
        {"throttled, fourth", FAILURE_THROTTLED, 3, 0.5, 0, 4000},
        {"skew is no throttling", FAILURE_SKEW, 0, 0.5, 0, 25},
        {"20 s at most", FAILURE_THROTTLED, 10, 0.5, 0, 10000},
        {"20 s at most, whatever the count", FAILURE_THROTTLED, 1000000, 0.5, 0, 10000},
        {"a hint", FAILURE_TRANSIENT, 0, 0.5, 1500, 1500},
        {"a hint below our own delay", FAILURE_THROTTLED, 0, 0.5, 100, 500},
        {"a hint that asks too much", FAILURE_TRANSIENT, 0, 0.5, 60000, 5025},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        int64_t delay_ms =
            retry_delay_ms(cases[i].class, cases[i].retry, cases[i].random, cases[i].hint_ms);

        if (delay_ms != cases[i].delay_ms) {
            fail_msg("%s: %lld", cases[i].name, (long long)delay_ms);
        }
    }
}

static void a_hint_is_a_number_of_milliseconds(void **state)
{
    static const struct {
        const char *value;
        int64_t ms;
    } cases[] = {
        {NULL, 0},  {"", 0},    {"1500", 1500}, {"0", 0},   {"-5", 0},
        {"1.5", 0}, {" 10", 0}, {"+10", 0},     {"10s", 0}, {"99999999999999999999", 86400000},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        assert_int_equal(retry_hint_ms(cases[i].value), cases[i].ms);
    }
}

static void a_bucket_pays_until_it_is_empty(void **state)
{
    struct retry_bucket bucket = {.tokens = RETRY_TOKENS_MAX};
    int paid = 0, cost = 0;

    (void)state;
    while (retry_bucket_take(&bucket, FAILURE_TRANSIENT, &cost)) {
        assert_int_equal(cost, 14);
        paid++;
    }
    assert_int_equal(paid, 35);
    assert_int_equal(bucket.tokens, 10);

    /* Throttling is cheaper. */
    assert_true(retry_bucket_take(&bucket, FAILURE_THROTTLED, &cost));
    assert_int_equal(cost, 5);
    assert_int_equal(bucket.tokens, 5);

    /* A refusal takes nothing. */
    cost = -1;
    assert_false(retry_bucket_take(&bucket, FAILURE_SKEW, &cost));
    assert_int_equal(bucket.tokens, 5);
    assert_int_equal(cost, -1);
}

static void successes_fill_a_bucket_up(void **state)
{
    struct retry_bucket bucket = {.tokens = 0};

    (void)state;
    retry_bucket_refill(&bucket, 0);
    assert_int_equal(bucket.tokens, 1);
    retry_bucket_refill(&bucket, 14);
    assert_int_equal(bucket.tokens, 15);
    bucket.tokens = RETRY_TOKENS_MAX - 1;
    retry_bucket_refill(&bucket, 14);
    assert_int_equal(bucket.tokens, RETRY_TOKENS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_fall_into_classes),
        cmocka_unit_test(retries_wait),
        cmocka_unit_test(a_hint_is_a_number_of_milliseconds),
        cmocka_unit_test(a_bucket_pays_until_it_is_empty),
        cmocka_unit_test(successes_fill_a_bucket_up),
    };

    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
