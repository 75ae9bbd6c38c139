/* A tree of values as one line of text, for comparison: {key: "text", list: [1, <plain>, null]},
 * each value and key with its place (@line:column) if it has one. No tree is "". */
#ifndef PORTICO_TEST_TREE_TEXT_H
#define PORTICO_TEST_TREE_TEXT_H

#include "format/problems.h"
#include "format/value.h"

/* To be freed by the caller. */
char *tree_text(const struct value_tree *tree);

/* The same of problems: "line:column message" and a newline each, in order. */
char *problems_text(struct problems *problems);

/* The text yields that tree, and those problems. */
typedef struct value_tree *tree_parser(const char *file, struct span text, struct problems *);
void assert_parsed(tree_parser *parse, struct span text, const char *tree, const char *words);

#endif
