/* This file finds hosts that occur twice, that no client can ask for, or that no public CA knows.
 * Pure, but for the problems that it reports.
 *
 * Most hosts that cannot work are refused by names.c: wildcards, ports, paths, a host that has a
 * route already. What is left is well-formed, and may even work for somebody; hence warnings. */
#include "config/review.h"

#include "config/names.h"
#include "config/setting.h"

/* Browsers take a name whose last part is a number in hexadecimal for an IPv4 address, and ask
 * for that (WHATWG URL, "ends in a number"). */
static bool ends_in_number(const char *host)
{
    const char *dot = strrchr(host, '.'), *label = dot ? dot + 1 : host;
    return strncmp(label, "0x", 2) == 0 && label[2 + strspn(label + 2, "0123456789abcdef")] == '\0';
}

/* Why no client can ask for the host, or NULL. */
static const char *unreachable(const char *host)
{
    static const unsigned char unspecified[16];
    unsigned char ip[16];
    size_t len = ip_bytes(span_str(host), ip);
    if (len == 4 ? ip[0] == 0 : len && memcmp(ip, unspecified, len) == 0)
        return "is no address that anybody can connect to";
    if (len == 4 ? ip[0] >= 0xe0 : len && ip[0] == 0xff) /* multicast, and what is reserved */
        return "is no address of a single machine";
    if (ends_in_number(host))
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
    unsigned char ip[16];
    if (ip_bytes(span_str(host), ip))
        return "is an IP address";
    if (strchr(host, '.') == NULL)
        return "is a name without a domain";
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (span_has_suffix(span_str(host), span_str(suffixes[i])) ||
            strcmp(host, suffixes[i] + 1) == 0)
            return "is a name that is not in the public DNS";
    return NULL;
}

const char *review_host(const char *host, enum cert_type cert_type, enum problem_code *code)
{
    const char *why = unreachable(host);
    *code = why ? PROBLEM_NEVER_MATCHES : PROBLEM_NO_PUBLIC_CERT;
    return why || cert_type != CERT_ACME ? why : private(host);
}

void review_routes(const struct config *config, struct problems *problems)
{
    char quoted[ERR_QUOTE], hint[FORMAT_PHRASE];
    enum problem_code code;
    format_say(config->format->words.add, "cert_type", "\"self_signed\"", hint);
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        const char *why = review_host(route->host, route->cert_type, &code);
        bool is_unreachable = code == PROBLEM_NEVER_MATCHES;
        if (why == NULL)
            continue;
        setting_quote_written(config_route_value(config, i, SPAN("host")), route->host, quoted);
        err_hint(config_route_problem(
                     config, i, SPAN("host"), problems, code, "host \"%s\" %s, %s was expected",
                     quoted, why,
                     is_unreachable
                         ? "so this route never matches; a host that clients can ask for"
                         : "for which no public CA gives a certificate; another cert_type than "
                           "\"acme\", the default,"),
                 "%s",
                 is_unreachable ? "write the name or the address as it stands in the address bar"
                                : hint);
    }
}

void review_duplicates(struct config *config, struct problems *problems)
{
    char quoted[ERR_QUOTE], where[48];
    /* A single table in place of the list is a problem already. */
    const struct value_entry *routes = value_table_find(config->tree->root, SPAN("routes"));
    bool is_list = routes && routes->value.type == VALUE_ARRAY;
    const struct value_entry *entry = is_list ? routes->value.table->first : NULL;
    for (size_t i = 0; entry; i++, entry = entry->next) {
        struct config_route *route = &config->routes[i];
        if (route->host == NULL)
            continue;
        route->written = entry->value.table;
        const struct value *host = config_route_value(config, i, SPAN("host"));
        const struct config_route *first = route_find(config->table, span_str(route->host));
        route->line = host->line;
        if (first == route)
            continue;
        snprintf(where, sizeof where, first->line ? "on line %zu" : "at /routes/%zu",
                 first->line ? (size_t)first->line : (size_t)(first - config->routes));
        err_hint(config_route_problem(config, i, SPAN("host"), problems, PROBLEM_DUPLICATE_HOST,
                                      "\"%s\" has a route already, %s; each host was expected once",
                                      setting_quote_written(host, route->host, quoted), where),
                 "remove one of the two");
    }
}
