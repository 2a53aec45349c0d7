#include "tests/rows.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

#define COLUMNS_MAX 64

/* Cuts the next cell off; a newline or the end says that it was the row's last. */
static char *next_cell(char **at, int *last)
{
    char *cell = *at;
    size_t len = strcspn(cell, "|\n");

    *last = cell[len] != '|';
    *at = cell + len + (cell[len] != '\0');
    cell[len] = '\0';
    return cell;
}

static int add_columns(PGresult *rows, char **at)
{
    PGresAttDesc columns[COLUMNS_MAX];
    int count = 0, last = 0;

    memset(columns, 0, sizeof(columns));
    while (!last && count < COLUMNS_MAX) {
        columns[count++].name = next_cell(at, &last);
    }
    PQsetResultAttrs(rows, count, columns);
    return count;
}

PGresult *rows_of(const char *text, size_t len)
{
    PGresult *rows = mem_check(PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK));
    char *copy = mem_strndup(text, len), *at = copy;
    int columns = add_columns(rows, &at);

    for (int row = 0; *at != '\0'; row++) {
        int last = 0;

        for (int column = 0; column < columns && !last; column++) {
            char *cell = next_cell(&at, &last);

            PQsetvalue(rows, row, column, cell, (int)strlen(cell));
        }
    }
    free(copy);
    return rows;
}
