/*
 * A line of a terminal that is never longer than the terminal is wide. Pure.
 *
 * Colours take no room; characters count one column each. Foreign text is made fit on the way in.
 */
#pragma once

#include <stdbool.h>

#include "aws/common/buf.h"
#include "aws/common/err.h"

enum ink { INK_PLAIN, INK_BOLD, INK_DIM, INK_GREEN, INK_YELLOW, INK_RED, INK_CYAN };

struct canvas {
    struct buf *out;
    int columns, rows; /* of the whole picture */
    int column, row;   /* where the next character goes */
    bool color, utf8;
};

void canvas_init(struct canvas *canvas, struct buf *out, int columns, int rows);

/* Text that is ours, but for names that went through prose_plain(). */
void canvas_text(struct canvas *canvas, enum ink ink, const char *format, ...) PW_PRINTF(3, 4);

/* A foreign name in a column of this width, cut or filled up. */
void canvas_name(struct canvas *canvas, enum ink ink, const char *name, int width);

/* A foreign text in what is left of the line. */
void canvas_rest(struct canvas *canvas, enum ink ink, const char *text);

/* A character of ours: UTF-8, or what stands for it in ASCII; `count` times. */
void canvas_glyph(struct canvas *canvas, enum ink ink, const char *utf8, char ascii, int count);

void canvas_to_column(struct canvas *canvas, int column); /* blanks up to it, one at least */
bool canvas_new_line(struct canvas *canvas);              /* false: that was the last one */
