#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "aws/common/buf.h"
#include "aws/common/child.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/common/words.h"
#include "aws/credentials/credentials.h"
#include "aws/credentials/document.h"

#define DEADLINE_MS   60000
#define OUTPUT_MS     2000 /* behind the end of the command */
#define OUTPUT_MAX    65536
#define COMPLAINT_MAX 4096

struct process;

/* One run of the command. It outlives a get that is cancelled: a child must be waited for. */
struct run {
    struct process *owner; /* NULL: nobody wants the answer any more */
    struct words words;
    uv_process_t child;
    uv_pipe_t out, err;
    uv_timer_t deadline;
    struct buf output, complaint;
    int open;    /* handles */
    bool exited; /* the child */
    bool ended;  /* its output */
    bool late;
    int64_t status;
    int signal;
    char chunk[4096];
};

struct process {
    struct provider provider;
    const struct credentials_env *env;
    char *command;
    uv_timer_t turn;
    struct run *run; /* NULL: none is under way */
    provider_done *done;
    void *arg;
};

/* --- A run's end ---------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct run *run = handle->data;

    if (--run->open > 0) {
        return;
    }
    words_done(&run->words);
    buf_done(&run->output);
    buf_done(&run->complaint);
    OPENSSL_cleanse(run->chunk, sizeof(run->chunk));
    free(run);
}

static void close_run(struct run *run)
{
    uv_close((uv_handle_t *)&run->child, on_handle_closed);
    uv_close((uv_handle_t *)&run->out, on_handle_closed);
    uv_close((uv_handle_t *)&run->err, on_handle_closed);
    uv_close((uv_handle_t *)&run->deadline, on_handle_closed);
}

/* It has a process group of its own, so that what it started goes with it. */
static void kill_run(struct run *run)
{
    if (!run->exited) {
        (void)kill(-run->child.pid, SIGKILL);
    }
}

/* --- What came out -------------------------------------------------------------------------- */

static bool read_document(const struct run *run, struct credentials *out, struct err *err)
{
    json_t *document;
    double version = 0;

    if (!json_parse(buf_text(&run->output), run->output.len, &document, err)) {
        return false;
    }
    bool has_version = json_number_of(document, "Version", &version) && version == 1;
    bool ok = (has_version || err_set(err, ERR_PARSE, "its output has no Version 1")) &&
              document_take(document, "SessionToken", false, out, err);
    json_wipe(document);
    json_decref(document);
    return ok;
}

static bool read_end(const struct run *run, struct credentials *out, struct err *err)
{
    char excerpt[DOCUMENT_EXCERPT_MAX];

    if (run->late) {
        return err_set(err, ERR_TIMEOUT, "did not end within %d s", DEADLINE_MS / 1000);
    }
    if (!buf_ok(&run->output)) {
        return err_set(err, ERR_PARSE, "printed more than %d bytes", OUTPUT_MAX);
    }
    if (run->signal != 0) {
        return err_set(err, ERR_SYSTEM, "was ended by signal %d", run->signal);
    }
    if (run->status != 0) {
        return err_set(err, ERR_DENIED, "exited with %d: %s", (int)run->status,
                       document_excerpt(buf_text(&run->complaint), excerpt));
    }
    return read_document(run, out, err);
}

static void finish_run(struct run *run)
{
    struct process *owner = run->owner;
    struct credentials credentials = {0};
    struct err err;

    close_run(run);
    if (!owner) {
        return;
    }
    bool ok = read_end(run, &credentials, &err);
    if (!ok) {
        err_context(&err, "%.200s", run->words.items[0]); /* its arguments may be secrets */
    }
    credentials.source = owner->provider.ops->name;
    owner->run = NULL;
    owner->done(owner->arg, ok ? &credentials : NULL, ok ? NULL : &err);
    credentials_done(&credentials);
}

static void finish_if_over(struct run *run)
{
    if (run->exited && run->ended) {
        finish_run(run);
    }
}

static void on_output_over(uv_timer_t *deadline)
{
    struct run *run = deadline->data;

    run->ended = true;
    finish_if_over(run);
}

static void on_exit_of_child(uv_process_t *child, int64_t status, int signal)
{
    struct run *run = child->data;

    run->exited = true;
    run->status = status;
    run->signal = signal;
    if (!run->owner || run->late) {
        run->ended = true;
    } else {
        /* What it left running may hold its output open for ever: what was printed counts. */
        uv_timer_start(&run->deadline, on_output_over, OUTPUT_MS, 0);
    }
    finish_if_over(run);
}

static void on_deadline(uv_timer_t *deadline)
{
    struct run *run = deadline->data;

    run->late = true;
    kill_run(run);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    struct run *run = handle->data;

    (void)size;
    *out = uv_buf_init(run->chunk, sizeof(run->chunk));
}

static void on_output(uv_stream_t *stream, ssize_t len, const uv_buf_t *data)
{
    struct run *run = stream->data;

    if (len < 0) {
        uv_read_stop(stream);
        run->ended = true;
        finish_if_over(run);
        return;
    }
    buf_add(&run->output, data->base, (size_t)len);
    if (!buf_ok(&run->output)) {
        kill_run(run);
    }
}

/* Only its beginning is of use. */
static void on_complaint(uv_stream_t *stream, ssize_t len, const uv_buf_t *data)
{
    struct run *run = stream->data;

    if (len < 0) {
        uv_read_stop(stream);
    } else if (buf_ok(&run->complaint)) {
        buf_add(&run->complaint, data->base, (size_t)len);
    }
}

/* --- A run's beginning ---------------------------------------------------------------------- */

static struct run *run_new(uv_loop_t *loop, const struct words *words)
{
    struct run *run = mem_alloc(sizeof(*run));

    run->words = *words;
    run->open = 4;
    buf_init_secret(&run->output, OUTPUT_MAX);
    buf_init_secret(&run->complaint, COMPLAINT_MAX);
    uv_pipe_init(loop, &run->out, 0);
    uv_pipe_init(loop, &run->err, 0);
    uv_timer_init(loop, &run->deadline);
    run->child.data = run->out.data = run->err.data = run->deadline.data = run;
    return run;
}

static int spawn(const struct process *self, struct run *run)
{
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->out},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->err},
    };
    const struct child child = {
        .argv = run->words.items,
        .stdio = stdio,
        .stdio_count = MEM_COUNT(stdio),
        .on_exit = on_exit_of_child,
        .speaks_to_aws = true,
        .withheld = self->env->withheld,
        .withheld_count = self->env->withheld_count,
    };

    return child_spawn(self->env->loop, &run->child, &child);
}

static void on_turn(uv_timer_t *turn)
{
    struct process *self = turn->data;
    struct words words;
    struct err err;

    if (!words_split(self->command, &words, &err)) {
        self->done(self->arg, NULL, &err);
        return;
    }
    struct run *run = run_new(self->env->loop, &words);
    int status = spawn(self, run);
    if (status != 0) {
        err_set(&err, ERR_CONFIG, "%.200s can not be run: %s", words.items[0], uv_strerror(status));
        close_run(run);
        self->done(self->arg, NULL, &err);
        return;
    }
    self->run = run;
    run->owner = self;
    uv_read_start((uv_stream_t *)&run->out, on_alloc, on_output);
    uv_read_start((uv_stream_t *)&run->err, on_alloc, on_complaint);
    uv_timer_start(&run->deadline, on_deadline, DEADLINE_MS, 0);
}

/* --- The provider --------------------------------------------------------------------------- */

static void process_get(struct provider *provider, provider_done *done, void *arg)
{
    struct process *self = (struct process *)provider;

    self->done = done;
    self->arg = arg;
    uv_timer_start(&self->turn, on_turn, 0, 0);
}

static void process_cancel(struct provider *provider)
{
    struct process *self = (struct process *)provider;
    struct run *run = self->run;

    uv_timer_stop(&self->turn);
    self->run = NULL;
    if (run) {
        run->owner = NULL;
        kill_run(run);
        if (run->exited) {
            finish_run(run);
        }
    }
}

static void on_closed(uv_handle_t *turn)
{
    struct process *self = turn->data;

    mem_free_secret(self->command);
    free(self);
}

static void process_free(struct provider *provider)
{
    struct process *self = (struct process *)provider;

    process_cancel(provider);
    uv_close((uv_handle_t *)&self->turn, on_closed);
}

struct provider *process_provider_new(const struct credentials_env *env, const char *command)
{
    static const struct provider_ops ops = {
        .name = "credential_process",
        .get = process_get,
        .cancel = process_cancel,
        .free = process_free,
    };
    struct process *self = mem_alloc(sizeof(*self));

    self->provider.ops = &ops;
    self->env = env;
    self->command = mem_strdup(command);
    uv_timer_init(env->loop, &self->turn);
    self->turn.data = self;
    return &self->provider;
}
