/* Files that are no TOML: another encoding, another language, no text at all. */
#ifndef PORTICO_FORMAT_TOML_KIND_H
#define PORTICO_FORMAT_TOML_KIND_H

#include <stdbool.h>

#include "base/span.h"
#include "format/problems.h"

/* Reports bytes that are not UTF-8, once a line. False, with one problem, if this is no text
 * at all. */
bool toml_check_encoding(const char *file, struct span text, struct problems *problems);

/* False, with one problem instead of one a line, if this is JSON or YAML under a TOML name. */
bool toml_check_language(const char *file, struct span text, struct problems *problems);

#endif
