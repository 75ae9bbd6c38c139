/* The service is what all connections share, put together by the server.
 *
 * Everything it points to is fixed while connections exist. The configuration in force is
 * published here: whoever works with it takes a reference and gives it back; whoever publishes
 * another one gives up only the service's own. */
#ifndef PORTICO_PROXY_SERVICE_H
#define PORTICO_PROXY_SERVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "certs/store.h"
#include "config/config.h"
#include "net/address.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "net/waiting_room.h"
#include "proxy/refusal.h"
#include "proxy/upstream.h"

/* How far the end has come; only ever rises. */
enum service_ending {
    ENDING_NOT,
    ENDING_DRAIN,   /* finish what has begun, begin nothing */
    ENDING_TUNNELS, /* only tunnels are left: close them */
    ENDING_NOW      /* close everything */
};

struct service {
    struct room *room; /* borrowed, as the next four */
    struct resolver *resolver;
    struct upstreams *upstreams;
    struct tls_server *tls; /* always there, whether or not a route has a certificate */
    struct certs_store *certs;

    /* Called as a connection ends, for the limits per client. */
    void (*connection_ended)(void *arg, const struct address *client, bool counted);
    void *connection_ended_arg;

    _Atomic(enum service_ending) ending;

    /* Overload: a connection (plain, TLS) that waits longer than this for its very first turn is
     * turned away. CLOCK_NEVER unless new ones are, too. */
    _Atomic int64_t max_age[2];
    struct refusal overloaded; /* what it is told */

    pthread_mutex_t mutex;
    struct config *config; /* guarded by mutex: one reference */
};

/* Takes over one reference to `config`. */
void service_publish(struct service *service, struct config *config);

/* A reference to the configuration in force. */
struct config *service_config(struct service *service);

#endif
