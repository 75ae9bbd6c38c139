/* Settings: from a value of the file to a member of the configuration. */
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
 * -1 with the problem reported; a VALUE_BAD is passed over in silence. */
int setting_apply(const struct setting *setting, void *object, const struct value *value,
                  struct setting_context *context);

/* Stores the default, if the setting has one. 0, or -1 when out of memory. */
int setting_apply_default(const struct setting *setting, void *object,
                          struct setting_context *context);

#endif
