/* Rings: see log_ring.h. */
#include "base/log_ring.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct log_ring *log_ring_new(unsigned kind)
{
    /* Not zeroed: a thread that logs little touches little of it. */
    struct log_ring *ring = malloc(sizeof *ring);
    if (ring == NULL)
        return NULL;
    ring->next = NULL;
    ring->kind = kind;
    atomic_init(&ring->written, 0);
    atomic_init(&ring->consumed, 0);
    atomic_init(&ring->finished, false);
    return ring;
}

void log_ring_free(struct log_ring *ring)
{
    free(ring);
}

/* Copies in or out across the end of `bytes`; both return the position behind the copy. */

static size_t copy_in(struct log_ring *ring, size_t position, const void *data, size_t len)
{
    size_t at = position % LOG_RING_SIZE;
    size_t first = len < LOG_RING_SIZE - at ? len : LOG_RING_SIZE - at;
    if (len) {
        memcpy(ring->bytes + at, data, first);
        memcpy(ring->bytes, (const char *)data + first, len - first);
    }
    return position + len;
}

static size_t copy_out(const struct log_ring *ring, size_t position, void *data, size_t len)
{
    size_t at = position % LOG_RING_SIZE;
    size_t first = len < LOG_RING_SIZE - at ? len : LOG_RING_SIZE - at;
    memcpy(data, ring->bytes + at, first);
    memcpy((char *)data + first, ring->bytes, len - first);
    return position + len;
}

enum log_push log_ring_push(struct log_ring *ring, int64_t time, struct span line)
{
    struct log_record record = {.time = time, .len = (uint32_t)line.len + 1};
    size_t start = atomic_load_explicit(&ring->written, memory_order_relaxed);
    size_t used = start - atomic_load_explicit(&ring->consumed, memory_order_acquire);
    size_t needed = sizeof record + record.len;
    if (line.len >= LOG_RING_SIZE || needed > LOG_RING_SIZE - used)
        return LOG_PUSH_FULL;
    size_t position = copy_in(ring, start, &record, sizeof record);
    position = copy_in(ring, position, line.data, line.len);
    position = copy_in(ring, position, "\n", 1);
    atomic_store(&ring->written, position);
    bool crossed = used <= LOG_RING_SIZE / 2 && used + needed > LOG_RING_SIZE / 2;
    return crossed ? LOG_PUSH_HALF : LOG_PUSH_DONE;
}

void log_ring_finish(struct log_ring *ring)
{
    atomic_store_explicit(&ring->finished, true, memory_order_release);
}

bool log_ring_peek(struct log_ring *ring, struct log_record *record)
{
    size_t position = atomic_load_explicit(&ring->consumed, memory_order_relaxed);
    if (atomic_load(&ring->written) == position)
        return false;
    copy_out(ring, position, record, sizeof *record);
    return true;
}

void log_ring_take(struct log_ring *ring, const struct log_record *record, char *out)
{
    size_t position = atomic_load_explicit(&ring->consumed, memory_order_relaxed);
    check(atomic_load(&ring->written) - position >= sizeof *record + record->len);
    position = copy_out(ring, position + sizeof *record, out, record->len);
    atomic_store_explicit(&ring->consumed, position, memory_order_release);
}

void log_ring_discard(struct log_ring *ring)
{
    atomic_store_explicit(&ring->consumed, atomic_load(&ring->written), memory_order_release);
}

bool log_ring_is_over(struct log_ring *ring)
{
    /* In this order: what was written before the producer finished is seen. */
    return atomic_load_explicit(&ring->finished, memory_order_acquire) &&
           atomic_load(&ring->written) ==
               atomic_load_explicit(&ring->consumed, memory_order_relaxed);
}
