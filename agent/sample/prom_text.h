/*
 * One line of a page of metrics: Prometheus' text format 0.0.4 and OpenMetrics. Pure,
 * allocation-free; points into the line.
 *
 *     name{label="value",...} 12.5 [timestamp] [# exemplar]
 *
 * And a selector, which says which series are meant: the same without a number.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PROM_LABELS_MAX 40

/* Not terminated. */
struct prom_text {
    const char *at;
    size_t len;
};

struct prom_label {
    struct prom_text name;
    struct prom_text value; /* as written, with its escapes */
};

struct prom_sample {
    struct prom_text name;
    struct prom_text labels_text; /* all of them, as written; empty: there are none */
    struct prom_label labels[PROM_LABELS_MAX];
    size_t label_count;
    double value;
};

enum prom_line { PROM_SAMPLE, PROM_COMMENT, PROM_BAD };

/* The name alone, to see whether the rest of the line is worth reading; empty: it is a comment, or
 * bad. */
struct prom_text prom_name_of(const char *line, size_t len);

/* line: without its newline. *out is touched for PROM_SAMPLE only. */
enum prom_line prom_line_parse(const char *line, size_t len, struct prom_sample *out);

/* "name" or "name{label="value"}"; false: it is none. */
bool prom_selector_parse(const char *text, struct prom_sample *out);

/* Has the sample the selector's name and each of its labels? */
bool prom_selects(const struct prom_sample *selector, const struct prom_sample *sample);
