/*
 * A double as decimal text, as short as it can be and still be read as the same double: 15 digits
 * where they are enough, 17 at most; zeros at the end are left out.
 *
 * By integer arithmetic, because printf() and strtod() in turn take a microsecond, and a publish
 * writes tens of thousands of numbers while the loop waits.
 */
#pragma once

#include <stdbool.h>

#include "aws/common/buf.h"

void decimal_write(struct buf *out, double number); /* finite */

/* Has it no fraction, and no integer between it and the next? */
bool decimal_is_integer(double number);

/* How many digits it needs, 15 to 17. */
int decimal_digits(double number);
