#include "agent/sample/log_command.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/config_value.h"
#include "agent/log.h"
#include "aws/common/child.h"
#include "aws/common/mem.h"
#include "aws/common/words.h"

#define CHUNK          65536
#define FIRST_DELAY_MS 1000
#define LAST_DELAY_MS  60000
#define PATIENCE_MS    500 /* between SIGTERM and SIGKILL */

struct log_command {
    uv_loop_t *loop;
    struct words words;
    struct config_list withheld;
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
    words_done(&command->words);
    value_list_done(&command->withheld);
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

static void start(struct log_command *command)
{
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
         .data.stream = (uv_stream_t *)&command->output},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
    };
    const struct child child = {.argv = command->words.items,
                                .stdio = stdio,
                                .stdio_count = MEM_COUNT(stdio),
                                .on_exit = on_exit_of,
                                .withheld = command->withheld.items,
                                .withheld_count = command->withheld.count};

    uv_pipe_init(command->loop, &command->output, 0);
    command->output.data = command->process.data = command;
    command->open = 2;
    command->started_ms = uv_now(command->loop);
    int status = child_spawn(command->loop, &command->process, &child);

    if (status != 0) {
        log_warn("%s: command %s is not started: %s; again in %d s", command->name,
                 command->words.items[0], uv_strerror(status), command->delay_ms / 1000);
        uv_close((uv_handle_t *)&command->process, on_part_closed);
        uv_close((uv_handle_t *)&command->output, on_part_closed);
        return;
    }
    command->running = true;
    command->pid = uv_process_get_pid(&command->process);
    uv_read_start((uv_stream_t *)&command->output, on_alloc, on_read);
    log_info("%s: reads %s (process %d)", command->name, command->words.items[0], command->pid);
}

struct log_command *log_command_new(const struct log_command_options *options)
{
    struct log_command *command = mem_alloc(sizeof(*command));

    command->loop = options->loop;
    command->name = mem_strdup(options->name);
    command->on_line = options->on_line;
    command->arg = options->arg;
    for (size_t i = 0; i < options->withheld->count; i++) {
        value_list_add(&command->withheld, options->withheld->items[i]);
    }
    command->delay_ms = FIRST_DELAY_MS;
    uv_timer_init(options->loop, &command->timer);
    command->timer.data = command;
    if (words_split(options->line, &command->words, NULL)) { /* as the configuration has done */
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
