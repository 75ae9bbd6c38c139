/* A span is a stretch of bytes that somebody else owns.
 *
 * Everything a peer sends is handled as a span (pointer and length) and never as a C string:
 * nothing is assumed about a terminating NUL, and a NUL inside is a byte like any other. A
 * span borrows; it is valid as long as the buffer it points into.
 *
 * All functions here are pure and safe in every thread. Case-insensitive comparison is ASCII
 * only, whatever the locale. */
#ifndef PORTICO_BASE_SPAN_H
#define PORTICO_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *data; /* borrowed */
    size_t len;
};

#define SPAN(literal)  ((struct span){(literal), sizeof(literal) - 1}) /* string literals only */
#define SPAN_FMT       "%.*s"                                          /* with SPAN_ARG */
#define SPAN_ARG(span) (int)(span).len, (span).data

static inline struct span span_make(const void *data, size_t len)
{
    return (struct span){data, len};
}

static inline struct span span_str(const char *str)
{
    return (struct span){str, str ? strlen(str) : 0};
}

static inline bool span_is_empty(struct span s)
{
    return s.len == 0;
}

static inline char span_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* ASCII case-insensitive equality. */
bool span_eq_nocase(struct span a, struct span b);

bool span_has_prefix(struct span s, struct span prefix);
bool span_has_suffix(struct span s, struct span suffix);

/* Position of the first `c`, or s.len when there is none. */
size_t span_find(struct span s, char c);

static inline struct span span_from(struct span s, size_t start)
{
    size_t skipped = start < s.len ? start : s.len;
    /* Even adding 0 to a NULL pointer is undefined. */
    return (struct span){skipped ? s.data + skipped : s.data, s.len - skipped};
}

static inline struct span span_first(struct span s, size_t len)
{
    return (struct span){s.data, len < s.len ? len : s.len};
}

/* Without leading and trailing spaces and tabs (OWS, RFC 9110, 5.6.3). */
struct span span_trim(struct span s);

/* Takes the part of *rest before `separator` and moves *rest behind it. False when *rest is
 * used up; "a,,b" gives "a", "" and "b". Start with a span whose data is not NULL. */
bool span_split(struct span *rest, char separator, struct span *part);

/* Decimal digits only, at least one, no sign. False on anything else or when it exceeds
 * `max`; *value is then unchanged. */
bool span_parse_uint(struct span s, uint64_t max, uint64_t *value);

/* FNV-1a of the lower-case letters, for names that are equal in either case. It is not seeded: the
 * operator chooses what is stored by it, and peers do not. */
uint32_t span_hash(struct span s);

/* Copies into `out` as a C string. False (and an empty string) when it does not fit in
 * `size` bytes with its NUL, or contains a NUL. */
bool span_copy(struct span s, char *out, size_t size);

#endif
