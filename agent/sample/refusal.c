#include "agent/sample/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aws/common/mem.h"

#define CHECK_PASSWORD                                                                             \
    "check user and password in url, or password_file (it is read again at each attempt)"

/* By SQLSTATE, or, where there is none, by a piece of libpq's text. The first that fits. */
static const struct rule {
    const char *sqlstate;
    const char *piece;
    enum err_code code;
    enum refusal_pace pace;
    const char *advice;
} rules[] = {
    {"28P01", NULL, ERR_DENIED, REFUSAL_SLOW, CHECK_PASSWORD},
    {"28000", "no encryption", ERR_DENIED, REFUSAL_SLOW,
     "the server wants TLS from here: sslmode=require in url, and check pg_hba.conf"},
    {"28000", "SSL off", ERR_DENIED, REFUSAL_SLOW,
     "the server wants TLS from here: sslmode=require in url, and check pg_hba.conf"},
    {"28000", NULL, ERR_DENIED, REFUSAL_SLOW, "check the user in url, and pg_hba.conf"},
    {"3D000", NULL, ERR_CONFIG, REFUSAL_SLOW, "check the database at the end of url"},
    {"42501", NULL, ERR_DENIED, REFUSAL_SLOW, "GRANT what is missing to the user in url"},
    {"55000", NULL, ERR_DENIED, REFUSAL_SLOW, "name another database in url, like postgres"},
    {"08P01", NULL, ERR_CONFIG, REFUSAL_SLOW,
     "if this is a pooler: give the server's own address in url (Prisma: directUrl)"},
    {"53300", "too many connections for", ERR_DENIED, REFUSAL_SLOW,
     "raise the CONNECTION LIMIT of the role or database"},
    {"53300", NULL, ERR_FULL, REFUSAL_SLOTS, NULL},
    {NULL, "no password supplied", ERR_DENIED, REFUSAL_SLOW,
     "give a password in url or password_file"},
    {NULL, "certificate verify failed", ERR_DENIED, REFUSAL_SLOW,
     "give the right certificates in url: sslrootcert=FILE (RDS: the region's bundle)"},
    {NULL, "root certificate file", ERR_CONFIG, REFUSAL_SLOW,
     "give the right certificates in url: sslrootcert=FILE (RDS: the region's bundle)"},
    {NULL, "server certificate for", ERR_DENIED, REFUSAL_SLOW,
     "give the name in the server's certificate as the host in url"},
    {NULL, "does not support SSL", ERR_CONFIG, REFUSAL_SLOW,
     "a pooler or tunnel may have answered; else change sslmode in url"},
    {NULL, "Connection refused", ERR_NET, REFUSAL_SOON,
     "nobody listens there: check host and port in url, and whether PostgreSQL runs"},
};

static bool rule_fits(const struct rule *rule, const struct refusal *refusal)
{
    if (rule->sqlstate && strcmp(rule->sqlstate, refusal->sqlstate) != 0) {
        return false;
    }
    return !rule->piece || strstr(refusal->text, rule->piece);
}

static void judge(struct refusal *out, const char *message)
{
    out->code = ERR_NET;
    out->pace = REFUSAL_SOON;
    out->advice = NULL;
    out->we_were_away = strcmp(out->sqlstate, "57P05") == 0;
    out->out_of_slots = refusal_is_out_of_slots(out->sqlstate, message);
    if (out->out_of_slots) {
        out->code = ERR_FULL;
        out->pace = REFUSAL_SLOTS;
        return;
    }
    for (size_t i = 0; i < MEM_COUNT(rules); i++) {
        if (rule_fits(&rules[i], out)) {
            out->code = rules[i].code;
            out->pace = rules[i].pace;
            out->advice = rules[i].advice;
            return;
        }
    }
}

/* "FATAL:  53300: text" -> the place of "53300"; NULL when the line has none. */
static const char *find_sqlstate(const char *text, size_t len)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    for (size_t i = 0; i + 10 <= len; i++) {
        if (memcmp(text + i, ":  ", 3) == 0 && strspn(text + i + 3, allowed) == 5 &&
            memcmp(text + i + 8, ": ", 2) == 0) {
            return text + i + 3;
        }
    }
    return NULL;
}

static void copy(struct refusal *out, const char *text, size_t len)
{
    if (len >= sizeof(out->text)) {
        len = sizeof(out->text) - 1;
    }
    memcpy(out->text, text, len);
    out->text[len] = '\0';
}

/* What a line says behind libpq's "connection to server at ..., port 5432 failed: ". */
static const char *behind_prefix(const char *text, size_t len)
{
    static const char failed[] = " failed: ";
    const char *at = memmem(text, len, failed, sizeof(failed) - 1);

    if (strncmp(text, "connection to server ", 21) == 0 && at) {
        return at + sizeof(failed) - 1;
    }
    return text;
}

/* Takes one line unless a better one is there: what a server said beats what libpq says, a line on
 * an attempt beats the others, the last of equals wins. */
static void consider(struct refusal *out, int *best, const char *text, size_t len)
{
    const char *state = find_sqlstate(text, len);
    const char *said = state ? state + 7 : behind_prefix(text, len);
    int rank = state ? 3 : said != text ? 2 : text[0] == '\t' || len == 0 ? 0 : 1;

    /* Lines that only explain (LOCATION:, HINT:) follow what they explain. */
    if (rank < *best || rank == 0 || (rank == 1 && *best == 1)) {
        return;
    }
    *best = rank;
    memset(out->sqlstate, 0, sizeof(out->sqlstate));
    if (state) {
        memcpy(out->sqlstate, state, 5);
    }
    copy(out, said, (size_t)(text + len - said));
}

void refusal_read(const char *message, struct refusal *out)
{
    int best = 0;

    memset(out, 0, sizeof(*out));
    copy(out, "no reason given", 15);
    for (const char *at = message; *at != '\0';) {
        size_t len = strcspn(at, "\n");

        consider(out, &best, at, len);
        at += len + (at[len] == '\n');
    }
    judge(out, message);
}

void refusal_read_result(const PGresult *result, struct refusal *out)
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    memset(out, 0, sizeof(*out));
    text = text ? text : PQresultErrorMessage(result);
    copy(out, text, strcspn(text, "\n"));
    if (state && strlen(state) == 5) {
        memcpy(out->sqlstate, state, 5);
    }
    judge(out, PQresultErrorMessage(result));
}

void refusal_set(struct refusal *out, enum err_code code, enum refusal_pace pace,
                 const char *format, ...)
{
    va_list args;

    memset(out, 0, sizeof(*out));
    out->code = code;
    out->pace = pace;
    va_start(args, format);
    (void)vsnprintf(out->text, sizeof(out->text), format, args);
    va_end(args);
}

bool refusal_is_out_of_slots(const char *sqlstate, const char *message)
{
    /* The functions name what LOCATION tells, whatever the language of the sentence. */
    static const char *const others[] = {
        "too many connections for role",     "InitializeSessionUserId,",
        "too many connections for database", "CheckMyDatabase,",
        "requested standby connections",
    };
    static const char *const texts[] = {
        "sorry, too many clients already",
        "remaining connection slots are reserved",
    };

    for (size_t i = 0; i < MEM_COUNT(others); i++) {
        if (strstr(message, others[i])) {
            return false;
        }
    }
    if (sqlstate[0] != '\0') {
        return strcmp(sqlstate, "53300") == 0;
    }
    for (size_t i = 0; i < MEM_COUNT(texts); i++) {
        if (strstr(message, texts[i])) {
            return true;
        }
    }
    return false;
}

/* --- trying again --------------------------------------------------------------------------- */

static double longest_delay_ms(enum refusal_pace pace, int failures)
{
    static const double soon_ms[] = {100, 500, 1000, 1500};
    int last = (int)MEM_COUNT(soon_ms) - 1;

    switch (pace) {
    case REFUSAL_SLOTS:
        return 2000;
    case REFUSAL_SLOW:
        return 30000;
    case REFUSAL_RARE:
        return 60000;
    case REFUSAL_SOON:
        break;
    }
    return soon_ms[failures < last ? failures : last];
}

uint64_t refusal_delay_ms(enum refusal_pace pace, int failures, double random)
{
    return (uint64_t)((0.5 + random / 2) * longest_delay_ms(pace, failures));
}
