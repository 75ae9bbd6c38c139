/* Reading the configuration file. */
#ifndef PORTICO_CONFIG_CONFIG_READ_H
#define PORTICO_CONFIG_CONFIG_READ_H

#include <stddef.h>

#include "config/notation.h"
#include "format/problems.h"

/* Opens and reads `path` ("-": standard input), which goes by the name `file` in problems. A
 * buffer that the caller frees, of *len bytes, or NULL with the problem: it cannot be read, is a
 * directory, or is larger than CONFIG_SIZE_MAX. Advice is given in the words of `notation`. */
char *config_read(const char *path, const char *file, const struct notation *notation, size_t *len,
                  struct problems *problems);

#endif
