/* Whatever agent.conf holds: refused with reasons, or in force and printed so that it means the
 * same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/check.h"
#include "agent/config.h"
#include "aws/common/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENVIRONMENT_MAX 8

/* The first lines that begin with '@' are the environment: "@NAME=value". */
static const char *take_environment(char *text, const char *environment[ENVIRONMENT_MAX + 1])
{
    size_t count = 0;

    while (*text == '@' && count < ENVIRONMENT_MAX) {
        char *end = strchr(text, '\n');

        environment[count++] = text + 1;
        if (end == NULL) {
            return "";
        }
        *end = '\0';
        text = end + 1;
    }
    return text;
}

static void check_both(const struct config *config)
{
    struct buf text;

    buf_init(&text, 16 << 20);
    check_print(config, FORMAT_TEXT, &text);
    buf_clear(&text);
    check_print(config, FORMAT_JSON, &text);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *environment[ENVIRONMENT_MAX + 1] = {NULL};
    char *text = mem_strndup((const char *)data, size);
    const struct config_source source = {
        .file = "a.conf", .text = take_environment(text, environment), .environ = environment};
    struct config *config;
    struct buf errors;

    buf_init(&errors, CONFIG_ERRORS_MAX);
    if (config_load(&source, &config, &errors)) {
        struct buf names;

        check_both(config);
        buf_init(&names, 4096);
        config_not_reloadable(config, config, &names);
        if (names.len > 0 ||
            !config_database_same_source(&config->databases[0], &config->databases[0])) {
            abort();
        }
        buf_done(&names);
        config_free(config);
    } else if (errors.len == 0 || config != NULL) {
        abort();
    }
    buf_done(&errors);
    free(text);
    return 0;
}
