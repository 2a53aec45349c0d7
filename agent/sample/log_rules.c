#include "agent/sample/log_rules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "agent/suggest.h"
#include "aws/common/mem.h"

#define SHAPE_STAYS_MS   60000
#define RECORD_LINES_MAX 60   /* a record with the caller's source lines has some 20 */
#define HEAP_MAX_KB      1024 /* of one match */
#define ROWS_MAX         12   /* of one rule */

/* A line is tested by the row only when it holds the needle, which is much faster to look for. */
static const struct row {
    const char *rule;
    enum log_event event;
    unsigned shape; /* from 1; of one rule and event */
    bool in_record; /* only between the first line of a record and what is looked for, once */
    const char *needle;
    const char *pattern; /* NULL: the needle says it all. A group is the database */
} rows[] = {
    /* clang-format off */
    /* Two lines each: LOG "closing because", with log_disconnections; WARNING "pooler error", with log_pooler_errors. */
    {"pgbouncer", LOG_POOL_TIMEOUT, 1, false, "query_wait_timeout",
     "(?:^|\\s)C-0x[0-9a-f]+: ([^/\\s]+)/\\S* closing because: query_wait_timeout(?: \\(age=\\d+s?\\))?\\s*$"},
    {"pgbouncer", LOG_POOL_TIMEOUT, 2, false, "query_wait_timeout",
     "(?:^|\\s)C-0x[0-9a-f]+: ([^/\\s]+)/\\S* [Pp]ooler [Ee]rror: query_wait_timeout\\s*$"},
    {"pgbouncer", LOG_CONNECTION_ERROR, 1, false, " closing because: ",
     "(?:^|\\s)S-0x[0-9a-f]+: ([^/\\s]+)/\\S* closing because: (?:connect failed|login failed|connect timeout)"},

    /* Prisma's own record, on one line or several; what it gives an application's listener, as JSON; and, where
     * neither is there, the error as the application prints it. */
    {"prisma", LOG_POOL_TIMEOUT, 1, true, "timeout exceeded when trying to connect", NULL},
    {"prisma", LOG_POOL_TIMEOUT, 1, true, "Timed out fetching a new connection from the connection pool", NULL},
    {"prisma", LOG_POOL_TIMEOUT, 2, false, "timeout exceeded when trying to connect", "^\\s*\\{.*\"target\"\\s*:"},
    {"prisma", LOG_POOL_TIMEOUT, 2, false, "Timed out fetching a new connection from the connection pool",
     "^\\s*\\{.*\"target\"\\s*:"},
    {"prisma", LOG_POOL_TIMEOUT, 3, false, "Timed out fetching a new connection from the connection pool", NULL},
    {"prisma", LOG_CONNECTION_ERROR, 1, true, "Can't reach database server at ", NULL},
    {"prisma", LOG_CONNECTION_ERROR, 1, true, "Too many database connections opened: ", NULL},
    {"prisma", LOG_CONNECTION_ERROR, 2, false, "\"target\"",
     "^\\s*\\{.*(?:Can't reach database server at |Too many database connections opened: )"},
    {"prisma", LOG_CONNECTION_ERROR, 3, false, "", "Can't reach database server at |Too many database connections opened: "},

    /* A new server connection that does not come up ("Connection terminated due to connection timeout") is no pool
     * timeout. */
    {"node-postgres", LOG_POOL_TIMEOUT, 1, false, "timeout exceeded when trying to connect",
     "^\\s*\\{.*\"(?:msg|message)\"\\s*:\\s*\"(?:Error: )?timeout exceeded when trying to connect\""},
    {"node-postgres", LOG_POOL_TIMEOUT, 2, false, "timeout exceeded when trying to connect",
     "^(?:Uncaught )?Error: timeout exceeded when trying to connect\\s*$"},
    {"node-postgres", LOG_CONNECTION_ERROR, 1, false, "",
     "^\\s*\\{.*\"(?:msg|message)\"\\s*:\\s*\"(?:error: )?(?:sorry, too many clients already|remaining connection slots are reserved|connect ECONNREFUSED )"},
    {"node-postgres", LOG_CONNECTION_ERROR, 2, false, "",
     "^(?:error|Error): (?:sorry, too many clients already|remaining connection slots are reserved|connect ECONNREFUSED )"},

    /* Hibernate's line; the stack's head; its "Caused by", when a framework's error stands before it; the message of
     * Spring's error, which has Hibernate's in brackets. */
    {"hikaricp", LOG_POOL_TIMEOUT, 1, false, " - Connection is not available, request timed out after ",
     "^(?!.*Exception: )(?:.*[\\s\":=])?[^\\s\":=\\[]+ - Connection is not available, request timed out after \\d+ms"},
    {"hikaricp", LOG_POOL_TIMEOUT, 2, false, " - Connection is not available, request timed out after ",
     "^(?!\\s*Caused by: )(?!.*nested exception).*Exception: \\S.* - Connection is not available, request timed out after \\d+ms"},
    {"hikaricp", LOG_POOL_TIMEOUT, 3, false, " - Connection is not available, request timed out after ",
     "^\\s*Caused by: [\\w.]*SQLTransientConnectionException: \\S.* - Connection is not available, request timed out after \\d+ms"},
    {"hikaricp", LOG_POOL_TIMEOUT, 4, false, " - Connection is not available, request timed out after ",
     "^(?!.*Exception: ).*\\[[^\\[\\]]+ - Connection is not available, request timed out after \\d+ms"},
    {"hikaricp", LOG_CONNECTION_ERROR, 1, false, "FATAL: ",
     "^(?!\\s*Caused by: ).*FATAL: (?:sorry, too many clients already|remaining connection slots are reserved)"},
    {"hikaricp", LOG_CONNECTION_ERROR, 2, false, "FATAL: ",
     "^\\s*Caused by: .*FATAL: (?:sorry, too many clients already|remaining connection slots are reserved)"},

    /* The traceback's last line; a logger's line with the message. */
    {"sqlalchemy", LOG_POOL_TIMEOUT, 1, false, "QueuePool limit of size ",
     "^sqlalchemy\\.exc\\.TimeoutError: QueuePool limit of size \\d+ overflow -?\\d+ reached, connection timed out, timeout [\\d.]+"},
    {"sqlalchemy", LOG_POOL_TIMEOUT, 2, false, "QueuePool limit of size ",
     "^(?!sqlalchemy\\.exc\\.).*QueuePool limit of size \\d+ overflow -?\\d+ reached, connection timed out, timeout [\\d.]+"},
    {"sqlalchemy", LOG_CONNECTION_ERROR, 1, false, "OperationalError",
     "^sqlalchemy\\.exc\\.OperationalError: .*(?:sorry, too many clients already|remaining connection slots are reserved|Connection refused)"},

    /* As Rails itself writes it, for requests and jobs; as whoever runs a job does, or another framework; in two lines. */
    {"rails", LOG_POOL_TIMEOUT, 1, false, "could not obtain a connection from the pool within ",
     "ActiveRecord::ConnectionTimeoutError \\(could not obtain a connection from the pool within [\\d.]+ seconds"},
    {"rails", LOG_POOL_TIMEOUT, 2, false, "could not obtain a connection from the pool within ",
     "ActiveRecord::ConnectionTimeoutError(?! \\().*could not obtain a connection from the pool within [\\d.]+ seconds"},
    {"rails", LOG_POOL_TIMEOUT, 3, false, "could not obtain a connection from the pool within ",
     "^(?!.*ActiveRecord::ConnectionTimeoutError).*could not obtain a connection from the pool within [\\d.]+ seconds"},
    {"rails", LOG_CONNECTION_ERROR, 1, false, "FATAL: ",
     "FATAL:\\s+(?:sorry, too many clients already|remaining connection slots are reserved)"},

    /* Entity Framework's record, which has the error twice; else, as whoever catches it prints it: the error's head,
     * the error inside of another, a program's JSON, and a logger's line. */
    {"npgsql", LOG_POOL_TIMEOUT, 1, true, "The connection pool has been exhausted, either raise ", NULL},
    {"npgsql", LOG_POOL_TIMEOUT, 2, false, "The connection pool has been exhausted, either raise ",
     "^\\s*(?:Unhandled exception\\. )?(?:Npgsql\\.NpgsqlException|System\\.\\w+Exception)\\b[^>]*The connection pool has been exhausted, either raise "},
    {"npgsql", LOG_POOL_TIMEOUT, 3, false, "The connection pool has been exhausted, either raise ",
     "^(?!\\s*\\{).*---> Npgsql\\.NpgsqlException\\b.*The connection pool has been exhausted, either raise "},
    {"npgsql", LOG_POOL_TIMEOUT, 4, false, "The connection pool has been exhausted, either raise ", "^\\s*\\{"},
    {"npgsql", LOG_POOL_TIMEOUT, 5, false, "The connection pool has been exhausted, either raise ",
     "^(?!.*Exception\\b).*The connection pool has been exhausted, either raise "},
    {"npgsql", LOG_CONNECTION_ERROR, 1, true, "53300: ", NULL},
    {"npgsql", LOG_CONNECTION_ERROR, 2, false, "53300: ", "^(?!.*---> ).*53300: "},
    {"npgsql", LOG_CONNECTION_ERROR, 3, false, "53300: ", "---> .*53300: "},

    /* By transaction, and by session; each in its older and newer words. */
    {"supavisor", LOG_POOL_TIMEOUT, 1, false, "Unable to check out ",
     "Unable to check out (?:process|connection) from the pool due to timeout"},
    {"supavisor", LOG_POOL_TIMEOUT, 1, false, "MaxClientsInSessionMode: max clients reached", NULL},
    {"supavisor", LOG_POOL_TIMEOUT, 1, false, "Too many clients already", NULL},
    {"supavisor", LOG_CONNECTION_ERROR, 1, false, "",
     "FATAL.*(?:sorry, too many clients already|remaining connection slots are reserved)"},
    /* clang-format on */
};

/* The first line of a record of several lines. */
static const struct {
    const char *rule;
    bool decides; /* that there are any, whatever they tell of: only what they hold counts */
    const char *needle;
    const char *pattern;
    const char *end; /* a line that belongs to something else */
} records[] = {
    {"prisma", true, "prisma:error", "^(?:\\x1b\\[[0-9;]*m)*prisma:error\\b",
     "^(?:(?:\\x1b\\[[0-9;]*m)*prisma:\\w+\\b|\\w*Error\\b|\\s*\\{)"},
    {"npgsql", false, " for context type ",
     "An exception occurred (?:while iterating over the results of a query|in the database while "
     "saving changes) for context type ",
     "^(?:(?:\\x1b\\[[0-9;]*m)*(?:trce|dbug|info|warn|fail|crit)\\b|\\[?\\d|\\s*\\{)"},
};

struct test {
    const struct row *row; /* NULL: the user's expression */
    pcre2_code *code;      /* NULL: the needle says it all */
};

struct log_rules {
    struct test tests[ROWS_MAX];
    size_t count;
    const char *record_needle; /* NULL: there are no records */
    bool records_decide;
    pcre2_code *record_start, *record_end;
    int record_lines; /* left of the open one; 0: none is open */
    pcre2_match_data *found;
    pcre2_match_context *limits;
    unsigned shape[LOG_EVENT_COUNT]; /* that counts; 0: not decided */
    int64_t shape_seen_ms[LOG_EVENT_COUNT];
    uint64_t given_up;
};

/* --- expressions ---------------------------------------------------------------------------- */

static bool compile(const char *pattern, pcre2_code **out, struct err *err)
{
    int code;
    PCRE2_SIZE offset;
    PCRE2_UCHAR text[256];

    /* No just-in-time compiler: it needs memory that is written and executed, which the service
     * forbids itself. */
    *out = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                         PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF, &code, &offset, NULL);
    if (!*out) {
        pcre2_get_error_message(code, text, sizeof(text));
        return err_set(err, ERR_CONFIG, "is no expression: %s at %zu", (const char *)text, offset);
    }
    return true;
}

static bool matches(struct log_rules *rules, const pcre2_code *code, const char *line, size_t len)
{
    int status = pcre2_match(code, (PCRE2_SPTR)line, len, 0, 0, rules->found, rules->limits);

    if (status < 0 && status != PCRE2_ERROR_NOMATCH) {
        rules->given_up++;
    }
    return status >= 0; /* 0: there are more groups than are looked at */
}

/* --- a rule --------------------------------------------------------------------------------- */

static bool is_rule(const char *name)
{
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        if (strcmp(rows[i].rule, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool looks_like_a_name(const char *match)
{
    return match[strspn(match, "abcdefghijklmnopqrstuvwxyz-")] == '\0';
}

void log_rules_names(struct buf *out)
{
    const char *last = "";

    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        if (strcmp(rows[i].rule, last) != 0) {
            buf_printf(out, "%s%s", i > 0 ? ", " : "", rows[i].rule);
            last = rows[i].rule;
        }
    }
}

static bool refuse_name(const char *match, struct err *err)
{
    struct suggestion best = {.word = match};

    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        suggest_consider(&best, rows[i].rule);
    }
    return err_set(err, ERR_CONFIG, "is no known set%s%s%s", best.name ? " (did you mean " : "",
                   best.name ? best.name : "", best.name ? "?)" : "");
}

/* What stands in the tables is known to compile: the unit test holds each. */
static pcre2_code *compile_own(const char *pattern)
{
    pcre2_code *code = NULL;

    return pattern && compile(pattern, &code, NULL) ? code : NULL;
}

static void take_rows(struct log_rules *rules, const char *name)
{
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        if (strcmp(rows[i].rule, name) == 0) {
            rules->tests[rules->count++] =
                (struct test){.row = &rows[i], .code = compile_own(rows[i].pattern)};
        }
    }
    for (size_t i = 0; i < MEM_COUNT(records); i++) {
        if (strcmp(records[i].rule, name) == 0) {
            rules->record_needle = records[i].needle;
            rules->records_decide = records[i].decides;
            rules->record_start = compile_own(records[i].pattern);
            rules->record_end = compile_own(records[i].end);
        }
    }
}

bool log_rules_new(const char *match, struct log_rules **out, struct err *err)
{
    bool named = is_rule(match);
    pcre2_code *own = NULL;

    if (!named && looks_like_a_name(match)) {
        return refuse_name(match, err);
    }
    if (!named && !compile(match, &own, err)) {
        return false;
    }
    struct log_rules *rules = mem_alloc(sizeof(*rules));
    rules->found = mem_check(pcre2_match_data_create(2, NULL));
    rules->limits = mem_check(pcre2_match_context_create(NULL));
    pcre2_set_match_limit(rules->limits, LOG_RULES_STEPS_MAX);
    pcre2_set_heap_limit(rules->limits, HEAP_MAX_KB);
    if (named) {
        take_rows(rules, match);
    } else {
        rules->tests[rules->count++] = (struct test){.code = own};
    }
    *out = rules;
    return true;
}

void log_rules_free(struct log_rules *rules)
{
    if (!rules) {
        return;
    }
    for (size_t i = 0; i < rules->count; i++) {
        pcre2_code_free(rules->tests[i].code);
    }
    pcre2_code_free(rules->record_start);
    pcre2_code_free(rules->record_end);
    pcre2_match_data_free(rules->found);
    pcre2_match_context_free(rules->limits);
    free(rules);
}

/* --- lines ---------------------------------------------------------------------------------- */

static bool holds(const char *line, size_t len, const char *needle)
{
    return memmem(line, len, needle, strlen(needle)) != NULL;
}

/* Opens and ends records of several lines. Inside of one the application's own way of telling the
 * same is not looked at; and that there are records at all decides which shape counts. */
static void follow_record(struct log_rules *rules, const char *line, size_t len, int64_t now_ms)
{
    if (!rules->record_needle) {
        return;
    }
    if (holds(line, len, rules->record_needle) && matches(rules, rules->record_start, line, len)) {
        rules->record_lines = RECORD_LINES_MAX;
        for (int event = LOG_POOL_TIMEOUT; event < LOG_EVENT_COUNT && rules->records_decide;
             event++) {
            rules->shape[event] = 1;
            rules->shape_seen_ms[event] = now_ms;
        }
    } else if (rules->record_lines > 0) {
        rules->record_lines =
            matches(rules, rules->record_end, line, len) ? 0 : rules->record_lines - 1;
    }
}

static bool test_row(struct log_rules *rules, const struct test *test, const char *line, size_t len)
{
    const struct row *row = test->row;

    if (!row) {
        return matches(rules, test->code, line, len);
    }
    if (row->in_record != (rules->record_lines > 0) || !holds(line, len, row->needle)) {
        return false;
    }
    return !test->code || matches(rules, test->code, line, len);
}

/* Is this shape of an event the one that counts? */
static bool counts(struct log_rules *rules, const struct row *row, int64_t now_ms)
{
    unsigned *shape = &rules->shape[row->event];
    int64_t *seen_ms = &rules->shape_seen_ms[row->event];

    if (*shape != row->shape && *shape != 0 && now_ms - *seen_ms < SHAPE_STAYS_MS) {
        return false;
    }
    *shape = row->shape;
    *seen_ms = now_ms;
    return true;
}

static struct log_finding finding(struct log_rules *rules, const struct test *test,
                                  const char *line)
{
    struct log_finding found = {.event = test->row ? test->row->event : LOG_POOL_TIMEOUT};

    if (test->row && test->code && pcre2_get_ovector_count(rules->found) > 1) {
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(rules->found);
        uint32_t groups = 0;

        pcre2_pattern_info(test->code, PCRE2_INFO_CAPTURECOUNT, &groups);
        if (groups > 0 && at[2] != PCRE2_UNSET) {
            found.database = line + at[2];
            found.database_len = at[3] - at[2];
        }
    }
    return found;
}

struct log_finding log_rules_match(struct log_rules *rules, const char *line, size_t len,
                                   int64_t now_ms)
{
    follow_record(rules, line, len, now_ms);
    for (size_t i = 0; i < rules->count; i++) {
        const struct test *test = &rules->tests[i];

        if (!test_row(rules, test, line, len)) {
            continue;
        }
        if (test->row && test->row->in_record) {
            rules->record_lines = 0;
        }
        return !test->row || counts(rules, test->row, now_ms) ? finding(rules, test, line)
                                                              : (struct log_finding){0};
    }
    return (struct log_finding){0};
}

uint64_t log_rules_given_up(struct log_rules *rules)
{
    uint64_t given_up = rules->given_up;

    rules->given_up = 0;
    return given_up;
}

unsigned log_rules_shapes(const struct log_rules *rules)
{
    return rules->shape[LOG_POOL_TIMEOUT] | rules->shape[LOG_CONNECTION_ERROR] << 8;
}

void log_rules_set_shapes(struct log_rules *rules, unsigned shapes, int64_t now_ms)
{
    rules->shape[LOG_POOL_TIMEOUT] = shapes & 0xff;
    rules->shape[LOG_CONNECTION_ERROR] = shapes >> 8 & 0xff;
    rules->shape_seen_ms[LOG_POOL_TIMEOUT] = rules->shape_seen_ms[LOG_CONNECTION_ERROR] = now_ms;
}
