/* The local CA: one root for everything this Portico serves at home, and leaves signed by it.
 *
 *     DIR/local-ca.crt           the root, to be imported into browsers and systems
 *     DIR/local-ca.key           its key
 *     DIR/self-signed/HOST.crt   a leaf for each host
 *     DIR/self-signed/HOST.key   its key
 *     DIR/.lock                  held while any of these is read or made
 *
 * The root is made once and never replaced: people have imported it. Whatever is wrong with
 * it is an error that says what to do, and keeps leaves from being made, but not those that are
 * there from being used. Leaves are a matter of course: they are reused while they are good and
 * made anew when not.
 *
 * One thread at a time, which may have to wait for the disk and for the lock. Times are seconds
 * since the epoch (base/clock.h: clock_wall), passed in. */
#ifndef PORTICO_CERTS_LOCAL_CA_H
#define PORTICO_CERTS_LOCAL_CA_H

#include <stdbool.h>
#include <time.h>

#include "base/err.h"
#include "certs/local_ca_root.h"
#include "net/tls.h"

struct local_ca;

/* Opens the CA in `dir`; makes directory (mode 0700) and root where there are none. NULL with
 * `err`. */
struct local_ca *local_ca_open(const char *dir, time_t now, struct err *err);
void local_ca_free(struct local_ca *ca);

/* False with `err` when the root is there, but of no use. Leaves that are needed are then made as
 * soon as it is, without opening the CA again. */
bool local_ca_has_root(const struct local_ca *ca, struct err *err);

/* The root's file, and its SHA-256 fingerprint as "AA:BB:…"; of a CA that has its root. */
const char *local_ca_path(const struct local_ca *ca);
const char *local_ca_fingerprint(const struct local_ca *ca);

struct local_ca_leaf {
    struct tls_identity *identity; /* a reference, the caller's */
    time_t renew_at;               /* ask again then */
    bool issued;                   /* made just now, and not found on the disk */
};

/* The leaf for `host` (a name in lower case, or an IP literal): the one on the disk if its
 * signer is this root (as far as there is one to compare with), it names the host, key and
 * certificate belong together and more than a third of its term is left; else a new one. When a new
 * one cannot be made or written, the old one goes on as long as it is valid, with a warning in the
 * log. 0, or -1 with an `err` that names the host. */
int local_ca_get(struct local_ca *ca, const char *host, time_t now, struct local_ca_leaf *leaf,
                 struct err *err);

/* The files of `host`'s leaf in `dir`. 0, or -1 with `err` when no file can have that name. */
int local_ca_leaf_files(const char *dir, const char *host, struct local_ca_files *files,
                        struct err *err);
#endif
