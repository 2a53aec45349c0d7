/* Partitions, names of regions, and where a region is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/common/mem.h"
#include "aws/region.h"
#include "tests/aws_world.h"

/* --- Partitions and names --- */

static const struct partition_case {
    const char *region, *partition, *dns_suffix, *dualstack_suffix;
} partition_cases[] = {
    {"us-east-1", "aws", "amazonaws.com", "api.aws"},
    {"eu-central-2", "aws", "amazonaws.com", "api.aws"},
    {"mx-central-1", "aws", "amazonaws.com", "api.aws"},
    {"ap-southeast-7", "aws", "amazonaws.com", "api.aws"},
    {"cn-northwest-1", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"us-gov-west-1", "aws-us-gov", "amazonaws.com", "api.aws"},
    {"eusc-de-east-1", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"},
    {"us-iso-east-1", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov"},
    {"us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"},
    {"eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    /* What has not quite the form of another partition's regions is in the first. */
    {"moon-base-1", "aws", "amazonaws.com", "api.aws"},
    {"cn-north", "aws", "amazonaws.com", "api.aws"},
    {"cn-north-1a", "aws", "amazonaws.com", "api.aws"},
    {"cn-north-west-1", "aws", "amazonaws.com", "api.aws"},
    {"us-gov--1", "aws", "amazonaws.com", "api.aws"},
    {"xcn-north-1", "aws", "amazonaws.com", "api.aws"},
    {"", "aws", "amazonaws.com", "api.aws"},
};

static void partitions(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(partition_cases); i++) {
        const struct partition_case *c = &partition_cases[i];
        const struct partition *found = region_partition(c->region);

        if (strcmp(found->name, c->partition) != 0) {
            fail_msg("%s is in %s", c->region, found->name);
        }
        assert_string_equal(found->dns_suffix, c->dns_suffix);
        assert_string_equal(found->dualstack_suffix, c->dualstack_suffix);
    }
}

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ-012345678"

static void names(void **state)
{
    static const char *const good[] = {"us-east-1", "a", "1", "EU-x", LABEL_63};
    static const char *const bad[] = {"",        "-us-east-1", "us-east-1-",  "us east-1",
                                      "us.east", "us_1",       "us-east-1\n", "\xc3\xa4",
                                      "eu/1",    LABEL_63 "9"};

    (void)state;
    assert_int_equal(strlen(LABEL_63), 63);
    for (size_t i = 0; i < MEM_COUNT(good); i++) {
        if (!region_valid(good[i])) {
            fail_msg("%s was refused", good[i]);
        }
    }
    for (size_t i = 0; i < MEM_COUNT(bad); i++) {
        if (region_valid(bad[i])) {
            fail_msg("%s was accepted", bad[i]);
        }
    }
}

/* --- Finding one --- */

struct region_world {
    struct world w;
    char region[64];
    char metadata[80];
};

static int set_up(void **state)
{
    struct region_world *r = mem_alloc(sizeof(*r));

    world_init(&r->w);
    snprintf(r->metadata, sizeof(r->metadata), "%s/v4/abc", http_server_url(r->w.server));
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct region_world *r = *state;

    world_done(&r->w);
    free(r);
    return 0;
}

static void on_region(void *arg, const char *region, const struct err *err)
{
    struct region_world *r = arg;

    assert_true((region != NULL) != (err != NULL));
    snprintf(r->region, sizeof(r->region), "%s", region ? region : "");
    r->w.err = err ? *err : (struct err){.code = ERR_NONE};
    r->w.answered = true;
    r->w.answers++;
}

static void find(struct region_world *r)
{
    int before = r->w.answers;

    (void)region_find(&r->w.env, on_region, r);
    assert_int_equal(r->w.answers, before);
    world_wait(&r->w);
    assert_int_equal(r->w.answers, before + 1);
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("\"%s\" is not in \"%s\"", part, text);
    }
}

static void the_variables_come_first(void **state)
{
    struct region_world *r = *state;

    world_set(&r->w, "AWS_REGION", "eu-west-1");
    world_set(&r->w, "AWS_DEFAULT_REGION", "us-east-1");
    find(r);
    assert_string_equal(r->region, "eu-west-1");
    world_set(&r->w, "AWS_REGION", "");
    find(r);
    assert_string_equal(r->region, "us-east-1");
    world_set(&r->w, "AWS_REGION", "eu west");
    find(r);
    assert_int_equal(r->w.err.code, ERR_CONFIG);
    assert_string_equal(r->w.err.message, "AWS_REGION: eu west is no region's name");
    assert_int_equal(http_server_count(r->w.server), 0);
}

static void then_the_task(void **state)
{
    static const struct server_answer answers[] = {
        {.body =
             "{\"TaskARN\":\"arn:aws:ecs:eu-north-1:123456789012:task/c/1\",\"Family\":\"f\"}"}};
    struct region_world *r = *state;

    world_set(&r->w, "ECS_CONTAINER_METADATA_URI_V4", r->metadata);
    http_server_script(r->w.server, answers, MEM_COUNT(answers));
    find(r);
    assert_string_equal(r->region, "eu-north-1");
    assert_string_equal(http_server_request(r->w.server, 0)->target, "/v4/abc/task");
}

static void a_task_that_does_not_say_leaves_it_to_the_instance(void **state)
{
    static const struct {
        const char *name;
        struct server_answer answers[3];
    } cases[] = {
        {"no ARN", {{.body = "{}"}, {.body = "T"}, {.body = "eu-south-1"}}},
        {"a short ARN", {{.body = "{\"TaskARN\":\"a:b\"}"}, {.body = "T"}, {.body = "eu-south-1"}}},
        {"an ARN without region",
         {{.body = "{\"TaskARN\":\"arn:aws:ecs::1:t\"}"}, {.body = "T"}, {.body = "eu-south-1"}}},
        {"a number", {{.body = "{\"TaskARN\":1}"}, {.body = "T"}, {.body = "eu-south-1"}}},
        {"no JSON", {{.body = "<html>"}, {.body = "T"}, {.body = "eu-south-1"}}},
        {"an error", {{.status = 500}, {.body = "T"}, {.body = "eu-south-1"}}},
        {"cut off",
         {{.fate = SERVER_CUT, .body = "{\"Task"}, {.body = "T"}, {.body = "eu-south-1"}}},
    };
    struct region_world *r = *state;

    world_set(&r->w, "ECS_CONTAINER_METADATA_URI_V4", r->metadata);
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        http_server_forget(r->w.server);
        http_server_script(r->w.server, cases[i].answers, 3);
        find(r);
        if (strcmp(r->region, "eu-south-1") != 0) {
            fail_msg("%s: %s", cases[i].name, r->w.err.message);
        }
        assert_string_equal(http_server_request(r->w.server, 2)->target,
                            "/latest/meta-data/placement/region");
    }
}

static void nowhere_names_every_way(void **state)
{
    static const struct server_answer answers[] = {{.body = "T"}, {.body = "not a region"}};
    struct region_world *r = *state;

    http_server_script(r->w.server, answers, MEM_COUNT(answers));
    find(r);
    assert_int_equal(r->w.err.code, ERR_CONFIG);
    assert_string_equal(r->w.err.message,
                        "no AWS region: AWS_REGION and AWS_DEFAULT_REGION are not set; "
                        "profile default has no region; "
                        "ECS: ECS_CONTAINER_METADATA_URI_V4 is not set; "
                        "IMDS: gave no region; set AWS_REGION");

    world_set(&r->w, "AWS_EC2_METADATA_DISABLED", "true");
    world_set(&r->w, "ECS_CONTAINER_METADATA_URI_V4", "http://127.0.0.1:1");
    find(r);
    assert_int_equal(r->w.err.code, ERR_NET /* it may answer another time */);
    assert_contains(r->w.err.message, "; ECS: http://127.0.0.1:1: ");
    assert_contains(r->w.err.message, "; IMDS: AWS_EC2_METADATA_DISABLED is true; ");
}

static void cancelled_means_silent(void **state)
{
    static const struct server_answer answers[] = {{.fate = SERVER_SILENT},
                                                   {.fate = SERVER_SILENT}};
    struct region_world *r = *state;

    region_cancel(region_find(&r->w.env, on_region, r));

    http_server_script(r->w.server, answers, MEM_COUNT(answers));
    struct region_lookup *asks_imds = region_find(&r->w.env, on_region, r);
    loop_for(&r->w.loop, 30);
    assert_int_equal(http_server_count(r->w.server), 1);
    region_cancel(asks_imds);

    world_set(&r->w, "ECS_CONTAINER_METADATA_URI_V4", r->metadata);
    struct region_lookup *asks_ecs = region_find(&r->w.env, on_region, r);
    loop_for(&r->w.loop, 30);
    assert_int_equal(http_server_count(r->w.server), 2);
    region_cancel(asks_ecs);
    loop_for(&r->w.loop, 30);
    assert_int_equal(r->w.answers, 0);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions),
        cmocka_unit_test(names),
        STORY(the_variables_come_first),
        STORY(then_the_task),
        STORY(a_task_that_does_not_say_leaves_it_to_the_instance),
        STORY(nowhere_names_every_way),
        STORY(cancelled_means_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
