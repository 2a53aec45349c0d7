/*
 * One dashboard while it is made: widgets set side by side into CloudWatch's grid of 24 columns, in
 * rows. What goes beyond the limits of a dashboard is left out. Pure.
 *
 *     page_init(&page);
 *     page_text(&page, "# Title", 1);
 *     page_graph(&page, &graph, metrics);         metrics: made with page_metric(),
 * page_expression() page_end_row(&page); json_t *body = page_take(&page);
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define PAGE_COLUMNS     24
#define PAGE_WIDGETS_MAX 500  /* of a dashboard */
#define PAGE_METRICS_MAX 2500 /* of a dashboard */
#define PAGE_ALARMS_MAX  100  /* of an alarm widget */

struct page {
    json_t *widgets;
    int x, y, row_height;
    size_t metrics;
};

void page_init(struct page *page);
json_t *page_take(struct page *page); /* {"widgets": [...]}, the caller's */

void page_end_row(struct page *page);

/* Over the whole width. */
void page_text(struct page *page, const char *markdown, int height);

/* Alarms of one region, over the whole width; nothing when there is none. Takes the list of ARNs.
 */
void page_alarms(struct page *page, const char *title, json_t *arns);

struct graph {
    const char *title;
    const char *region;
    const char *statistic; /* "Maximum", "Sum", "Average" */
    int width, height;
    bool stacked;
    bool from_zero;    /* the left axis begins at 0 */
    double top;        /* where it ends; 0: where the values do */
    const char *label; /* of a horizontal line at `line`; NULL: none */
    double line;
};

/* Takes the metrics. */
void page_graph(struct page *page, const struct graph *graph, json_t *metrics);

/* options: as json_pack() gives them, or NULL; taken. dimensions: [name, value, ...], borrowed. */
json_t *page_metric(const char *namespace_, const char *metric, const json_t *dimensions,
                    json_t *options);
json_t *page_expression(const char *expression, const char *id, const char *label);
