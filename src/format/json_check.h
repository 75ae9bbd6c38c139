/* JSON's grammar: may these words follow each other? */
#ifndef PORTICO_FORMAT_JSON_CHECK_H
#define PORTICO_FORMAT_JSON_CHECK_H

#include "base/span.h"
#include "format/problems.h"

/* Reports what RFC 8259 does not allow in `text`, which is UTF-8, and what cJSON would read as
 * something else. True when there is nothing: then `text` is one value, at most
 * JSON_DEPTH_MAX deep, and cJSON reads it for what it is. */
bool json_check(const char *file, struct span text, struct problems *problems);

#endif
