/* This module keeps free blocks of memory for buffers (buf.h).
 *
 * Free blocks are kept in one list for each size class and thread, without a lock; at most
 * CACHE_BYTES of a class, so that a burst of connections does not keep its memory for ever. */
#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/metrics.h"

#define CACHE_BYTES ((size_t)1 << 20)

static const uint32_t class_size[] = {BUF_SMALL, BUF_MEDIUM, BUF_IO, BUF_HEAD, BUF_MAX};
#define CLASSES (sizeof class_size / sizeof class_size[0])

struct block {
    struct block *next;
};

struct free_list {
    struct block *first;
    size_t count;
};

static _Thread_local struct free_list cache[CLASSES];

static size_t class_for(size_t size)
{
    size_t c = 0;
    while (c < CLASSES && class_size[c] < size)
        c++;
    return c;
}

static char *block_get(size_t c)
{
    struct block *block = cache[c].first;
    if (block) {
        cache[c].first = block->next;
        cache[c].count--;
    } else {
        block = malloc(class_size[c]);
    }
    if (block)
        metrics_add(METRIC_BUFFERS, 1);
    return (char *)block;
}

static void block_put(char *data, uint32_t cap)
{
    size_t c = class_for(cap);
    struct block *block = (struct block *)(void *)data;
    metrics_add(METRIC_BUFFERS, -1);
    if (c == CLASSES || cache[c].count * class_size[c] >= CACHE_BYTES) {
        free(block);
        return;
    }
    check(class_size[c] == cap);
    block->next = cache[c].first;
    cache[c].first = block;
    cache[c].count++;
}

/* Moves the unread bytes to the front of a block of class `c`. */
static int move_to_class(struct buf *buf, size_t c)
{
    char *data = block_get(c);
    size_t len = buf_len(buf);
    if (data == NULL) {
        errno = ENOMEM;
        return -1;
    }
    if (len)
        memcpy(data, buf->data + buf->start, len);
    if (buf->data)
        block_put(buf->data, buf->cap);
    buf->data = data;
    buf->cap = class_size[c];
    buf->start = 0;
    buf->end = (uint32_t)len;
    return 0;
}

int buf_reserve(struct buf *buf, size_t room)
{
    if (buf->data && buf_room(buf) >= room)
        return 0;
    size_t len = buf_len(buf);
    if (room > BUF_MAX || len + room > BUF_MAX) {
        errno = EMSGSIZE;
        return -1;
    }
    if (buf->data && len + room <= buf->cap) {
        memmove(buf->data, buf->data + buf->start, len);
        buf->start = 0;
        buf->end = (uint32_t)len;
        return 0;
    }
    return move_to_class(buf, class_for(len + room));
}

int buf_reserve_large(struct buf *buf, size_t room)
{
    if (room <= BUF_MAX)
        return buf_reserve(buf, room);
    check(buf_len(buf) == 0);
    char *data = room <= UINT32_MAX ? malloc(room) : NULL;
    if (data == NULL) {
        errno = ENOMEM;
        return -1;
    }
    buf_release(buf);
    metrics_add(METRIC_BUFFERS, 1);
    *buf = (struct buf){.data = data, .cap = (uint32_t)room};
    return 0;
}

void buf_produce(struct buf *buf, size_t len)
{
    check(len <= buf_room(buf));
    buf->end += (uint32_t)len;
}

void buf_consume(struct buf *buf, size_t len)
{
    check(len <= buf_len(buf));
    buf->start += (uint32_t)len;
    if (buf->start == buf->end)
        buf->start = buf->end = 0;
}

void buf_append(struct buf *buf, const void *data, size_t len)
{
    if (buf->failed || len == 0)
        return;
    if (buf_reserve(buf, len) == -1) {
        buf->failed = true;
        return;
    }
    memcpy(buf_tail(buf), data, len);
    buf->end += (uint32_t)len;
}

void buf_append_uint(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_append(buf, digits + at, sizeof digits - at);
}

void buf_trim(struct buf *buf)
{
    size_t len = buf_len(buf);
    if (buf->data == NULL)
        return;
    if (len == 0) {
        block_put(buf->data, buf->cap);
        buf->data = NULL;
        buf->cap = 0;
        return;
    }
    size_t c = class_for(len);
    /* Out of memory is no reason to fail here: the larger block goes on serving. */
    if (len <= BUF_MAX && class_size[c] < buf->cap)
        (void)move_to_class(buf, c);
}

void *buf_block_get(size_t size)
{
    size_t c = class_for(size);
    check(c < CLASSES);
    return block_get(c);
}

void buf_block_put(void *block, size_t size)
{
    block_put(block, class_size[class_for(size)]);
}

void buf_release(struct buf *buf)
{
    if (buf->data)
        block_put(buf->data, buf->cap);
    *buf = (struct buf){0};
}

void buf_thread_release(void)
{
    for (size_t c = 0; c < CLASSES; c++) {
        while (cache[c].first) {
            struct block *block = cache[c].first;
            cache[c].first = block->next;
            free(block);
        }
        cache[c].count = 0;
    }
}
