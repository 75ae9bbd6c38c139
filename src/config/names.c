/* This file checks the names in a configuration, see names.h. Pure; each function checks for the
 * likely slips first, by name, and only then for the grammar. */
#include "config/names.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/utf8.h"
#include "config/units.h"
#include "format/problems.h"
#include "format/text.h"

size_t ip_bytes(struct span text, unsigned char out[16])
{
    char copy[INET6_ADDRSTRLEN];
    if (!span_copy(text, copy, sizeof copy))
        return 0;
    if (inet_pton(AF_INET, copy, out) == 1)
        return 4;
    return inet_pton(AF_INET6, copy, out) == 1 ? 16 : 0;
}

bool ip_canonical(struct span text, char out[HOST_TEXT])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned char bytes[16];
    size_t len = ip_bytes(text, bytes);
    if (len == 16 && memcmp(bytes, mapped, sizeof mapped) == 0)
        return inet_ntop(AF_INET, bytes + sizeof mapped, out, HOST_TEXT) != NULL;
    return len && inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, out, HOST_TEXT) != NULL;
}

static bool is_numeric(struct span text)
{
    return text.len && units_digits(text) == text.len;
}

struct span host_without_user(struct span text)
{
    size_t at = text.len;
    while (at > 0 && text.data[at - 1] != '@')
        at--;
    return span_from(text, at);
}

/* "host", "host:port", "[address]", "[address]:port", or an IPv6 address alone. */
struct place_text {
    struct span host, port;
    bool has_brackets, has_port;
};

static struct place_text split(struct span text)
{
    struct place_text place = {.host = text, .has_brackets = span_has_prefix(text, SPAN("["))};
    size_t end = span_find(text, place.has_brackets ? ']' : ':');
    size_t behind = end + place.has_brackets;
    if (end == text.len ||
        (!place.has_brackets && span_find(span_from(text, end + 1), ':') + end + 1 < text.len))
        return place;
    place.host = span_from(span_first(text, end), place.has_brackets);
    place.has_port = behind < text.len;
    place.port = span_from(text, behind);
    place.port = span_from(place.port, span_has_prefix(place.port, SPAN(":")) ? 1 : text.len);
    return place;
}

/* Looks for what people write around a host or a place. "USER:PASSWORD@" comes first, before
 * anything is quoted; then white space, behind which the rest of another line may follow. *inside
 * is what is left without scheme and path. 0, or -1 with `err`. */
static int check_around(struct span text, const char *expected, struct span *inside,
                        struct err *err)
{
    *inside = text;
    if (text.len == 0)
        return err_set(err, "is empty; %s was expected", expected);
    const char *scheme = memmem(text.data, text.len, "://", 3);
    if (scheme)
        *inside = span_from(text, (size_t)(scheme + 3 - text.data));
    *inside = span_first(*inside, span_find(*inside, '/'));
    if (span_find(text, '@') < text.len)
        return err_hint(
            err_say(err, "has a user or a password before an \"@\"; %s was expected", expected),
            "what the upstream is to get as a password goes into the route's "
            "\"authorization\"");
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
            return err_hint(
                err_say(err, "holds white space or a control character; %s was expected", expected),
                "remove it; every name needs a value of its own");
    if (inside->len == text.len)
        return 0;
    return err_set(err, "has a %s; %s was expected", scheme ? "scheme" : "path", expected);
}

#define NAME_EXPECTED "letters, digits, \"-\", \"_\" and dots were expected"

/* A character that no host may hold. 0, or -1 with `err`. */
static int check_characters(struct span text, struct err *err)
{
    char what[TEXT_DESCRIBE];
    size_t i = 0;
    while (i < text.len && (text_is_word(text.data[i]) || text.data[i] == '.'))
        i++;
    struct span rest = span_from(text, i);
    if (rest.len == 0)
        return 0;
    size_t len = utf8_char(rest);
    if (len > 1 && utf8_is_invisible(utf8_decode(rest, len)))
        return err_hint(err_say(err, "holds an invisible character; " NAME_EXPECTED),
                        "it was probably pasted in: delete the text and type it again");
    err_set(err, "holds %s; " NAME_EXPECTED, text_describe(rest, what));
    if (len < 2)
        return -1;
    const char *lookalike = text_lookalike(rest);
    return err_hint(err, "%s",
                    lookalike
                        ? lookalike
                        : "write it in the ASCII form that DNS knows, which begins with xn--");
}

static int check_labels(struct span name, struct err *err)
{
    if (name.len > HOST_MAX)
        return err_set(err, "has %zu characters; at most %u were expected", name.len, HOST_MAX);
    struct span rest = name, label = name;
    while (span_split(&rest, '.', &label)) {
        if (label.len == 0 || label.len > 63)
            return err_set(err,
                           "has a part of %zu characters; 1 to 63 between two dots were expected",
                           label.len);
        if (label.data[0] == '-' || label.data[label.len - 1] == '-')
            return err_set(err, "has a part that begins or ends with \"-\"; a letter or a digit "
                                "was expected there");
    }
    if (is_numeric(label))
        return err_set(err, "is no IPv4 address, though it ends like one; a name or four numbers "
                            "from 0 to 255 were expected");
    return 0;
}

/* A name or an IP literal without brackets, nothing around it. `is_ipv6`: nothing but an IPv6
 * address is possible. */
static int name_parse(struct span text, bool is_ipv6, char out[HOST_TEXT], struct err *err)
{
    if (ip_canonical(text, out) && (!is_ipv6 || span_find(text, ':') < text.len))
        return 0;
    if (is_ipv6)
        return err_set(err, "is no IPv6 address; a name or an address was expected");
    if (check_characters(text, err) < 0)
        return -1;
    if (text.len > 1 && span_has_suffix(text, SPAN(".")))
        text.len--;
    if (check_labels(text, err) < 0)
        return -1;
    for (size_t i = 0; i < text.len; i++)
        out[i] = span_lower(text.data[i]);
    out[text.len] = '\0';
    return 0;
}

int host_parse(struct span text, char out[HOST_TEXT], struct err *err)
{
    char quoted[ERR_QUOTE];
    struct span inside;
    if (check_around(text, "a host name alone", &inside, err) < 0)
        return err->hint[0] ? -1
                            : err_hint(err, "write \"%s\"",
                                       inside.len ? err_quote(inside, quoted) : "app.example.com");
    if (span_find(text, '*') < text.len)
        return err_hint(err_say(err, "is a wildcard; a whole host name was expected"),
                        "write one route for each name");
    struct place_text place = split(text);
    if (place.has_port)
        return err_hint(err_say(err, "has a port; a host name alone was expected"),
                        "write \"%s\": Portico answers on HTTP_PORT and HTTPS_PORT",
                        err_quote(place.host, quoted));
    return name_parse(place.host, place.has_brackets || span_find(place.host, ':') < place.host.len,
                      out, err);
}

/* A hint with the place as it was probably meant. -1. */
static int upstream_hint(struct span inside, bool is_https, struct err *err)
{
    char quoted[ERR_QUOTE];
    struct place_text place = split(inside);
    if (is_numeric(inside))
        return err_hint(err, "write \"127.0.0.1:%s\" for a service on this machine",
                        err_quote(inside, quoted));
    if (place.has_port && !is_https)
        return err_hint(err, "write \"%s\"", err_quote(inside, quoted));
    if (inside.len == 0)
        return err_hint(err, "for example \"127.0.0.1:8080\"");
    if (!place.has_brackets && span_find(place.host, ':') < place.host.len)
        return err_hint(err, "an IPv6 address stands in brackets: \"[::1]:8080\"");
    return err_hint(err,
                    "write \"%s%s%s:PORT\", with the port on which the service speaks plain HTTP",
                    place.has_brackets ? "[" : "", err_quote(place.host, quoted),
                    place.has_brackets ? "]" : "");
}

int upstream_parse(struct span text, char host[HOST_TEXT], uint16_t *port, struct err *err)
{
    char quoted[ERR_QUOTE];
    struct span inside;
    uint64_t number;
    host[0] = '\0';
    *port = 0;
    if (span_eq(text, SPAN(UPSTREAM_BUILTIN_HELLO)))
        return 0;
    if (span_has_prefix(text, SPAN("unix:")) || span_has_prefix(text, SPAN("/")))
        return err_set(err, "is a path; \"host:port\" was expected");
    if (check_around(text, "\"host:port\"", &inside, err) < 0)
        return err->hint[0] ? -1
                            : upstream_hint(
                                  inside, span_eq_nocase(span_first(text, 6), SPAN("https:")), err);
    if (span_has_prefix(text, SPAN("builtin:")))
        return err_set(err,
                       "is no page of Portico's own; \"" UPSTREAM_BUILTIN_HELLO "\" was expected");
    struct place_text place = split(text);
    if (!place.has_port) {
        err_set(err, "has no port; \"host:port\" was expected");
        return upstream_hint(text, false, err);
    }
    if (!span_parse_uint(place.port, 65535, &number) || number == 0)
        return err_set(err, "has \"%s\" for a port; 1 to 65535 was expected",
                       err_quote(place.port, quoted));
    if (place.host.len == 0) {
        err_set(err, "has no host; \"host:port\" was expected");
        return upstream_hint(place.port, false, err);
    }
    *port = (uint16_t)number;
    return name_parse(place.host, place.has_brackets, host, err);
}

int listen_parse(struct span text, char out[HOST_TEXT], struct err *err)
{
    if (ip_canonical(text, out))
        return 0;
    err_set(err, "is no IP address; an address such as \"0.0.0.0\" or \"::1\" was expected");
    if (ip_canonical(split(text).host, out))
        return err_hint(err, "write \"%s\" alone: the ports come from HTTP_PORT and HTTPS_PORT",
                        out);
    return err_hint(err, "to listen everywhere, leave \"listen\" out; for this machine alone, "
                         "write \"127.0.0.1\" and \"::1\"");
}

int network_check(struct span text, struct err *err)
{
    size_t slash = span_find(text, '/');
    char ip[HOST_TEXT];
    unsigned char bytes[16];
    bool has_more = false;
    if (!ip_canonical(span_first(text, slash), ip))
        return err_hint(
            err_say(err, "is no network; an address, or one with a prefix length, was expected"),
            "for example \"192.168.0.0/16\", \"fd00::/8\" or \"127.0.0.1\"");
    if (slash == text.len)
        return 0;
    size_t len = ip_bytes(span_str(ip), bytes);
    uint64_t prefix;
    if (!span_parse_uint(span_from(text, slash + 1), len * 8, &prefix))
        return err_set(err,
                       "has no valid prefix length; a number from 0 to %zu was expected "
                       "behind the \"/\"",
                       len * 8);
    for (size_t bit = prefix; bit < len * 8; bit++) { /* those behind the prefix */
        unsigned char mask = (unsigned char)(0x80 >> bit % 8);
        has_more = has_more || (bytes[bit / 8] & mask);
        bytes[bit / 8] &= (unsigned char)~mask;
    }
    if (!has_more)
        return 0;
    inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, ip, sizeof ip);
    return err_hint(
        err_say(err, "has bits set behind its prefix; the network's first address was expected"),
        "write \"%s/%u\"", ip, (unsigned)prefix);
}

int field_check(struct span text, struct err *err)
{
    if (text.len == 0)
        return err_hint(err_say(err, "is empty; the value of a field was expected"),
                        "leave it out to pass on what the client sends");
    if (text.len > FIELD_VALUE_MAX)
        return err_set(err, "has %zu bytes; at most %u were expected", text.len, FIELD_VALUE_MAX);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < ' ' || (unsigned char)text.data[i] >= 0x7f)
            return err_set(err, "holds a control character, or one that is not ASCII; visible "
                                "ASCII characters and spaces were expected");
    if (text.data[0] == ' ' || text.data[text.len - 1] == ' ')
        return err_hint(
            err_say(err, "begins or ends with a space; another character was expected there"),
            "remove it: a field's value has none around it");
    return 0;
}

int email_check(struct span text, struct err *err)
{
    size_t at = span_find(text, '@');
    bool is_plain = true;
    for (size_t i = 0; i < text.len; i++)
        is_plain = is_plain && (unsigned char)text.data[i] > ' ' && text.data[i] != 0x7f;
    if (is_plain && at > 0 && at + 1 < text.len &&
        span_find(span_from(text, at + 1), '@') + at + 1 == text.len)
        return 0;
    return err_set(err, "is no mail address; one such as \"you@example.com\" was expected");
}
