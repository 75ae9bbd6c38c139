/* Reviewing routes: see review.h. Pure, but for the problems that it reports.
 *
 * Most hosts that cannot work are refused by names.c: wildcards, ports, paths, a host that has a
 * route already. What is left is well-formed, and may even work for somebody; hence warnings. */
#include "config/review.h"

#include <arpa/inet.h>

#include "config/setting_report.h"

static bool is_v4(const char *host, struct in_addr *v4)
{
    return inet_pton(AF_INET, host, v4) == 1;
}

static bool is_v6(const char *host, struct in6_addr *v6)
{
    return inet_pton(AF_INET6, host, v6) == 1;
}

/* The last part of a name. */
static struct span last_label(struct span name)
{
    size_t begin = name.len;
    while (begin > 0 && name.data[begin - 1] != '.')
        begin--;
    return span_from(name, begin);
}

/* Browsers take a name whose last part is a number in hexadecimal for an IPv4 address, and ask
 * for that (WHATWG URL, "ends in a number"). */
static bool is_hexadecimal(struct span label)
{
    if (!span_has_prefix(label, SPAN("0x")))
        return false;
    for (size_t i = 2; i < label.len; i++)
        if (strchr("0123456789abcdef", label.data[i]) == NULL)
            return false;
    return true;
}

/* Why no client can ask for the host, or NULL. */
static const char *unreachable(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (is_v4(host, &v4)) {
        uint32_t address = ntohl(v4.s_addr);
        if (address >> 24 == 0)
            return "is no address that anybody can connect to";
        return address >= 0xe0000000u ? "is no address of a single machine" : NULL;
    }
    if (is_v6(host, &v6)) {
        if (IN6_IS_ADDR_UNSPECIFIED(&v6))
            return "is no address that anybody can connect to";
        return IN6_IS_ADDR_MULTICAST(&v6) ? "is no address of a single machine" : NULL;
    }
    if (is_hexadecimal(last_label(span_str(host))))
        return "ends in a number, which browsers take for an IPv4 address";
    return NULL;
}

/* Why no public CA vouches for the host, or NULL: they do for names in the public DNS (CA/Browser
 * Forum, Baseline Requirements, 4.2.2), to which these names never belong (RFC 6761, 6762, 8375,
 * 9476, and what is used at home). */
static const char *private(const char *host)
{
    static const char *const suffixes[] = {".local",   ".localhost", ".test",      ".invalid",
                                           ".example", ".internal",  ".home.arpa", ".lan",
                                           ".home",    ".alt"};
    struct in_addr v4;
    struct in6_addr v6;
    if (is_v4(host, &v4) || is_v6(host, &v6))
        return "is an IP address";
    if (strchr(host, '.') == NULL)
        return "is a name without a domain";
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (span_has_suffix(span_str(host), span_str(suffixes[i])) ||
            strcmp(host, suffixes[i] + 1) == 0)
            return "is a name that is not in the public DNS";
    return NULL;
}

void review_route(const struct config_route *route, const struct value *host,
                  struct setting_context *context)
{
    const char *why = unreachable(route->host);
    char quoted[ERR_QUOTE];
    if (why) {
        struct err *err = problems_add(
            context->problems, PROBLEM_NEVER_MATCHES, context->file, host->line, host->column,
            "host \"%s\" %s, so this route never matches; a host that clients can ask for was "
            "expected",
            setting_report_quote(host, route->host, quoted), why);
        err_hint(err, "write the name or the address as it stands in the address bar");
        return;
    }
    why = route->cert_type == CERT_ACME ? private(route->host) : NULL;
    if (why == NULL)
        return;
    struct err *err = problems_add(
        context->problems, PROBLEM_NO_PUBLIC_CERT, context->file, host->line, host->column,
        "host \"%s\" %s, for which no public CA gives a certificate; another "
        "cert_type than \"acme\", the default, was expected",
        setting_report_quote(host, route->host, quoted), why);
    char name[FORMAT_PHRASE];
    err_hint(err, "%s",
             format_say(context->format->words.add, "cert_type", "\"self_signed\"", name));
}
