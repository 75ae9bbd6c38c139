/* TLS on the listening side: one server context, an identity for each certificate.
 *
 * TLS 1.2 and 1.3, AEAD suites only in our order, ALPN "http/1.1" (or 1.0), session tickets, no
 * renegotiation, no compression, and buffers released while a connection is idle. Which certificate
 * a client gets is decided by a callback (certs/store), from its SNI.
 *
 * A server and identities are immutable once made and shared by all threads; identities are
 * counted, and so is what OpenSSL takes of them, so replacing one never disturbs a handshake
 * in flight. */
#ifndef PORTICO_NET_TLS_H
#define PORTICO_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/reason.h"
#include "net/address.h"
#include "net/stream.h"
#include "net/waiting_room.h"

struct tls_server;
struct tls_identity; /* net/tls_identity */

/* Finds the identity for a handshake. `name` is the SNI in lower case without a trailing dot
 * (never empty, no NUL inside, at most 253 bytes), or NULL when the client sent none; `local` is
 * then the address it connected to (and empty otherwise). Returns a reference that the caller gives
 * back with tls_identity_unref, or NULL: the handshake then ends with the alert unrecognized_name,
 * or, if errno is ENOKEY, because the host has no usable certificate, with internal_error; if it is
 * EAGAIN, the handshake waits, and asks again when it goes on: whoever has `ticket` wakes it.
 * Called by workers; must not block. */
typedef struct tls_identity *tls_lookup_fn(void *arg, const char *name, const struct address *local,
                                           const struct room_ticket *ticket);

/* NULL with `err` when OpenSSL refuses. `arg` is borrowed. */
struct tls_server *tls_server_new(tls_lookup_fn *lookup, void *arg, struct err *err);
void tls_server_free(struct tls_server *server);

/* Puts the server side of TLS on a plain, connected stream; nothing is sent yet. 0, or -1
 * with errno ENOMEM. */
int tls_accept(struct tls_server *server, struct stream *stream);

/* Goes on with the handshake; `ticket` is that of its next wait, and for the lookup. 0 when it is
 * done; the first request may then already lie inside OpenSSL, so read before waiting. -1 with
 * errno: EAGAIN (see the stream's read_wants or write_wants: at most one of them is set, and none
 * when the lookup has the ticket), EPROTO when it failed, ECONNABORTED when the client
 * ended the connection, or the socket's own error. On failure *why is one of
 *
 *   HANDSHAKE_NAME    the lookup answered NULL; `detail` is what the client asked for
 *   HANDSHAKE_CERTIFICATE  the same, with ENOKEY
 *   BAD_TLS_PORT      the client speaks plain HTTP: the stream is a plain one again, to be
 *                     answered in kind; what was read of the request is gone
 *   SILENT            the client ended the connection before its first byte
 *   HANDSHAKE_FAILED  anything else; `detail` is OpenSSL's own words
 *
 * The alert has been sent then, and stream_close (not stream_abort) lets it arrive. */
int tls_handshake(struct stream *stream, const struct room_ticket *ticket, enum reason *why,
                  char *detail, size_t detail_size);

/* Of a stream whose handshake is done. The SNI as the lookup saw it (NULL: none was sent),
 * valid as long as the stream. */
const char *tls_sni(const struct stream *stream);
const char *tls_version(const struct stream *stream);
const char *tls_cipher(const struct stream *stream);

/* Frees what OpenSSL keeps for the calling thread: a thread calls it as it ends. */
void tls_thread_release(void);

#endif
