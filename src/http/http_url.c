/* This module takes URLs apart (http_url.h). The authority is left to the code that reads Host;
 * here is only what clients do before they send one. All functions are pure. */
#include "http/http_url.h"

#include <stdio.h>

#include "http/http_internal.h"

static const struct {
    const char *name;
    bool is_secure, is_websocket;
} schemes[] = {
    {"http", false, false}, {"https", true, false}, {"ws", false, true}, {"wss", true, true}};
#define SCHEME_COUNT (sizeof schemes / sizeof *schemes)

/* Takes the scheme off `rest`. */
static int take_scheme(struct span *rest, struct http_url *url, struct err *err)
{
    char quoted[ERR_QUOTE];
    size_t colon = span_find(*rest, ':');
    struct span name = span_first(*rest, colon), behind = span_from(*rest, colon);
    if (!span_has_prefix(behind, SPAN("://"))) {
        err_set(err, "has no scheme; a whole URL was expected");
        return err_hint(err, "write \"https://%s\"", err_quote(*rest, quoted));
    }
    for (size_t i = 0; i < SCHEME_COUNT; i++) {
        if (!span_eq_nocase(name, span_str(schemes[i].name)))
            continue;
        url->is_secure = schemes[i].is_secure;
        url->is_websocket = schemes[i].is_websocket;
        *rest = span_from(behind, 3);
        return 0;
    }
    return err_set(err, "has the scheme \"%s\"; http, https, ws or wss was expected",
                   err_quote(name, quoted));
}

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] >= 0x80)
            return false;
    return true;
}

#define PORT_DIGITS 5u /* that http_authority_split takes */

/* Why http_authority_split refused it. */
static int bad_authority(struct span authority, struct err *err)
{
    char quoted[ERR_QUOTE];
    size_t colon = span_find(authority, ':');
    struct span behind = span_from(authority, colon + 1);
    if (authority.len == 0 || colon == 0)
        return err_set(err, "names no host; one was expected behind the \"//\"");
    if (!is_ascii(authority)) {
        err_set(err, "has a host that is not ASCII; the form that DNS knows was expected");
        return err_hint(err, "browsers send its ASCII form (punycode), which begins with xn--: "
                             "write that, here and in the configuration");
    }
    if (authority.data[0] == '[')
        return err_set(err, "has no IPv6 address between its brackets, or no port behind them; "
                            "both were expected as in \"[::1]:8080\"");
    if (span_find(behind, ':') < behind.len) {
        err_set(err, "has several colons in its host; an IPv6 address in brackets was expected");
        return err_hint(err, "write \"[%s]\"", err_quote(authority, quoted));
    }
    uint64_t port;
    if (behind.len && !span_parse_uint(behind, 65535, &port))
        return err_set(err, "has \"%s\" for a port; a number up to 65535 was expected",
                       err_quote(behind, quoted));
    if (behind.len > PORT_DIGITS)
        return err_set(err, "has \"%s\" for a port; five digits at most were expected",
                       err_quote(behind, quoted));
    return err_set(err, "has the host \"%s\"; letters, digits, \"-\", \"_\" and dots were expected",
                   err_quote(span_first(authority, colon), quoted));
}

static int take_authority(struct span authority, struct http_url *url, struct err *err)
{
    char quoted[ERR_QUOTE];
    size_t at = span_find(authority, '@');
    if (at < authority.len) {
        err_set(err, "names a user; none was expected, since clients do not send that part");
        return err_hint(err, "write \"%s\", and credentials as --header 'Authorization: Basic ...'",
                        err_quote(span_from(authority, at + 1), quoted));
    }
    if (!http_authority_split(authority, &url->host))
        return bad_authority(authority, err);
    /* Behind the host, of which the authority has more than url->host: brackets, a dot. */
    size_t colon = authority.len;
    while (colon > 0 && authority.data[colon - 1] >= '0' && authority.data[colon - 1] <= '9')
        colon--;
    uint64_t port = url->is_secure ? 443 : 80, given;
    url->authority = authority;
    if (colon > 0 && authority.data[colon - 1] == ':' &&
        authority.data + colon > url->host.data + url->host.len) {
        bool is_given = span_parse_uint(span_from(authority, colon), 65535, &given);
        if (!is_given || given == port)
            url->authority = span_first(authority, colon - 1);
        if (is_given)
            port = given;
    }
    url->port = (uint16_t)port;
    return 0;
}

int http_url_parse(struct span text, struct http_url *url, struct err *err)
{
    struct span rest = text;
    *url = (struct http_url){0};
    if (span_is_empty(text))
        return err_set(err, "is empty; one such as \"https://app.example.com/\" was expected");
    if (span_find(text, '\n') < text.len || span_find(text, '\r') < text.len)
        return err_set(err, "holds a line break; one URL was expected");
    if (take_scheme(&rest, url, err) < 0)
        return -1;
    rest = span_first(rest, span_find(rest, '#'));
    size_t end = 0;
    while (end < rest.len && rest.data[end] != '/' && rest.data[end] != '?')
        end++;
    url->target = span_from(rest, end);
    return take_authority(span_first(rest, end), url, err);
}
