/* RDS tokens, against those that botocore made (data/rds_tokens.json). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/rds_token.h"

#define NOW_MS INT64_C(1786797360000) /* 20260815T123600Z, as in the file */

static void are_botocores(void **state)
{
    json_t *cases = json_load_file(TEST_DATA "/rds_tokens.json", 0, NULL);
    json_t *c;
    size_t i;

    (void)state;
    assert_true(json_array_size(cases) >= 4);
    json_array_foreach(cases, i, c)
    {
        char *access_key = mem_strdup(json_text_of(c, "access_key"));
        char *secret_key = mem_strdup(json_text_of(c, "secret_key"));
        char *session_token = mem_strdup(json_text_of(c, "session_token"));
        const struct credentials credentials = {
            .access_key = access_key, .secret_key = secret_key, .session_token = session_token};
        char *port = mem_printf("%d", (int)json_integer_value(json_object_get(c, "port")));
        const struct rds_token_for what = {.host = json_text_of(c, "host"),
                                           .port = port,
                                           .user = json_text_of(c, "user"),
                                           .region = json_text_of(c, "region")};
        char *token;
        struct err err;

        assert_string_equal(json_text_of(c, "time"), "20260815T123600Z");
        assert_true(rds_token_make(&what, &credentials, NOW_MS, &token, &err));
        assert_string_equal(token, json_text_of(c, "token"));
        mem_free_secret(token);
        free(access_key);
        free(secret_key);
        free(session_token);
        free(port);
    }
    json_decref(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(are_botocores)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
