/* Noise: bytes that do not repeat soon, the same in every run. */
#ifndef PORTICO_TEST_NOISE_H
#define PORTICO_TEST_NOISE_H

#include <stddef.h>

void noise_fill(char *out, size_t size);

#endif
