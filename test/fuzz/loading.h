/* What must hold when a configuration is loaded from memory, whatever the input and its format.
 *
 * 1. There is a tree, or a problem. A tree is nested no deeper than `depth`; every place lies
 *    inside the text, every string and key is followed by a NUL, and every key is found under its
 *    table.
 * 2. Text without problems is UTF-8.
 * 3. A configuration is loaded if and only if there is no problem; problems are in order, at
 *    most PROBLEMS_MAX, have something to say, and can be printed.
 * 4. The routes of a configuration are found under their hosts. */
#ifndef PORTICO_TEST_FUZZ_LOADING_H
#define PORTICO_TEST_FUZZ_LOADING_H

#include "config/format.h"

/* Aborts unless all of that is true of `size` bytes in that format. `parse` is one of its
 * parsers; `has_places`: it gives them. */
void fuzz_parsing(format_parser *parse, bool has_places, unsigned depth, const uint8_t *data,
                  size_t size);
void fuzz_loading(const struct format *format, const uint8_t *data, size_t size);

#endif
