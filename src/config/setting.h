/* The value of a setting goes from the file into a member of the configuration, and back to be
 * shown. */
#ifndef PORTICO_CONFIG_SETTING_H
#define PORTICO_CONFIG_SETTING_H

#include <sys/types.h>

#include "base/err.h"
#include "config/format.h"
#include "config/schema.h"
#include "format/problems.h"
#include "format/value.h"

/* Where settings are stored, and problems reported. All borrowed. */
struct setting_context {
    const char *file; /* what it is called in messages */
    const char *path; /* where it lies, for the files that it names; "-": standard input */
    mode_t mode;      /* who may read it; 0: unknown */
    const struct format *format; /* in whose words to speak */
    struct value_tree *tree;     /* the memory of strings and lists */
    struct problems *problems;
};

/* Checks `value` and stores it in `object` (the struct that setting->offset is about). 0, or
 * -1 with the problem reported. */
int setting_apply(const struct setting *setting, void *object, const struct value *value,
                  struct setting_context *context);

/* Takes what a variable of the environment says, or its default; an empty one counts as not set. */
int setting_apply_variable(const struct setting *variable, void *object,
                           struct setting_context *context);

/* What `object` has for the setting, as text: of a list its item `index`, else `index` is 0. NULL
 * when there is no such item, or no value. A secret is not told. The text is in `out` or in
 * `object`; kind_quote says what stands around it in a file. */
const char *setting_show(const struct setting *setting, const void *object, size_t index,
                         char out[KIND_TEXT]);

/* What may be shown of a text in the file, or of a part of one: nothing of a secret, and of a place
 * what follows the "@"; up to the first white space, since behind a slip another line may have
 * become part of it. */
struct span setting_shown(const struct setting *setting, struct span text);

/* `text`, which has come of `written`, for messages: as it is written if that has variables, since
 * what the environment holds may be secret. Returns `out`. */
const char *setting_quote_written(const struct value *written, const char *text,
                                  char out[ERR_QUOTE]);

#endif
