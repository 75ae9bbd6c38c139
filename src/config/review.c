/* This file finds hosts that occur twice, that no client can ask for, or that no public CA knows.
 * Pure, but for the problems that it reports.
 *
 * Most hosts that cannot work are refused by names.c: wildcards, ports, paths, a host that has a
 * route already. What is left is well-formed, and may even work for somebody; hence warnings. */
#include "config/review.h"

#include "config/names.h"

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
    static const unsigned char unspecified[16];
    unsigned char ip[16];
    size_t len = ip_bytes(span_str(host), ip);
    if (len == 4 ? ip[0] == 0 : len && memcmp(ip, unspecified, len) == 0)
        return "is no address that anybody can connect to";
    if (len == 4 ? ip[0] >= 0xe0 : len && ip[0] == 0xff) /* multicast, and what is reserved */
        return "is no address of a single machine";
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

void review_route(const struct config_route *route, const struct value *host,
                  struct setting_context *context)
{
    const char *why = unreachable(route->host);
    char quoted[ERR_QUOTE], name[FORMAT_PHRASE];
    setting_quote_written(host, route->host, quoted);
    if (why) {
        struct err *err = problems_add(
            context->problems, PROBLEM_NEVER_MATCHES, context->file, host->line, host->column,
            "host \"%s\" %s, so this route never matches; a host that clients can ask for was "
            "expected",
            quoted, why);
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
        quoted, why);
    err_hint(err, "%s",
             format_say(context->format->words.add, "cert_type", "\"self_signed\"", name));
}

/* What follows is about the host of the route of that index, until problems_leave(..., 0). */
static const struct value *enter_host(const struct config *config, size_t index,
                                      struct problems *problems)
{
    problems_enter(problems, SPAN("routes"));
    problems_enter_item(problems, index);
    problems_enter(problems, SPAN("host"));
    return config_route_value(config, index, SPAN("host"));
}

void review_routes(const struct config *config, struct setting_context *context)
{
    for (size_t i = 0; i < config->route_count; i++) {
        review_route(&config->routes[i], enter_host(config, i, context->problems), context);
        problems_leave(context->problems, 0);
    }
}

void review_duplicates(struct config *config, struct setting_context *context)
{
    char quoted[ERR_QUOTE], where[48];
    /* Routes of a section that is called otherwise have no place that could be told. */
    const struct value_entry *routes = value_table_find(config->tree->root, SPAN("routes"));
    bool is_list = routes && routes->value.type == VALUE_ARRAY;
    const struct value_entry *entry = is_list ? routes->value.table->first : NULL;
    for (size_t i = 0; entry; i++, entry = entry->next) {
        struct config_route *route = &config->routes[i];
        if (route->host == NULL)
            continue;
        route->written = entry->value.table;
        const struct value *host = enter_host(config, i, context->problems);
        const struct config_route *first = route_find(config->table, span_str(route->host));
        route->line = host->line;
        if (first != route) {
            snprintf(where, sizeof where, first->line ? "on line %zu" : "at /routes/%zu",
                     first->line ? (size_t)first->line : (size_t)(first - config->routes));
            err_hint(problems_add(context->problems, PROBLEM_DUPLICATE_HOST, context->file,
                                  host->line, host->column,
                                  "\"%s\" has a route already, %s; each host was expected once",
                                  setting_quote_written(host, route->host, quoted), where),
                     "remove one of the two");
        }
        problems_leave(context->problems, 0);
    }
}
