#include "aws/common/random.h"

#include <stdint.h>
#include <uv.h>

double random_fraction(void)
{
    uint32_t number = 0;

    /* Without randomness there is no jitter: nothing worse. */
    (void)uv_random(NULL, NULL, &number, sizeof(number), 0, NULL);
    return (double)number / 4294967296.0;
}
