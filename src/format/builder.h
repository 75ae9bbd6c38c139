/* A builder makes the tree of a file: it does what the parsers of TOML, JSON and YAML share.
 *
 * It knows what no format allows: keys that are given twice, values that are nested too
 * deep, brackets that are not closed, files with too many values. A file with any problem has no
 * tree, so whoever holds a tree knows that all of the file is in it. */
#ifndef PORTICO_FORMAT_BUILDER_H
#define PORTICO_FORMAT_BUILDER_H

#include <stdbool.h>

#include "base/span.h"
#include "format/problems.h"
#include "format/text.h"
#include "format/value.h"

struct builder {
    const char *file;          /* borrowed: the name for problems */
    struct problems *problems; /* borrowed */
    struct value_tree *tree;   /* owned, until builder_finish gives it away */
    unsigned depth;            /* how many levels are around the next value */
    bool has_problem;          /* one was reported */
    bool is_over;              /* the tree took no more: stop */
};

/* Begins a tree for `text`, and takes the byte order mark off. False, with the problem reported,
 * when that is no UTF-8, holds NUL, or memory ran out. builder_finish is due in any case. */
bool builder_begin(struct builder *builder, const char *file, struct span *text,
                   struct problems *problems);

/* The tree; NULL if there was any problem. */
struct value_tree *builder_finish(struct builder *builder);

/* Reports a problem, with a hint or NULL. Returns false. */
bool builder_problem(struct builder *builder, enum problem_code code, struct place place,
                     const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Reports the character that `rest`, at `place`, begins with; without a hint, the one of its
 * text_lookalike is given. Returns false. */
bool builder_unexpected(struct builder *builder, struct place place, struct span rest,
                        const char *expected, const char *hint);

/* Reports that what the bracket or brace at `place` opened has no end. Returns false. */
bool builder_unclosed(struct builder *builder, struct place place, char bracket, const char *hint);

/* Goes one level deeper: `depth` is one more. This function and those below return false, with the
 * problem reported, when it is too deep or the tree takes no more. */
bool builder_enter(struct builder *builder, struct place place);

/* Makes `value` an empty table or array, as `type` says, that begins at `place`. */
bool builder_table(struct builder *builder, enum value_type type, struct place place,
                   struct value *value);

/* A copy of `text`, which stands at `place`, in the tree. */
bool builder_copy(struct builder *builder, struct place place, struct span text, struct span *copy);

/* Adds `value` under `key`, which stands at `place` and lies in the tree's memory; false as well
 * when the table has the key. builder_append adds an item to an array. */
bool builder_add(struct builder *builder, struct value_table *table, struct span key,
                 struct place place, const struct value *value);
bool builder_append(struct builder *builder, struct value_table *array, const struct value *value);

/* Reports that the tree took no more at `place`: it holds as many values as it may, or memory ran
 * out. */
bool builder_exhausted(struct builder *builder, struct place place);

#endif
