/* This module knows the reasons of reason.def and counts them (reason.h). */
#include "base/reason.h"

#include <stdatomic.h>

#include "base/check.h"

static const struct {
    int status;
    const char *code;
    const char *sentence;
} reasons[REASON_COUNT] = {
    [REASON_NONE] = {0, "-", ""},
#define REASON(name, status, code, sentence) [REASON_##name] = {status, code, sentence},
#include "base/reason.def"
#undef REASON
};

static _Atomic uint64_t totals[REASON_COUNT];

int reason_status(enum reason reason)
{
    check(reason < REASON_COUNT);
    return reasons[reason].status;
}

const char *reason_code(enum reason reason)
{
    check(reason < REASON_COUNT);
    return reasons[reason].code;
}

const char *reason_sentence(enum reason reason)
{
    check(reason < REASON_COUNT);
    return reasons[reason].sentence;
}

void reason_count(enum reason reason)
{
    check(reason < REASON_COUNT);
    atomic_fetch_add_explicit(&totals[reason], 1, memory_order_relaxed);
}

uint64_t reason_total(enum reason reason)
{
    check(reason < REASON_COUNT);
    return atomic_load_explicit(&totals[reason], memory_order_relaxed);
}
