/* This module moves bytes that flow in large pieces (bulk.h). It runs on the worker that holds
 * the connection of both streams.
 *
 * What makes large pieces cheap is less the system calls that they save than the sleep: whoever
 * is on the other side finds much to do when it is woken, and is not woken for each record.
 * src/DECISIONS.md has the figures.
 *
 * A receiver may take less than it had room for, and what was read for it would have to be kept.
 * So bytes that wait in the kernel are looked at there (MSG_PEEK), and taken once they have been
 * written; but they then lie in memory twice, which costs 6 to 12 per cent more. Bytes that come
 * over TLS have been decrypted and cannot go back: of them only a few records are read at once.
 *
 * Invariants
 *  1. The memory holds nothing between two calls.
 *  2. Never more than `size` bytes are taken from `from`: what follows them is not ours.
 *  3. After a refused write, the bytes that it was refused for are the next that `from` gives:
 *     OpenSSL wants to be offered them again. */
#include "net/bulk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"

/* How long one piece may keep the worker: a slow processor takes 20 ms to encrypt a mebibyte. To
 * look at more than is written then costs a copy, a few per cent of that. */
#define TIME_MAX (5 * CLOCK_MS)
/* What is read of a TLS stream: the most that a receiver can leave us with. */
#define TLS_MAX ((size_t)64 * 1024)
/* The most records of them: 64 KiB of the smallest would be work for fifty turns. */
#define RECORDS_MAX 64

/* The memory begins on a page. Where it began 16 bytes later, as malloc has it, downloads over TLS
 * took a seventh more CPU time: the kernel's copy out of the socket took nearly twice as long. */
#define PAGE 4096
_Static_assert(BULK_MAX % PAGE == 0, "as aligned_alloc wants it");

static _Thread_local char *memory; /* owned, BULK_MAX bytes; NULL until it is first needed */
/* The last piece took too long: none is read that could not be interrupted. */
static _Thread_local bool is_slow;

void bulk_thread_release(void)
{
    splice_thread_release();
    free(memory);
    memory = NULL;
}

/* Gives `to` what it takes of the memory's first `len` bytes. Returns how many it took. */
static size_t give(struct stream *to, size_t len)
{
    size_t given = 0;
    while (given < len) {
        ssize_t n = stream_write(to, memory + given, len - given);
        if (n == -1)
            break;
        given += (size_t)n;
    }
    return given;
}

/* The same, for as long as TIME_MAX. */
static size_t give_for_a_while(struct stream *to, size_t len)
{
    size_t given = 0;
    int64_t began = clock_thread_cpu();
    is_slow = false;
    while (given < len && !is_slow) {
        ssize_t n = stream_write(to, memory + given, len - given);
        if (n == -1)
            break;
        given += (size_t)n;
        is_slow = clock_thread_cpu() - began >= TIME_MAX;
    }
    return given;
}

static ssize_t move_by_peeking(struct stream *from, struct stream *to, size_t size)
{
    ssize_t count = stream_peek(from, memory, size);
    if (count <= 0)
        return count;
    size_t given = give_for_a_while(to, (size_t)count);
    if (given > 0)
        return stream_skip(from, memory, given);
    errno = ENOTSUP;
    return -1;
}

/* Reads into the memory as stream_read does; over TLS several records, if they are there. */
static ssize_t take(struct stream *from, size_t size)
{
    if (stream_is_plain(from))
        return stream_read(from, memory, size < BULK_MAX ? size : BULK_MAX);
    size_t len = 0;
    ssize_t n = 1;
    size = size < TLS_MAX ? size : TLS_MAX;
    for (int i = 0; i < RECORDS_MAX && n > 0 && (i == 0 || size - len >= STREAM_RECORD); i++) {
        n = stream_read(from, memory + len, size - len);
        if (n > 0)
            len += (size_t)n;
    }
    return len > 0 ? (ssize_t)len : n;
}

static ssize_t move_by_reading(struct stream *from, struct stream *to, size_t size,
                               struct buf *rest)
{
    ssize_t count = take(from, size);
    if (count <= 0)
        return count;
    size_t given = give(to, (size_t)count), left = (size_t)count - given;
    if (left > 0) {
        if (buf_reserve_large(rest, left) == -1)
            return -1;
        memcpy(buf_tail(rest), memory + given, left);
        buf_produce(rest, left);
    }
    return count;
}

static bool can_splice(const struct stream *from, const struct stream *to)
{
    return stream_is_plain(from) && stream_is_plain(to);
}

bool bulk_leaves_rest(const struct stream *from, const struct stream *to)
{
    return stream_is_plain(from) && !can_splice(from, to);
}

ssize_t bulk_move(struct stream *from, struct stream *to, size_t size, bool sure, struct buf *rest)
{
    check(size > 0 && buf_len(rest) == 0);
    if (can_splice(from, to)) {
        ssize_t count = splice_move(from, to, size, rest);
        if (count != -1 || errno != ENOTSUP)
            return count;
    }
    if (memory == NULL && (memory = aligned_alloc(PAGE, BULK_MAX)) == NULL) {
        errno = ENOTSUP;
        return -1;
    }
    if (stream_is_plain(from) && (!sure || is_slow))
        return move_by_peeking(from, to, size < BULK_MAX ? size : BULK_MAX);
    return move_by_reading(from, to, size, rest);
}
