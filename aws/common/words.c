#include "aws/common/words.h"

#include <string.h>

#include "aws/common/buf.h"
#include "aws/common/mem.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What stands in quotes at *text, which is moved behind them. Between double ones a backslash
 * protects only itself and the quote. */
static bool take_quoted(const char **text, struct buf *word)
{
    char quote = *(*text)++;

    while (**text && **text != quote) {
        if (quote == '"' && **text == '\\' && ((*text)[1] == '"' || (*text)[1] == '\\')) {
            (*text)++;
        }
        buf_putc(word, *(*text)++);
    }
    if (**text != quote) {
        return false;
    }
    (*text)++;
    return true;
}

static bool take_word(const char **text, struct buf *word, struct err *err)
{
    while (**text && !is_blank(**text)) {
        if (**text == '\'' || **text == '"') {
            if (!take_quoted(text, word)) {
                return err_set(err, ERR_CONFIG, "has a quote that is not closed");
            }
        } else if (**text == '\\' && (*text)[1] == '\0') {
            return err_set(err, ERR_CONFIG, "ends in a backslash with nothing behind it");
        } else {
            *text += **text == '\\' ? 1 : 0;
            buf_putc(word, *(*text)++);
        }
    }
    return true;
}

static bool split(const char *text, struct words *out, struct err *err)
{
    while (is_blank(*text)) {
        text++;
    }
    while (*text) {
        struct buf word;

        if (out->count == WORDS_MAX) {
            return err_set(err, ERR_CONFIG, "has more than %d words", WORDS_MAX);
        }
        buf_init_secret(&word, strlen(text));
        bool taken = take_word(&text, &word, err);
        if (taken) {
            out->items[out->count++] = mem_strdup(buf_text(&word));
        }
        buf_done(&word);
        if (!taken) {
            return false;
        }
        while (is_blank(*text)) {
            text++;
        }
    }
    return (out->count > 0 && out->items[0][0] != '\0') ||
           err_set(err, ERR_CONFIG, "names no program");
}

bool words_split(const char *text, struct words *out, struct err *err)
{
    *out = (struct words){.count = 0};
    if (!split(text, out, err)) {
        words_done(out);
        return false;
    }
    return true;
}

void words_done(struct words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        mem_free_secret(words->items[i]);
    }
    *words = (struct words){.count = 0};
}
