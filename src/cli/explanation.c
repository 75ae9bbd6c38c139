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
#include "format/json_write.h"

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

static void json_null(struct json_writer *json, const char *key)
{
    json_raw(json, key, "null");
}

/* `text`, or null when it is empty. */
static void json_maybe(struct json_writer *json, const char *key, const char *text)
{
    if (text[0])
        json_string(json, key, text);
    else
        json_null(json, key);
}

static void json_certificate(struct json_writer *json, const struct explanation *e)
{
    char date[DATE_TEXT];
    if (e->tls_route == NULL) {
        json_null(json, "certificate");
        return;
    }
    json_begin(json, "certificate", '{');
    json_string(json, "host", e->tls_route->host);
    json_string(json, "cert_type", schema_cert_types[e->tls_route->cert_type]);
    json_text(json, "file", span_str(e->certificate.path));
    json_boolean(json, "exists", e->certificate_error != ENOENT);
    json_maybe(json, "expires", e->certificate_error ? "" : date_text(e->certificate.end, date));
    json_maybe(json, "problem",
               e->certificate_error && e->certificate_error != ENOENT ? e->certificate_err.message
                                                                      : "");
    json_end(json, '}');
}

static void json_route(struct json_writer *json, const struct explanation *e)
{
    const struct config_route *route = e->decision.route;
    if (route == NULL) {
        json_null(json, "route");
        return;
    }
    json_begin(json, "route", '{');
    json_string(json, "host", route->host);
    json_string(json, "upstream", route->upstream);
    json_string(json, "cert_type", schema_cert_types[route->cert_type]);
    json_text(json, "file", span_str(e->config->path));
    json_integer(json, "line", route->line);
    json_end(json, '}');
}

static void json_redirect(struct json_writer *json, const struct explanation *e)
{
    if (e->decision.route == NULL || e->decision.verdict != VERDICT_REDIRECT) {
        json_null(json, "redirect");
        return;
    }
    json_begin(json, "redirect", '{');
    json_integer(json, "status", e->status);
    json_text(json, "location", e->location);
    json_end(json, '}');
}

static void json_upstream(struct json_writer *json, const struct explanation *e)
{
    const struct config_route *route = e->decision.route;
    char text[ADDRESS_TEXT];
    if (route == NULL || e->decision.verdict != VERDICT_FORWARD) {
        json_null(json, "upstream");
        return;
    }
    json_begin(json, "upstream", '{');
    json_string(json, "host", route->upstream_host);
    json_integer(json, "port", route->upstream_port);
    json_begin(json, "addresses", '[');
    for (size_t i = 0; i < e->address_count; i++)
        json_string(json, NULL, address_format(&e->addresses[i], text));
    json_end(json, ']');
    json_maybe(json, "problem", e->address_count ? "" : e->why);
    json_end(json, '}');
}

static void json_timeouts(struct json_writer *json, const struct explanation *e)
{
    char duration[32];
    json_begin(json, "timeouts", '{');
    for (size_t i = 0; i < schema_setting_count; i++) {
        const struct setting *setting = &schema_settings[i];
        if (strcmp(setting->section, "timeouts") == 0)
            json_string(
                json, setting->name,
                duration_format(*(const int64_t *)((const char *)e->config + setting->offset),
                                duration));
    }
    json_end(json, '}');
}

void explanation_print_json(const struct explanation *e, FILE *out)
{
    struct json_writer json = {.out = out};
    char ip[ADDRESS_TEXT], note[EXPLANATION_NOTE];
    const char *said = explanation_note(e, note);
    json_begin(&json, NULL, '{');
    json_text(&json, "method", span_str(e->method));
    json_text(&json, "url", span_str(e->url_text));
    json_string(&json, "client", address_format_ip(&e->client, ip));
    json_maybe(&json, "note", said ? said : "");
    json_certificate(&json, e);
    json_route(&json, e);
    json_begin(&json, "access", '{');
    json_boolean(&json, "allowed", e->decision.route != NULL);
    json_boolean(&json, "trusted_proxy", e->source.client.trusted);
    json_end(&json, '}');
    json_redirect(&json, e);
    json_upstream(&json, e);
    if (buf_len(&e->forwarded))
        json_text(&json, "head", buf_span(&e->forwarded));
    else
        json_null(&json, "head");
    json_timeouts(&json, e);
    json_string(&json, "result", outcome(e));
    if (e->status)
        json_integer(&json, "status", e->status);
    else
        json_null(&json, "status");
    json_maybe(&json, "reason", e->reason ? reason_code(e->reason) : "");
    json_maybe(&json, "message", reason_sentence(e->reason));
    json_maybe(&json, "hint", e->hint);
    json_end(&json, '}');
}
