/* A kind is what a setting can hold: a duration, a host, a list of networks. Each is one row of a
 * table, and whatever differs between kinds stands there, so nobody else asks which kind a setting
 * is of. */
#ifndef PORTICO_CONFIG_KIND_H
#define PORTICO_CONFIG_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "config/names.h"
#include "config/units.h"
#include "format/problems.h"
#include "format/value.h"

struct kind;

/* A key of the file, or a variable of the environment: a row of the schema. */
struct setting {
    const char *name; /* NULL behind the last one of a table */
    const struct kind *kind;
    size_t offset; /* of the member in its section's struct */
    const char
        *fallback;       /* the default as it would stand in the file, `"10s"` or `["::"]`, in the
                            words that `show` has for it; of a variable without quotes; NULL: none */
    const char *help;    /* sentences; the first one says what it is */
    const char *example; /* as the default; NULL: that one */
    const char *unit;    /* of a number; NULL: none, or part of the value */
    const char *const *choices; /* words in the order of the enum, then NULL */
    int64_t min, max; /* a number; of a list, how many items; of a text, how many bytes; a list or
                         a text without limit has 0 */
    bool is_required;
    bool is_secret;     /* not to be shown wherever the configuration is; "file:PATH" takes it from
                           a file. Not for hosts and upstreams, whose hints quote parts of them */
    bool needs_restart; /* fixed once Portico has started */
};

/* A value as it stands in the file. */
static inline const char *setting_example(const struct setting *setting)
{
    return setting->example ? setting->example : setting->fallback;
}

/* Where a value is stored, and what it goes into: */
enum kind_id {
    KIND_DURATION,  /* "10s": int64_t, microseconds */
    KIND_COUNT,     /* 10: unsigned */
    KIND_SIZE,      /* "16MiB", or a number of bytes: int64_t */
    KIND_PORT,      /* 443: uint16_t */
    KIND_FLAG,      /* true: bool */
    KIND_CHOICE,    /* "acme", one of the setting's choices: an enum, their number */
    KIND_HOST,      /* "app.example.com": char * */
    KIND_UPSTREAM,  /* "127.0.0.1:8080": struct config_place */
    KIND_EMAIL,     /* "you@example.com": char * */
    KIND_FIELD,     /* "Basic dXNlcjpwYXNz", a value of a field of HTTP: char * */
    KIND_PATH,      /* "/run/portico": char * */
    KIND_ADDRESSES, /* ["0.0.0.0", "::"]: char **, NULL-terminated */
    KIND_NETWORKS,  /* ["10.0.0.0/8"]: the same */
    KIND_COUNT_OF
};

/* A value on its way from the file to its setting's member. */
struct reading {
    const struct setting *setting;
    struct value value;      /* with its variables replaced */
    struct value_tree *tree; /* the memory of strings */
    struct err fault;        /* what is wrong: a hint perhaps, a code if it is another than the
                                kind's; and a message that begins with what follows the name of the
                                setting and the value, or none where "is VALUE" says it all */
};

#define KIND_TEXT 32u /* room for what `show` writes */

struct kind {
    const char *name;       /* "duration" */
    const char *help;       /* how it is written: half a sentence */
    const char *expected;   /* for "... was expected"; the range or an example follows it */
    enum value_type type;   /* in the file; of a list, that of its items */
    enum problem_code code; /* of a value of that type that is none of the kind */
    enum value_type also;   /* another type that is understood; VALUE_NONE: none */
    bool is_list;           /* of values that the rest of the row is about */
    bool is_set;            /* a list in which nothing stands twice */
    bool has_at;         /* an "@" is part of it, while what stands before one in other texts is a
                            password and not to be shown */
    const char *pattern; /* of the text: a regular expression that every valid one matches, and few
                            others do. Written in what all dialects (ECMA-262, Rust, Python, POSIX
                            extended) have in common. NULL: none */
    const char *hints[VALUE_TABLE + 1]; /* about a value of that type in its place; NULL: none */
    const char *if_empty, *if_many;     /* hints about a list */

    int (*read)(struct reading *r, void *member); /* stores a value of the right type. 0, or -1 */
    /* The member's value as text, in `out` or the configuration; NULL when it has none. */
    const char *(*show)(const struct setting *setting, const void *member, char out[KIND_TEXT]);

    size_t width;              /* of a number: bytes of the member */
    const struct units *units; /* NULL: it is no number */

    /* Of texts that are kept when they pass: as they are, or in the form that comes in `out` */
    int (*check)(struct span text, struct err *fault);
    int (*parse)(struct span text, char out[HOST_TEXT], struct err *fault);
};

extern const struct kind kinds[KIND_COUNT_OF]; /* by enum kind_id */

/* The values that a setting may have, `"10ms" to "1h"` or `0 to 1024`; NULL when its kind says it
 * all. Returns `out`. */
#define KIND_RANGE 96u
const char *kind_range(const struct setting *setting, char out[KIND_RANGE]);

/* What a value of the setting looks like, for "... was expected". Returns `out`. */
#define KIND_EXPECTED 160u
const char *kind_expected(const struct setting *setting, char out[KIND_EXPECTED]);

/* What stands around a value of the kind in a file, when `text` is what `show` says: a quotation
 * mark or nothing. */
const char *kind_quote(const struct kind *kind, const char *text);

#endif
