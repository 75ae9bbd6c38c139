/* This module reads authorities, "host[:port]", as Host and absolute-form targets have them
 * (RFC 9110, 7.2; RFC 3986, 3.2; rows H04 and H06 of the table in src/README.md).
 *
 * Stricter than the grammar of URIs: a host that no configuration can name (percent-encoded,
 * with sub-delimiters, IPvFuture, a zone) is malformed rather than unknown. Pure; any thread. */
#include "http/http_char.h"
#include "http/http_internal.h"

/* Four numbers up to 255. */
static bool is_ipv4(struct span s)
{
    unsigned numbers = 0;
    uint64_t value;
    struct span part;
    while (span_split(&s, '.', &part)) {
        if (part.len > 3 || !span_parse_uint(part, 255, &value))
            return false;
        numbers++;
    }
    return numbers == 4;
}

/* Eight groups of up to four hexadecimal digits, of which "::" stands for one or more, once;
 * the last two may be written as an IPv4 address (RFC 4291, 2.2). */
static bool is_ipv6(struct span s)
{
    unsigned groups = 0;
    bool elided = span_has_prefix(s, SPAN("::"));
    if (elided)
        s = span_from(s, 2);
    while (s.len) {
        const size_t digits = http_char_run(s, HTTP_CHAR_HEX);
        if (digits < s.len && s.data[digits] == '.') {
            if (!is_ipv4(s))
                return false;
            groups += 2;
            break;
        }
        if (digits == 0 || digits > 4)
            return false;
        groups++;
        s = span_from(s, digits);
        if (s.len == 0)
            break;
        if (s.data[0] != ':' || s.len == 1)
            return false;
        s = span_from(s, 1);
        if (s.data[0] == ':') {
            if (elided)
                return false;
            elided = true;
            s = span_from(s, 1);
        }
    }
    return elided ? groups < 8 : groups == 8;
}

/* ":" and up to five digits, or none of them; or nothing at all. */
static bool is_port(struct span s)
{
    uint64_t port;
    if (s.len == 0)
        return true;
    if (s.data[0] != ':' || s.len > 6)
        return false;
    return s.len == 1 || span_parse_uint(span_from(s, 1), 65535, &port);
}

bool http_authority_split(struct span authority, struct span *host)
{
    struct span name;
    if (authority.len && authority.data[0] == '[') {
        size_t close = span_find(authority, ']');
        name = span_from(span_first(authority, close), 1);
        if (close == authority.len || !is_ipv6(name) || !is_port(span_from(authority, close + 1)))
            return false;
    } else {
        name = span_first(authority, http_char_run(authority, HTTP_CHAR_HOST));
        if (!is_port(span_from(authority, name.len)))
            return false;
        if (name.len && name.data[name.len - 1] == '.')
            name.len--;
        /* A second one would be an empty label, and route_find's to take off. */
        if (name.len == 0 || name.data[name.len - 1] == '.')
            return false;
    }
    *host = name;
    return true;
}
