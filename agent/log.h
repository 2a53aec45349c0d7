/*
 * The log: one line a fact, on standard error, for people or as JSON. Only agent/ logs.
 *
 * A line says what, which one, why, what happens next. Changes of state are logged, not each repetition.
 *
 *     log_info("database orders: connected (PostgreSQL 15.18, 47 usable connections)");
 */
#pragma once

#include "agent/config.h"
#include "aws/common/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_setup(enum log_level level, enum log_format format);
void log_at(enum log_level level, const char *format, ...) PW_PRINTF(2, 3);

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
