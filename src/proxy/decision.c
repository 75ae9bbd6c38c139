/* This module decides what becomes of a request (decision.h). Whoever decides runs it: a worker,
 * on its stack, or a command.
 *
 * Invariants
 * 1. A request gets a route only if its client may know of it: over TLS, that is the host which
 *    the handshake was for, and no other (H07).
 * 2. Where the client connected to is asked of the kernel only if neither SNI nor Host says what
 *    it means: nearly never. */
#include "proxy/decision.h"

#include "config/secret.h"

/* The address that the client connected to, as a host name. */
static struct span local_host(const struct decision_peer *peer, char text[ADDRESS_TEXT])
{
    struct address asked;
    const struct address *local = peer->local;
    if (local == NULL) {
        if (address_of_socket(peer->fd, &asked) == -1)
            return SPAN("");
        local = &asked;
    }
    return span_str(address_format_ip(local, text));
}

const struct config_route *decision_tls_route(const struct config *config,
                                              const struct decision_peer *peer)
{
    char text[ADDRESS_TEXT];
    struct span name = peer->sni ? span_str(peer->sni) : local_host(peer, text);
    const struct config_route *route = route_find(config->table, name);
    return route && route->cert_type != CERT_NONE ? route : NULL;
}

static bool is_quarantined(const struct decision_peer *peer, const struct config_route *route)
{
    return peer->is_quarantined && peer->is_quarantined(peer->certificates, route->host);
}

/* REASON_NONE, and the route; or why there is none. */
static enum reason find_route(const struct config *config, const struct http_request *request,
                              const struct decision_peer *peer, const struct config_route **route)
{
    char text[ADDRESS_TEXT];
    /* HTTP/1.0 knows no Host: such a client means the address it connected to. */
    struct span host = request->host.len ? request->host : local_host(peer, text);
    const struct config_route *found = route_find(config->table, host);
    bool is_secure = peer->client.secure;
    if (found == NULL || (is_secure && found->cert_type == CERT_NONE))
        return REASON_UNKNOWN_HOST;
    if (is_secure && decision_tls_route(config, peer) != found)
        return REASON_WRONG_HOST;
    *route = found;
    return REASON_NONE;
}

struct decision decide(const struct config *config, struct span head,
                       const struct decision_peer *peer, struct http_request *request)
{
    struct decision decision = {.verdict = VERDICT_REFUSE};
    if (http_request_parse(head, request, &decision.reason) == PARSE_BAD) {
        decision.is_malformed = true;
        return decision;
    }
    decision.reason = find_route(config, request, peer, &decision.route);
    if (decision.reason != REASON_NONE)
        return decision;
    if (decision.route->cert_type != CERT_NONE && !forward_is_secure(request, &peer->client)) {
        /* Where HTTPS cannot work, nobody is sent there. */
        if (is_quarantined(peer, decision.route))
            decision.reason = REASON_CERTIFICATE;
        else
            decision.verdict = VERDICT_REDIRECT;
    } else if (decision.route->upstream.host == NULL) {
        decision.verdict = VERDICT_HELLO;
    } else {
        decision.verdict = VERDICT_FORWARD;
    }
    return decision;
}

void decision_head(const struct decision *decision, const struct http_request *request,
                   const struct decision_peer *peer, struct span request_id, struct buf *out)
{
    const struct config_route *route = decision->route;
    const char *authorization = route->authorization ? route->authorization : "";
    /* The built-in page shows the head to whoever asks. */
    if (*authorization && decision->verdict != VERDICT_FORWARD)
        authorization = SECRET_MASK;
    forward_request(out, request, &peer->client, span_str(route->host), span_str(authorization),
                    request_id);
}

void decision_redirect(const struct decision *decision, const struct config *config,
                       const struct http_request *request, const struct reply *reply,
                       struct buf *out)
{
    bool get_or_head = request->is_head || span_eq(request->method, SPAN("GET"));
    reply_redirect(out, reply, get_or_head, span_str(decision->route->host),
                   config->public_https_port, request->origin_form);
}
