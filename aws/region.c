#include "aws/region.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/buf.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/credentials/imds.h"
#include "aws/http.h"
#include "aws/profiles.h"

#define REGION_MAX 63 /* a host label */

/* --- Partitions --- */

/* A partition's regions are PREFIX, word, "-", number; those that match no prefix are in "aws". */
static const struct {
    const char *prefix;
    struct partition partition;
} partitions[] = {
    {NULL, {"aws", "amazonaws.com", "api.aws"}},
    {"cn-", {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"}},
    {"us-gov-", {"aws-us-gov", "amazonaws.com", "api.aws"}},
    {"eusc-de-", {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"}},
    {"us-iso-", {"aws-iso", "c2s.ic.gov", "api.aws.ic.gov"}},
    {"us-isob-", {"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"}},
    {"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"}},
    {"us-isof-", {"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"}},
};

/* Letters by table: isalpha() asks the locale. */
#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool has_form(const char *region, const char *prefix)
{
    size_t prefix_len = strlen(prefix);

    if (strncmp(region, prefix, prefix_len) != 0) {
        return false;
    }
    const char *word = region + prefix_len;
    size_t word_len = strspn(word, LETTERS DIGITS "_");
    if (word_len == 0 || word[word_len] != '-') {
        return false;
    }
    const char *number = word + word_len + 1;
    size_t number_len = strspn(number, DIGITS);
    return number_len > 0 && number[number_len] == '\0';
}

const struct partition *region_partition(const char *region)
{
    for (size_t i = 1; i < MEM_COUNT(partitions); i++) {
        if (has_form(region, partitions[i].prefix)) {
            return &partitions[i].partition;
        }
    }
    return &partitions[0].partition;
}

bool region_valid(const char *region)
{
    size_t len = strspn(region, LETTERS DIGITS "-");

    return len >= 1 && len <= REGION_MAX && region[len] == '\0' && region[0] != '-' &&
           region[len - 1] != '-';
}

/* --- Finding one --- */

#define TASK_TIMEOUT_MS 2000
#define TASK_MAX        (1 << 20) /* the task's metadata lists all its containers */
#define REASONS_MAX     2048

/* The ways in their order; each that has nothing leaves its reason and goes to the next. */
struct region_lookup {
    const struct credentials_env *env;
    uv_timer_t turn;
    struct http_transfer *transfer;
    struct imds *imds;
    struct buf reasons;
    bool may_pass; /* one of the reasons */
    region_done *done;
    void *arg;
};

static void on_closed(uv_handle_t *turn)
{
    struct region_lookup *lookup = turn->data;

    buf_done(&lookup->reasons);
    free(lookup);
}

void region_cancel(struct region_lookup *lookup)
{
    if (lookup->transfer) {
        http_cancel(lookup->transfer);
    }
    imds_free(lookup->imds);
    uv_close((uv_handle_t *)&lookup->turn, on_closed);
}

/* Nothing is under way any more. */
static void finish(struct region_lookup *lookup, const char *region, const struct err *err)
{
    region_done *done = lookup->done;
    void *arg = lookup->arg;

    region_cancel(lookup);
    done(arg, region, err);
}

static void finish_failed(struct region_lookup *lookup)
{
    struct err err;

    err_set(&err, lookup->may_pass ? ERR_NET : ERR_CONFIG, "no AWS region: %s; set AWS_REGION",
            buf_text(&lookup->reasons));
    finish(lookup, NULL, &err);
}

static void note_failure(struct region_lookup *lookup, const struct err *err)
{
    if (err && (err->code == ERR_NET || err->code == ERR_TIMEOUT)) {
        lookup->may_pass = true;
    }
}

static void on_placement(void *arg, const char *text, const struct err *err)
{
    struct region_lookup *lookup = arg;

    if (text && region_valid(text)) {
        finish(lookup, text, NULL);
    } else {
        note_failure(lookup, err);
        buf_printf(&lookup->reasons, "; IMDS: %s", err ? err->message : "gave no region");
        finish_failed(lookup);
    }
}

static void ask_imds(struct region_lookup *lookup)
{
    lookup->imds = imds_new(lookup->env);
    imds_get(lookup->imds, "/latest/meta-data/placement/region", on_placement, lookup);
}

/* arn:partition:ecs:REGION:account:task/... */
static bool take_region_of_arn(const char *arn, char region[REGION_MAX + 1])
{
    for (int field = 0; field < 3 && arn; field++) {
        arn = strchr(arn, ':');
        arn = arn ? arn + 1 : NULL;
    }
    size_t len = arn ? strcspn(arn, ":") : 0;
    if (len == 0 || len > REGION_MAX) {
        return false;
    }
    memcpy(region, arn, len);
    region[len] = '\0';
    return region_valid(region);
}

static bool read_task(const struct http_response *response, char region[REGION_MAX + 1],
                      struct err *err)
{
    json_t *task;

    if (response->status != 200) {
        return err_set(err, ERR_NET, "answered %d", response->status);
    }
    if (!json_parse(response->body, response->body_len, &task, err)) {
        return false;
    }
    bool found = take_region_of_arn(json_text_of(task, "TaskARN"), region) ||
                 err_set(err, ERR_PARSE, "the task's metadata has no usable TaskARN");
    json_decref(task);
    return found;
}

static void on_task(void *arg, const struct http_response *response, const struct err *err,
                    bool may_have_arrived)
{
    struct region_lookup *lookup = arg;
    char region[REGION_MAX + 1];
    struct err failure = {.code = ERR_NONE};

    (void)may_have_arrived;
    lookup->transfer = NULL;
    if (response && read_task(response, region, &failure)) {
        finish(lookup, region, NULL);
    } else {
        note_failure(lookup, err ? err : &failure);
        buf_printf(&lookup->reasons, "; ECS: %s", err ? err->message : failure.message);
        ask_imds(lookup);
    }
}

static void ask_ecs(struct region_lookup *lookup)
{
    const char *base = credentials_getenv(lookup->env, "ECS_CONTAINER_METADATA_URI_V4");

    if (!base) {
        buf_puts(&lookup->reasons, "; ECS: ECS_CONTAINER_METADATA_URI_V4 is not set");
        ask_imds(lookup);
        return;
    }
    char *url = mem_printf("%s/task", base);
    const struct http_request request = {
        .method = "GET",
        .url = url,
        .connect_timeout_ms = TASK_TIMEOUT_MS,
        .timeout_ms = TASK_TIMEOUT_MS,
        .max_response = TASK_MAX,
        .no_proxy = true,
    };
    lookup->transfer = http_send(lookup->env->http, &request, on_task, lookup);
    free(url);
}

/* Ends the lookup when there is one. */
static bool take(struct region_lookup *lookup, const char *from, const char *region)
{
    struct err err;

    if (!region) {
        return false;
    }
    if (region_valid(region)) {
        finish(lookup, region, NULL);
    } else {
        err_set(&err, ERR_CONFIG, "%s: %.100s is no region's name", from, region);
        finish(lookup, NULL, &err);
    }
    return true;
}

static bool take_from_profile(struct region_lookup *lookup)
{
    struct profiles *profiles;
    struct err err;

    if (!profiles_load(lookup->env, &profiles, &err)) {
        finish(lookup, NULL, &err);
        return true;
    }
    const char *name = profiles_selected(profiles);
    buf_printf(&lookup->reasons, "; profile %.100s has no region", name);
    bool taken = take(lookup, "region of the profile", profiles_get(profiles, name, "region"));
    profiles_free(profiles);
    return taken;
}

static void on_turn(uv_timer_t *turn)
{
    static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    struct region_lookup *lookup = turn->data;

    for (size_t i = 0; i < MEM_COUNT(names); i++) {
        if (take(lookup, names[i], credentials_getenv(lookup->env, names[i]))) {
            return;
        }
    }
    buf_puts(&lookup->reasons, "AWS_REGION and AWS_DEFAULT_REGION are not set");
    if (!take_from_profile(lookup)) {
        ask_ecs(lookup);
    }
}

struct region_lookup *region_find(const struct credentials_env *env, region_done *done, void *arg)
{
    struct region_lookup *lookup = mem_alloc(sizeof(*lookup));

    lookup->env = env;
    lookup->done = done;
    lookup->arg = arg;
    buf_init(&lookup->reasons, REASONS_MAX);
    uv_timer_init(env->loop, &lookup->turn);
    lookup->turn.data = lookup;
    uv_timer_start(&lookup->turn, on_turn, 0, 0);
    return lookup;
}
