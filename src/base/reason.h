/* A reason names what went wrong between a client and an upstream; all of them are rows of
 * reason.def. REASON_NONE is the absence of trouble. */
#ifndef PORTICO_BASE_REASON_H
#define PORTICO_BASE_REASON_H

#include <stdint.h>

enum reason {
    REASON_NONE,
#define REASON(name, status, code, sentence) REASON_##name,
#include "base/reason.def"
#undef REASON
    REASON_COUNT
};

/* The HTTP status, or 0 for ends without an answer. */
int reason_status(enum reason reason);

/* The code, such as "E502-REFUSED"; "-" for REASON_NONE. */
const char *reason_code(enum reason reason);

/* A sentence for people; empty for REASON_NONE. */
const char *reason_sentence(enum reason reason);

/* How often it has happened since the start. Any thread. */
void reason_count(enum reason reason);
uint64_t reason_total(enum reason reason);

#endif
