#include "agent/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "aws/common/mem.h"

#define TEXT_MAX  ((size_t)16 << 20)
#define NOTES_MAX 65536

const char *print_region_of(const struct print *print, const struct config_database *database)
{
    if (database->region) {
        return database->region;
    }
    return print->config->region ? print->config->region : print->region;
}

/* "arn:aws:sns:eu-west-1:123456789012:ops": the fifth word. */
static bool read_account(const char *arn, char out[13])
{
    const char *at = arn;

    for (int i = 0; i < 4 && at; i++) {
        at = strchr(at, ':');
        at = at ? at + 1 : NULL;
    }
    if (!at || strspn(at, "0123456789") != 12 || at[12] != ':') {
        return false;
    }
    memcpy(out, at, 12);
    out[12] = '\0';
    return true;
}

/* false: two of them differ. */
static bool take_account(const char *arn, char out[13])
{
    char account[13];

    if (!arn || !read_account(arn, account)) {
        return true;
    }
    if (out[0] != '\0' && strcmp(out, account) != 0) {
        return false;
    }
    memcpy(out, account, sizeof(account));
    return true;
}

const char *print_account(const struct print *print, char out[13])
{
    const struct config *config = print->config;
    bool same = true;

    out[0] = '\0';
    same = take_account(config->role_arn, out);
    for (size_t i = 0; i < config->database_count; i++) {
        const struct config_database *database = &config->databases[i];

        same = take_account(database->password_secret, out) && same;
        for (size_t j = 0; j < database->alarms.actions.count; j++) {
            same = take_account(database->alarms.actions.items[j], out) && same;
        }
    }
    return same && out[0] != '\0' ? out : NULL;
}

void print_note(const struct print *print, const char *format, ...)
{
    char text[ERR_MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_printf(print->notes, "%s\n", text);
}

static void log_notes(const struct buf *notes)
{
    for (const char *at = buf_text(notes); *at != '\0';) {
        size_t len = strcspn(at, "\n");

        log_info("%.*s", (int)len, at);
        at += len + (at[len] == '\n' ? 1 : 0);
    }
}

int print_run(const struct config *config, enum cli_print what)
{
    static void (*const printers[])(const struct print *, struct buf *) = {
        [PRINT_IAM] = print_iam,
        [PRINT_GRANTS] = print_grants,
        [PRINT_TASK_DEFINITION] = print_task_definition,
    };
    struct buf out, notes;
    const char *region = getenv("AWS_REGION");

    buf_init(&out, TEXT_MAX);
    buf_init(&notes, NOTES_MAX);
    const struct print print = {.config = config,
                                .region = region ? region : getenv("AWS_DEFAULT_REGION"),
                                .environ = (const char *const *)environ,
                                .notes = &notes};

    printers[what](&print, &out);
    fputs(buf_text(&out), stdout);
    log_notes(&notes);
    bool ok = buf_ok(&out) && fflush(stdout) == 0;

    buf_done(&out);
    buf_done(&notes);
    return ok ? EXIT_DONE : EXIT_FAILED;
}
