#include "aws/retry.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

#define COST_THROTTLED    5
#define COST_OTHER        14
#define BASE_THROTTLED_MS 1000
#define BASE_OTHER_MS     50
#define DELAY_MAX_MS      20000
#define HINT_EXTRA_MS     5000 /* how much longer than our own delay a hint may make it */
#define HINT_MAX_MS       (INT64_C(24) * 3600 * 1000)

/*
 * Codes are compared whole: LimitExceeded is CloudWatch's quota of alarms, LimitExceededException
 * is throttling. Sources: botocore's retries (standard, special) and _retry.json; smithy's error
 * classification.
 */
static const struct {
    const char *code;
    enum failure_class class;
} codes[] = {
    {"BandwidthLimitExceeded", FAILURE_THROTTLED},
    {"EC2ThrottledException", FAILURE_THROTTLED},
    {"LimitExceededException", FAILURE_THROTTLED},
    {"PriorRequestNotComplete", FAILURE_THROTTLED},
    {"ProvisionedThroughputExceededException", FAILURE_THROTTLED},
    {"RequestLimitExceeded", FAILURE_THROTTLED},
    {"RequestThrottled", FAILURE_THROTTLED},
    {"RequestThrottledException", FAILURE_THROTTLED},
    {"SlowDown", FAILURE_THROTTLED},
    {"ThrottledException", FAILURE_THROTTLED},
    {"Throttling", FAILURE_THROTTLED},
    {"ThrottlingException", FAILURE_THROTTLED},
    {"TooManyRequestsException", FAILURE_THROTTLED},
    {"TransactionInProgressException", FAILURE_THROTTLED},

    {"IDPCommunicationError", FAILURE_TRANSIENT},
    {"RequestTimeout", FAILURE_TRANSIENT},
    {"RequestTimeoutException", FAILURE_TRANSIENT},

    {"AuthFailure", FAILURE_SKEW},
    {"InvalidSignatureException", FAILURE_SKEW},
    {"RequestExpired", FAILURE_SKEW},
    {"RequestInTheFuture", FAILURE_SKEW},
    {"RequestTimeTooSkewed", FAILURE_SKEW},
    {"SignatureDoesNotMatch", FAILURE_SKEW},

    {"ExpiredToken", FAILURE_EXPIRED},
    {"ExpiredTokenException", FAILURE_EXPIRED},
    {"InvalidClientTokenId", FAILURE_EXPIRED},
    {"UnrecognizedClientException", FAILURE_EXPIRED},

    {"AccessDenied", FAILURE_DENIED},
    {"AccessDeniedException", FAILURE_DENIED},
    {"IncompleteSignature", FAILURE_DENIED},
    {"IncompleteSignatureException", FAILURE_DENIED},
    {"MissingAuthenticationToken", FAILURE_DENIED},
    {"MissingAuthenticationTokenException", FAILURE_DENIED},
    {"OptInRequired", FAILURE_DENIED},
    {"UnauthorizedOperation", FAILURE_DENIED},

    {"UnknownOperationException", FAILURE_FOREIGN},
};

/* Where the code says nothing. */
static const struct {
    int status;
    enum failure_class class;
} statuses[] = {
    {413, FAILURE_BAD_INPUT}, {429, FAILURE_THROTTLED}, {509, FAILURE_THROTTLED},
    {408, FAILURE_TRANSIENT}, {500, FAILURE_TRANSIENT}, {502, FAILURE_TRANSIENT},
    {503, FAILURE_TRANSIENT}, {504, FAILURE_TRANSIENT},
};

enum failure_class retry_classify(int status, const char *code)
{
    bool has_code = code && code[0] != '\0';

    for (size_t i = 0; i < MEM_COUNT(codes) && has_code; i++) {
        if (strcmp(codes[i].code, code) == 0) {
            return codes[i].class;
        }
    }
    for (size_t i = 0; i < MEM_COUNT(statuses); i++) {
        if (statuses[i].status == status) {
            return statuses[i].class;
        }
    }
    /* A proxy's 400 says nothing about the input, which its owner may throw away for it. */
    if (!has_code || status < 400 || status >= 500) {
        return FAILURE_FOREIGN;
    }
    return status == 401 || status == 403 ? FAILURE_DENIED : FAILURE_BAD_INPUT;
}

enum err_code retry_err_code(enum failure_class class)
{
    static const enum err_code err_codes[] = {
        [FAILURE_THROTTLED] = ERR_THROTTLED, [FAILURE_TRANSIENT] = ERR_NET,
        [FAILURE_SKEW] = ERR_DENIED,         [FAILURE_EXPIRED] = ERR_DENIED,
        [FAILURE_DENIED] = ERR_DENIED,       [FAILURE_BAD_INPUT] = ERR_REJECTED,
        [FAILURE_FOREIGN] = ERR_CONFIG,
    };

    return err_codes[class];
}

bool retry_bucket_take(struct retry_bucket *bucket, enum failure_class class, int *cost)
{
    int price = class == FAILURE_THROTTLED ? COST_THROTTLED : COST_OTHER;

    if (bucket->tokens < price) {
        return false;
    }
    bucket->tokens -= price;
    *cost = price;
    return true;
}

void retry_bucket_refill(struct retry_bucket *bucket, int cost)
{
    int tokens = bucket->tokens + (cost > 0 ? cost : 1);

    bucket->tokens = tokens < RETRY_TOKENS_MAX ? tokens : RETRY_TOKENS_MAX;
}

int64_t retry_hint_ms(const char *value)
{
    char *end;

    if (!value || value[0] < '0' || value[0] > '9') {
        return 0;
    }
    long long ms = strtoll(value, &end, 10);
    if (*end != '\0') {
        return 0;
    }
    return ms < HINT_MAX_MS ? ms : HINT_MAX_MS; /* LLONG_MAX when it was too large to read */
}

int64_t retry_delay_ms(enum failure_class class, int retry, double random, int64_t hint_ms)
{
    int64_t most_ms = class == FAILURE_THROTTLED ? BASE_THROTTLED_MS : BASE_OTHER_MS;

    for (int i = 0; i < retry && most_ms < DELAY_MAX_MS; i++) {
        most_ms *= 2;
    }
    most_ms = most_ms < DELAY_MAX_MS ? most_ms : DELAY_MAX_MS;
    int64_t delay_ms = (int64_t)(random * (double)most_ms);
    int64_t with_hint_ms = hint_ms < delay_ms + HINT_EXTRA_MS ? hint_ms : delay_ms + HINT_EXTRA_MS;
    return delay_ms > with_hint_ms ? delay_ms : with_hint_ms;
}
