/* A look at the certificates on the disk, which changes nothing and makes none: for `portico
 * check` and `portico explain`. `dir` is CERT_DIR; times are seconds since the epoch. */
#ifndef PORTICO_CERTS_INSPECT_H
#define PORTICO_CERTS_INSPECT_H

#include <limits.h>
#include <stdbool.h>
#include <time.h>

#include "base/err.h"

struct inspect_certificate {
    char path[PATH_MAX];
    time_t end; /* when it expires, or has expired */
};

/* The certificate for `host` by itself: its key need not be readable. 0; or -1 with `err` and
 * errno: ENOENT when there is none yet; EINVAL when it is of no use, so that another will be made.
 * found->path is set in any case but that of an impossible host. */
int inspect_certificate(const char *dir, const char *host, struct inspect_certificate *found,
                        struct err *err);

enum inspect_result {
    INSPECT_GOOD,       /* or there is none yet, and one will be made */
    INSPECT_UNREADABLE, /* certificate or key cannot be read, or is of no use */
    INSPECT_EXPIRES,    /* it has expired; or it should have been renewed, and was not */
};

/* The certificate for `host` with its key. Anything but INSPECT_GOOD comes with `err`. */
enum inspect_result inspect_leaf(const char *dir, const char *host, time_t now, struct err *err);

/* Would a Portico that starts now put `host` into quarantine (certs/store.h)? So it does when its
 * certificate cannot be used, and another cannot be put in its place, or the local CA's root is of
 * no use; `err` says which file, and why, and what to do. False as well when CERT_DIR is closed to
 * the caller: then Portico runs as somebody else. */
bool inspect_is_quarantined(const char *dir, const char *host, time_t now, struct err *err);

/* The same as inspect_leaf, of the local CA's root. */
enum inspect_result inspect_root(const char *dir, time_t now, struct err *err);

#endif
