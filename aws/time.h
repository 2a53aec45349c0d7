/*
 * Times as AWS writes them. All in UTC; all pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "aws/common/err.h"

/* Wall clock now, milliseconds since 1970. The one place of aws/ that reads it. */
int64_t time_now_ms(void);

/* Milliseconds of a clock that nobody sets, and that goes on while the host sleeps. */
int64_t time_steady_ms(void);

/* "2026-08-15T13:36:00Z", a fraction of seconds allowed, an offset "+01:00" too. */
PW_CHECK bool time_parse_iso8601(const char *text, int64_t *out_ms);

/* An HTTP Date: "Sat, 15 Aug 2026 12:36:00 GMT". */
PW_CHECK bool time_parse_http_date(const char *text, int64_t *out_ms);
