#include "agent/sample/command_line.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

/* One word from *from to *to, which is never ahead; false: a quote is open at the end. */
static bool take_word(const char **from, char **to)
{
    char quote = '\0';

    for (; **from != '\0' && (quote != '\0' || strchr(" \t", **from) == NULL); (*from)++) {
        char c = **from;

        if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
        } else if (quote != '\0' && c == quote) {
            quote = '\0';
        } else {
            if (c == '\\' && quote != '\'' && (*from)[1] != '\0') {
                (*from)++;
            }
            *(*to)++ = **from;
        }
    }
    return quote == '\0';
}

bool command_line_parse(const char *text, char ***out, struct err *err)
{
    size_t table = (COMMAND_ARGS_MAX + 1) * sizeof(char *);
    char **argv = mem_alloc(table + strlen(text) + COMMAND_ARGS_MAX + 1);
    char *to = (char *)argv + table;
    size_t count = 0;
    bool ok = true;

    for (text += strspn(text, " \t"); ok && *text != '\0'; text += strspn(text, " \t")) {
        if (count == COMMAND_ARGS_MAX) {
            ok = err_set(err, ERR_CONFIG, "has more than %d words", COMMAND_ARGS_MAX);
            break;
        }
        argv[count++] = to;
        ok = take_word(&text, &to) || err_set(err, ERR_CONFIG, "has a quote that is not closed");
        *to++ = '\0';
    }
    if (ok && (count == 0 || argv[0][0] == '\0')) {
        ok = err_set(err, ERR_CONFIG, "names no program");
    }
    if (!ok) {
        free(argv);
        return false;
    }
    *out = argv;
    return true;
}
