#include "aws/common/decimal.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define DIGITS_SHORT  15                 /* any decimal of so many digits survives a double ... */
#define DIGITS_EXACT  17                 /* ... and any double survives so many digits */
#define INTEGER_MAX   9007199254740992.0 /* 2^53: up to here doubles count every integer */
#define MANTISSA_BITS 53
#define SMALLEST      1e-5 /* below, and from LARGEST on, the products would not fit 128 bits */
#define LARGEST       1e15
#define BEYOND        100000000000000000 /* 10^17: the first number of more than 17 digits */

__extension__ typedef unsigned __int128 wide;

/* A double above 0 as mantissa / 2^shift, and as many as `behind` digits of it behind the point:
 * their number counts the units of 10^-behind. */
struct parts {
    uint64_t mantissa;
    int shift;
    int behind;
    wide power; /* 10^behind */
};

/* The units nearest to it. */
static uint64_t units_of(const struct parts *parts)
{
    wide scaled = parts->mantissa * parts->power;

    return (uint64_t)((scaled + ((wide)1 << (parts->shift - 1))) >> parts->shift);
}

/* Are so many units nearer to it than to any other double? Below a power of two the next one is
 * nearer than elsewhere: that case is left to 17 digits, which always are enough. */
static bool is_read_back(const struct parts *parts, uint64_t units)
{
    wide scaled = parts->mantissa * parts->power, there = (wide)units << parts->shift;
    wide apart = there > scaled ? there - scaled : scaled - there;

    return parts->mantissa != (uint64_t)1 << (MANTISSA_BITS - 1) && 2 * apart < parts->power;
}

/* As many digits behind the point as make 17 together. */
static struct parts split(double size)
{
    int exponent;
    double fraction = frexp(size, &exponent);
    struct parts parts = {.mantissa = (uint64_t)ldexp(fraction, MANTISSA_BITS),
                          .shift = MANTISSA_BITS - exponent,
                          .power = 1};

    for (double scale = size; scale * 10 < (double)BEYOND; scale *= 10) {
        parts.behind++;
        parts.power *= 10;
    }
    while (units_of(&parts) >= BEYOND) {
        parts.behind--;
        parts.power /= 10;
    }
    return parts;
}

static void shorten(struct parts *parts, int digits)
{
    parts->behind -= digits;
    while (digits-- > 0) {
        parts->power /= 10;
    }
}

static uint64_t shortest(struct parts *parts)
{
    const struct parts exact = *parts;

    for (int less = DIGITS_EXACT - DIGITS_SHORT; less > 0; less--) {
        *parts = exact;
        shorten(parts, less);
        uint64_t units = units_of(parts);
        if (is_read_back(parts, units)) {
            return units;
        }
    }
    *parts = exact;
    return units_of(parts);
}

/* units / 10^behind. */
static void write_units(struct buf *out, bool negative, uint64_t units, int behind)
{
    char text[48], *end = text + sizeof(text), *at = end;

    while (behind > 0 && units % 10 == 0) {
        units /= 10;
        behind--;
    }
    for (int left = behind; left > 0; left--, units /= 10) {
        *--at = (char)('0' + units % 10);
    }
    if (behind > 0) {
        *--at = '.';
    }
    do {
        *--at = (char)('0' + units % 10);
        units /= 10;
    } while (units > 0);
    if (negative) {
        *--at = '-';
    }
    buf_add(out, at, (size_t)(end - at));
}

bool decimal_is_integer(double number)
{
    return fabs(number) <= INTEGER_MAX && number == floor(number);
}

int decimal_digits(double number)
{
    char text[40];
    int digits = DIGITS_SHORT;

    while (digits < DIGITS_EXACT) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
        digits++;
    }
    return digits;
}

void decimal_write(struct buf *out, double number)
{
    double size = fabs(number);

    if (decimal_is_integer(number)) {
        write_units(out, number < 0, (uint64_t)size, 0);
    } else if (size >= SMALLEST && size < LARGEST) {
        struct parts parts = split(size);
        uint64_t units = shortest(&parts);

        write_units(out, number < 0, units, parts.behind);
    } else {
        buf_printf(out, "%.*g", decimal_digits(number), number);
    }
}
