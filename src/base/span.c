/* This module compares, splits and copies spans (span.h). */
#include "base/span.h"

bool span_eq_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (span_lower(a.data[i]) != span_lower(b.data[i]))
            return false;
    return true;
}

bool span_has_prefix(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_eq(span_first(s, prefix.len), prefix);
}

bool span_has_suffix(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_eq(span_from(s, s.len - suffix.len), suffix);
}

size_t span_find(struct span s, char c)
{
    const char *found = s.len ? memchr(s.data, c, s.len) : NULL;
    return found ? (size_t)(found - s.data) : s.len;
}

struct span span_trim(struct span s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool span_split(struct span *rest, char separator, struct span *part)
{
    if (rest->data == NULL)
        return false;
    size_t at = span_find(*rest, separator);
    *part = span_first(*rest, at);
    *rest = at == rest->len ? (struct span){NULL, 0} : span_from(*rest, at + 1);
    return true;
}

bool span_parse_uint(struct span s, uint64_t max, uint64_t *value)
{
    uint64_t result = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.data[i] - '0');
        if (digit > max || result > (max - digit) / 10)
            return false;
        result = result * 10 + digit;
    }
    *value = result;
    return true;
}

uint32_t span_hash(struct span s)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)span_lower(s.data[i])) * 16777619u;
    return hash;
}

bool span_copy(struct span s, char *out, size_t size)
{
    if (s.len >= size || (s.len && memchr(s.data, '\0', s.len))) {
        if (size)
            out[0] = '\0';
        return false;
    }
    if (s.len)
        memcpy(out, s.data, s.len);
    out[s.len] = '\0';
    return true;
}
