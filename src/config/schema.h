/* The schema lists every key of the configuration file and every variable of the environment.
 * Loading, showing, did-you-mean, `portico help KEY`, config/reference.md and config/schema.json
 * come from these tables. */
#ifndef PORTICO_CONFIG_SCHEMA_H
#define PORTICO_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "config/kind.h"

/* A table of the file, or a list of them. Sections nest: the first row is the whole file, and each
 * section stands behind the one that it is in. */
struct section {
    const char *path; /* "routes.timeouts"; of the file ""; NULL behind the last section */
    const struct section *parent; /* NULL: this is the file */
    const struct setting *settings;
    const char *help;
    bool is_list;        /* [[path]], any number of times; else [path], once */
    bool is_required;    /* a list that must not be empty */
    size_t offset;       /* in the parent's struct: of this one, or of the pointer to the first */
    size_t count_offset; /* of a list: of the size_t that says how many there are */
    size_t size;         /* of the struct */
    const struct section *inherits; /* in the file, with the same struct: its values are the
                                       defaults here; NULL: those of the settings */
};

/* The most addresses to listen on: on each of them two listeners are opened. */
#define SCHEMA_ADDRESSES_MAX 16
/* The longest directory of a socket, whose path has 107 bytes. */
#define SCHEMA_PATH_MAX 94

extern const struct section schema_sections[];  /* from the whole file to one without a path */
extern const struct setting schema_variables[]; /* in struct config; without a member: offset 0 */

/* The names of enum cert_type and of enum log_level in their order, then NULL. */
extern const char *const schema_cert_types[], *const schema_log_levels[];

/* "timeouts" of "routes.timeouts". */
const char *schema_name(const struct section *section);

/* The section in `parent` behind `before` (NULL: the first), or NULL. */
const struct section *schema_next(const struct section *parent, const struct section *before);

/* The section or setting of that name in a section, or NULL. */
const struct section *schema_section(const struct section *parent, struct span name);
const struct setting *schema_setting(const struct section *section, struct span name);

/* A section somewhere in `section` that has a key of that name, of two the outer one; or NULL. */
const struct section *schema_owner(const struct section *section, struct span key);

#endif
