/* Reading the configuration file. */
#ifndef PORTICO_CONFIG_CONFIG_READ_H
#define PORTICO_CONFIG_CONFIG_READ_H

#include <stddef.h>

#include "format/problems.h"

/* Opens and reads `path`. A buffer that the caller frees, of *len bytes, or NULL with the
 * problem: it cannot be read, is a directory, or is larger than CONFIG_SIZE_MAX. */
char *config_read(const char *path, size_t *len, struct problems *problems);

#endif
