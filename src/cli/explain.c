/* `portico explain URL [FILE]` says what would become of such a request, in the order in which it
 * happens.
 *
 * The request is written down as a client would send it, and then goes through the code that
 * serves requests: http_scan, decide, and what makes the heads and answers of proxy/. Nothing is
 * sent to the upstream, no port is bound, no file is made; only its name is looked up.
 *
 * What comes out of each step is a fact. It is told twice: to people at once, as a line or some,
 * and to scripts in the end, as a member of one JSON object. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "certs/inspect.h"
#include "cli/cli.h"
#include "config/names.h"
#include "config/secret.h"
#include "config/setting.h"
#include "config/suggest.h"
#include "format/json_print.h"
#include "http/http_url.h"
#include "net/lookup.h"
#include "proxy/decision.h"
#include "proxy/trust.h"

#define PATIENCE (4 * CLOCK_SECOND) /* for the upstream's name */

struct explanation {
    const struct cli_call *call;
    struct http_url url;
    char *head; /* owned; of the request, as a client would send it */
    size_t head_len;
    struct config *config;
    struct decision_peer peer;
    struct address local; /* where the request went, when the URL says so */
    char sni[HOST_TEXT + 2];
    const struct config_route *tls_route; /* whose certificate is shown; NULL: none */
    struct http_request request;
    struct decision decision;
    struct err quarantine_err; /* which file, when a certificate is the reason */
    bool is_refused;

    FILE *people;   /* NULL: nobody reads */
    cJSON *scripts; /* the facts by their names; what is not among them is null in the end */
};

/* ---- The question ---- */

static bool has_line_break(const char *text)
{
    return strpbrk(text, "\r\n") != NULL;
}

/* Reads the command line. 0, or -1 when it is wrong, which was said. */
static int read_question(struct explanation *e)
{
    const struct cli_call *call = e->call;
    struct span word = span_str(call->word), shown = host_without_user(word);
    char quoted[ERR_QUOTE];
    struct err err = {0};
    if (call->word == NULL)
        return cli_usage("explain needs a URL", "such as https://app.example.com/");
    if (http_url_parse(word, &e->url, &err) < 0) {
        fprintf(stderr, "portico: explain: the URL \"%s%s\" %s%s%s\n",
                shown.len < word.len ? "...@" : "", err_quote(shown, quoted), err.message,
                err.hint[0] ? "\n  hint: " : "", err.hint);
        return -1;
    }
    if (has_line_break(call->method))
        return cli_usage("--method is not one word", call->method);
    if (!address_parse_ip(span_str(call->from), 0, &e->peer.client.address))
        return cli_usage("--from is no IP address", call->from);
    for (const char *const *field = call->fields; *field; field++)
        if (has_line_break(*field) || strchr(*field, ':') == NULL)
            return cli_usage("--header is not 'Name: value' on one line", *field);
    return 0;
}

/* The request as a client would send it. 0, or -1 when out of memory. */
static int write_request(struct explanation *e)
{
    const struct http_url *url = &e->url;
    bool has_host = false, has_slash = span_has_prefix(url->target, SPAN("/"));
    FILE *out = open_memstream(&e->head, &e->head_len);
    if (out == NULL)
        return -1;
    for (const char *const *field = e->call->fields; *field; field++)
        has_host = has_host || span_eq_nocase(span_first(span_str(*field), 5), SPAN("host:"));
    fprintf(out, "%s %s" SPAN_FMT " HTTP/1.1\r\n", e->call->method, has_slash ? "" : "/",
            SPAN_ARG(url->target));
    if (!has_host)
        fprintf(out, "Host: " SPAN_FMT "\r\n", SPAN_ARG(url->authority));
    for (const char *const *field = e->call->fields; *field; field++)
        fprintf(out, "%s\r\n", *field);
    if (url->is_websocket) /* with the key of RFC 6455, 1.3 */
        fputs("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
              out);
    fputs("\r\n", out);
    return fclose(out) == 0 ? 0 : -1;
}

/* ---- Facts ---- */

#define INDENT 13 /* of what stands behind the words at the left */

static const char *const members[] = {
    "method",   "url",  "client",   "note",   "certificate", "route",  "access",  "redirect",
    "upstream", "head", "timeouts", "result", "status",      "reason", "message", "hint",
};

/* A fact for people: the word at the left of its first line. */
__attribute__((format(printf, 3, 4))) static void say(const struct explanation *e, const char *word,
                                                      const char *format, ...)
{
    char *text = NULL;
    struct span line;
    va_list args;
    va_start(args, format);
    if (e->people && vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    for (struct span rest = span_str(text); span_split(&rest, '\n', &line); word = "") {
        if (span_has_suffix(line, SPAN("\r")))
            line.len--;
        if (line.len)
            fprintf(e->people, "%-*s" SPAN_FMT "\n", INDENT, word, SPAN_ARG(line));
    }
    free(text);
}

static void print_json(struct explanation *e)
{
    cJSON *json = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        cJSON *fact = cJSON_DetachItemFromObject(e->scripts, members[i]);
        cJSON_AddItemToObject(json, members[i], fact ? fact : cJSON_CreateNull());
    }
    json_print(json, stdout);
}

static time_t now(void)
{
    return (time_t)(clock_wall() / CLOCK_SECOND);
}

/* "file:line", or in JSON "file: /routes/0". */
#define PLACE_TEXT 512u
static const char *place_of(const struct explanation *e, const struct config_route *route,
                            char out[PLACE_TEXT])
{
    const char *file = config_file_name(e->config->path);
    if (route->line)
        snprintf(out, PLACE_TEXT, "%s:%u", file, route->line);
    else
        snprintf(out, PLACE_TEXT, "%s: /routes/%td", file, route - e->config->routes);
    return out;
}

/* The last that people read. */
static void refuse(struct explanation *e, enum reason reason, const char *hint)
{
    char result[64] = "refused:";
    int status = reason_status(reason);
    if (status)
        snprintf(result, sizeof result, "refused with %d", status);
    say(e, "result", "%s %s\n%s", result, reason_code(reason), reason_sentence(reason));
    if (hint[0])
        say(e, "hint", "%s", hint);
    e->people = NULL;
    e->is_refused = true;
    json_add(e->scripts, "result", "refused");
    json_add_number(e->scripts, "status", (unsigned)status);
    json_add(e->scripts, "reason", reason_code(reason));
    json_add(e->scripts, "message", reason_sentence(reason));
    json_add(e->scripts, "hint", hint);
}

/* ---- The request and its port ---- */

/* False when Portico uses the port for the other protocol. Whether any other port leads to Portico
 * is not known here, which is worth a note. */
static bool tell_question(struct explanation *e)
{
    static const char *const protocols[] = {"plain HTTP", "HTTPS"};
    const struct config *config = e->config;
    bool is_secure = e->url.is_secure;
    unsigned port = e->url.port, own = is_secure ? config->https_port : config->http_port;
    unsigned other = is_secure ? config->http_port : config->https_port;
    unsigned public = is_secure ? config->public_https_port : own;
    bool is_own = own == 0 || port == own || port == public;
    bool is_wrong = !is_own && other != 0 && port == other;
    char method[ERR_QUOTE], url[ERR_QUOTE], ip[ADDRESS_TEXT], text[128] = "";
    if (!is_own && !is_wrong)
        snprintf(text, sizeof text,
                 "Portico listens for %s on port %u: something in front of it must lead there",
                 protocols[is_secure], own);
    address_format_ip(&e->peer.client.address, ip);
    json_add(e->scripts, "method", e->call->method);
    json_add(e->scripts, "url", e->call->word);
    json_add(e->scripts, "client", ip);
    json_add(e->scripts, "note", text);
    say(e, "request", "%s %s from %s\n%s", err_quote(span_str(e->call->method), method),
        err_quote(span_str(e->call->word), url), ip, text);
    if (is_wrong) {
        snprintf(text, sizeof text, "port %u is Portico's for %s, and %s comes to port %u", port,
                 protocols[!is_secure], protocols[is_secure], public);
        /* A ClientHello is no request, and the other way round there is a reason of its own. */
        refuse(e, is_secure ? REASON_BAD_REQUEST : REASON_BAD_TLS_PORT, text);
    }
    return !is_wrong;
}

static bool is_quarantined(void *explanation, const char *host)
{
    struct explanation *e = explanation;
    return inspect_is_quarantined(e->config->cert_dir, host, now(), &e->quarantine_err);
}

/* Where the request comes from. 0, or -1 when out of memory. */
static int find_peer(struct explanation *e)
{
    const struct address address = e->peer.client.address;
    if (trust_attach(e->config) == -1)
        return -1;
    e->peer = (struct decision_peer){
        .client = {address, trust_has(e->config, &address), e->url.is_secure},
        .fd = -1,
        .is_quarantined = is_quarantined,
        .certificates = e,
    };
    /* Clients send no SNI for IP literals (RFC 6066, 3), and connect to what they say. */
    if (address_parse_ip(e->url.host, 0, &e->local)) {
        e->peer.local = &e->local;
    } else {
        snprintf(e->sni, sizeof e->sni, SPAN_FMT, SPAN_ARG(e->url.host));
        e->peer.sni = e->sni;
    }
    return 0;
}

/* ---- Why not ---- */

#define HINT_TEXT 1024u

static struct span without_www(struct span host)
{
    return span_eq_nocase(span_first(host, 4), SPAN("www.")) ? span_from(host, 4) : host;
}

/* A route of nearly that name, or NULL. */
static const struct config_route *find_near(const struct config *config, struct span host)
{
    struct suggest suggest = {.word = host};
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        if (span_eq_nocase(without_www(span_str(route->host)), without_www(host)))
            return route;
        suggest_offer(&suggest, route->host);
    }
    return suggest.best ? route_find(config->table, span_str(suggest.best)) : NULL;
}

static void hint_at_host(const struct explanation *e, struct span host, char hint[HINT_TEXT])
{
    char place[PLACE_TEXT], quoted[ERR_QUOTE];
    const struct config_route *exact = route_find(e->config->table, host);
    const struct config_route *route = exact ? exact : find_near(e->config, host);
    if (exact) /* over HTTPS, and without a certificate */
        snprintf(hint, HINT_TEXT,
                 "%s is served over plain HTTP only, since its cert_type is \"none\" (%s)",
                 exact->host, place_of(e, exact, place));
    else if (route)
        snprintf(hint, HINT_TEXT, "did you mean %s (%s)?", route->host, place_of(e, route, place));
    else
        snprintf(hint, HINT_TEXT, "no route has the host \"%s\": add one for it",
                 err_quote(host, quoted));
}

static void refuse_with_hint(struct explanation *e, enum reason reason)
{
    char hint[HINT_TEXT] = "", quoted[ERR_QUOTE];
    if (reason == REASON_WRONG_HOST)
        snprintf(hint, sizeof hint,
                 "the TLS handshake was for %s and the request is for \"%s\": a connection serves "
                 "only the route whose certificate it was shown, so the client has to open another",
                 e->tls_route->host, err_quote(e->request.host, quoted));
    else if (reason == REASON_UNKNOWN_HOST)
        hint_at_host(e, e->request.host, hint);
    else if (reason == REASON_HANDSHAKE_NAME)
        hint_at_host(e, e->url.host, hint);
    else if (reason == REASON_CERTIFICATE || reason == REASON_HANDSHAKE_CERTIFICATE)
        snprintf(hint, sizeof hint, "%s: %s", e->quarantine_err.message, e->quarantine_err.hint);
    refuse(e, reason, hint);
}

/* ---- The handshake ---- */

static void tell_certificate(struct explanation *e, bool is_quarantined)
{
    const struct config_route *route = e->tls_route;
    struct inspect_certificate found = {0};
    struct err err = {0};
    char date[32] = "";
    struct tm tm;
    int error = inspect_certificate(e->config->cert_dir, route->host, &found, &err) ? errno : 0;
    bool is_damaged = error && error != ENOENT;
    if (error == 0 && gmtime_r(&found.end, &tm))
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm);

    cJSON *json = cJSON_AddObjectToObject(e->scripts, "certificate");
    json_add(json, "host", route->host);
    json_add(json, "cert_type", schema_cert_types[route->cert_type]);
    json_add(json, "file", found.path);
    cJSON_AddBoolToObject(json, "exists", error != ENOENT);
    json_add(json, "expires", date);
    json_add(json, "problem", is_damaged ? err.message : NULL);

    say(e, "certificate", "of %s, cert_type \"%s\"%s", route->host,
        schema_cert_types[route->cert_type],
        route->cert_type == CERT_ACME ? ": for now, as self_signed" : "");
    if (is_damaged)
        say(e, "", "%s%s", err.message,
            error == EINVAL && !is_quarantined ? ", and will be made anew" : "");
    else if (error)
        say(e, "", "%s does not exist yet; Portico makes it when it starts", found.path);
    else
        say(e, "", "%s, %s %s", found.path, found.end <= now() ? "expired" : "valid until", date);
}

/* The TLS handshake. False when it fails. */
static bool shake_hands(struct explanation *e)
{
    if (!e->url.is_secure) {
        say(e, "certificate", "none is needed for plain HTTP");
        return true;
    }
    e->tls_route = decision_tls_route(e->config, &e->peer);
    if (e->tls_route == NULL) {
        say(e, "certificate", "none: the handshake ends with an alert");
        refuse_with_hint(e, REASON_HANDSHAKE_NAME);
        return false;
    }
    bool is_bad = is_quarantined(e, e->tls_route->host);
    tell_certificate(e, is_bad);
    if (is_bad)
        refuse_with_hint(e, REASON_HANDSHAKE_CERTIFICATE);
    return !is_bad;
}

/* ---- The way to the upstream ---- */

static void tell_route(struct explanation *e)
{
    const struct config_route *route = e->decision.route;
    char place[PLACE_TEXT], pointer[32];
    if (route == NULL) {
        say(e, "route", "none");
        return;
    }
    cJSON *json = cJSON_AddObjectToObject(e->scripts, "route");
    json_add(json, "host", route->host);
    json_add(json, "upstream", route->upstream.text);
    json_add(json, "cert_type", schema_cert_types[route->cert_type]);
    json_add(json, "file", e->config->path);
    json_add_number(json, "line", route->line);
    snprintf(pointer, sizeof pointer, "/routes/%td", route - e->config->routes);
    json_add(json, "pointer", pointer);
    say(e, "route", "%s, to %s (%s)", route->host, route->upstream.text, place_of(e, route, place));
}

static void tell_access(struct explanation *e)
{
    bool is_trusted = e->peer.client.trusted;
    char ip[ADDRESS_TEXT];
    cJSON *json = cJSON_AddObjectToObject(e->scripts, "access");
    cJSON_AddBoolToObject(json, "allowed", e->decision.route != NULL);
    cJSON_AddBoolToObject(json, "trusted_proxy", is_trusted);
    say(e, "access", "open to everyone\n%s is %s", address_format_ip(&e->peer.client.address, ip),
        is_trusted ? "a trusted proxy: what its X-Forwarded fields say is kept and added to"
                   : "no trusted proxy: X-Forwarded fields that it sends are dropped");
}

/* From the answer that a client would get. */
static uint64_t tell_redirect(struct explanation *e)
{
    struct reply reply = {.keep_alive = true, .client_minor = e->request.minor};
    struct buf answer = {0};
    struct span line, location = {0};
    uint64_t status = 0;
    decision_redirect(&e->decision, e->config, &e->request, &reply, &answer);
    span_parse_uint(span_first(span_from(buf_span(&answer), strlen("HTTP/1.1 ")), 3), 999, &status);
    for (struct span rest = buf_span(&answer); span_split(&rest, '\n', &line);)
        if (span_has_prefix(line, SPAN("Location: ")))
            location = span_first(span_from(line, strlen("Location: ")),
                                  line.len - strlen("Location: \r"));
    cJSON *json = cJSON_AddObjectToObject(e->scripts, "redirect");
    json_add_number(json, "status", (unsigned)status);
    json_add_span(json, "location", location);
    say(e, "redirect", "%u to " SPAN_FMT, (unsigned)status, SPAN_ARG(location));
    buf_release(&answer);
    return status;
}

static void tell_upstream(struct explanation *e)
{
    const struct config_route *route = e->decision.route;
    struct lookup upstream = {.host = route->upstream.host, .port = route->upstream.port};
    char text[ADDRESS_TEXT];
    if (e->decision.verdict == VERDICT_HELLO) {
        say(e, "upstream", "none: %s is a page of Portico's own", route->upstream.text);
        return;
    }
    lookup_all(&upstream, 1, PATIENCE);
    cJSON *json = cJSON_AddObjectToObject(e->scripts, "upstream");
    json_add(json, "host", route->upstream.host);
    json_add_number(json, "port", route->upstream.port);
    cJSON *addresses = cJSON_AddArrayToObject(json, "addresses");
    for (size_t i = 0; i < upstream.count; i++) {
        address_format(&upstream.addresses[i], text);
        cJSON_AddItemToArray(addresses, cJSON_CreateString(text));
        say(e, i ? "" : "upstream", "%s%s", text, i ? ", if those before fail" : "");
    }
    json_add(json, "problem", upstream.count ? NULL : upstream.why);
    if (upstream.count == 0)
        say(e, "upstream", "%s does not resolve: %s\nas long as that is so, the answer is %d %s",
            route->upstream.host, upstream.why, reason_status(REASON_UPSTREAM_NAME),
            reason_code(REASON_UPSTREAM_NAME));
}

static void tell_head(struct explanation *e)
{
    char id[REQUEST_ID_MAX + 1];
    struct buf head = {0};
    forward_request_id(&e->request, id);
    decision_head(&e->decision, &e->request, &e->peer, span_str(id), &head);
    json_add_span(e->scripts, "head", buf_span(&head));
    say(e, "head", SPAN_FMT, SPAN_ARG(buf_span(&head)));
    buf_release(&head);
}

/* Those of the route, if there is one; a few on a line. */
static void tell_timeouts(struct explanation *e)
{
    const struct config_route *route = e->decision.route;
    const struct config_timeouts *timeouts = route ? &route->timeouts : &e->config->timeouts;
    const struct setting *setting = schema_section(schema_sections, SPAN("timeouts"))->settings;
    char text[512], room[KIND_TEXT];
    size_t len = 0;
    cJSON *json = cJSON_AddObjectToObject(e->scripts, "timeouts");
    for (size_t i = 0; setting[i].name; i++) {
        const char *duration = setting_show(&setting[i], timeouts, 0, room);
        json_add(json, setting[i].name, duration);
        const char *comma = i % 6 ? ", " : i ? ",\n" : "";
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %s", comma, setting[i].name,
                                duration);
    }
    say(e, "timeouts", "%s", text);
}

/* The request itself, as a worker has it. */
static void serve(struct explanation *e)
{
    static const char *const results[] = {"refused", "redirected", "answered", "forwarded"};
    struct span sent = span_make(e->head, e->head_len);
    struct http_scan scan = {0};
    size_t size;
    uint64_t status = 0;
    enum reason why;
    if (http_scan(&scan, HTTP_REQUEST, sent, &size, &why) == PARSE_BAD) {
        refuse_with_hint(e, why);
        return;
    }
    struct span head = span_from(span_first(sent, size), scan.skipped);
    e->decision = decide(e->config, head, &e->peer, &e->request);
    tell_route(e);
    if (e->decision.verdict == VERDICT_REFUSE) {
        refuse_with_hint(e, e->decision.reason);
        return;
    }
    tell_access(e);
    if (e->decision.verdict == VERDICT_REDIRECT) {
        status = tell_redirect(e);
    } else {
        say(e, "redirect", "none: %s",
            e->peer.client.secure ? "it is HTTPS already"
            : e->decision.route->cert_type == CERT_NONE
                ? "cert_type is \"none\""
                : "the trusted proxy says that it is HTTPS already");
        tell_upstream(e);
        tell_head(e);
        status = e->decision.verdict == VERDICT_HELLO ? 200 : 0;
    }
    tell_timeouts(e);
    json_add(e->scripts, "result", results[e->decision.verdict]);
    json_add_number(e->scripts, "status", (unsigned)status);
    say(e, "result", "%s", results[e->decision.verdict]);
}

/* ---- The command ---- */

int cli_explain(const struct cli_call *call)
{
    struct explanation e = {.call = call, .people = call->json ? NULL : stdout};
    static char mask[] = SECRET_MASK;
    int status = CLI_BAD_USAGE;
    if (read_question(&e) < 0)
        goto out;
    status = CLI_BAD_CONFIG;
    e.config = cli_load(call);
    if (e.config == NULL)
        goto out;
    for (size_t i = 0; i < e.config->route_count; i++)
        if (e.config->routes[i].authorization)
            e.config->routes[i].authorization = mask; /* so that no secret can show */
    e.scripts = cJSON_CreateObject();
    if (write_request(&e) < 0 || find_peer(&e) < 0) {
        status = cli_failed("explain: out of memory");
        goto out;
    }
    if (tell_question(&e) && shake_hands(&e))
        serve(&e);
    if (e.is_refused) { /* scripts find these in any case */
        tell_access(&e);
        tell_timeouts(&e);
    }
    if (call->json)
        print_json(&e);
    status = e.is_refused ? CLI_FAILED : CLI_OK;
out:
    cJSON_Delete(e.scripts);
    free(e.head);
    buf_thread_release();
    config_unref(e.config);
    return status;
}
