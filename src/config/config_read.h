/* Reading the configuration file. */
#ifndef PORTICO_CONFIG_CONFIG_READ_H
#define PORTICO_CONFIG_CONFIG_READ_H

#include <stddef.h>
#include <sys/types.h>

#include "config/format.h"
#include "format/problems.h"

/* Opens and reads `path` ("-": standard input), which goes by the name `file` in problems. A
 * buffer that the caller frees, of *len bytes, with the *mode of the file (of anything but a
 * regular file: 0), or NULL with the problem: it cannot be read, is a
 * directory, or is larger than CONFIG_SIZE_MAX. Advice is given in the words of `format`. */
char *config_read(const char *path, const char *file, const struct format *format, size_t *len,
                  mode_t *mode, struct problems *problems);

#endif
