/*
 * The log: one line a fact, on standard error, for people or as JSON. Only agent/ logs.
 *
 * A line says what, which one, why, what happens next. Changes of state are logged, not each
 * repetition. Each line is one write(2); what could not be written is lost, nothing waits for it
 * longer than that call. Control characters and bytes that are no UTF-8 are escaped, long messages
 * cut.
 *
 *     log_info("database orders: connected (PostgreSQL 15.18, 47 usable connections)");
 *
 * text, on a terminal or in a file:  2026-11-24T14:00:00.123Z INFO  database orders: ...
 * text, when systemd reads it:       <6>database orders: ...
 * json: {"time":"2026-11-24T14:00:00.123Z","level":"info","message":"..."}
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/config.h"
#include "aws/common/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Before it: text, level info. */
void log_setup(enum log_level level, enum log_format format);
/* Nothing from here on: the terminal shows something else. */
void log_silence(void);
void log_at(enum log_level level, const char *format, ...) PW_PRINTF(2, 3);

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

/* --- inside, for tests ------------------------------------------------------------------------ */

#define LOG_LINE_MAX 8192

enum log_style { LOG_STYLE_TEXT, LOG_STYLE_JOURNAL, LOG_STYLE_JSON };

/* The line with its newline, and its length. Pure. */
size_t log_format_line(enum log_style style, enum log_level level, int64_t time_ms,
                       const char *message, char out[LOG_LINE_MAX]);

/* One message for each line of lines, what before it: a person reads them one by one. */
void log_error_lines(const char *what, const char *lines);
