/* The certificate store: host to certificate, replaceable while handshakes go on.
 *
 * For each host of the configuration that has a certificate it holds the identity to serve.
 * For now every certificate is a leaf of the local CA (certs/local_ca): for `self_signed`
 * routes because that is what they ask for, for `acme` routes until Portico obtains real ones,
 * with a warning in the log. Leaves are kept in CERT_DIR, reused across restarts, and renewed
 * by the "certs" thread before they expire.
 *
 * A host whose certificate can neither be read nor made is in quarantine: the others do not
 * suffer from it. */
#ifndef PORTICO_CERTS_STORE_H
#define PORTICO_CERTS_STORE_H

#include "base/err.h"
#include "config/config.h"
#include "net/tls.h"

struct certs_store;
struct certs_hosts; /* those of one configuration */

/* Opens (or makes) the local CA in config->cert_dir and loads or issues the leaves that the
 * configuration needs; logs the root's path and fingerprint, and warns about `acme` routes.
 * NULL with `err` when the directory cannot be used; a root that cannot only keeps leaves from
 * being made. Configurations without TLS routes touch no disk. Starts the "certs" thread. */
struct certs_store *certs_store_new(const struct config *config, struct err *err);
void certs_store_free(struct certs_store *store);

/* Makes the hosts of another configuration ready, in two steps, while look-ups go on: the first
 * one issues what is missing, tries again what is in quarantine, and can fail (NULL with `err`);
 * the second one puts them in force. Unchanged hosts keep what they have. One thread at a time. */
struct certs_hosts *certs_hosts_new(struct certs_store *store, const struct config *config,
                                    struct err *err);
void certs_hosts_free(struct certs_hosts *hosts); /* of the first step only */
void certs_store_publish(struct certs_store *store, struct certs_hosts *hosts);

/* Has the host a certificate that cannot be used? Loads it if nobody has yet. Any thread. Has
 * the shape that decision_peer asks for. */
bool certs_store_is_quarantined(void *store, const char *host);

/* For tls_server_new: a host whose route has no certificate, or no route, gives NULL, with errno
 * ENOENT; one in quarantine NULL with ENOKEY. Without
 * SNI, the host that equals the local address as text (H08). */
struct tls_identity *certs_store_lookup(void *store, const char *name, const struct address *local);

#endif
