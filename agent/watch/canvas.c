#include "agent/watch/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/prose.h"

#define PIECE_MAX 1024

void canvas_init(struct canvas *canvas, struct buf *out, int columns, int rows)
{
    memset(canvas, 0, sizeof(*canvas));
    canvas->out = out;
    canvas->columns = columns;
    canvas->rows = rows;
}

static const char *code_of(enum ink ink)
{
    static const char *const codes[] = {"",         "\033[1m",    "\033[2m", "\033[32m",
                                        "\033[33m", "\033[1;31m", "\033[36m"};

    return codes[ink];
}

/* As much of it as still has room. */
static void put(struct canvas *canvas, enum ink ink, const char *text)
{
    bool colored = canvas->color && ink != INK_PLAIN;
    size_t len = 0;

    if (canvas->row >= canvas->rows || canvas->column >= canvas->columns) {
        return;
    }
    while (text[len] != '\0') {
        bool begins = ((unsigned char)text[len] & 0xc0) != 0x80;

        if (begins && canvas->column == canvas->columns) {
            break;
        }
        canvas->column += begins ? 1 : 0;
        len++;
    }
    buf_puts(canvas->out, colored ? code_of(ink) : "");
    buf_add(canvas->out, text, len);
    buf_puts(canvas->out, colored ? "\033[0m" : "");
}

void canvas_text(struct canvas *canvas, enum ink ink, const char *format, ...)
{
    char piece[PIECE_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    put(canvas, ink, piece);
}

void canvas_name(struct canvas *canvas, enum ink ink, const char *name, int width)
{
    struct buf plain;

    if (width <= 3) {
        return;
    }
    buf_init(&plain, PIECE_MAX);
    prose_plain(name, (size_t)width, &plain);
    if ((int)prose_length(buf_text(&plain)) > width) {
        buf_clear(&plain);
        prose_plain(name, (size_t)width - 3, &plain);
    }
    put(canvas, ink, buf_text(&plain));
    for (int i = (int)prose_length(buf_text(&plain)); i < width; i++) {
        put(canvas, INK_PLAIN, " ");
    }
    buf_done(&plain);
}

void canvas_rest(struct canvas *canvas, enum ink ink, const char *text)
{
    struct buf plain;

    buf_init(&plain, 65536);
    prose_plain(text, PIECE_MAX, &plain);
    put(canvas, ink, buf_text(&plain));
    buf_done(&plain);
}

void canvas_glyph(struct canvas *canvas, enum ink ink, const char *utf8, char ascii, int count)
{
    const char plain[2] = {ascii, '\0'};
    struct buf run;

    if (count <= 0) {
        return;
    }
    buf_init(&run, 65536);
    for (int i = 0; i < count; i++) {
        buf_puts(&run, canvas->utf8 ? utf8 : plain);
    }
    put(canvas, ink, buf_text(&run));
    buf_done(&run);
}

void canvas_to_column(struct canvas *canvas, int column)
{
    do {
        put(canvas, INK_PLAIN, " ");
    } while (canvas->column < column && canvas->column < canvas->columns);
}

bool canvas_new_line(struct canvas *canvas)
{
    canvas->column = 0;
    canvas->row++;
    if (canvas->row >= canvas->rows) {
        return false;
    }
    buf_putc(canvas->out, '\n');
    return true;
}
