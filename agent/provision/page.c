#include "agent/provision/page.h"

#include <math.h>

#include "aws/common/json.h"
#include "aws/common/mem.h"

#define PERIOD_S 60

void page_init(struct page *page)
{
    *page = (struct page){.widgets = mem_check(json_array())};
}

json_t *page_take(struct page *page)
{
    json_t *body = mem_check(json_pack("{s:o}", "widgets", page->widgets));

    page->widgets = NULL;
    return body;
}

/* --- The grid --------------------------------------------------------------------------------- */

void page_end_row(struct page *page)
{
    page->y += page->row_height;
    page->x = 0;
    page->row_height = 0;
}

/* Takes the properties. */
static void place(struct page *page, const char *type, int width, int height, json_t *properties)
{
    if (json_array_size(page->widgets) >= PAGE_WIDGETS_MAX) {
        json_decref(properties);
        return;
    }
    if (page->x + width > PAGE_COLUMNS) {
        page_end_row(page);
    }
    json_t *widget = json_pack("{s:s, s:i, s:i, s:i, s:i, s:o}", "type", type, "x", page->x, "y",
                               page->y, "width", width, "height", height, "properties", properties);

    (void)json_array_append_new(page->widgets, mem_check(widget));
    page->x += width;
    page->row_height = height > page->row_height ? height : page->row_height;
}

void page_text(struct page *page, const char *markdown, int height)
{
    page_end_row(page);
    place(page, "text", PAGE_COLUMNS, height,
          mem_check(json_pack("{s:o}", "markdown", json_text(markdown))));
    page_end_row(page);
}

/* --- Alarms ----------------------------------------------------------------------------------- */

/* Four alarms fit side by side, and a row of them takes about one unit. */
static int height_for(size_t alarms)
{
    int rows = (int)(alarms + 3) / 4;

    return rows + 1;
}

void page_alarms(struct page *page, const char *title, json_t *arns)
{
    size_t count = json_array_size(arns);

    for (size_t from = 0; from < count; from += PAGE_ALARMS_MAX) {
        json_t *part = json_array();

        for (size_t i = from; i < count && i < from + PAGE_ALARMS_MAX; i++) {
            (void)json_array_append(part, json_array_get(arns, i));
        }
        int height = height_for(json_array_size(part));

        page_end_row(page);
        place(page, "alarm", PAGE_COLUMNS, height,
              mem_check(json_pack("{s:o, s:o}", "title", json_text(title), "alarms", part)));
        page_end_row(page);
    }
    json_decref(arns);
}

/* --- Graphs ----------------------------------------------------------------------------------- */

json_t *page_metric(const char *namespace_, const char *metric, const json_t *dimensions,
                    json_t *options)
{
    json_t *out = mem_check(json_pack("[o, o]", json_text(namespace_), json_text(metric)));

    for (size_t i = 0; i < json_array_size(dimensions); i++) {
        (void)json_array_append(out, json_array_get(dimensions, i));
    }
    if (options) {
        (void)json_array_append_new(out, options);
    }
    return out;
}

json_t *page_expression(const char *expression, const char *id, const char *label)
{
    json_t *out = json_pack("[{s:o, s:s, s:o}]", "expression", json_text(expression), "id", id,
                            "label", json_text(label));

    return mem_check(out);
}

static json_t *number(double value)
{
    return value == floor(value) ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *axis_of(const struct graph *graph)
{
    json_t *left = json_object();

    if (graph->from_zero) {
        (void)json_object_set_new(left, "min", json_integer(0));
    }
    if (graph->top > 0) {
        (void)json_object_set_new(left, "max", number(graph->top));
    }
    return json_pack("{s:o}", "left", left);
}

void page_graph(struct page *page, const struct graph *graph, json_t *metrics)
{
    size_t count = json_array_size(metrics);

    if (page->metrics + count > PAGE_METRICS_MAX) {
        json_decref(metrics);
        return;
    }
    page->metrics += count;
    json_t *properties = json_pack("{s:s, s:b, s:o, s:o, s:i, s:s, s:o, s:o}", "view", "timeSeries",
                                   "stacked", graph->stacked, "region", json_text(graph->region),
                                   "title", json_text(graph->title), "period", PERIOD_S, "stat",
                                   graph->statistic, "metrics", metrics, "yAxis", axis_of(graph));

    mem_check(properties);
    if (graph->label) {
        (void)json_object_set_new(properties, "annotations",
                                  json_pack("{s:[{s:o, s:o}]}", "horizontal", "label",
                                            json_text(graph->label), "value", number(graph->line)));
    }
    place(page, "metric", graph->width, graph->height, properties);
}
