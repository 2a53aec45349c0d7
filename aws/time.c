#include "aws/time.h"

#include <string.h>

static int64_t read_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t time_now_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

int64_t time_steady_ms(void)
{
    return read_ms(CLOCK_BOOTTIME);
}

/* What is still to be read; a wrong character ends it all. */
struct scan {
    const char *at;
    bool failed;
};

static void scan_text(struct scan *scan, const char *text)
{
    size_t len = strlen(text);

    if (scan->failed || strncmp(scan->at, text, len) != 0) {
        scan->failed = true;
        return;
    }
    scan->at += len;
}

/* Exactly so many digits, the number from low to high. */
static int scan_number(struct scan *scan, int digits, int low, int high)
{
    int number = 0;

    for (int i = 0; i < digits && !scan->failed; i++) {
        if (*scan->at < '0' || *scan->at > '9') {
            scan->failed = true;
        } else {
            number = number * 10 + (*scan->at++ - '0');
        }
    }
    scan->failed = scan->failed || number < low || number > high;
    return number;
}

/* 0 for January; AWS and RFC 9110 write them so. */
static int scan_month_name(struct scan *scan)
{
    static const char names[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";

    for (int month = 0; month < 12 && !scan->failed; month++) {
        if (strncmp(scan->at, names + (size_t)month * 4, 3) == 0) {
            scan->at += 3;
            return month;
        }
    }
    scan->failed = true;
    return 0;
}

static void scan_clock(struct scan *scan, struct tm *tm)
{
    tm->tm_hour = scan_number(scan, 2, 0, 23);
    scan_text(scan, ":");
    tm->tm_min = scan_number(scan, 2, 0, 59);
    scan_text(scan, ":");
    tm->tm_sec = scan_number(scan, 2, 0, 60);
    if (tm->tm_sec == 60) {
        tm->tm_sec = 59; /* POSIX has no leap seconds; timegm() would go to the next day */
    }
}

/* ".123": milliseconds; finer digits are read and dropped. */
static int scan_fraction(struct scan *scan)
{
    int ms = 0;

    if (scan->failed || *scan->at != '.') {
        return 0;
    }
    scan->at++;
    scan->failed = *scan->at < '0' || *scan->at > '9';
    for (int unit = 100; *scan->at >= '0' && *scan->at <= '9'; scan->at++, unit /= 10) {
        ms += (*scan->at - '0') * unit;
    }
    return ms;
}

/* "Z", "+01:00" or "+0100", in seconds east of UTC. */
static int scan_offset(struct scan *scan)
{
    char sign = *scan->at;

    if (scan->failed) {
        return 0;
    }
    if (sign != '+' && sign != '-') {
        scan_text(scan, "Z");
        return 0;
    }
    scan->at++;
    int hours = scan_number(scan, 2, 0, 23);
    if (!scan->failed && *scan->at == ':') {
        scan->at++;
    }
    int seconds = hours * 3600 + scan_number(scan, 2, 0, 59) * 60;
    return sign == '+' ? seconds : -seconds;
}

/* timegm() takes February 30 for March 2: the day that was read must still be there. */
static bool to_ms(const struct scan *scan, struct tm tm, int64_t *out_ms)
{
    int day = tm.tm_mday;
    time_t seconds = timegm(&tm);

    if (scan->failed || *scan->at != '\0' || tm.tm_mday != day) {
        return false;
    }
    *out_ms = (int64_t)seconds * 1000;
    return true;
}

bool time_parse_iso8601(const char *text, int64_t *out_ms)
{
    struct scan scan = {.at = text};
    struct tm tm = {0};
    int64_t ms;

    tm.tm_year = scan_number(&scan, 4, 1970, 9999) - 1900;
    scan_text(&scan, "-");
    tm.tm_mon = scan_number(&scan, 2, 1, 12) - 1;
    scan_text(&scan, "-");
    tm.tm_mday = scan_number(&scan, 2, 1, 31);
    scan_text(&scan, "T");
    scan_clock(&scan, &tm);
    int fraction = scan_fraction(&scan);
    int offset = scan_offset(&scan);
    if (!to_ms(&scan, tm, &ms)) {
        return false;
    }
    *out_ms = ms + fraction - (int64_t)offset * 1000;
    return true;
}

bool time_parse_http_date(const char *text, int64_t *out_ms)
{
    struct scan scan = {.at = text, .failed = strlen(text) < 5};
    struct tm tm = {0};

    if (!scan.failed) {
        scan.at += 3; /* the day's name says nothing new */
    }
    scan_text(&scan, ", ");
    tm.tm_mday = scan_number(&scan, 2, 1, 31);
    scan_text(&scan, " ");
    tm.tm_mon = scan_month_name(&scan);
    scan_text(&scan, " ");
    tm.tm_year = scan_number(&scan, 4, 1970, 9999) - 1900;
    scan_text(&scan, " ");
    scan_clock(&scan, &tm);
    scan_text(&scan, " GMT");
    return to_ms(&scan, tm, out_ms);
}
