/* The certificate store: host to certificate, replaceable while handshakes go on.
 *
 * For each host of the configuration that has a certificate it holds the identity to serve.
 * For now every certificate is a leaf of the local CA (certs/local_ca): for `self_signed`
 * routes because that is what they ask for, for `acme` routes until Portico obtains real ones,
 * with a warning in the log. Leaves are kept in CERT_DIR and reused across restarts; the "certs"
 * thread loads them, makes those that are missing, and renews them before they expire. Nobody else
 * waits for a disk.
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

/* Starts the "certs" thread, has it open (or make) the local CA in config->cert_dir, and publishes
 * the hosts of the configuration; the log gets the root's path and fingerprint, and warnings about
 * `acme` routes. NULL with `err` when the directory cannot be used, or does not answer within
 * seconds; a root that cannot only keeps leaves from being made. Configurations without TLS routes
 * touch no disk. */
struct certs_store *certs_store_new(const struct config *config, struct err *err);

/* Before the room is freed. A thread that the disk holds up is waited for no longer than a moment.
 */
void certs_store_free(struct certs_store *store);

/* Makes the hosts of another configuration ready, in two steps, while look-ups go on: the first
 * one opens the CA if these are the first hosts with certificates, and can fail (NULL with `err`);
 * the second one puts them in force, and has the thread load what is new and try again what is in
 * quarantine. Unchanged hosts keep what they have. One thread at a time. */
struct certs_hosts *certs_hosts_new(struct certs_store *store, const struct config *config,
                                    struct err *err);
void certs_hosts_free(struct certs_hosts *hosts); /* of the first step only */
void certs_store_publish(struct certs_store *store, struct certs_hosts *hosts);

/* Has the host a certificate that could not be used when it was last tried? Only looks. Any thread.
 * Has the shape that decision_peer asks for. */
bool certs_store_is_quarantined(void *store, const char *host);

/* For tls_server_new: a host whose route has no certificate, or no route, gives NULL, with errno
 * ENOENT; one in quarantine NULL with ENOKEY; one whose certificate is not loaded yet NULL with
 * EAGAIN, and the ticket is woken when it is worth another look. Without SNI, the host that equals
 * the local address as text (H08). */
struct tls_identity *certs_store_lookup(void *store, const char *name, const struct address *local,
                                        const struct room_ticket *ticket);

#endif
