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

static size_t count_of(struct span text, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == c;
    return count;
}

static bool is_numeric(struct span text)
{
    return text.len && units_digits(text) == text.len;
}

/* Position of "://", or text.len. */
static size_t find_scheme(struct span text)
{
    for (size_t i = 0; i + 3 <= text.len; i++)
        if (memcmp(text.data + i, "://", 3) == 0)
            return i;
    return text.len;
}

struct span host_without_user(struct span text)
{
    size_t at = text.len;
    while (at > 0 && text.data[at - 1] != '@')
        at--;
    return span_from(text, at);
}

/* The part of a URL that could be meant: without scheme, user and path. */
static struct span authority_of(struct span text)
{
    size_t scheme = find_scheme(text);
    if (scheme < text.len)
        text = span_from(text, scheme + 3);
    text = host_without_user(text);
    return span_first(text, span_find(text, '/'));
}

/* What a slip leaves in a host or a place, and what is to be said before anything is quoted of it:
 * the rest of another line may follow a blank. 0, or -1 with `err`. */
static int check_blanks(struct span text, struct err *err)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
            return err_hint(
                err_say(err, "holds white space or a control character; a name was expected"),
                "remove it; every name needs a value of its own");
    return 0;
}

/* A character that no host may hold. 0, or -1 with `err`. */
static int check_characters(struct span text, struct err *err)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        char lower = span_lower((char)c);
        if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || strchr("-_.", (char)c))
            continue;
        size_t len = c < 0x80 ? 1 : utf8_char(span_from(text, i));
        if (len > 1 && utf8_is_invisible(utf8_decode(span_from(text, i), len)))
            return err_hint(err_say(err, "holds an invisible character; letters, "
                                         "digits, \"-\", \"_\" and dots were expected"),
                            "it was probably pasted in: delete the text and type it again");
        const char *lookalike = text_lookalike(span_from(text, i));
        char what[TEXT_DESCRIBE];
        if (c >= 0x80 && lookalike)
            return err_hint(
                err_say(err, "holds %s; letters, digits, \"-\", \"_\" and dots were expected",
                        text_describe(span_from(text, i), what)),
                "%s", lookalike);
        if (c >= 0x80)
            return err_hint(err_say(err, "is not ASCII; the form that DNS knows was expected"),
                            "write it in its ASCII form, which begins with xn--");
        return err_set(err, "holds a \"%c\"; letters, digits, \"-\", \"_\" and dots were expected",
                       c);
    }
    return 0;
}

static int check_labels(struct span name, struct err *err)
{
    if (name.len > HOST_MAX)
        return err_set(err, "has %zu characters; at most %u were expected", name.len, HOST_MAX);
    struct span rest = name, label = name;
    while (span_split(&rest, '.', &label)) {
        if (label.len == 0)
            return err_set(err, "has an empty part; a name between any two dots was expected");
        if (label.len > 63)
            return err_set(err,
                           "has a part of %zu characters; at most 63 between two dots were "
                           "expected",
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

/* A name or an IP literal without brackets, nothing around it. */
static int name_parse(struct span text, char out[HOST_TEXT], struct err *err)
{
    if (ip_canonical(text, out))
        return 0;
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
    struct span authority = authority_of(text);
    if (span_is_empty(text))
        return err_hint(err_say(err, "is empty; a host name was expected"),
                        "write the name that browsers ask for, such as \"app.example.com\"");
    if (check_blanks(text, err) < 0)
        return -1;
    if (find_scheme(text) == text.len && span_find(text, '@') < text.len)
        return check_characters(text, err);
    if (find_scheme(text) < text.len || authority.len < text.len)
        return err_hint(err_say(err, "has a %s; a host name alone was expected",
                                find_scheme(text) < text.len ? "scheme" : "path"),
                        "write \"%s\"", err_quote(authority, quoted));
    if (span_find(text, '*') < text.len)
        return err_hint(err_say(err, "is a wildcard; a whole host name was expected"),
                        "write one route for each name");
    size_t bracket = span_find(text, ']');
    bool in_brackets = text.data[0] == '[' && bracket < text.len;
    struct span inside = in_brackets ? span_make(text.data + 1, bracket - 1) : text;
    struct span behind = in_brackets ? span_from(text, bracket + 1) : span_from(text, text.len);
    if (!in_brackets && count_of(text, ':') == 1) {
        inside = span_first(text, span_find(text, ':'));
        behind = span_from(text, inside.len);
    }
    if (behind.len)
        return err_hint(err_say(err, "has a port; a host name alone was expected"),
                        "write \"%s\": Portico answers on HTTP_PORT and HTTPS_PORT",
                        err_quote(inside, quoted));
    if ((in_brackets || span_find(inside, ':') < inside.len) && !ip_canonical(inside, out))
        return err_set(err, "is no IPv6 address; a name or an address was expected");
    return name_parse(inside, out, err);
}

/* An IPv6 address without brackets, with or without a port, or something else. */
static int several_colons(struct span text, struct err *err)
{
    char quoted[ERR_QUOTE], ip[HOST_TEXT];
    size_t last = text.len;
    while (text.data[last - 1] != ':')
        last--;
    struct span before = span_first(text, last - 1), behind = span_from(text, last);
    err_set(err, "has several colons; an IPv6 address in brackets, and a port, were expected");
    if (is_numeric(behind) && ip_canonical(before, ip))
        return err_hint(err, "write \"[%s]:%s\"", ip, err_quote(behind, quoted));
    if (ip_canonical(text, ip))
        return err_hint(err, "write \"[%s]:8080\", with the port that the service listens on", ip);
    return err_hint(err, "for example \"[::1]:8080\"");
}

/* Takes "host:port" apart. 0, or -1 with `err`. */
static int split_port(struct span text, struct span *host, struct span *port, struct err *err)
{
    char quoted[ERR_QUOTE];
    err_quote(text, quoted);
    if (text.data[0] == '[') {
        size_t bracket = span_find(text, ']');
        *host = span_make(text.data + 1, bracket - 1);
        *port = span_from(text, bracket + 2);
        if (bracket + 1 < text.len && text.data[bracket + 1] == ':')
            return 0;
        return err_hint(err_say(err, "has no port; \"[address]:port\" was expected"),
                        "write \"%s%s:8080\", with the port that the service listens on", quoted,
                        bracket == text.len ? "]" : "");
    }
    size_t colon = span_find(text, ':');
    if (count_of(text, ':') > 1)
        return several_colons(text, err);
    if (colon == text.len) {
        err_set(err, "has no port; \"host:port\" was expected");
        return err_hint(err,
                        is_numeric(text) ? "write \"127.0.0.1:%s\" for a service on this machine"
                                         : "write \"%s:8080\", with the port that the "
                                           "service listens on",
                        quoted);
    }
    *host = span_first(text, colon);
    *port = span_from(text, colon + 1);
    return 0;
}

static int upstream_scheme(struct span text, struct err *err)
{
    char quoted[ERR_QUOTE];
    struct span authority = authority_of(text);
    size_t colon = span_find(authority, ':');
    err_set(err, "has a scheme; \"host:port\" was expected");
    if (span_eq_nocase(span_first(text, 5), SPAN("https")))
        return err_hint(err,
                        "Portico speaks plain HTTP to upstreams: write \"%s:PORT\", with the port "
                        "where the service does too",
                        err_quote(span_first(authority, colon), quoted));
    return err_hint(err, "write \"%s%s\"", err_quote(authority, quoted),
                    colon < authority.len ? "" : ":80");
}

int upstream_parse(struct span text, char host[HOST_TEXT], uint16_t *port, struct err *err)
{
    char quoted[ERR_QUOTE];
    host[0] = '\0';
    *port = 0;
    if (span_is_empty(text))
        return err_hint(err_say(err, "is empty; \"host:port\" was expected"),
                        "write where the service listens, such as \"127.0.0.1:8080\"");
    if (span_find(text, '@') < text.len)
        return err_hint(
            err_say(err, "has a user or a password before an \"@\"; \"host:port\" was expected"),
            "what the upstream is to get as a password goes into the route's "
            "\"authorization\"");
    if (check_blanks(text, err) < 0)
        return -1;
    if (find_scheme(text) < text.len)
        return upstream_scheme(text, err);
    if (span_has_prefix(text, SPAN("builtin:")))
        return span_eq(text, SPAN(UPSTREAM_BUILTIN_HELLO))
                   ? 0
                   : err_hint(err_say(err, "is no page of Portico's own; \"" UPSTREAM_BUILTIN_HELLO
                                           "\" was expected"),
                              "there is only this one");
    if (span_has_prefix(text, SPAN("unix:")) || text.data[0] == '/')
        return err_set(err, "is a path; \"host:port\" was expected");
    struct span authority = authority_of(text);
    if (authority.len < text.len)
        return err_hint(err_say(err, "has a path; \"host:port\" was expected"),
                        "the request's path is passed on as it is%s%s%s",
                        authority.len ? ": write \"" : "", err_quote(authority, quoted),
                        authority.len ? "\"" : "");
    struct span name, digits;
    if (split_port(text, &name, &digits, err) < 0)
        return -1;
    uint64_t number;
    if (!span_parse_uint(digits, 65535, &number) || number == 0)
        return err_set(err, "has \"%s\" for a port; 1 to 65535 was expected",
                       err_quote(digits, quoted));
    if (span_is_empty(name))
        return err_hint(err_say(err, "has no host; \"host:port\" was expected"),
                        "write \"127.0.0.1:%u\" for a service on this machine", (unsigned)number);
    if (text.data[0] == '[' && (span_find(name, ':') == name.len || !ip_canonical(name, host)))
        return err_set(err, "has no IPv6 address between its brackets; one was expected");
    *port = (uint16_t)number;
    return name_parse(name, host, err);
}

int listen_parse(struct span text, char out[HOST_TEXT], struct err *err)
{
    if (ip_canonical(text, out))
        return 0;
    err_set(err, "is no IP address; an address such as \"0.0.0.0\" or \"::1\" was expected");
    size_t bracket = span_find(text, ']');
    if (text.len && text.data[0] == '[' && bracket < text.len &&
        ip_canonical(span_make(text.data + 1, bracket - 1), out))
        return err_hint(err,
                        bracket + 1 == text.len
                            ? "write \"%s\", without brackets"
                            : "write \"%s\": the ports come from HTTP_PORT and HTTPS_PORT",
                        out);
    if (ip_canonical(span_first(text, span_find(text, ':')), out))
        return err_hint(err, "write \"%s\": the ports come from HTTP_PORT and HTTPS_PORT", out);
    if (span_eq(text, SPAN("*")) || span_is_empty(text))
        return err_hint(err, "to listen everywhere, leave \"listen\" out");
    if (span_eq_nocase(text, SPAN("localhost")))
        return err_hint(err, "write \"127.0.0.1\" or \"::1\"");
    return -1;
}

/* Clears the bits behind the prefix; true if any was set. */
static bool clear_host_bits(unsigned char *bytes, size_t len, uint64_t prefix)
{
    bool was_set = false;
    for (size_t i = 0; i < len; i++) {
        size_t first = i * 8;
        unsigned keep = prefix >= first + 8 ? 8 : prefix <= first ? 0 : (unsigned)(prefix - first);
        unsigned char mask = (unsigned char)(0xff00u >> keep);
        was_set = was_set || (bytes[i] & (unsigned char)~mask);
        bytes[i] &= mask;
    }
    return was_set;
}

int network_check(struct span text, struct err *err)
{
    size_t slash = span_find(text, '/');
    char ip[HOST_TEXT];
    unsigned char bytes[16];
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
    if (!clear_host_bits(bytes, len, prefix))
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
    if (is_plain && at > 0 && at + 1 < text.len && count_of(text, '@') == 1)
        return 0;
    return err_set(err, "is no mail address; one such as \"you@example.com\" was expected");
}
