/* Profiles, roles and web identities, before a scripted STS. */
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
#include "aws/credentials/assume.h"
#include "tests/aws_world.h"

#define SET(action, key)                                                                           \
    "{\"" action "Response\":{\"" action "Result\":{\"Credentials\":{\"AccessKeyId\":\"" key       \
    "\",\"SecretAccessKey\":\"secret\",\"SessionToken\":\"token-of-" key                           \
    "\",\"Expiration\":4.1E9}}}}"
#define ARN "arn:aws:iam::123456789012:role/"

struct room {
    struct world w;
    char dir[40], config[60], token[60];
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
    struct room *room = mem_alloc(sizeof(*room));

    world_init(&room->w);
    memcpy(room->dir, "/tmp/test_roles.XXXXXX", 23);
    assert_non_null(mkdtemp(room->dir));
    snprintf(room->config, sizeof(room->config), "%s/config", room->dir);
    snprintf(room->token, sizeof(room->token), "%s/token", room->dir);
    world_set(&room->w, "AWS_CONFIG_FILE", room->config);
    world_set(&room->w, "TOKEN", room->token);
    world_set(&room->w, "AWS_ENDPOINT_URL_STS", http_server_url(room->w.server));
    room->w.env.region = "eu-west-1";
    *state = room;
    return 0;
}

static int tear_down(void **state)
{
    struct room *room = *state;

    unlink(room->config);
    unlink(room->token);
    rmdir(room->dir);
    world_done(&room->w);
    free(room);
    return 0;
}

/* Takes over the provider. */
static void get(struct room *room, struct provider *provider)
{
    provider_get(provider, world_on_answer, &room->w);
    world_wait(&room->w);
    provider_free(provider);
}

static const char *sent(struct room *room, size_t i, const char *header)
{
    const struct server_request *request = http_server_request(room->w.server, i);

    return header ? server_header(request, header) : request->body;
}

static void assert_contains(const char *text, const char *part)
{
    if (!text || !strstr(text, part)) {
        fail_msg("\"%s\" is not in \"%s\"", part, text ? text : "(nothing)");
    }
}

/* --- Profiles --- */

static const struct {
    const char *name, *config;
    enum err_code code;
    const char *seen; /* the access key, or a part of the message */
} profiles[] = {
    {"keys", "[default]\naws_access_key_id=A\naws_secret_access_key=b\n", ERR_NONE, "A"},
    {"a process",
     "[default]\naws_access_key_id=A\naws_secret_access_key=b\ncredential_process = echo "
     "'{\"Version\":1,\"AccessKeyId\":\"P\",\"SecretAccessKey\":\"b\"}'\n",
     ERR_NONE, "P"},
    {"half", "[default]\naws_access_key_id=A\n", ERR_CONFIG, "no aws_secret_access_key"},
    {"a failing process", "[default]\ncredential_process = false\n", ERR_DENIED,
     "credential_process: false: exited with 1"},
    {"sso", "[default]\nsso_session = corp\n", ERR_CONFIG,
     "credential_process = aws configure export-credentials --profile default"},
    {"sso with the way round it",
     "[default]\nsso_session = corp\ncredential_process = echo "
     "'{\"Version\":1,\"AccessKeyId\":\"P\",\"SecretAccessKey\":\"b\"}'\n",
     ERR_NONE, "P"},
    {"nothing", "[default]\nregion = eu-west-1\n", ERR_ABSENT, "has no keys"},
    {"a broken file", "[default\n", ERR_CONFIG, "config:1: the section has no ']'"},
};

static void of_a_profile(void **state)
{
    struct room *room = *state;

    for (size_t i = 0; i < MEM_COUNT(profiles); i++) {
        write_file(room->config, profiles[i].config);
        get(room, profile_provider_new(&room->w.env, NULL));
        const char *seen =
            room->w.err.code == ERR_NONE ? room->w.credentials.access_key : room->w.err.message;
        if (room->w.err.code != profiles[i].code || !strstr(seen, profiles[i].seen)) {
            fail_msg("%s: %s: %s", profiles[i].name, err_name(room->w.err.code), seen);
        }
    }
}

/* --- Roles --- */

static void a_role_is_assumed_with_its_source(void **state)
{
    static const struct server_answer answers[] = {{.body = SET("AssumeRole", "ASIAROLE")}};
    struct room *room = *state;

    write_file(room->config, "[default]\nrole_arn = " ARN "a\nsource_profile = base\n"
                             "external_id = ext/1\nrole_session_name = me\nduration_seconds = 900\n"
                             "[profile base]\naws_access_key_id=AKIABASE\n"
                             "aws_secret_access_key=b\naws_session_token=t\n");
    http_server_script(room->w.server, answers, MEM_COUNT(answers));
    get(room, role_provider_new(&room->w.env));
    assert_int_equal(room->w.err.code, ERR_NONE);
    assert_string_equal(room->w.credentials.access_key, "ASIAROLE");
    assert_string_equal(room->w.credentials.session_token, "token-of-ASIAROLE");
    assert_int_equal(room->w.credentials.expires_ms, INT64_C(4100000000000));
    assert_contains(sent(room, 0, "Authorization"), "Credential=AKIABASE/");
    assert_contains(sent(room, 0, "Authorization"), "/eu-west-1/sts/aws4_request");
    assert_string_equal(sent(room, 0, "X-Amz-Security-Token"), "t");
    assert_contains(sent(room, 0, NULL),
                    "&RoleSessionName=me&DurationSeconds=900&ExternalId=ext%2F1");
}

static void roles_lead_to_one_another(void **state)
{
    static const struct server_answer answers[] = {{.body = SET("AssumeRole", "ASIAONE")},
                                                   {.body = SET("AssumeRole", "ASIATWO")}};
    struct room *room = *state;

    write_file(room->config, "[default]\nrole_arn = " ARN "two\nsource_profile = one\n"
                             "[profile one]\nrole_arn = " ARN "one\ncredential_source = "
                             "Environment\n");
    world_set(&room->w, "AWS_ACCESS_KEY_ID", "AKIAENV");
    world_set(&room->w, "AWS_SECRET_ACCESS_KEY", "b");
    http_server_script(room->w.server, answers, MEM_COUNT(answers));
    get(room, role_provider_new(&room->w.env));
    assert_string_equal(room->w.credentials.access_key, "ASIATWO");
    assert_contains(sent(room, 0, "Authorization"), "Credential=AKIAENV/");
    assert_contains(sent(room, 0, NULL), "role%2Fone");
    assert_contains(sent(room, 1, "Authorization"), "Credential=ASIAONE/");
    assert_string_equal(sent(room, 1, "X-Amz-Security-Token"), "token-of-ASIAONE");
}

static void a_profile_with_keys_may_name_itself(void **state)
{
    static const struct server_answer answers[] = {{.body = SET("AssumeRole", "ASIAROLE")}};
    struct room *room = *state;

    write_file(room->config, "[default]\nrole_arn = " ARN "a\nsource_profile = default\n"
                             "aws_access_key_id=AKIASELF\naws_secret_access_key=b\n");
    http_server_script(room->w.server, answers, MEM_COUNT(answers));
    get(room, role_provider_new(&room->w.env));
    assert_string_equal(room->w.credentials.access_key, "ASIAROLE");
    assert_contains(sent(room, 0, "Authorization"), "Credential=AKIASELF/");
}

#define ROLE "[default]\nrole_arn = " ARN "a\n"

static const struct {
    const char *name, *config;
    enum err_code code;
    const char *message;
} refused[] = {
    {"no role", "[default]\nregion = x\n", ERR_ABSENT, "profile default has no role_arn"},
    {"no profile", "[profile other]\n", ERR_ABSENT, "there is no profile default in "},
    {"a token file's", ROLE "web_identity_token_file = /x\n", ERR_ABSENT, "has no role_arn"},
    {"no source", ROLE, ERR_CONFIG, "role_arn needs one of source_profile and credential_source"},
    {"both", ROLE "source_profile = b\ncredential_source = Environment\n", ERR_CONFIG,
     "role_arn needs only one of"},
    {"an unknown source", ROLE "credential_source = Cloud\n", ERR_CONFIG,
     "Environment, Ec2InstanceMetadata or EcsContainer is accepted"},
    {"a missing profile", ROLE "source_profile = b\n", ERR_CONFIG,
     "profile default: its source_profile b is not in "},
    {"mfa", ROLE "source_profile = b\nmfa_serial = x\n", ERR_CONFIG, "mfa_serial needs a person"},
    {"itself", ROLE "source_profile = default\n", ERR_CONFIG, "leads back to default"},
    {"a loop",
     ROLE "source_profile = b\n[profile b]\nrole_arn = " ARN "b\nsource_profile = default\n",
     ERR_CONFIG, "profile b: source_profile leads back to default"},
    {"a short duration", ROLE "source_profile = b\nduration_seconds = 5\n", ERR_CONFIG,
     "profile default: duration_seconds: 900 to 43200 is accepted"},
    {"no number", ROLE "source_profile = b\nduration_seconds = 1h\n", ERR_CONFIG,
     "profile default: duration_seconds"},
    {"a source without credentials", ROLE "source_profile = b\n[profile b]\n", ERR_DENIED,
     "profile b has no keys and no credential_process"},
    {"an sso source", ROLE "source_profile = b\n[profile b]\nsso_start_url = x\n", ERR_CONFIG,
     "needs a person at a browser"},
};

static void refusals_name_profile_and_key(void **state)
{
    struct room *room = *state;

    for (size_t i = 0; i < MEM_COUNT(refused); i++) {
        write_file(room->config, refused[i].config);
        get(room, role_provider_new(&room->w.env));
        if (room->w.err.code != refused[i].code ||
            !strstr(room->w.err.message, refused[i].message)) {
            fail_msg("%s: %s: %s", refused[i].name, err_name(room->w.err.code),
                     room->w.err.message);
        }
    }
    assert_int_equal(http_server_count(room->w.server), 0);
}

static void what_sts_says_is_told(void **state)
{
    static const struct server_answer answers[] = {
        {.status = 403,
         .headers = "Content-Type: text/xml\r\n",
         .body =
             "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: u "
             "is not authorized</Message></Error></ErrorResponse>"}};
    struct room *room = *state;

    write_file(room->config, ROLE "source_profile = default\naws_access_key_id=A\n"
                                  "aws_secret_access_key=b\n");
    http_server_script(room->w.server, answers, MEM_COUNT(answers));
    get(room, role_provider_new(&room->w.env));
    assert_int_equal(room->w.err.code, ERR_DENIED);
    assert_contains(room->w.err.message, ARN "a: AssumeRole in eu-west-1: AccessDenied: User: u is "
                                             "not authorized");
    assert_contains(room->w.err.message, ": the role's trust policy must let this identity in, and "
                                         "sts:AssumeRole be allowed to it");
}

static void without_a_region_nobody_is_asked(void **state)
{
    struct room *room = *state;

    room->w.env.region = NULL;
    write_file(room->config, ROLE "source_profile = default\naws_access_key_id=A\n"
                                  "aws_secret_access_key=b\n");
    get(room, role_provider_new(&room->w.env));
    assert_int_equal(room->w.err.code, ERR_NET);
    assert_contains(room->w.err.message, "region");
}

/* --- Web identity --- */

static void the_token_is_read_each_time(void **state)
{
    static const struct server_answer answers[] = {
        {.body = SET("AssumeRoleWithWebIdentity", "ASIAONE")},
        {.body = SET("AssumeRoleWithWebIdentity", "ASIATWO")}};
    struct room *room = *state;

    world_set(&room->w, "AWS_WEB_IDENTITY_TOKEN_FILE", room->token);
    world_set(&room->w, "AWS_ROLE_ARN", ARN "web");
    http_server_script(room->w.server, answers, MEM_COUNT(answers));
    write_file(room->token, "first.token-_\n");
    get(room, web_identity_provider_new(&room->w.env, NULL));
    assert_string_equal(room->w.credentials.access_key, "ASIAONE");
    write_file(room->token, "second");
    get(room, web_identity_provider_new(&room->w.env, NULL));
    assert_string_equal(room->w.credentials.access_key, "ASIATWO");
    assert_contains(sent(room, 0, NULL), "&WebIdentityToken=first.token-_");
    assert_null(strstr(sent(room, 0, NULL), "%0A"));
    assert_contains(sent(room, 1, NULL), "&WebIdentityToken=second");
    assert_null(sent(room, 0, "Authorization"));
    assert_null(sent(room, 0, "X-Amz-Date"));
    assert_string_equal(sent(room, 0, "Accept"), "application/json");
}

static void a_profile_may_describe_it(void **state)
{
    static const struct server_answer answers[] = {
        {.body = SET("AssumeRoleWithWebIdentity", "ASIAWEB")}};
    struct room *room = *state;

    write_file(room->token, "token");
    write_file(room->config, "[profile k8s]\nrole_arn = " ARN "web\nweb_identity_token_file = "
                             "$TOKEN\nrole_session_name = pod\nduration_seconds = 1800\n");
    room->w.env.profile = "k8s";
    http_server_script(room->w.server, answers, MEM_COUNT(answers));
    get(room, web_identity_provider_new(&room->w.env, NULL));
    assert_string_equal(room->w.credentials.access_key, "ASIAWEB");
    assert_contains(sent(room, 0, NULL), "RoleSessionName=pod&WebIdentityToken=token&"
                                         "DurationSeconds=1800");
}

static void a_token_that_has_expired_is_its_writers(void **state)
{
    static const struct server_answer answers[] = {
        {.status = 400,
         .headers = "Content-Type: text/xml\r\n",
         .body = "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>Token expired"
                 "</Message></Error></ErrorResponse>"}};
    struct room *room = *state;

    write_file(room->token, "token");
    world_set(&room->w, "AWS_WEB_IDENTITY_TOKEN_FILE", room->token);
    world_set(&room->w, "AWS_ROLE_ARN", ARN "web");
    http_server_script(room->w.server, answers, MEM_COUNT(answers));
    get(room, web_identity_provider_new(&room->w.env, NULL));
    assert_int_equal(room->w.err.code, ERR_DENIED);
    assert_contains(room->w.err.message, "ExpiredTokenException: Token expired");
    assert_contains(room->w.err.message, ": whoever writes the token's file must renew it");
}

static void web_identity_tells_what_is_missing(void **state)
{
    struct room *room = *state;

    get(room, web_identity_provider_new(&room->w.env, NULL));
    assert_int_equal(room->w.err.code, ERR_ABSENT);
    world_set(&room->w, "AWS_WEB_IDENTITY_TOKEN_FILE", room->token);
    get(room, web_identity_provider_new(&room->w.env, NULL));
    assert_int_equal(room->w.err.code, ERR_CONFIG);
    assert_contains(room->w.err.message, "AWS_ROLE_ARN (role_arn) is missing");
    world_set(&room->w, "AWS_ROLE_ARN", ARN "web");
    get(room, web_identity_provider_new(&room->w.env, NULL));
    assert_int_equal(room->w.err.code, ERR_SYSTEM);
    assert_contains(room->w.err.message, "No such file or directory");
    write_file(room->token, "\n");
    get(room, web_identity_provider_new(&room->w.env, NULL));
    assert_contains(room->w.err.message, "holds no token");
}

/* --- The whole chain --- */

/* What has been set so far wins over what comes later. */
static void the_order_is_botocores(void **state)
{
    static const struct server_answer answers[] = {
        {.body = SET("AssumeRole", "ASIAROLE")},
        {.body = SET("AssumeRoleWithWebIdentity", "ASIAWEB")},
    };
    static const struct {
        const char *from; /* what is taken away before */
        const char *key;
    } steps[] = {{NULL, "AKIAENV"},
                 {"environment", "ASIAROLE"},
                 {"role", "ASIAWEB"},
                 {"web identity", "AKIAKEYS"}};
    struct room *room = *state;
    struct world *w = &room->w;

    write_file(room->token, "token");
    write_file(room->config, "[default]\naws_access_key_id=AKIAKEYS\naws_secret_access_key=b\n"
                             "role_arn = " ARN "a\nsource_profile = default\n");
    world_set(w, "AWS_ACCESS_KEY_ID", "AKIAENV");
    world_set(w, "AWS_SECRET_ACCESS_KEY", "b");
    world_set(w, "AWS_WEB_IDENTITY_TOKEN_FILE", room->token);
    world_set(w, "AWS_ROLE_ARN", ARN "web");
    http_server_script(w->server, answers, MEM_COUNT(answers));
    for (size_t i = 0; i < MEM_COUNT(steps); i++) {
        if (i == 1) {
            world_set(w, "AWS_ACCESS_KEY_ID", NULL);
            world_set(w, "AWS_SECRET_ACCESS_KEY", NULL);
        } else if (i == 2) {
            write_file(room->config,
                       "[default]\naws_access_key_id=AKIAKEYS\naws_secret_access_key=b\n");
        } else if (i == 3) {
            world_set(w, "AWS_WEB_IDENTITY_TOKEN_FILE", NULL);
        }
        struct credentials_cache *cache = credentials_default_new(&w->env, NULL);
        (void)credentials_cache_get(cache, 0, world_on_answer, w);
        world_wait(w);
        assert_int_equal(w->err.code, ERR_NONE);
        assert_string_equal(w->credentials.access_key, steps[i].key);
        credentials_cache_free(cache);
    }
}

static void a_chosen_profile_keeps_the_environment_out(void **state)
{
    struct room *room = *state;
    struct world *w = &room->w;

    write_file(room->config, "[profile p]\naws_access_key_id=AKIAKEYS\naws_secret_access_key=b\n");
    world_set(w, "AWS_ACCESS_KEY_ID", "AKIAENV");
    world_set(w, "AWS_SECRET_ACCESS_KEY", "b");
    w->env.profile = "p";
    struct credentials_cache *cache = credentials_default_new(&w->env, NULL);
    (void)credentials_cache_get(cache, 0, world_on_answer, w);
    world_wait(w);
    assert_string_equal(w->credentials.access_key, "AKIAKEYS");
    credentials_cache_free(cache);
}

static void a_role_on_top_of_all(void **state)
{
    static const struct server_answer answers[] = {{.body = SET("AssumeRole", "ASIATOP")}};
    struct room *room = *state;
    struct world *w = &room->w;

    world_set(w, "AWS_ACCESS_KEY_ID", "AKIAENV");
    world_set(w, "AWS_SECRET_ACCESS_KEY", "b");
    http_server_script(w->server, answers, MEM_COUNT(answers));
    struct credentials_cache *cache = credentials_default_new(&w->env, ARN "top");
    (void)credentials_cache_get(cache, 0, world_on_answer, w);
    world_wait(w);
    assert_string_equal(w->credentials.access_key, "ASIATOP");
    assert_contains(sent(room, 0, "Authorization"), "Credential=AKIAENV/");
    assert_contains(sent(room, 0, NULL), "role%2Ftop");
    credentials_cache_free(cache);
}

static void all_can_be_freed_while_they_ask(void **state)
{
    static const struct server_answer answers[] = {{.fate = SERVER_SILENT},
                                                   {.fate = SERVER_SILENT}};
    struct room *room = *state;
    struct world *w = &room->w;

    write_file(room->token, "token");
    write_file(room->config, ROLE "source_profile = default\naws_access_key_id=A\n"
                                  "aws_secret_access_key=b\n");
    world_set(w, "AWS_WEB_IDENTITY_TOKEN_FILE", room->token);
    world_set(w, "AWS_ROLE_ARN", ARN "web");
    http_server_script(w->server, answers, MEM_COUNT(answers));
    struct provider *const providers[] = {role_provider_new(&w->env),
                                          web_identity_provider_new(&w->env, NULL)};
    for (size_t i = 0; i < MEM_COUNT(providers); i++) {
        provider_get(providers[i], world_on_answer, w);
        for (int n = 0; n < 2000 && http_server_count(w->server) <= i; n++) {
            uv_run(&w->loop, UV_RUN_ONCE);
        }
        assert_int_equal(http_server_count(w->server), i + 1);
        provider_free(providers[i]);
    }
    assert_false(w->answered);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(of_a_profile),
        STORY(a_role_is_assumed_with_its_source),
        STORY(roles_lead_to_one_another),
        STORY(a_profile_with_keys_may_name_itself),
        STORY(refusals_name_profile_and_key),
        STORY(what_sts_says_is_told),
        STORY(without_a_region_nobody_is_asked),
        STORY(the_token_is_read_each_time),
        STORY(a_profile_may_describe_it),
        STORY(a_token_that_has_expired_is_its_writers),
        STORY(web_identity_tells_what_is_missing),
        STORY(the_order_is_botocores),
        STORY(a_chosen_profile_keeps_the_environment_out),
        STORY(a_role_on_top_of_all),
        STORY(all_can_be_freed_while_they_ask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
