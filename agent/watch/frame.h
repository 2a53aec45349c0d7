/*
 * One picture of --watch: as many lines as the terminal has, none longer than it is wide. Pure.
 *
 * Databases share the rows. The more rows one has, the more it tells: one line, then a bar and
 * states, the last minutes, what waits and lasts, pools, who holds the slots. More databases than
 * rows: the fullest.
 */
#pragma once

#include <stdbool.h>

#include "agent/watch/view.h"
#include "aws/common/buf.h"

#define FRAME_MARK_PERCENT 80 /* where the bar has its mark, and turns yellow */

struct frame_style {
    int columns, rows;
    bool color;
    bool utf8; /* else ASCII alone */
};

/* Lines with '\n' between them, none behind the last. */
void frame_render(const struct view *view, const struct frame_style *style, struct buf *out);
