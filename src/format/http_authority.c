/* Authorities: "host[:port]", as Host and absolute-form targets have them (RFC 9110, 7.2;
 * RFC 3986, 3.2; rows H04 and H06 of the table in src/README.md).
 *
 * Stricter than the grammar of URIs: a host that no configuration can name (percent-encoded,
 * with sub-delimiters, IPvFuture, a zone) is malformed rather than unknown. Pure; any thread. */
#include <arpa/inet.h> /* inet_pton, which is pure: text to bytes */

#include "format/http_char.h"
#include "format/http_internal.h"

static bool is_ipv6(struct span s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    return span_copy(s, text, sizeof(text)) && inet_pton(AF_INET6, text, &address) == 1;
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
        if (name.len == 0)
            return false;
    }
    *host = name;
    return true;
}
