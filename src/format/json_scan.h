/* JSON's words: strings, numbers, names, marks, and where they stand.
 *
 * A scanner is a place in the text that only moves forward. It is stricter than cJSON, and
 * reports what is wrong inside a word; how words may follow each other is in json_check.c. */
#ifndef PORTICO_FORMAT_JSON_SCAN_H
#define PORTICO_FORMAT_JSON_SCAN_H

#include "base/span.h"
#include "format/problems.h"

enum json_word {
    JSON_END,    /* of the text */
    JSON_MARK,   /* one of { } [ ] : , */
    JSON_STRING, /* also one in apostrophes, which was reported */
    JSON_SCALAR, /* a number, true, false, null, or what was reported as none */
    JSON_NAME,   /* letters without quotes where a key was expected; not reported */
    JSON_OTHER   /* something else; not reported */
};

struct json_token {
    enum json_word word;
    struct span text;    /* of the source; of JSON_OTHER, all the rest */
    unsigned line;       /* where it begins, from 1 */
    unsigned column;     /* from 1, in characters */
    unsigned end_column; /* behind it */
};

struct json_scan {
    const char *file;          /* borrowed: the name for problems */
    struct problems *problems; /* borrowed */
    const char *at;            /* the next byte */
    const char *end;
    const char *counted; /* columns are known up to here */
    unsigned line;
    unsigned column; /* of `counted` */
    bool has_problem;
    bool has_comment; /* which was reported, once */
};

/* Begins at the start of `text` (behind a byte order mark). All pointers are borrowed. */
void json_scan_init(struct json_scan *scan, const char *file, struct span text,
                    struct problems *problems);

/* The next word. `is_key`: a key is expected, so that a name ends at a colon. */
struct json_token json_next(struct json_scan *scan, bool is_key);

/* Reports something at a place; returns it for the hint, or NULL. */
struct err *json_problem(struct json_scan *scan, unsigned line, unsigned column, const char *format,
                         ...) __attribute__((format(printf, 4, 5)));

static inline bool json_is_mark(const struct json_token *token, char mark)
{
    return token->word == JSON_MARK && token->text.data[0] == mark;
}

/* ---- Inside a word (json_word.c) ---- */

/* Checks the text of a string between its quotes, which lies on one line. */
void json_check_string(struct json_scan *scan, const struct json_token *token);

/* Checks a number, true, false or null. */
void json_check_scalar(struct json_scan *scan, const struct json_token *token);

#endif
