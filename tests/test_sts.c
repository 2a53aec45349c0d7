/* The Security Token Service: what is sent, against botocore's; what comes back, in both forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/answer.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/signed.h"
#include "aws/sts.h"

#define NOW_MS INT64_C(1786797360000) /* 20260815T123600Z */
#define ARN    "arn:aws:iam::123456789012:role/pgconn-agent"

static const struct sts_role role = {.role_arn = ARN,
                                     .session_name = "pgconn-agent-1789475760",
                                     .external_id = "ext/Id+1",
                                     .duration_s = 3600};

static const char assume_form[] =
    "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2F"
    "pgconn-agent&RoleSessionName=pgconn-agent-1789475760&DurationSeconds=3600&ExternalId="
    "ext%2FId%2B1";

static void forms_are_botocores(void **state)
{
    const struct sts_role web = {
        .role_arn = ARN, .session_name = "pgconn-agent", .duration_s = 3600};
    const struct sts_role plain = {.role_arn = ARN};
    struct buf form;

    (void)state;
    buf_init(&form, 10000);
    sts_write_form(&role, NULL, 0, &form);
    assert_string_equal(buf_text(&form), assume_form);
    buf_clear(&form);
    sts_write_form(&web, "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln-_", 0, &form);
    assert_string_equal(
        buf_text(&form),
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A"
        "123456789012%3Arole%2Fpgconn-agent&RoleSessionName=pgconn-agent&WebIdentityToken="
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln-_&DurationSeconds=3600");
    buf_clear(&form);
    sts_write_form(&plain, NULL, 1789475760, &form);
    assert_non_null(strstr(buf_text(&form), "&RoleSessionName=poolwarden-1789475760"));
    assert_null(strstr(buf_text(&form), "DurationSeconds"));
    buf_done(&form);
}

static const char *header(const struct signed_request *request, const char *name)
{
    for (size_t i = 0; i < request->request.header_count; i++) {
        if (strcmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

static const struct endpoint endpoint = {.url = "https://sts.eu-west-1.amazonaws.com/",
                                         .host = "sts.eu-west-1.amazonaws.com",
                                         .path = "/"};

static void the_signature_is_botocores(void **state)
{
    char access_key[] = "AKIDEXAMPLE";
    char secret_key[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    char token[] = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQ==";
    const struct credentials credentials = {
        .access_key = access_key, .secret_key = secret_key, .session_token = token};
    struct signed_request request;
    struct buf body;
    struct err err;

    (void)state;
    buf_init(&body, 10000);
    buf_puts(&body, assume_form);
    const struct signed_call call = {.service = &aws_service_sts,
                                     .endpoint = &endpoint,
                                     .region = "eu-west-1",
                                     .operation = "AssumeRole",
                                     .body = &body};
    assert_true(signed_request_init(&request, &call, &credentials, NOW_MS, NULL, &err));
    assert_string_equal(
        header(&request, "Authorization"),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260815/eu-west-1/sts/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
        "Signature=a105da3bb93845f59097bd9c47cd62ad512f4348183c7b75f802125610986dac");
    assert_string_equal(header(&request, "Accept"), "application/json");
    assert_null(header(&request, "X-Amz-Target"));
    signed_request_done(&request);

    assert_true(signed_request_init(&request, &call, NULL, NOW_MS, NULL, &err));
    assert_null(header(&request, "Authorization"));
    assert_null(header(&request, "X-Amz-Date"));
    signed_request_done(&request);
    buf_done(&body);
}

static const struct {
    const char *type;
    const char *body;
} answers[] = {
    {"application/json",
     "{\"AssumeRoleResponse\":{\"AssumeRoleResult\":{\"Credentials\":{\"AccessKeyId\":\"ASIA\","
     "\"SecretAccessKey\":\"secret\",\"SessionToken\":\"token\",\"Expiration\":1.78679736E9}},"
     "\"ResponseMetadata\":{\"RequestId\":\"x\"}}}"},
    {"text/xml",
     "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
     "<AssumeRoleWithWebIdentityResult><Audience>a</Audience><Credentials>"
     "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
     "<SessionToken>token</SessionToken><Expiration>2026-08-15T12:36:00Z</Expiration>"
     "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"},
};

static void reads_both_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(answers); i++) {
        const struct http_header type = {"Content-Type", answers[i].type};
        const struct http_response response = {.status = 200,
                                               .body = answers[i].body,
                                               .body_len = strlen(answers[i].body),
                                               .headers = &type,
                                               .header_count = 1};
        struct aws_answer answer;
        struct credentials credentials;
        struct err err;

        assert_true(answer_read_body(&response, false, &answer.body, &err));
        assert_true(sts_read(&answer, &credentials, &err));
        assert_string_equal(credentials.access_key, "ASIA");
        assert_string_equal(credentials.secret_key, "secret");
        assert_string_equal(credentials.session_token, "token");
        assert_int_equal(credentials.expires_ms, NOW_MS);
        credentials_done(&credentials);
        json_decref(answer.body);
    }
}

static const struct {
    const char *type;
    const char *body;
} errors[] = {
    {"text/xml",
     "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n"
     "    <Type>Sender</Type>\n    <Code>ExpiredTokenException</Code>\n    <Message>it is "
     "over</Message>\n  </Error>\n  <RequestId>r</RequestId>\n</ErrorResponse>\n"},
    {"application/json",
     "{\"Error\":{\"Code\":\"ExpiredTokenException\",\"Message\":\"it is over\","
     "\"Type\":\"Sender\"},\"RequestId\":\"r\"}"},
    {"application/json", "{\"ErrorResponse\":{\"Error\":{\"Code\":\"ExpiredTokenException\","
                         "\"Message\":\"it is over\"}}}"},
};

static void reads_errors_in_each_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(errors); i++) {
        const struct http_header type = {"Content-Type", errors[i].type};
        const struct http_response response = {.status = 400,
                                               .body = errors[i].body,
                                               .body_len = strlen(errors[i].body),
                                               .headers = &type,
                                               .header_count = 1};
        struct answer_error error;

        answer_read_error(&response, &error);
        assert_string_equal(error.code, "ExpiredTokenException");
        assert_string_equal(error.message, "it is over");
    }
}

static void knows_the_limits(void **state)
{
    static const struct {
        struct sts_role role;
        const char *error; /* NULL: fine */
    } cases[] = {
        {{.role_arn = ARN}, NULL},
        {{.role_arn = "arn:aws-cn:iam::123456789012:role/a/b"}, NULL},
        {{.role_arn = "role/pgconn-agent-of-mine"}, "role_arn"},
        {{.role_arn = "arn:aws:iam"}, "role_arn"},
        {{.role_arn = ARN, .session_name = "a"}, "role_session_name"},
        {{.role_arn = ARN, .session_name = "a b"}, "role_session_name"},
        {{.role_arn = ARN, .external_id = "a"}, "external_id"},
        {{.role_arn = ARN, .external_id = "a&b"}, "external_id"},
        {{.role_arn = ARN, .duration_s = 899}, "duration_seconds"},
        {{.role_arn = ARN, .duration_s = 43201}, "duration_seconds"},
        {{.role_arn = ARN, .duration_s = 900}, NULL},
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        assert_int_equal(sts_role_check(&cases[i].role, &err), cases[i].error == NULL);
        if (cases[i].error) {
            assert_int_equal(err.code, ERR_CONFIG);
            assert_non_null(strstr(err.message, cases[i].error));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_botocores), cmocka_unit_test(the_signature_is_botocores),
        cmocka_unit_test(reads_both_forms),    cmocka_unit_test(reads_errors_in_each_form),
        cmocka_unit_test(knows_the_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
