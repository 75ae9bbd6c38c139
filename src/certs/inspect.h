/* A look at the certificates on the disk, which changes nothing and makes none: for `portico
 * check`. */
#ifndef PORTICO_CERTS_INSPECT_H
#define PORTICO_CERTS_INSPECT_H

#include <time.h>

#include "base/err.h"

enum inspect_result {
    INSPECT_GOOD,       /* or there is none yet, and one will be made */
    INSPECT_UNREADABLE, /* certificate or key cannot be read, or is damaged */
    INSPECT_EXPIRES,    /* it has expired; or it should have been renewed, and was not */
};

/* The files of `host`'s certificate in the directory `dir` (CERT_DIR): self-signed/HOST.crt and
 * .key. Anything but INSPECT_GOOD comes with `err`. `now` in seconds since the epoch. */
enum inspect_result inspect_leaf(const char *dir, const char *host, time_t now, struct err *err);

/* The same of the local CA's root: local-ca.crt and .key. */
enum inspect_result inspect_root(const char *dir, time_t now, struct err *err);

#endif
