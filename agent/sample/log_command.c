#include "agent/sample/log_command.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/sample/command_line.h"
#include "aws/common/mem.h"

#define CHUNK          65536
#define FIRST_DELAY_MS 1000
#define LAST_DELAY_MS  60000
#define PATIENCE_MS    500 /* between SIGTERM and SIGKILL */

struct log_command {
    uv_loop_t *loop;
    char **argv;
    char *name;
    log_on_line *on_line;
    void *arg;
    uv_process_t process;
    uv_pipe_t output;
    uv_timer_t timer; /* of the next start; of SIGKILL when stopping */
    int open;         /* of process and output: handles not closed yet */
    bool running;     /* the process is */
    int pid;
    uint64_t started_ms;
    int delay_ms;
    struct log_lines lines;
    char chunk[CHUNK];
    log_command_stopped *stopped; /* NULL: goes on */
    void *stopped_arg;
};

static void start(struct log_command *command);

bool log_command_is_running(const struct log_command *command)
{
    return command->running;
}

static void signal_group(const struct log_command *command, int signum)
{
    if (command->pid > 1) {
        (void)kill(-command->pid, signum);
    }
}

/* --- the end of one process ----------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct log_command *command = handle->data;
    log_command_stopped *stopped = command->stopped;
    void *arg = command->stopped_arg;

    log_lines_done(&command->lines);
    free(command->argv);
    free(command->name);
    free(command);
    stopped(arg);
}

static void on_restart(uv_timer_t *timer)
{
    start(timer->data);
}

static void restart_later(struct log_command *command)
{
    if (uv_now(command->loop) - command->started_ms >= LAST_DELAY_MS) {
        command->delay_ms = FIRST_DELAY_MS;
    }
    uv_timer_start(&command->timer, on_restart, (uint64_t)command->delay_ms, 0);
    command->delay_ms =
        command->delay_ms * 2 < LAST_DELAY_MS ? command->delay_ms * 2 : LAST_DELAY_MS;
}

static void on_part_closed(uv_handle_t *handle)
{
    struct log_command *command = handle->data;

    if (--command->open > 0) {
        return;
    }
    command->pid = 0;
    if (command->stopped) {
        uv_close((uv_handle_t *)&command->timer, on_timer_closed);
    } else {
        restart_later(command);
    }
}

static void on_exit_of(uv_process_t *process, int64_t status, int signum)
{
    struct log_command *command = process->data;

    command->running = false;
    signal_group(command, SIGKILL); /* whom it started itself */
    uv_close((uv_handle_t *)process, on_part_closed);
    if (command->stopped) {
        return;
    }
    if (signum != 0) {
        log_warn("%s: command ended by signal %d; started again in %d s", command->name, signum,
                 command->delay_ms / 1000);
    } else {
        log_warn("%s: command ended with status %d; started again in %d s", command->name,
                 (int)status, command->delay_ms / 1000);
    }
}

/* --- its output ----------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct log_command *command = handle->data;

    (void)suggested;
    *out = uv_buf_init(command->chunk, CHUNK);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    struct log_command *command = stream->data;

    if (len > 0) {
        log_lines_feed(&command->lines, buffer->base, (size_t)len, command->on_line, command->arg);
    } else if (len < 0) {
        log_lines_end(&command->lines, command->on_line, command->arg);
        signal_group(command, SIGTERM); /* nobody reads it any more */
        uv_close((uv_handle_t *)stream, on_part_closed);
    }
}

/* --- starting ------------------------------------------------------------------------------- */

static bool is_secret(const char *entry)
{
    static const char *const prefixes[] = {"AWS_", "PG", "DATABASE_URL=", "POOLWARDEN_"};

    for (size_t i = 0; i < MEM_COUNT(prefixes); i++) {
        if (strncmp(entry, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Its entries are borrowed. */
static char **environment(void)
{
    size_t count = 0, kept = 0;

    while (environ[count]) {
        count++;
    }
    char **out = mem_alloc((count + 1) * sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        if (!is_secret(environ[i])) {
            out[kept++] = environ[i];
        }
    }
    return out;
}

static void start(struct log_command *command)
{
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
         .data.stream = (uv_stream_t *)&command->output},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
    };
    char **env = environment();
    const uv_process_options_t options = {.exit_cb = on_exit_of,
                                          .file = command->argv[0],
                                          .args = command->argv,
                                          .env = env,
                                          .flags = UV_PROCESS_DETACHED,
                                          .stdio_count = 3,
                                          .stdio = stdio};

    uv_pipe_init(command->loop, &command->output, 0);
    command->output.data = command->process.data = command;
    command->open = 2;
    command->started_ms = uv_now(command->loop);
    int status = uv_spawn(command->loop, &command->process, &options);

    free(env);
    if (status != 0) {
        log_warn("%s: command %s is not started: %s; again in %d s", command->name,
                 command->argv[0], uv_strerror(status), command->delay_ms / 1000);
        uv_close((uv_handle_t *)&command->process, on_part_closed);
        uv_close((uv_handle_t *)&command->output, on_part_closed);
        return;
    }
    command->running = true;
    command->pid = uv_process_get_pid(&command->process);
    uv_read_start((uv_stream_t *)&command->output, on_alloc, on_read);
    log_info("%s: reads %s (process %d)", command->name, command->argv[0], command->pid);
}

struct log_command *log_command_new(uv_loop_t *loop, const char *line, const char *name,
                                    log_on_line *on_line, void *arg)
{
    struct log_command *command = mem_alloc(sizeof(*command));

    command->loop = loop;
    command->name = mem_strdup(name);
    command->on_line = on_line;
    command->arg = arg;
    command->delay_ms = FIRST_DELAY_MS;
    uv_timer_init(loop, &command->timer);
    command->timer.data = command;
    if (command_line_parse(line, &command->argv, NULL)) { /* as the configuration has done */
        start(command);
    }
    return command;
}

/* --- leaving -------------------------------------------------------------------------------- */

static void on_patience_over(uv_timer_t *timer)
{
    signal_group(timer->data, SIGKILL);
}

void log_command_stop(struct log_command *command, log_command_stopped *stopped, void *arg)
{
    command->stopped = stopped;
    command->stopped_arg = arg;
    uv_timer_stop(&command->timer);
    if (command->open == 0) {
        uv_close((uv_handle_t *)&command->timer, on_timer_closed);
        return;
    }
    if (!uv_is_closing((uv_handle_t *)&command->output)) {
        uv_close((uv_handle_t *)&command->output, on_part_closed);
    }
    if (command->running) {
        signal_group(command, SIGTERM);
        uv_timer_start(&command->timer, on_patience_over, PATIENCE_MS, 0);
    }
}
