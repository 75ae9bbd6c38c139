/* `portico explain URL [FILE]` says what would become of such a request, in the order in which it
 * happens.
 *
 * The request is written down as a client would send it and then goes through the code that
 * serves requests: http_scan, decide, and what makes the heads and answers of proxy/. Nothing is
 * sent to the upstream, no port is bound, no file is made; only its name is looked up. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/explanation.h"
#include "config/secret.h"
#include "config/suggest.h"
#include "net/waiting_room.h"
#include "proxy/trust.h"

#define CLIENT_DEFAULT   "192.0.2.1" /* of those that belong to nobody (RFC 5737) */
#define LOOK_UP_PATIENCE (5 * CLOCK_SECOND)

const char *explanation_place(const struct config *config, const struct config_route *route,
                              char out[EXPLANATION_PLACE])
{
    const char *file = strcmp(config->path, "-") == 0 ? "standard input" : config->path;
    snprintf(out, EXPLANATION_PLACE, route->line ? "%s:%u" : "%s", file, route->line);
    return out;
}

bool explanation_has_port(const struct explanation *e)
{
    const struct config *config = e->config;
    if (!e->url.is_secure)
        return config->http_port == 0 || e->url.port == config->http_port;
    return config->https_port == 0 || e->url.port == config->https_port ||
           e->url.port == config->public_https_port;
}

/* Is it plain HTTP at the port for HTTPS, or the other way round? Whether any other port leads to
 * Portico is not known here. */
static bool is_swapped_port(const struct explanation *e)
{
    uint16_t other = e->url.is_secure ? e->config->http_port : e->config->https_port;
    return other != 0 && e->url.port == other && !explanation_has_port(e);
}

const char *explanation_note(const struct explanation *e, char out[EXPLANATION_NOTE])
{
    snprintf(out, EXPLANATION_NOTE,
             "Portico listens for %s on port %u: something in front of it must lead there",
             e->url.is_secure ? "HTTPS" : "HTTP",
             e->url.is_secure ? e->config->https_port : e->config->http_port);
    return explanation_has_port(e) || is_swapped_port(e) ? NULL : out;
}

/* ---- The request ---- */

static bool has_line_break(const char *text)
{
    return strpbrk(text, "\r\n") != NULL;
}

/* The head as a client would send it. 0, or -1 when the command line was wrong, which was said. */
static int write_request(struct explanation *e, const char *const *fields)
{
    struct buf *head = &e->head;
    bool has_host = false;
    for (const char *const *field = fields; *field; field++) {
        if (has_line_break(*field) || strchr(*field, ':') == NULL) {
            cli_usage("--header is not 'Name: value' on one line", *field);
            return -1;
        }
        has_host = has_host || span_eq_nocase(span_first(span_str(*field), 5), SPAN("host:"));
    }
    buf_append_str(head, e->method);
    buf_append_str(head, " ");
    if (e->url.target.len == 0 || e->url.target.data[0] != '/')
        buf_append_str(head, "/");
    buf_append_span(head, e->url.target);
    buf_append_str(head, " HTTP/1.1\r\n");
    if (!has_host) {
        buf_append_str(head, "Host: ");
        buf_append_span(head, e->url.authority);
        buf_append_str(head, "\r\n");
    }
    for (; *fields; fields++) {
        buf_append_str(head, *fields);
        buf_append_str(head, "\r\n");
    }
    if (e->url.is_websocket) /* with the key of RFC 6455, 1.3 */
        buf_append_str(head, "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                             "Sec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    buf_append_str(head, "\r\n");
    if (!head->failed)
        return 0;
    cli_usage("the request is too large", e->url_text);
    return -1;
}

static bool is_quarantined(void *explanation, const char *host)
{
    struct explanation *e = explanation;
    return inspect_is_quarantined(e->config->cert_dir, host, (time_t)(clock_wall() / CLOCK_SECOND),
                                  &e->quarantine_err);
}

/* Where the request comes from. 0, or -1 when out of memory. */
static int find_source(struct explanation *e)
{
    if (trust_attach(e->config) == -1)
        return -1;
    e->source = (struct decision_source){
        .client = {e->client, trust_has(e->config, &e->client), e->url.is_secure},
        .fd = -1,
        .is_quarantined = is_quarantined,
        .certificates = e,
    };
    /* Clients send no SNI for IP literals (RFC 6066, 3), and connect to what they say. */
    if (address_parse_ip(e->url.host, 0, &e->local)) {
        e->source.local = &e->local;
    } else {
        snprintf(e->sni, sizeof e->sni, SPAN_FMT, SPAN_ARG(e->url.host));
        e->source.sni = e->sni;
    }
    return 0;
}

/* ---- Why not ---- */

/* A route of nearly that name, or NULL. */
static const struct config_route *find_near(const struct config *config, struct span host)
{
    char with_www[HOST_TEXT + 4];
    const struct config_route *route = NULL;
    if (span_eq_nocase(span_first(host, 4), SPAN("www.")))
        route = route_find(config->table, span_from(host, 4));
    else if (host.len < HOST_TEXT)
        route = route_find(config->table,
                           span_make(with_www, (size_t)snprintf(with_www, sizeof with_www,
                                                                "www." SPAN_FMT, SPAN_ARG(host))));
    struct suggest suggest = {.word = host};
    for (size_t i = 0; route == NULL && i < config->route_count; i++)
        suggest_offer(&suggest, config->routes[i].host);
    return suggest.best ? route_find(config->table, span_str(suggest.best)) : route;
}

static void explain_unknown_host(struct explanation *e, struct span host)
{
    char place[EXPLANATION_PLACE], quoted[ERR_QUOTE];
    const struct config_route *route = route_find(e->config->table, host);
    if (route) { /* over HTTPS, and without a certificate */
        snprintf(e->hint, sizeof e->hint,
                 "%s is served over plain HTTP only, since its cert_type is \"none\" (%s)",
                 route->host, explanation_place(e->config, route, place));
        return;
    }
    route = find_near(e->config, host);
    if (route)
        snprintf(e->hint, sizeof e->hint, "did you mean %s (%s)?", route->host,
                 explanation_place(e->config, route, place));
    else
        snprintf(e->hint, sizeof e->hint, "no route has the host \"%s\": add one for it",
                 err_quote(host, quoted));
}

static void explain_wrong_host(struct explanation *e)
{
    char quoted[ERR_QUOTE];
    snprintf(e->hint, sizeof e->hint,
             "the TLS handshake was for %s and the request is for \"%s\": a connection serves only "
             "the route whose certificate it was shown, so the client has to open another",
             e->tls_route->host, err_quote(e->request.host, quoted));
}

static void explain_certificate(struct explanation *e)
{
    snprintf(e->hint, sizeof e->hint, "%s: %s", e->quarantine_err.message, e->quarantine_err.hint);
}

static void refuse(struct explanation *e, enum reason reason)
{
    e->reason = reason;
    e->status = reason_status(reason);
    if (reason == REASON_WRONG_HOST)
        explain_wrong_host(e);
    else if (reason == REASON_UNKNOWN_HOST)
        explain_unknown_host(e, e->request.host);
    else if (reason == REASON_HANDSHAKE_NAME)
        explain_unknown_host(e, e->url.host);
    else if (reason == REASON_CERTIFICATE || reason == REASON_HANDSHAKE_CERTIFICATE)
        explain_certificate(e);
}

/* What comes of a swapped port: what the code says that reads there. */
static void refuse_port(struct explanation *e)
{
    static const char hello[] =
        "\x16\x03\x01"; /* a TLS record with a ClientHello (RFC 8446, 5.1) */
    struct http_scan scan = {0};
    size_t size;
    enum reason why = REASON_BAD_TLS_PORT;
    if (e->url.is_secure)
        http_scan(&scan, HTTP_REQUEST, span_str(hello), &size, &why);
    refuse(e, why);
    snprintf(e->hint, sizeof e->hint, "port %u is Portico's for %s, and %s comes to port %u",
             e->url.port, e->url.is_secure ? "plain HTTP" : "HTTPS",
             e->url.is_secure ? "HTTPS" : "plain HTTP",
             e->url.is_secure ? e->config->public_https_port : e->config->http_port);
}

/* ---- What happens ---- */

/* The TLS handshake. False when it fails. */
static bool shake_hands(struct explanation *e)
{
    if (!e->url.is_secure)
        return true;
    e->tls_route = decision_tls_route(e->config, &e->source);
    if (e->tls_route == NULL) {
        refuse(e, REASON_HANDSHAKE_NAME);
        return false;
    }
    int found = inspect_certificate(e->config->cert_dir, e->tls_route->host, &e->certificate,
                                    &e->certificate_err);
    e->certificate_error = found == 0 ? 0 : errno;
    if (!is_quarantined(e, e->tls_route->host))
        return true;
    refuse(e, REASON_HANDSHAKE_CERTIFICATE);
    return false;
}

/* What the upstream's name means now. */
static void look_up(struct explanation *e)
{
    const struct config_route *route = e->decision.route;
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    int64_t until = clock_now() + LOOK_UP_PATIENCE;
    struct err err = {0};
    enum resolver_result result = RESOLVER_PENDING;
    struct resolver *resolver = resolver_new(1, &err);
    struct room *room = room_new(1, sizeof(struct room_slot));
    struct room_slot *slot = room ? room_acquire(room) : NULL;

    snprintf(e->why, sizeof e->why, "no answer in %d seconds",
             (int)(LOOK_UP_PATIENCE / CLOCK_SECOND));
    if (resolver == NULL || slot == NULL)
        snprintf(e->why, sizeof e->why, "the resolver cannot be started");
    /* Nothing else happens in this process, so to ask now and then is as good as to wait. */
    while (resolver && slot && result == RESOLVER_PENDING && clock_now() < until) {
        result = resolver_lookup(resolver, route->upstream_host, route->upstream_port,
                                 room_next_wait(room, slot), e->addresses, &e->address_count,
                                 e->why, sizeof e->why);
        if (result == RESOLVER_PENDING)
            nanosleep(&pause, NULL);
    }
    resolver_free(resolver);
    if (slot)
        room_release(room, slot);
    if (room)
        room_free(room);
}

static void redirect(struct explanation *e)
{
    struct http_response response;
    struct reply reply = {.keep_alive = true, .client_minor = e->request.minor};
    enum reason why;
    decision_redirect(&e->decision, e->config, &e->request, &reply, &e->answer);
    size_t len = buf_len(&e->answer);
    struct http_scan scan = {0};
    if (http_scan(&scan, HTTP_RESPONSE, buf_span(&e->answer), &len, &why) != PARSE_DONE ||
        http_response_parse(e->answer.data, len, false, &response, &why) != PARSE_DONE)
        return;
    const struct http_field *field =
        http_field_find(response.fields, response.field_count, SPAN("Location"));
    e->status = (int)response.status;
    e->location = field ? field->value : SPAN("");
}

/* The request itself, as a worker has it. */
static void serve(struct explanation *e)
{
    struct http_scan scan = {0};
    size_t size;
    enum reason why;
    char id[REQUEST_ID_MAX + 1];
    e->is_read = true;
    if (http_scan(&scan, HTTP_REQUEST, buf_span(&e->head), &size, &why) == PARSE_BAD) {
        refuse(e, why);
        return;
    }
    struct span head = span_from(span_first(buf_span(&e->head), size), scan.skipped);
    e->decision = decide(e->config, head, &e->source, &e->request);
    if (e->decision.verdict == VERDICT_REFUSE) {
        refuse(e, e->decision.reason);
        return;
    }
    if (e->decision.verdict == VERDICT_REDIRECT) {
        redirect(e);
        return;
    }
    forward_request_id(&e->request, id);
    decision_head(&e->decision, &e->request, &e->source, span_str(id), &e->forwarded);
    if (e->decision.verdict == VERDICT_FORWARD)
        look_up(e);
    else
        e->status = 200;
}

static void release(struct explanation *e)
{
    buf_release(&e->head);
    buf_release(&e->answer);
    buf_release(&e->forwarded);
    buf_thread_release();
    buf_pool_release();
}

/* ---- The command ---- */

/* The configuration without its secrets, so that none can show. */
static struct config *load(const struct cli_call *call)
{
    static char mask[] = SECRET_MASK;
    struct config *config = cli_load(call);
    for (size_t i = 0; config && i < config->route_count; i++)
        if (config->routes[i].authorization)
            config->routes[i].authorization = mask;
    return config;
}

/* The question. 0, or -1 when it was wrong, which was said. */
static int parse(const struct cli_call *call, struct explanation *e)
{
    char quoted[ERR_QUOTE];
    struct err err = {0};
    e->url_text = call->word;
    e->method = call->method ? call->method : "GET";
    if (e->url_text == NULL) {
        cli_usage("explain needs a URL", "such as https://app.example.com/");
    } else if (http_url_parse(span_str(e->url_text), &e->url, &err) < 0) {
        fprintf(stderr, "portico: explain: the URL \"%s\" %s\n",
                err_quote(span_str(e->url_text), quoted), err.message);
        if (err.hint[0])
            fprintf(stderr, "  hint: %s\n", err.hint);
    } else if (has_line_break(e->method)) {
        cli_usage("--method is not one word", e->method);
    } else if (!address_parse_ip(span_str(call->from ? call->from : CLIENT_DEFAULT), 0,
                                 &e->client)) {
        cli_usage("--from is no IP address", call->from);
    } else {
        return write_request(e, call->fields);
    }
    return -1;
}

int cli_explain(const struct cli_call *call)
{
    struct explanation e = {.method = NULL};
    int status = CLI_BAD_USAGE;
    if (parse(call, &e) < 0)
        goto out;
    status = CLI_BAD_CONFIG;
    e.config = load(call);
    if (e.config == NULL)
        goto out;
    status = CLI_FAILED;
    if (find_source(&e) < 0) {
        cli_failed("explain: out of memory");
        goto out;
    }
    if (is_swapped_port(&e))
        refuse_port(&e);
    else if (shake_hands(&e))
        serve(&e);
    if (call->json)
        explanation_print_json(&e, stdout);
    else
        explanation_print(&e, stdout);
    status = e.reason == REASON_NONE ? CLI_OK : CLI_FAILED;
out:
    release(&e);
    config_unref(e.config);
    return status;
}
