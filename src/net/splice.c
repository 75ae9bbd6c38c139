/* This module moves bytes through a pipe without copying them (splice.h). It runs on the worker
 * that holds the connection of both streams.
 *
 *      from ──splice──► pipe ──splice──► to
 *                         └────read────► rest     what `to` did not take
 *
 * splice(2) moves references to the pages that the network filled, where reading and writing
 * copy each byte twice. It pays when much is moved at a time, which is why the pipe is as large
 * as an unprivileged user may have it; src/DECISIONS.md has the figures. It can be smaller (the
 * kernel limits what one user's pipes may hold), and everything works with what there is.
 *
 * Errors have two sources, and the pipe tells them apart. Filling it can only fail because of
 * `from`, since the pipe is empty then and a write to it cannot be refused. Emptying it can only
 * fail because of `to`, and that failure is not reported but left to be found by the write of
 * the rest.
 *
 * Invariants
 *  1. The pipe is empty between two calls. One that cannot be emptied is closed.
 *  2. A pipe is used by the thread that made it, and closed by it.
 *  3. Never more than `size` bytes are taken from `from`: what follows them is not ours. */
#include "net/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"

/* Both ends without blocking: an empty or a full pipe is an error here, not something to wait
 * for. */
#define FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK)

struct pipe {
    int out, in; /* as pipe(2) orders them: where it is read, and where it is written */
};

static _Thread_local struct pipe pipe_ends = {-1, -1};

void splice_thread_release(void)
{
    if (pipe_ends.out == -1)
        return;
    close(pipe_ends.out);
    close(pipe_ends.in);
    pipe_ends = (struct pipe){-1, -1};
}

static int pipe_open(void)
{
    int ends[2];
    if (pipe_ends.out != -1)
        return 0;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
        return -1;
    pipe_ends = (struct pipe){ends[0], ends[1]};
    /* Refused beyond the limit of the user's pipes: then it stays as it is. */
    (void)fcntl(pipe_ends.in, F_SETPIPE_SZ, (int)SPLICE_MAX);
    return 0;
}

/* Takes up to `size` bytes from `from` into the empty pipe; answers as splice_move does. */
static ssize_t pipe_fill(struct stream *from, size_t size)
{
    ssize_t count;
    from->drained = false;
    do
        count = splice(from->fd, NULL, pipe_ends.in, NULL, size, FLAGS);
    while (count == -1 && errno == EINTR);
    if (count > 0) {
        from->bytes_read += (uint64_t)count;
    } else if (count == 0) {
        from->eof = true;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        from->read_wants = POLLIN;
        errno = EAGAIN;
    } else if (errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM) {
        errno = ENOTSUP;
    } else {
        from->eof = from->broken = true;
    }
    return count;
}

/* Gives `to` what it takes of the `size` bytes in the pipe. Returns how many remain. */
static size_t pipe_empty(struct stream *to, size_t size)
{
    while (size > 0) {
        ssize_t count = splice(pipe_ends.out, NULL, to->fd, NULL, size, FLAGS);
        if (count == -1 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        to->bytes_written += (uint64_t)count;
        size -= (size_t)count;
    }
    return size;
}

/* Reads the `size` bytes that remain in the pipe. 0, or -1 with ENOMEM. */
static int pipe_read(struct buf *rest, size_t size)
{
    if (buf_reserve_large(rest, size) == -1)
        return -1;
    while (size > 0) {
        ssize_t count = read(pipe_ends.out, buf_tail(rest), size);
        if (count == -1 && errno == EINTR)
            continue;
        check(count > 0); /* the bytes are there */
        buf_produce(rest, (size_t)count);
        size -= (size_t)count;
    }
    return 0;
}

ssize_t splice_move(struct stream *from, struct stream *to, size_t size, struct buf *rest)
{
    check(stream_is_plain(from) && stream_is_plain(to) && buf_len(rest) == 0);
    from->read_wants = to->write_wants = 0;
    if (pipe_open() == -1) {
        errno = ENOTSUP;
        return -1;
    }
    ssize_t count = pipe_fill(from, size < SPLICE_MAX ? size : SPLICE_MAX);
    if (count <= 0)
        return count;
    size_t left = pipe_empty(to, (size_t)count);
    if (left > 0 && pipe_read(rest, left) == -1) {
        splice_thread_release();
        errno = ENOMEM;
        return -1;
    }
    return count;
}
