/* How a datum is written: for every series each minute, therefore straight into the buffer. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cloudwatch_json.h"
#include "aws/common/decimal.h"

/* --- Text ----------------------------------------------------------------------------------- */

static void write_string(struct buf *out, const char *text)
{
    buf_putc(out, '"');
    while (*text) {
        size_t plain = 0; /* what needs no escape is copied as it stands, UTF-8 too */

        while ((unsigned char)text[plain] >= ' ' && text[plain] != '"' && text[plain] != '\\') {
            plain++;
        }
        buf_add(out, text, plain);
        text += plain;
        if (*text) {
            buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*text++);
        }
    }
    buf_putc(out, '"');
}

static void write_member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "\"%s\":", name);
    write_string(out, text);
}

/* --- A datum -------------------------------------------------------------------------------- */

static void write_dimensions(struct buf *out, const struct cloudwatch_datum *datum)
{
    for (size_t i = 0; i < datum->dimension_count; i++) {
        buf_puts(out, i == 0 ? ",\"Dimensions\":[{" : ",{");
        write_member(out, "Name", datum->dimensions[i].name);
        buf_putc(out, ',');
        write_member(out, "Value", datum->dimensions[i].value);
        buf_puts(out, i + 1 < datum->dimension_count ? "}" : "}]");
    }
}

/* One of the two parallel arrays; NaN and infinity are no JSON, and the service takes neither. */
static void write_numbers(struct buf *out, const char *name, const double *numbers,
                          const struct cloudwatch_datum *datum)
{
    const char *comma = "";

    buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < datum->value_count; i++) {
        if (isfinite(datum->values[i]) && isfinite(datum->counts[i])) {
            buf_puts(out, comma);
            decimal_write(out, numbers[i]);
            comma = ",";
        }
    }
    buf_putc(out, ']');
}

static bool is_single_value(const struct cloudwatch_datum *datum)
{
    return datum->value_count == 1 && datum->counts[0] == 1.0 && isfinite(datum->values[0]);
}

void cloudwatch_encode_datum(const struct cloudwatch_datum *datum, struct buf *out)
{
    write_member(out, "MetricName", datum->metric);
    write_dimensions(out, datum);
    if (is_single_value(datum)) {
        buf_puts(out, ",\"Value\":");
        decimal_write(out, datum->values[0]);
    } else {
        write_numbers(out, "Values", datum->values, datum);
        write_numbers(out, "Counts", datum->counts, datum);
    }
    buf_putc(out, ',');
    write_member(out, "Unit", datum->unit);
    if (datum->resolution_s == 1) {
        buf_puts(out, ",\"StorageResolution\":1");
    }
}

/* --- A request's body ----------------------------------------------------------------------- */

#define ENTRY_HEAD "{\"Timestamp\":%" PRId64 ","
#define ENTRY_TAIL "}"
#define BODY_HEAD  "{\"Namespace\":"
#define BODY_LIST  ",\"MetricData\":["
#define BODY_TAIL  "]}"

size_t cloudwatch_entry_size(const struct cloudwatch_entry *entry)
{
    int head = snprintf(NULL, 0, ENTRY_HEAD, entry->timestamp_s);

    return (size_t)head + strlen(entry->members) + strlen(ENTRY_TAIL) + strlen(",");
}

static void write_head(struct buf *out, const char *namespace_)
{
    buf_puts(out, BODY_HEAD);
    write_string(out, namespace_);
    buf_puts(out, BODY_LIST);
}

size_t cloudwatch_put_overhead(const char *namespace_)
{
    struct buf head;

    buf_init(&head, CLOUDWATCH_BODY_MAX);
    write_head(&head, namespace_);
    size_t size = head.len + strlen(BODY_TAIL);
    buf_done(&head);
    return size;
}

void cloudwatch_write_body(const char *namespace_, const struct cloudwatch_entry *entries,
                           size_t count, struct buf *out)
{
    write_head(out, namespace_);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, ENTRY_HEAD, entries[i].timestamp_s);
        buf_puts(out, entries[i].members);
        buf_puts(out, i + 1 < count ? ENTRY_TAIL "," : ENTRY_TAIL);
    }
    buf_puts(out, BODY_TAIL);
}
