/* Noise: see noise.h. A linear congruential generator, of which the upper bits are used. */
#include "noise.h"

#include <stdint.h>

void noise_fill(char *out, size_t size)
{
    uint32_t x = 1;
    for (size_t i = 0; i < size; i++) {
        x = x * 1664525u + 1013904223u;
        out[i] = (char)(x >> 24);
    }
}
