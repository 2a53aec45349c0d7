/*
 * An ECS task definition for an agent on each container instance (a DAEMON service on EC2).
 *
 * One database and no [pool NAME] go into the environment of the container, as they are in force;
 * more of them need the file, from a directory of the instance.
 */
#include "agent/print_task.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/region.h"

#define USER         "65532:65532" /* nobody's */
#define CONFIG_DIR   "/etc/poolwarden"
#define PROGRAM      "/usr/bin/poolwarden"
#define PORT_DEFAULT 8125

/* --- The file --------------------------------------------------------------------------------- */

static void add_volume(const struct task *task, const char *name, const char *path, bool read_only)
{
    (void)json_array_append_new(task->mounts,
                                json_pack("{s:s, s:o, s:b}", "sourceVolume", name, "containerPath",
                                          json_text(path), "readOnly", read_only));
    (void)json_array_append_new(task->volumes, json_pack("{s:s, s:{s:o}}", "name", name, "host",
                                                         "sourcePath", json_text(path)));
}

static void add_file(const struct task *task)
{
    add_volume(task, "configuration", CONFIG_DIR, true);
    task_add_variables_of_file(task);
    print_note(task->print, "put agent.conf into " CONFIG_DIR " of each container instance: more "
                            "than one database, or a [pool NAME], does not fit into variables");
}

/* --- The container ---------------------------------------------------------------------------- */

/* The first UDP address; NULL: there is none. */
static const char *udp_of(const struct config *config)
{
    for (size_t i = 0; config->statsd && i < config->statsd_listen.count; i++) {
        if (strncmp(config->statsd_listen.items[i], "unix:", 5) != 0) {
            return config->statsd_listen.items[i];
        }
    }
    return NULL;
}

static json_t *ports_of(const struct config *config)
{
    const char *listen = udp_of(config);
    const char *colon = listen ? strrchr(listen, ':') : NULL;
    long port = colon ? strtol(colon + 1, NULL, 10) : PORT_DEFAULT;

    return colon ? json_pack("[{s:i, s:i, s:s}]", "containerPort", (int)port, "hostPort", (int)port,
                             "protocol", "udp")
                 : json_array();
}

static json_t *linux_of(const struct config *config)
{
    json_t *linux_parameters =
        json_pack("{s:b, s:{s:[s]}}", "initProcessEnabled", 1, "capabilities", "drop", "ALL");

    if (config->runtime_dir) {
        (void)json_object_set_new(linux_parameters, "tmpfs",
                                  json_pack("[{s:o, s:i, s:[sss]}]", "containerPath",
                                            json_text(config->runtime_dir), "size", 1,
                                            "mountOptions", "uid=65532", "gid=65532", "mode=0700"));
    }
    return linux_parameters;
}

static json_t *health_of(void)
{
    return json_pack("{s:[sss], s:i, s:i, s:i, s:i}", "command", "CMD", PROGRAM, "--health",
                     "interval", 30, "timeout", 5, "retries", 3, "startPeriod", 120);
}

/* non-blocking: where logs can not be written the agent goes on. */
static json_t *logs_of(const struct task *task)
{
    return json_pack("{s:s, s:{s:s, s:o, s:s, s:s, s:s}}", "logDriver", "awslogs", "options",
                     "awslogs-group", "/ecs/poolwarden", "awslogs-region", json_text(task->region),
                     "awslogs-stream-prefix", "poolwarden", "awslogs-create-group", "true", "mode",
                     "non-blocking");
}

static json_t *container_of(const struct task *task)
{
    const struct config *config = task->print->config;

    return mem_check(json_pack(
        "{s:s, s:s, s:b, s:s, s:b, s:i, s:i, s:i, s:O, s:O, s:O, s:o, s:o, s:o, s:[s], s:o}", //
        "name", "poolwarden",                                                                 //
        "image", "poolwarden:" POOLWARDEN_VERSION,                                            //
        "essential", 1,                                                                       //
        "user", USER,                                                                         //
        "readonlyRootFilesystem", 1,                                                          //
        "memory", 128,                                                                        //
        "memoryReservation", 32,                                                              //
        "stopTimeout", 30,                                                                    //
        "environment", task->environment,                                                     //
        "secrets", task->secrets,                                                             //
        "mountPoints", task->mounts,                                                          //
        "portMappings", ports_of(config),                                                     //
        "healthCheck", health_of(),                                                           //
        "linuxParameters", linux_of(config),                                                  //
        "dockerSecurityOptions", "no-new-privileges",                                         //
        "logConfiguration", logs_of(task)));
}

/* --- The whole -------------------------------------------------------------------------------- */

static json_t *role_of(const struct task *task, const char *name)
{
    char account[13];
    const char *known = print_account(task->print, account);
    char *arn =
        mem_printf("arn:%s:iam::%s:role/%s", task->partition, known ? known : "ACCOUNT", name);
    json_t *out = json_text(arn);

    free(arn);
    return out;
}

/* Files that a container does not have by itself. */
static void add_notes_of(const struct print *print, const struct config_database *database)
{
    const struct conninfo *info = &database->conninfo;

    if (database->password_file) {
        print_note(print, "database %s: its password_file has to be mounted", database->name);
    }
    for (size_t i = 0; i < CONNINFO_PARAMS_MAX && info->keywords[i]; i++) {
        if (strcmp(info->keywords[i], "sslrootcert") == 0 && info->values[i][0] == '/') {
            print_note(print, "database %s: %s has to be in the image", database->name,
                       info->values[i]);
        }
    }
}

static void add_notes(const struct print *print)
{
    const struct config *config = print->config;

    print_note(print, "image: put your registry before it; REGION and ACCOUNT, where they stand, "
                      "are yours to replace");
    print_note(print, "poolwarden-task needs what poolwarden --print iam prints; "
                      "poolwarden-execution reads the image, the secrets and writes the logs");
    const char *listen = udp_of(config);
    if (listen && strncmp(listen, "127.", 4) == 0) {
        print_note(print, "statsd listens on %s: only tasks in host mode reach it", listen);
    }
    if (config->state_dir) {
        print_note(print, "state: chown 65532 %s on each container instance", config->state_dir);
    }
    for (size_t i = 0; i < config->database_count; i++) {
        add_notes_of(print, &config->databases[i]);
    }
}

static json_t *document_of(const struct task *task)
{
    return mem_check(json_pack("{s:s, s:s, s:[s], s:o, s:o, s:[o], s:O}",                 //
                               "family", "poolwarden",                                    //
                               "networkMode", "host",                                     //
                               "requiresCompatibilities", "EC2",                          //
                               "taskRoleArn", role_of(task, "poolwarden-task"),           //
                               "executionRoleArn", role_of(task, "poolwarden-execution"), //
                               "containerDefinitions", container_of(task),                //
                               "volumes", task->volumes));
}

void print_task_definition(const struct print *print, struct buf *out)
{
    const struct config *config = print->config;
    const char *region = print_region_of(print, &config->databases[0]);
    struct task task = {.print = print,
                        .region = region ? region : "REGION",
                        .partition = region ? region_partition(region)->name : "aws",
                        .environment = json_array(),
                        .secrets = json_array(),
                        .mounts = json_array(),
                        .volumes = json_array()};

    if (config->database_count == 1 && config->pool_count == 0) {
        task_add_configuration(&task);
    } else {
        add_file(&task);
    }
    if (region && !config->region) {
        task_add_variable(&task, "AWS_REGION", region);
    }
    if (config->state_dir) {
        add_volume(&task, "state", config->state_dir, false);
    }
    json_t *document = document_of(&task);
    char *text = mem_check(json_dumps(document, JSON_INDENT(2)));

    buf_printf(out, "%s\n", text);
    add_notes(print);
    free(text);
    json_decref(document);
    json_decref(task.environment);
    json_decref(task.secrets);
    json_decref(task.mounts);
    json_decref(task.volumes);
}
