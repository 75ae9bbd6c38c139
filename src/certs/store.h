/* The certificate store: host to certificate, replaceable while handshakes go on.
 *
 * For each host of the configuration that has a certificate it holds the identity to serve.
 * For now every certificate is a leaf of the local CA (certs/local_ca): for `self_signed`
 * routes because that is what they ask for, for `acme` routes until Portico obtains real ones,
 * with a warning in the log. Leaves are kept in CERT_DIR, reused across restarts, and renewed
 * by the "certs" thread before they expire. */
#ifndef PORTICO_CERTS_STORE_H
#define PORTICO_CERTS_STORE_H

#include "base/err.h"
#include "config/config.h"
#include "net/tls.h"

struct certs_store;

/* Opens (or makes) the local CA in config->cert_dir and loads or issues the leaves that the
 * configuration needs; logs the root's path and fingerprint, and warns about `acme` routes.
 * NULL with `err` when the directory cannot be used. Configurations without TLS routes touch
 * no disk. Starts the "certs" thread. */
struct certs_store *certs_store_new(const struct config *config, struct err *err);
void certs_store_free(struct certs_store *store);

/* For tls_server_new: a host whose route has no certificate, or no route, gives NULL. Without
 * SNI, the host that equals the local address as text (H08). */
struct tls_identity *certs_store_lookup(void *store, const char *name, const struct address *local);

#endif
