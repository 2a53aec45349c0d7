/* The least that the agent's role, and the role of a deploy step, must be allowed. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "agent/print.h"
#include "agent/provision/alarms.h"
#include "agent/provision/dashboard.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/region.h"

/* A managed policy takes 6,144 characters without blanks; the other statements take some of them.
 */
#define ALARMS_TEXT_MAX 4000

static const char *word_or_any(const char *word)
{
    return word ? word : "*";
}

static const char *partition_of(const char *region)
{
    return region ? region_partition(region)->name : "aws";
}

/* An ARN of a service in the database's region; resource: what stands behind the account. */
static json_t *arn_of(const struct print *print, const struct config_database *database,
                      const char *service, const char *resource)
{
    const char *region = print_region_of(print, database);
    char account[13];
    char *arn = mem_printf("arn:%s:%s:%s:%s:%s", partition_of(region), service, word_or_any(region),
                           word_or_any(print_account(print, account)), resource);
    json_t *out = json_text(arn);

    free(arn);
    return out;
}

/* Each once. Takes the item. */
static void add_once(json_t *list, json_t *item)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), item)) {
            json_decref(item);
            return;
        }
    }
    (void)json_array_append_new(list, item);
}

/* Takes the resources; nothing when there is none. Returns the statement, borrowed, or NULL. */
static json_t *add_statement(json_t *statements, const char *sid, json_t *actions,
                             json_t *resources)
{
    if (json_array_size(resources) > 0) {
        json_t *statement = mem_check(json_pack("{s:s, s:s, s:o, s:o}", "Sid", sid, "Effect",
                                                "Allow", "Action", actions, "Resource", resources));

        (void)json_array_append_new(statements, statement);
        return statement;
    }
    json_decref(actions);
    json_decref(resources);
    return NULL;
}

/* --- Alarms ----------------------------------------------------------------------------------- */

static void add_alarm(const struct print *print, const struct config_database *database,
                      const char *name, json_t *list)
{
    char *resource = mem_printf("alarm:%s", name);

    add_once(list, arn_of(print, database, "cloudwatch", resource));
    free(resource);
}

/* Every alarm of a kind by its name. */
static void add_exact(const struct print *print, const struct config_database *database,
                      enum alarm_kind kind, json_t *list)
{
    const struct config *config = print->config;
    struct alarm_context context = {.config = config, .database = database};
    bool is_pool = alarm_row(kind)->of == ALARM_OF_POOL;

    for (size_t i = 0; i < (is_pool ? config->pool_count : 1); i++) {
        context.pool = is_pool ? &config->pools[i] : NULL;
        if (!is_pool || context.pool->of == database) {
            char *name = alarm_name(&context, kind);

            add_alarm(print, database, name, list);
            free(name);
        }
    }
}

/* All of a kind, whatever the database. */
static void add_pattern(const struct print *print, const struct config_database *database,
                        enum alarm_kind kind, json_t *list)
{
    char *name = mem_printf("%s%s*", database->alarms.name_prefix, alarm_row(kind)->stem);

    add_alarm(print, database, name, list);
    free(name);
}

static json_t *alarms_of(const struct print *print,
                         void (*add)(const struct print *, const struct config_database *,
                                     enum alarm_kind, json_t *))
{
    json_t *list = json_array();

    for (size_t i = 0; i < print->config->database_count; i++) {
        const struct config_database *database = &print->config->databases[i];

        for (int kind = 0; kind < ALARM_KIND_COUNT; kind++) {
            if (database->alarms.alarm[kind].threshold.kind != THRESHOLD_OFF) {
                add(print, database, (enum alarm_kind)kind, list);
            }
        }
    }
    return list;
}

static size_t length_of(const json_t *list)
{
    char *text = json_encode(list);
    size_t len = strlen(text);

    free(text);
    return len;
}

static bool is_covered(const json_t *patterns, const char *arn)
{
    for (size_t i = 0; i < json_array_size(patterns); i++) {
        if (fnmatch(json_string_value(json_array_get(patterns, i)), arn, 0) == 0) {
            return true;
        }
    }
    return false;
}

static void add_actions(const struct config_list *actions, json_t *patterns)
{
    for (size_t i = 0; i < actions->count; i++) {
        if (!is_covered(patterns, actions->items[i])) {
            (void)json_array_append_new(patterns, json_text(actions->items[i]));
        }
    }
}

/* What our alarms may do: tell a topic, also one that a person has added, and what is configured.
 * Not stop an instance, which alarms can do, too. */
static json_t *alarm_actions(const struct print *print)
{
    json_t *patterns = json_array();

    for (size_t i = 0; i < print->config->database_count; i++) {
        const struct config_database *database = &print->config->databases[i];

        add_once(patterns, arn_of(print, database, "sns", "*"));
        add_actions(&database->alarms.actions, patterns);
        add_actions(&database->alarms.ok_actions, patterns);
        add_actions(&database->alarms.insufficient_data_actions, patterns);
    }
    return patterns;
}

static void add_alarms(const struct print *print, json_t *statements)
{
    json_t *alarms = alarms_of(print, add_exact);

    if (length_of(alarms) > ALARMS_TEXT_MAX) {
        json_decref(alarms);
        alarms = alarms_of(print, add_pattern);
        print_note(print, "OwnAlarms names kinds of alarms, not each one: a policy has room for "
                          "6144 characters");
    }
    add_statement(statements, "CompareAlarms", json_pack("[s]", "cloudwatch:DescribeAlarms"),
                  json_pack("[s]", "*"));
    json_t *own =
        add_statement(statements, "OwnAlarms",
                      json_pack("[ssss]", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms",
                                "cloudwatch:ListTagsForResource", "cloudwatch:TagResource"),
                      alarms);
    if (own) {
        (void)json_object_set_new(own, "Condition",
                                  json_pack("{s:{s:o}}", "ForAllValues:StringLike",
                                            "cloudwatch:AlarmActions", alarm_actions(print)));
    }
}

static void add_dashboards(const struct print *print, json_t *statements)
{
    const struct config_database *first = &print->config->databases[0];
    const char *partition = partition_of(print_region_of(print, first));
    char account[13];
    const char *known = word_or_any(print_account(print, account));
    char *name = dashboard_name(print->config, 0);
    char *one = mem_printf("arn:%s:cloudwatch::%s:dashboard/%s", partition, known, name);
    char *several = mem_printf("%s-*", one);

    add_statement(statements, "OwnDashboards",
                  json_pack("[sss]", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard",
                            "cloudwatch:DeleteDashboards"),
                  json_pack("[o, o]", json_text(one), json_text(several)));
    free(name);
    free(one);
    free(several);
}

/* --- Logins ----------------------------------------------------------------------------------- */

static void add_logins(const struct print *print, json_t *statements)
{
    json_t *users = json_array();

    for (size_t i = 0; i < print->config->database_count; i++) {
        const struct config_database *database = &print->config->databases[i];

        if (database->auth == AUTH_IAM) {
            char *resource = mem_printf("dbuser:*/%s", database->conninfo.user);

            add_once(users, arn_of(print, database, "rds-db", resource));
            free(resource);
        }
    }
    if (json_array_size(users) > 0) {
        print_note(print, "DbLogin: put the resource id of the instance (db-...) or of the cluster "
                          "(cluster-...) for the * before the user");
    }
    add_statement(statements, "DbLogin", json_pack("[s]", "rds-db:connect"), users);
}

static void add_secrets(const struct print *print, json_t *statements)
{
    json_t *secrets = json_array();

    for (size_t i = 0; i < print->config->database_count; i++) {
        const struct config_database *database = &print->config->databases[i];
        const char *secret = database->password_secret;

        if (secret && strncmp(secret, "arn:", 4) == 0) {
            add_once(secrets, json_text(secret));
        } else if (secret) {
            /* Secrets Manager puts six characters of its own behind a name. */
            char *resource = mem_printf("secret:%s-??????", secret);

            add_once(secrets, arn_of(print, database, "secretsmanager", resource));
            free(resource);
        }
    }
    if (json_array_size(secrets) > 0) {
        print_note(print, "ReadSecrets: a secret under a customer's key needs kms:Decrypt on that "
                          "key too");
    }
    add_statement(statements, "ReadSecrets", json_pack("[s]", "secretsmanager:GetSecretValue"),
                  secrets);
}

/* --- The whole -------------------------------------------------------------------------------- */

static void add_notes(const struct print *print)
{
    const struct config *config = print->config;
    char account[13];

    if (config->role_arn) {
        print_note(print,
                   "this is the policy of %s; whoever assumes it needs sts:AssumeRole on it, "
                   "and its trust policy must name them",
                   config->role_arn);
    }
    if (!config->provision_at_startup) {
        print_note(print, "provision = off: CompareAlarms, OwnAlarms and OwnDashboards are for the "
                          "step that runs --setup-alarms and --setup-dashboard");
    }
    if (!print_account(print, account)) {
        print_note(print, "no ARN of the configuration names one account: it is * in resources");
    }
}

void print_iam(const struct print *print, struct buf *out)
{
    json_t *statements = json_array();

    (void)json_array_append_new(
        statements,
        json_pack("{s:s, s:s, s:s, s:s, s:{s:{s:o}}}", "Sid", "Publish", "Effect", "Allow",
                  "Action", "cloudwatch:PutMetricData", "Resource", "*", "Condition",
                  "StringEquals", "cloudwatch:namespace", json_text(print->config->namespace_)));
    add_alarms(print, statements);
    add_dashboards(print, statements);
    add_logins(print, statements);
    add_secrets(print, statements);
    add_notes(print);
    json_t *policy =
        mem_check(json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", statements));
    char *text = mem_check(json_dumps(policy, JSON_INDENT(2)));

    buf_printf(out, "%s\n", text);
    free(text);
    json_decref(policy);
}
