#include "agent/cli.h"

#include <string.h>

#include "agent/config_value.h"
#include "agent/suggest.h"
#include "aws/common/mem.h"

#define TERMINATE_IDLE_MIN_MS 1000
#define TERMINATE_IDLE_MAX_MS 604800000

enum option_kind {
    OPTION_MODE,
    OPTION_PRINT, /* a mode with a value */
    OPTION_CONFIG,
    OPTION_DRY_RUN,
    OPTION_PRUNE,
    OPTION_TERMINATE_IDLE,
    OPTION_YES,
    OPTION_CHOICE
};

struct word {
    const char *word;
    int number;
};

static const struct word formats[] = {{"text", FORMAT_TEXT}, {"json", FORMAT_JSON}, {NULL, 0}};
static const struct word prints[] = {{"iam", PRINT_IAM},
                                     {"grants", PRINT_GRANTS},
                                     {"task-definition", PRINT_TASK_DEFINITION},
                                     {NULL, 0}};
static const struct word levels[] = {
    {"error", LOG_ERROR}, {"warn", LOG_WARN}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}, {NULL, 0}};

static const struct option {
    const char *name;
    char letter; /* 0: none */
    enum option_kind kind;
    enum cli_mode mode;
    const struct word *words;
    const char *value; /* NULL: takes none */
    const char *help;  /* NULL: not listed */
} options[] = {
    {"setup-alarms", 0, OPTION_MODE, MODE_SETUP_ALARMS, NULL, NULL,
     "provision the alarms, print what was done, exit"},
    {"setup-dashboard", 0, OPTION_MODE, MODE_SETUP_DASHBOARD, NULL, NULL,
     "provision the CloudWatch dashboard, print its console address, exit"},
    {"remove-alarms", 0, OPTION_MODE, MODE_REMOVE_ALARMS, NULL, NULL,
     "delete the alarms that are ours for the configured databases, print them, exit"},
    {"once", 0, OPTION_MODE, MODE_ONCE, NULL, NULL,
     "sample every source once, print it, exit (publishes nothing)"},
    {"diagnose", 0, OPTION_MODE, MODE_DIAGNOSE, NULL, NULL,
     "examine the databases' connections now, print findings and remedies, exit"},
    {"watch", 0, OPTION_MODE, MODE_WATCH, NULL, NULL,
     "the same numbers live in the terminal, once a second"},
    {"check-config", 0, OPTION_MODE, MODE_CHECK_CONFIG, NULL, NULL,
     "validate the configuration, print it resolved (secrets hidden) and what it costs, exit"},
    {"print", 0, OPTION_PRINT, MODE_PRINT, prints, "WHAT",
     "iam, grants or task-definition, for exactly this configuration"},
    {"health", 0, OPTION_MODE, MODE_HEALTH, NULL, NULL,
     "say whether the running agent is healthy (for ECS: exit status 0 or 1), exit"},
    {"config", 'c', OPTION_CONFIG, MODE_RUN, NULL, "FILE",
     "default /etc/poolwarden/agent.conf if it exists; without a file the environment alone "
     "configures"},
    {"dry-run", 'n', OPTION_DRY_RUN, MODE_RUN, NULL, NULL,
     "with the agent, a --setup mode or --remove-alarms: print what would be sent or changed, send "
     "nothing"},
    {"prune", 0, OPTION_PRUNE, MODE_RUN, NULL, NULL,
     "with --remove-alarms: those of databases that are configured no longer, too"},
    {"terminate-idle", 0, OPTION_TERMINATE_IDLE, MODE_RUN, NULL, "AGE",
     "with --diagnose: show which sessions idle longer than that (5m) it would end"},
    {"yes", 0, OPTION_YES, MODE_RUN, NULL, NULL, "with --terminate-idle: end them"},
    {"format", 0, OPTION_CHOICE, MODE_RUN, formats, "FMT",
     "text (default, for people) or json (for programs), of what a mode prints"},
    {"log-level", 0, OPTION_CHOICE, MODE_RUN, levels, "L", "error, warn, info (default), debug"},
    {"version", 'V', OPTION_MODE, MODE_VERSION, NULL, NULL,
     "print version, commit and the libraries that run, exit"},
    {"help", 'h', OPTION_MODE, MODE_HELP, NULL, NULL, "print this, exit"},
    /* Names that are spoken for. */
};

struct parser {
    int argc;
    char *const *argv;
    int next;          /* the next word */
    const char *given; /* the mode that was given, for a second one; NULL: none yet */
    struct cli cli;
    struct err *err;
};

static bool refuse_unknown(const char *word, size_t len, struct err *err)
{
    char *name = mem_strndup(word, len < 80 ? len : 80);
    struct suggestion best = {.word = name};

    for (size_t i = 0; i < MEM_COUNT(options); i++) {
        if (options[i].help != NULL) {
            suggest_consider(&best, options[i].name);
        }
    }
    if (best.name != NULL) {
        err_set(err, ERR_CONFIG, "unknown option --%s; did you mean --%s?", name, best.name);
    } else {
        err_set(err, ERR_CONFIG, "unknown option --%s; --help lists them", name);
    }
    mem_free_secret(name);
    return false;
}

static bool set_mode(struct parser *parser, const struct option *option)
{
    if (parser->given != NULL && parser->cli.mode != option->mode) {
        return err_set(parser->err, ERR_CONFIG, "--%s and --%s: one mode at a time", parser->given,
                       option->name);
    }
    parser->given = option->name;
    parser->cli.mode = option->mode;
    return true;
}

static bool set_choice(struct parser *parser, const struct option *option, const char *value)
{
    struct buf accepted;

    for (const struct word *word = option->words; word->word != NULL; word++) {
        if (strcmp(word->word, value) != 0) {
            continue;
        }
        if (option->words == formats) {
            parser->cli.format = (enum cli_format)word->number;
        } else if (option->words == prints) {
            parser->cli.print = (enum cli_print)word->number;
        } else {
            parser->cli.log_level = (enum log_level)word->number;
        }
        return true;
    }
    buf_init(&accepted, 256);
    for (const struct word *word = option->words; word->word != NULL; word++) {
        buf_printf(&accepted, "%s%s", word == option->words ? "" : ", ", word->word);
    }
    err_set(parser->err, ERR_CONFIG, "--%s: \"%.80s\" is not known; accepted: %s", option->name,
            value, buf_text(&accepted));
    buf_done(&accepted);
    return false;
}

static bool set_terminate_idle(struct parser *parser, const char *value)
{
    static const struct value_rule rule = {.min = TERMINATE_IDLE_MIN_MS,
                                           .max = TERMINATE_IDLE_MAX_MS};

    return value_duration.parse(&rule, value, &parser->cli.terminate_idle_ms, parser->err) ||
           err_set(parser->err, ERR_CONFIG,
                   "--terminate-idle: \"%.80s\" is not accepted; accepted: 1s to 7d, like 5m",
                   value);
}

static bool set_option(struct parser *parser, const struct option *option, const char *value)
{
    switch (option->kind) {
    case OPTION_MODE:
        return set_mode(parser, option);
    case OPTION_CONFIG:
        parser->cli.config_file = value;
        return (value != NULL && value[0] != '\0') ||
               err_set(parser->err, ERR_CONFIG, "--config: the file's name is empty");
    case OPTION_DRY_RUN:
        parser->cli.dry_run = true;
        return true;
    case OPTION_PRUNE:
        parser->cli.prune = true;
        return true;
    case OPTION_TERMINATE_IDLE:
        return set_terminate_idle(parser, value);
    case OPTION_YES:
        parser->cli.yes = true;
        return true;
    case OPTION_CHOICE:
        return set_choice(parser, option, value);
    case OPTION_PRINT:
        return set_mode(parser, option) && set_choice(parser, option, value);
    }
    return false;
}

/* value: what is joined to the option, or NULL. */
static bool take_option(struct parser *parser, const struct option *option, const char *value)
{
    if (option->value != NULL && value == NULL) {
        if (parser->next >= parser->argc) {
            return err_set(parser->err, ERR_CONFIG, "--%s needs a value: --%s %s", option->name,
                           option->name, option->value);
        }
        value = parser->argv[parser->next++];
    }
    if (option->value == NULL && value != NULL) {
        return err_set(parser->err, ERR_CONFIG, "--%s takes no value", option->name);
    }
    return set_option(parser, option, value);
}

static bool take_long(struct parser *parser, const char *word)
{
    size_t len = strcspn(word, "=");
    const char *value = word[len] == '=' ? word + len + 1 : NULL;

    for (size_t i = 0; i < MEM_COUNT(options); i++) {
        if (strlen(options[i].name) == len && memcmp(options[i].name, word, len) == 0) {
            return take_option(parser, &options[i], value);
        }
    }
    return refuse_unknown(word, len, parser->err);
}

static const struct option *find_letter(char letter)
{
    for (size_t i = 0; i < MEM_COUNT(options); i++) {
        if (options[i].letter == letter) {
            return &options[i];
        }
    }
    return NULL;
}

/* "nc" or "cFILE": what stands behind an option with a value is the value. */
static bool take_letters(struct parser *parser, const char *letters)
{
    while (*letters != '\0') {
        const struct option *option = find_letter(*letters);

        if (option == NULL) {
            return err_set(parser->err, ERR_CONFIG, "unknown option -%.1s; --help lists them",
                           letters);
        }
        letters++;
        if (option->value != NULL) {
            return take_option(parser, option, *letters != '\0' ? letters : NULL);
        }
        if (!take_option(parser, option, NULL)) {
            return false;
        }
    }
    return true;
}

static bool take_word(struct parser *parser)
{
    const char *word = parser->argv[parser->next++];

    if (strncmp(word, "--", 2) == 0 && word[2] != '\0') {
        return take_long(parser, word + 2);
    }
    if (word[0] == '-' && word[1] != '\0' && word[1] != '-') {
        return take_letters(parser, word + 1);
    }
    return err_set(parser->err, ERR_CONFIG, "\"%.80s\" is no option; --help lists them", word);
}

static bool takes_dry_run(enum cli_mode mode)
{
    return mode == MODE_RUN || mode == MODE_SETUP_ALARMS || mode == MODE_REMOVE_ALARMS ||
           mode == MODE_SETUP_DASHBOARD;
}

static bool check_together(const struct parser *parser)
{
    if (parser->cli.dry_run && !takes_dry_run(parser->cli.mode)) {
        return err_set(parser->err, ERR_CONFIG,
                       "--dry-run goes with the agent, a --setup mode or --remove-alarms, not with "
                       "--%s",
                       parser->given);
    }
    if (parser->cli.prune && parser->cli.mode != MODE_REMOVE_ALARMS) {
        return err_set(parser->err, ERR_CONFIG, "--prune goes with --remove-alarms");
    }
    return true;
}

bool cli_parse(int argc, char *const *argv, struct cli *out, struct err *err)
{
    struct parser parser = {.argc = argc,
                            .argv = argv,
                            .next = 1,
                            .cli = {.mode = MODE_RUN, .log_level = LOG_INFO},
                            .err = err};

    while (parser.next < argc) {
        if (!take_word(&parser)) {
            return false;
        }
    }
    if (!check_together(&parser)) {
        return false;
    }
    if (parser.cli.terminate_idle_ms > 0 && parser.cli.mode != MODE_DIAGNOSE) {
        return err_set(err, ERR_CONFIG, "--terminate-idle goes with --diagnose");
    }
    if (parser.cli.yes && parser.cli.terminate_idle_ms == 0) {
        return err_set(err, ERR_CONFIG, "--yes goes with --diagnose --terminate-idle");
    }
    *out = parser.cli;
    return true;
}

static void help_line(struct buf *out, const struct option *option)
{
    char *left = mem_printf(
        "%s%.1s%s --%s%s%s", option->letter != 0 ? "-" : "  ",
        option->letter != 0 ? &option->letter : "", option->letter != 0 ? "," : " ", option->name,
        option->value != NULL ? " " : "", option->value != NULL ? option->value : "");

    buf_printf(out, "  %-20s %s\n", left, option->help);
    mem_free_secret(left);
}

static bool is_mode(const struct option *option)
{
    return (option->kind == OPTION_MODE || option->kind == OPTION_PRINT) && option->letter == 0;
}

static void help_mode(struct buf *out, const struct option *option)
{
    char *left = mem_printf("%s%s%s", option->name, option->value != NULL ? " " : "",
                            option->value != NULL ? option->value : "");

    buf_printf(out, "  --%-18s %s\n", left, option->help);
    mem_free_secret(left);
}

void cli_help(struct buf *out)
{
    buf_puts(out, "usage: poolwarden [MODE] [OPTIONS]\n"
                  "\n"
                  "Samples PostgreSQL connections and connection pools, publishes them to "
                  "CloudWatch,\nprovisions the alarms.\n"
                  "\n"
                  "modes\n"
                  "  (none)               run the agent until SIGTERM; SIGHUP reloads the "
                  "configuration\n");
    for (size_t i = 0; i < MEM_COUNT(options); i++) {
        if (is_mode(&options[i])) {
            help_mode(out, &options[i]);
        }
    }
    buf_puts(out, "\noptions\n");
    for (size_t i = 0; i < MEM_COUNT(options); i++) {
        if (options[i].help != NULL && !is_mode(&options[i])) {
            help_line(out, &options[i]);
        }
    }
    buf_puts(out, "\n"
                  "exit status: 0 done; 1 failed; 2 wrong usage or configuration; 3 with --dry-run "
                  "and\na --setup mode or --remove-alarms: changes are pending\n");
}
