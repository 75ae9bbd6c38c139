/* Printing explanations: see explanation.h. For people: a line for each thing that happens, in
 * its order, until the request is refused or on its way. For scripts: one JSON object that always
 * has the same members, null where nothing is to be said. */
#include "cli/explanation.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "config/duration.h"
#include "config/schema.h"
#include "format/json_print.h"

#define INDENT 13 /* of what stands behind the words at the left */
#define WIDTH  96

#define DATE_TEXT 24u
static const char *date_text(time_t time, char out[DATE_TEXT])
{
    struct tm tm;
    if (gmtime_r(&time, &tm) == NULL || strftime(out, DATE_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        out[0] = '\0';
    return out;
}

static bool is_expired(const struct explanation *e)
{
    return e->certificate_error == 0 && e->certificate.end <= (time_t)(clock_wall() / CLOCK_SECOND);
}

static const char *outcome(const struct explanation *e)
{
    if (e->reason != REASON_NONE)
        return "refused";
    switch (e->decision.verdict) {
    case VERDICT_REDIRECT:
        return "redirected";
    case VERDICT_HELLO:
        return "answered";
    default:
        return "forwarded";
    }
}

/* ---- For people ---- */

static void say(FILE *out, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(FILE *out, const char *label, const char *format, ...)
{
    va_list args;
    fprintf(out, "%-*s", INDENT, label);
    va_start(args, format);
    vfprintf(out, format, args);
    va_end(args);
    fputc('\n', out);
}

static void print_question(const struct explanation *e, FILE *out)
{
    char method[ERR_QUOTE], url[ERR_QUOTE], ip[ADDRESS_TEXT], text[EXPLANATION_NOTE];
    const char *note = explanation_note(e, text);
    say(out, "request", "%s %s from %s", err_quote(span_str(e->method), method),
        err_quote(span_str(e->url_text), url), address_format_ip(&e->client, ip));
    if (note)
        say(out, "", "%s", note);
}

static void print_certificate(const struct explanation *e, FILE *out)
{
    char date[DATE_TEXT];
    if (!e->url.is_secure) {
        say(out, "certificate", "none is needed for plain HTTP");
        return;
    }
    if (e->tls_route == NULL) {
        say(out, "certificate", "none: the handshake ends with an alert");
        return;
    }
    say(out, "certificate", "of %s, cert_type \"%s\"%s", e->tls_route->host,
        schema_cert_types[e->tls_route->cert_type],
        e->tls_route->cert_type == CERT_ACME ? ": for now, as self_signed" : "");
    if (e->certificate_error == ENOENT)
        say(out, "", "%s does not exist yet; Portico makes it when it starts", e->certificate.path);
    else if (e->certificate_error)
        say(out, "", "%s%s", e->certificate_err.message,
            e->certificate_error == EINVAL && e->reason != REASON_HANDSHAKE_CERTIFICATE
                ? ", and will be made anew"
                : "");
    else
        say(out, "", "%s, %s %s", e->certificate.path, is_expired(e) ? "expired" : "valid until",
            date_text(e->certificate.end, date));
}

static void print_route(const struct explanation *e, FILE *out)
{
    char place[EXPLANATION_PLACE];
    const struct config_route *route = e->decision.route;
    if (route)
        say(out, "route", "%s, to %s (%s)", route->host, route->upstream,
            explanation_place(e->config, route, place));
    else
        say(out, "route", "none");
}

static void print_access(const struct explanation *e, FILE *out)
{
    char ip[ADDRESS_TEXT];
    say(out, "access", "open to everyone");
    say(out, "",
        e->source.client.trusted
            ? "%s is a trusted proxy: what its X-Forwarded fields say is kept and added to"
            : "%s is no trusted proxy: X-Forwarded fields that it sends are dropped",
        address_format_ip(&e->client, ip));
}

static void print_redirect(const struct explanation *e, FILE *out)
{
    if (e->decision.verdict == VERDICT_REDIRECT)
        say(out, "redirect", "%d to " SPAN_FMT, e->status, SPAN_ARG(e->location));
    else if (e->source.client.secure)
        say(out, "redirect", "none: it is HTTPS already");
    else if (e->decision.route->cert_type == CERT_NONE)
        say(out, "redirect", "none: cert_type is \"none\"");
    else
        say(out, "redirect", "none: the trusted proxy says that it is HTTPS already");
}

static void print_upstream(const struct explanation *e, FILE *out)
{
    char text[ADDRESS_TEXT];
    const struct config_route *route = e->decision.route;
    if (e->decision.verdict == VERDICT_HELLO) {
        say(out, "upstream", "none: %s is a page of Portico's own", route->upstream);
        return;
    }
    if (e->address_count == 0) {
        say(out, "upstream", "%s does not resolve: %s", route->upstream_host, e->why);
        say(out, "", "as long as that is so, the answer is %d %s",
            reason_status(REASON_UPSTREAM_NAME), reason_code(REASON_UPSTREAM_NAME));
    }
    for (size_t i = 0; i < e->address_count; i++)
        say(out, i ? "" : "upstream", "%s%s", address_format(&e->addresses[i], text),
            i ? ", if those before fail" : "");
}

static void print_head(const struct explanation *e, FILE *out)
{
    struct span rest = buf_span(&e->forwarded), line;
    const char *label = "head";
    while (rest.len && span_split(&rest, '\n', &line)) {
        if (span_has_suffix(line, SPAN("\r")))
            line.len--;
        if (line.len)
            say(out, label, SPAN_FMT, SPAN_ARG(line));
        label = "";
    }
}

static void print_timeouts(const struct explanation *e, FILE *out)
{
    char duration[32], item[64];
    size_t column = INDENT;
    fprintf(out, "%-*s", INDENT, "timeouts");
    for (size_t i = 0, said = 0; i < schema_setting_count; i++) {
        const struct setting *setting = &schema_settings[i];
        if (strcmp(setting->section, "timeouts") != 0)
            continue;
        int64_t value = *(const int64_t *)((const char *)e->config + setting->offset);
        size_t len = (size_t)snprintf(item, sizeof item, "%s %s", setting->name,
                                      duration_format(value, duration));
        if (said++)
            fputs(",", out);
        if (column + len + 2 > WIDTH) {
            fprintf(out, "\n%*s", INDENT, "");
            column = INDENT;
        } else if (said > 1) {
            fputc(' ', out);
        }
        fputs(item, out);
        column += len + 2;
    }
    fputc('\n', out);
}

static void print_result(const struct explanation *e, FILE *out)
{
    if (e->reason == REASON_NONE) {
        say(out, "result", "%s", outcome(e));
        return;
    }
    if (e->status)
        say(out, "result", "refused with %d %s", e->status, reason_code(e->reason));
    else
        say(out, "result", "refused: %s", reason_code(e->reason));
    say(out, "", "%s", reason_sentence(e->reason));
    if (e->hint[0])
        say(out, "hint", "%s", e->hint);
}

void explanation_print(const struct explanation *e, FILE *out)
{
    print_question(e, out);
    print_certificate(e, out);
    if (e->is_read)
        print_route(e, out);
    if (e->decision.route && e->decision.verdict != VERDICT_REFUSE) {
        print_access(e, out);
        print_redirect(e, out);
        if (e->decision.verdict != VERDICT_REDIRECT) {
            print_upstream(e, out);
            print_head(e, out);
        }
        print_timeouts(e, out);
    }
    print_result(e, out);
}

/* ---- For scripts ---- */

/* An object as a member, or null where there is nothing to say. */
static cJSON *add_object(cJSON *json, const char *key, bool is_known)
{
    return is_known ? cJSON_AddObjectToObject(json, key) : cJSON_AddNullToObject(json, key);
}

static void add_certificate(cJSON *json, const struct explanation *e)
{
    char date[DATE_TEXT];
    int error = e->certificate_error;
    cJSON *certificate = add_object(json, "certificate", e->tls_route);
    if (e->tls_route == NULL)
        return;
    json_add(certificate, "host", e->tls_route->host);
    json_add(certificate, "cert_type", schema_cert_types[e->tls_route->cert_type]);
    json_add(certificate, "file", e->certificate.path);
    cJSON_AddBoolToObject(certificate, "exists", error != ENOENT);
    json_add(certificate, "expires", error ? NULL : date_text(e->certificate.end, date));
    json_add(certificate, "problem", error && error != ENOENT ? e->certificate_err.message : NULL);
}

static void add_route(cJSON *json, const struct explanation *e)
{
    const struct config_route *route = e->decision.route;
    cJSON *object = add_object(json, "route", route);
    if (route == NULL)
        return;
    json_add(object, "host", route->host);
    json_add(object, "upstream", route->upstream);
    json_add(object, "cert_type", schema_cert_types[route->cert_type]);
    json_add(object, "file", e->config->path);
    json_add_number(object, "line", route->line);
}

static void add_redirect(cJSON *json, const struct explanation *e)
{
    bool is_one = e->decision.route && e->decision.verdict == VERDICT_REDIRECT;
    cJSON *redirect = add_object(json, "redirect", is_one);
    if (!is_one)
        return;
    cJSON_AddNumberToObject(redirect, "status", e->status);
    json_add_span(redirect, "location", e->location);
}

static void add_upstream(cJSON *json, const struct explanation *e)
{
    const struct config_route *route = e->decision.route;
    bool is_one = route && e->decision.verdict == VERDICT_FORWARD;
    cJSON *upstream = add_object(json, "upstream", is_one);
    char text[ADDRESS_TEXT];
    if (!is_one)
        return;
    json_add(upstream, "host", route->upstream_host);
    cJSON_AddNumberToObject(upstream, "port", route->upstream_port);
    cJSON *addresses = cJSON_AddArrayToObject(upstream, "addresses");
    for (size_t i = 0; i < e->address_count; i++)
        cJSON_AddItemToArray(addresses, cJSON_CreateString(address_format(&e->addresses[i], text)));
    json_add(upstream, "problem", e->address_count ? NULL : e->why);
}

static void add_timeouts(cJSON *json, const struct explanation *e)
{
    char duration[32];
    cJSON *timeouts = cJSON_AddObjectToObject(json, "timeouts");
    for (size_t i = 0; i < schema_setting_count; i++) {
        const struct setting *setting = &schema_settings[i];
        if (strcmp(setting->section, "timeouts") == 0)
            json_add(timeouts, setting->name,
                     duration_format(*(const int64_t *)((const char *)e->config + setting->offset),
                                     duration));
    }
}

void explanation_print_json(const struct explanation *e, FILE *out)
{
    cJSON *json = cJSON_CreateObject();
    char ip[ADDRESS_TEXT], note[EXPLANATION_NOTE];
    json_add(json, "method", e->method);
    json_add(json, "url", e->url_text);
    json_add(json, "client", address_format_ip(&e->client, ip));
    json_add(json, "note", explanation_note(e, note));
    add_certificate(json, e);
    add_route(json, e);
    cJSON *access = cJSON_AddObjectToObject(json, "access");
    cJSON_AddBoolToObject(access, "allowed", e->decision.route != NULL);
    cJSON_AddBoolToObject(access, "trusted_proxy", e->source.client.trusted);
    add_redirect(json, e);
    add_upstream(json, e);
    json_add_span(json, "head", buf_span(&e->forwarded));
    add_timeouts(json, e);
    json_add(json, "result", outcome(e));
    json_add_number(json, "status", (unsigned)e->status);
    json_add(json, "reason", e->reason ? reason_code(e->reason) : NULL);
    json_add(json, "message", reason_sentence(e->reason));
    json_add(json, "hint", e->hint);
    json_print(json, out);
}
