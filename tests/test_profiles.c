/* AWS's shared files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/common/mem.h"
#include "aws/profiles.h"
#include "tests/aws_world.h"

struct files {
    struct world w;
    char dir[40], config[60], credentials[60];
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int set_up(void **state)
{
    struct files *f = mem_alloc(sizeof(*f));

    world_init(&f->w);
    memcpy(f->dir, "/tmp/test_profiles.XXXXXX", 26);
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->config, sizeof(f->config), "%s/config", f->dir);
    snprintf(f->credentials, sizeof(f->credentials), "%s/credentials", f->dir);
    world_set(&f->w, "AWS_CONFIG_FILE", f->config);
    world_set(&f->w, "AWS_SHARED_CREDENTIALS_FILE", f->credentials);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct files *f = *state;

    unlink(f->config);
    unlink(f->credentials);
    rmdir(f->dir);
    world_done(&f->w);
    free(f);
    return 0;
}

static struct profiles *load(struct files *f)
{
    struct profiles *profiles = NULL;
    struct err err;

    if (!profiles_load(&f->w.env, &profiles, &err)) {
        fail_msg("%s", err.message);
    }
    return profiles;
}

static void reads_what_botocore_reads(void **state)
{
    struct files *f = *state;

    write_file(f->config, "; a comment\n"
                          "[default]\n"
                          "  region = eu-west-1\n"
                          "  Aws_Access_Key_Id = A ; no comment here\n"
                          "[profile \"a b\"]\n"
                          "region: us-east-1\n"
                          "credential_process = helper\n"
                          "    --goes-on\n"
                          "[profile prod]\n"
                          "services = local\n"
                          "s3 =\n"
                          "    max_concurrent_requests = 20\n"
                          "region = eu-north-1\n"
                          "[prod]\n"
                          "region = wrong-1\n"
                          "[services local]\n"
                          "cloudwatch =\n"
                          "  endpoint_url = http://127.0.0.1:4566\n"
                          "sts = \n"
                          "  endpoint_url = http://127.0.0.1:4567\n"
                          "[sso-session x]\n"
                          "sso_region = x\n");
    write_file(f->credentials, "[prod]\naws_access_key_id = B\nrole_arn = from-credentials\n"
                               "[profile prod]\naws_access_key_id = C\n");
    struct profiles *p = load(f);

    assert_string_equal(profiles_selected(p), "default");
    assert_string_equal(profiles_get(p, "default", "region"), "eu-west-1");
    assert_string_equal(profiles_get(p, "default", "aws_access_key_id"), "A ; no comment here");
    assert_string_equal(profiles_get(p, "a b", "region"), "us-east-1");
    assert_string_equal(profiles_get(p, "a b", "credential_process"), "helper");
    assert_string_equal(profiles_get(p, "prod", "region"), "eu-north-1");
    assert_null(profiles_get(p, "prod", "max_concurrent_requests"));
    assert_string_equal(profiles_get(p, "prod", "aws_access_key_id"), "B");
    assert_null(profiles_get_from(p, PROFILES_CONFIG, "prod", "aws_access_key_id"));
    assert_string_equal(profiles_get(p, "profile prod", "aws_access_key_id"), "C");
    assert_string_equal(profiles_get_service(p, "prod", "cloudwatch", "endpoint_url"),
                        "http://127.0.0.1:4566");
    assert_string_equal(profiles_get_service(p, "prod", "sts", "endpoint_url"),
                        "http://127.0.0.1:4567");
    assert_null(profiles_get_service(p, "default", "sts", "endpoint_url"));
    assert_true(profiles_has(p, "a b"));
    assert_false(profiles_has(p, "local"));
    assert_false(profiles_has(p, "x"));
    profiles_free(p);
}

static void credentials_win_key_by_key(void **state)
{
    struct files *f = *state;

    write_file(f->config, "[default]\nregion = a\noutput = json\n");
    write_file(f->credentials, "[default]\nregion = b\n");
    struct profiles *p = load(f);
    assert_string_equal(profiles_get(p, "default", "region"), "b");
    assert_string_equal(profiles_get(p, "default", "output"), "json");
    profiles_free(p);
}

static void chooses_as_botocore_does(void **state)
{
    static const struct {
        const char *own, *old_variable, *variable, *chosen;
    } cases[] = {
        {NULL, NULL, NULL, "default"}, {NULL, NULL, "b", "b"}, {NULL, "a", "b", "a"},
        {"c", "a", "b", "c"},          {NULL, "", "b", "b"},
    };
    struct files *f = *state;

    write_file(f->config, "[profile a]\n[profile b]\n[profile c]\n");
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        f->w.env.profile = cases[i].own;
        world_set(&f->w, "AWS_DEFAULT_PROFILE", cases[i].old_variable);
        world_set(&f->w, "AWS_PROFILE", cases[i].variable);
        struct profiles *p = load(f);
        assert_string_equal(profiles_selected(p), cases[i].chosen);
        profiles_free(p);
    }
}

static void what_was_chosen_must_be_there(void **state)
{
    struct files *f = *state;
    struct profiles *p;
    struct err err;

    world_set(&f->w, "AWS_PROFILE", "nobody");
    assert_false(profiles_load(&f->w.env, &p, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.message, "profile nobody was chosen, but "));
    assert_non_null(strstr(err.message, f->config));
    assert_non_null(strstr(err.message, f->credentials));
}

static void no_files_are_no_fault(void **state)
{
    struct files *f = *state;
    struct profiles *p = load(f);

    assert_false(profiles_has(p, "default"));
    assert_null(profiles_get(p, "default", "region"));
    profiles_free(p);
}

static void bad_lines_are_told(void **state)
{
    struct files *f = *state;
    struct profiles *p;
    struct err err;

    write_file(f->credentials, "[default]\naws_secret_access_key hidden\n");
    assert_false(profiles_load(&f->w.env, &p, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.message, "credentials:2: neither [section] nor key = value"));
    assert_null(strstr(err.message, "hidden"));
}

static void paths_are_expanded(void **state)
{
    static const struct {
        const char *path, *expanded;
    } cases[] = {
        {"~/.aws/config", "/home/a/.aws/config"},
        {"~", "/home/a"},
        {"~b/x", "~b/x"},
        {"/x/$DIR/y", "/x/dir/y"},
        {"${DIR}y", "diry"},
        {"$NONE/${NONE}/$", "$NONE/${NONE}/$"},
        {"${DIR", "${DIR"},
        {"/plain", "/plain"},
    };
    struct files *f = *state;

    world_set(&f->w, "HOME", "/home/a");
    world_set(&f->w, "DIR", "dir");
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        char *expanded = profiles_expand(&f->w.env, cases[i].path);
        assert_string_equal(expanded, cases[i].expanded);
        free(expanded);
    }
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(reads_what_botocore_reads), STORY(credentials_win_key_by_key),
        STORY(chooses_as_botocore_does),  STORY(what_was_chosen_must_be_there),
        STORY(no_files_are_no_fault),     STORY(bad_lines_are_told),
        STORY(paths_are_expanded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
