#include "agent/watch/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "aws/common/mem.h"

#define PICTURE_MAX ((size_t)4 << 20)

/* Other screen, no cursor, lines that are too long are cut: and back. */
static const char enter_sequence[] = "\033[?1049h\033[?25l\033[?7l\033[2J";
static const char leave_sequence[] = "\033[0m\033[?7h\033[?25h\033[?1049l";

/* What a signal handler needs, to give the terminal back when the program crashes. */
static struct {
    volatile sig_atomic_t entered;
    int out; /* a description of our own, which does not block */
    bool has_settings;
    struct termios settings;
} held;

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};
static struct sigaction before_us[MEM_COUNT(crash_signals)];

/* Only what a signal handler may do. */
static void give_back(void)
{
    int errnum = errno;

    if (held.entered) {
        held.entered = 0;
        ssize_t written = write(held.out, leave_sequence, sizeof(leave_sequence) - 1);

        (void)written; /* one that takes nothing shows nothing */
        if (held.has_settings) {
            (void)tcsetattr(STDIN_FILENO, TCSANOW, &held.settings);
        }
    }
    errno = errnum;
}

/* Then the signal does what it would have done. */
static void on_crash(int number)
{
    give_back();
    for (size_t i = 0; i < MEM_COUNT(crash_signals); i++) {
        if (crash_signals[i] == number) {
            (void)sigaction(number, &before_us[i], NULL);
        }
    }
    (void)raise(number);
}

static void catch_crashes(void)
{
    struct sigaction action = {.sa_handler = on_crash};

    for (size_t i = 0; i < MEM_COUNT(crash_signals); i++) {
        (void)sigaction(crash_signals[i], &action, &before_us[i]);
    }
}

/* --- what there is -------------------------------------------------------------------------- */

bool terminal_is_there(void)
{
    const char *name = getenv("TERM");

    return isatty(STDOUT_FILENO) == 1 && name && name[0] != '\0' && strcmp(name, "dumb") != 0;
}

bool terminal_shows_utf8(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < MEM_COUNT(variables); i++) {
        const char *value = getenv(variables[i]);

        if (value && value[0] != '\0') { /* the first that is set decides */
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
        }
    }
    return false;
}

void terminal_size(struct terminal *terminal, int *columns, int *rows)
{
    *columns = 0;
    *rows = 0;
    if (uv_tty_get_winsize(&terminal->out, columns, rows) != 0 || *columns <= 0 || *rows <= 0) {
        *columns = 80;
        *rows = 24;
    }
}

/* --- keys ----------------------------------------------------------------------------------- */

static void on_keys(uv_poll_t *poll, int status, int events)
{
    struct terminal *terminal = poll->data;
    char keys[64];
    ssize_t len =
        status < 0 || !(events & UV_READABLE) ? 0 : read(STDIN_FILENO, keys, sizeof(keys));

    if (len < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (len <= 0) {
        uv_poll_stop(poll);
        terminal->on_key(terminal->arg, 0);
        return;
    }
    for (ssize_t i = 0; i < len; i++) {
        terminal->on_key(terminal->arg, keys[i]);
    }
}

/* Keys come one by one; those that send signals still do. No flow control: a ^S must not stop us.
 */
static void set_keys(void)
{
    struct termios settings;

    held.has_settings = tcgetattr(STDIN_FILENO, &held.settings) == 0;
    if (held.has_settings) {
        settings = held.settings;
        settings.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        settings.c_iflag &= ~(tcflag_t)(IXON | IXOFF);
        settings.c_cc[VMIN] = 1;
        settings.c_cc[VTIME] = 0;
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &settings);
    }
}

/* --- pictures ------------------------------------------------------------------------------- */

static void on_written(uv_write_t *request, int status)
{
    struct terminal *terminal = request->data;

    terminal->writing = false;
    if (status < 0 && status != UV_ECANCELED) {
        terminal->on_key(terminal->arg, 0);
    }
}

static void write_picture(struct terminal *terminal)
{
    uv_buf_t buffer = uv_buf_init(terminal->picture.data, (unsigned)terminal->picture.len);

    terminal->write.data = terminal;
    terminal->writing =
        uv_write(&terminal->write, (uv_stream_t *)&terminal->out, &buffer, 1, on_written) == 0;
}

/* Each line clears what was there behind it, so that nothing flickers. */
void terminal_draw(struct terminal *terminal, const char *text)
{
    struct buf *picture = &terminal->picture;

    if (!terminal->entered || terminal->writing) {
        return;
    }
    buf_clear(picture);
    buf_puts(picture, "\033[H");
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        buf_add(picture, text, len);
        buf_puts(picture, text[len] == '\n' ? "\033[K\r\n" : "\033[K");
        text += len + (text[len] == '\n');
    }
    buf_puts(picture, "\033[J");
    write_picture(terminal);
}

/* --- life ----------------------------------------------------------------------------------- */

void terminal_enter(struct terminal *terminal)
{
    if (terminal->entered) {
        return;
    }
    set_keys();
    held.entered = 1;
    terminal->entered = true;
    ssize_t written = write(held.out, enter_sequence, sizeof(enter_sequence) - 1);

    (void)written;
}

void terminal_leave(struct terminal *terminal)
{
    terminal->entered = false;
    give_back();
}

bool terminal_open(struct terminal *terminal, uv_loop_t *loop, terminal_on_key *on_key, void *arg,
                   struct err *err)
{
    uv_os_fd_t fd;

    memset(terminal, 0, sizeof(*terminal));
    terminal->on_key = on_key;
    terminal->arg = arg;
    int status = uv_tty_init(loop, &terminal->out, STDOUT_FILENO, 0);

    if (status != 0 || (status = uv_fileno((uv_handle_t *)&terminal->out, &fd)) != 0) {
        return err_set(err, ERR_SYSTEM, "the terminal can not be used: %s", uv_strerror(status));
    }
    terminal->out.data = terminal;
    terminal->open = 1;
    held.out = fd;
    buf_init(&terminal->picture, PICTURE_MAX);
    if (isatty(STDIN_FILENO) == 1 && uv_poll_init(loop, &terminal->keys, STDIN_FILENO) == 0) {
        terminal->keys.data = terminal;
        terminal->has_keys = true;
        terminal->open++;
        uv_poll_start(&terminal->keys, UV_READABLE, on_keys);
    }
    (void)atexit(give_back);
    catch_crashes();
    terminal_enter(terminal);
    return true;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct terminal *terminal = handle->data;

    if (--terminal->open == 0) {
        buf_done(&terminal->picture);
        terminal->closed(terminal->arg);
    }
}

void terminal_close(struct terminal *terminal, terminal_closed *closed)
{
    terminal_leave(terminal);
    terminal->closed = closed;
    if (terminal->has_keys) {
        uv_close((uv_handle_t *)&terminal->keys, on_handle_closed);
    }
    uv_close((uv_handle_t *)&terminal->out, on_handle_closed);
}
