/* What is read from a service's answers, and the sentences that are made of refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/answer.h"
#include "aws/common/mem.h"
#include "aws/failure.h"

#define HEADERS_MAX 4
#define CW          "com.amazonaws.cloudwatch.v2010_08_01#"

static struct http_response response_of(int status, const struct http_header *headers,
                                        const char *body)
{
    struct http_response response = {
        .status = status, .headers = headers, .body = body, .body_len = strlen(body)};

    while (response.header_count < HEADERS_MAX && headers[response.header_count].name) {
        response.header_count++;
    }
    return response;
}

static const struct error_case {
    const char *name;
    struct http_header headers[HEADERS_MAX];
    const char *body;
    const char *code;
    const char *message;
} error_cases[] = {
    {"the older protocol's code wins",
     {{"x-amzn-query-error", "ResourceNotFound;Sender"}},
     "{\"__type\":\"" CW "DashboardNotFoundError\",\"message\":\"Dashboard x does not exist\"}",
     "ResourceNotFound",
     "Dashboard x does not exist"},
    {"without it the shape's name",
     {{0}},
     "{\"__type\":\"" CW "InvalidParameterValueException\",\"message\":\"x\"}",
     "InvalidParameterValueException",
     "x"},
    {"no namespace", {{0}}, "{\"__type\":\"Throttling\"}", "Throttling", ""},
    {"something behind a colon", {{0}}, "{\"__type\":\"a#Shape:http://x#y\"}", "Shape", ""},
    {"Message",
     {{0}},
     "{\"__type\":\"a#InternalServiceFault\",\"Message\":\"oh\"}",
     "InternalServiceFault",
     "oh"},
    {"the header alone",
     {{"X-Amzn-Errortype", "ThrottlingException:http://internal.amazon.com/coral/"}},
     "",
     "ThrottlingException",
     ""},
    {"the body wins over the header",
     {{"x-amzn-errortype", "FromHeader"}},
     "{\"__type\":\"FromBody\"}",
     "FromBody",
     ""},
    {"a query error without a code",
     {{"x-amzn-query-error", ";Sender"}},
     "{\"__type\":\"A\"}",
     "A",
     ""},
    {"a query error that is none",
     {{"x-amzn-query-error", "Sender"}},
     "{\"__type\":\"A\"}",
     "A",
     ""},
    {"nothing", {{0}}, "", "", ""},
    {"not an object", {{0}}, "[1]", "", ""},
    {"wrong types", {{0}}, "{\"__type\":1,\"message\":{}}", "", ""},
    {"a code that would break a log", {{0}}, "{\"__type\":\"a b\\nc\"}", "", ""},
    {"broken off", {{0}}, "{\"__type\":\"a#B\",\"mess", "", "{\"__type\":\"a#B\",\"mess"},
    {"a load balancer's page",
     {{"Content-Type", "text/html"}},
     "<html>\n<head><title>\n 503 Service  Temporarily Unavailable\n</title></head>...",
     "",
     "503 Service Temporarily Unavailable"},
    {"a page without a title", {{0}}, " <html><body>Unavailable</body></html>", "", ""},
    {"XML", {{0}}, "<?xml version='1.0'?><Error><Code>X</Code></Error>", "", ""},
    {"plain text", {{0}}, "\n no healthy upstream \nmore", "", "no healthy upstream"},
    {"another character set", {{0}}, "d\xe9sol\xe9", "", "d?sol?"},
    {"only the first line",
     {{0}},
     "{\"__type\":\"A\",\"message\":\"one\\t two\\nx-amz-security-token:sesame\"}",
     "A",
     "one two"},
    {"a canonical request is not repeated",
     {{0}},
     "{\"__type\":\"SignatureDoesNotMatch\",\"message\":\"They differ. The Canonical String for "
     "this"
     " request should have been 'POST / x-amz-security-token:sesame'\"}",
     "SignatureDoesNotMatch",
     "They differ."},
};

static void errors_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(error_cases); i++) {
        const struct error_case *c = &error_cases[i];
        const struct http_response response = response_of(400, c->headers, c->body);
        struct answer_error error;

        answer_read_error(&response, &error);
        if (strcmp(error.code, c->code) != 0 || strcmp(error.message, c->message) != 0) {
            fail_msg("%s: code \"%s\", message \"%s\"", c->name, error.code, error.message);
        }
    }
}

/* A proxy that shows the request that it did not like. */
static void tokens_are_not_repeated(void **state)
{
    char token[400], body[600];
    struct answer_error error;

    (void)state;
    memset(token, 'T', sizeof(token) - 1);
    token[sizeof(token) - 1] = '\0';
    snprintf(body, sizeof(body), "bad header X-Amz-Security-Token: %s in POST", token);
    const struct http_response response = response_of(400, error_cases[0].headers, body);
    answer_read_error(&response, &error);
    assert_string_equal(error.message, "bad header X-Amz-Security-Token: (...) in POST");
}

static void long_errors_are_cut(void **state)
{
    char *body = mem_alloc(100000);
    struct answer_error error;

    (void)state;
    for (size_t i = 0; i < 99990; i += 5) {
        memcpy(body + i, "word ", 5);
    }
    const struct http_header none[HEADERS_MAX] = {{0}};
    const struct http_response response = response_of(400, none, body);
    answer_read_error(&response, &error);
    assert_in_range(strlen(error.message), ANSWER_MESSAGE_MAX - 10, ANSWER_MESSAGE_MAX - 1);
    assert_memory_equal(error.message, body, strlen(error.message));
    free(body);
}

/* --- Success --- */

static void bodies_are_read(void **state)
{
    static const struct {
        const char *name;
        const char *body;
        bool may_be_empty;
        bool good;
        size_t members;
    } cases[] = {
        {"an empty object", "{}", true, true, 0},
        {"an object", "{\"a\":1}", false, true, 1},
        {"no body where none is needed", "", true, true, 0},
        {"no body where one is needed", "", false, false, 0},
        {"broken off", "{\"MetricAlarms\":[", false, false, 0},
        {"not JSON", "<html>", true, false, 0},
        {"not an object", "[]", true, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        const struct http_header none[HEADERS_MAX] = {{0}};
        const struct http_response response = response_of(200, none, cases[i].body);
        json_t *body = NULL;
        struct err err = {.code = ERR_NONE};

        if (answer_read_body(&response, cases[i].may_be_empty, &body, &err) != cases[i].good) {
            fail_msg("%s: %s", cases[i].name, err.message);
        }
        assert_int_equal(err.code, cases[i].good ? ERR_NONE : ERR_PARSE);
        assert_int_equal(json_object_size(body), cases[i].members);
        json_decref(body);
    }
}

/* --- Sentences --- */

static const struct sentence_case {
    const char *name;
    int status;
    const char *type;
    bool clock_is_corrected;
    enum err_code err;
    const char *sentence;
} sentence_cases[] = {
    {"not allowed", 403, "AccessDeniedException", false, ERR_DENIED,
     "AccessDeniedException: no (request r-1, attempt 2): allow cloudwatch:PutMetricData to this"
     " role"},
    {"another refusal", 403, "OptInRequired", false, ERR_DENIED,
     "OptInRequired: no (request r-1, attempt 2)"},
    {"expired", 403, "ExpiredToken", false, ERR_DENIED,
     "ExpiredToken: no (request r-1, attempt 2): renew the credentials (IMDS)"},
    {"a wrong key", 403, "SignatureDoesNotMatch", false, ERR_DENIED,
     "SignatureDoesNotMatch: no (request r-1, attempt 2): check the secret access key (IMDS)"},
    {"a wrong clock", 403, "RequestTimeTooSkewed", true, ERR_DENIED,
     "RequestTimeTooSkewed: no (request r-1, attempt 2): this host's clock is 600 s ahead, which is"
     " made up for from now on"},
    {"bad input", 400, "InvalidParameterValue", false, ERR_REJECTED,
     "InvalidParameterValue: no (request r-1, attempt 2)"},
    {"throttled", 400, "Throttling", false, ERR_THROTTLED,
     "Throttling: no (request r-1, attempt 2)"},
    {"somebody else", 404, NULL, false, ERR_CONFIG,
     "HTTP 404: no (request r-1, attempt 2): proxy.example did not answer as the service does,"
     " check endpoint_url and proxies"},
};

static void refusals_become_sentences(void **state)
{
    const struct http_header headers[HEADERS_MAX] = {{"X-Amzn-RequestId", "r-1"},
                                                     {"x-amz-retry-after", "250"}};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(sentence_cases); i++) {
        const struct sentence_case *c = &sentence_cases[i];
        const struct failure_context context = {.service = &aws_service_cloudwatch,
                                                .operation = "PutMetricData",
                                                .host = "proxy.example",
                                                .key_source = "IMDS",
                                                .attempt = 2,
                                                .clock_is_corrected = c->clock_is_corrected,
                                                .clock_offset_ms = -600000};
        char body[200];
        struct failure failure;

        snprintf(body, sizeof(body), "{\"__type\":\"a#%s\",\"message\":\"no\"}", c->type);
        const struct http_response response =
            response_of(c->status, headers, c->type ? body : "no");
        failure_read(&response, &context, &failure);
        if (failure.err.code != c->err || strcmp(failure.err.message, c->sentence) != 0) {
            fail_msg("%s: %s: %s", c->name, err_name(failure.err.code), failure.err.message);
        }
        assert_int_equal(failure.status, c->status);
        assert_string_equal(failure.code, c->type ? c->type : "");
        assert_int_equal(failure.hint_ms, 250);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_read),           cmocka_unit_test(tokens_are_not_repeated),
        cmocka_unit_test(long_errors_are_cut),       cmocka_unit_test(bodies_are_read),
        cmocka_unit_test(refusals_become_sentences),
    };

    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
