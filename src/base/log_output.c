/* This module writes lines of the log to a descriptor (log_output.h). */
#include "base/log_output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define RETRY_AFTER CLOCK_SECOND

int log_output_init(struct log_output *output, int fd)
{
    struct stat status;
    if (fstat(fd, &status) == -1)
        return -1;
    output->fd = fd;
    output->type = status.st_mode & S_IFMT;
    output->device = status.st_dev;
    output->inode = status.st_ino;
    output->state = LOG_OUTPUT_READY;
    output->error = 0;
    output->retry_at = 0;
    output->start = output->end = 0;
    output->gathered = 0;
    return 0;
}

bool log_output_is_same_file(const struct log_output *a, const struct log_output *b)
{
    return a->device == b->device && a->inode == b->inode;
}

bool log_output_add(struct log_output *output, struct span line, bool *much)
{
    size_t before = output->gathered;
    if (line.len >= LOG_OUTPUT_SIZE - before)
        return false;
    char *room = output->buffers[output->filling] + before;
    if (line.len)
        memcpy(room, line.data, line.len);
    room[line.len] = '\n';
    output->gathered += line.len + 1;
    if (before <= LOG_OUTPUT_WAKE && output->gathered > LOG_OUTPUT_WAKE)
        *much = true;
    return true;
}

bool log_output_swap(struct log_output *output)
{
    if (output->start < output->end || output->gathered == 0)
        return false;
    output->filling = !output->filling;
    output->start = 0;
    output->end = output->gathered;
    output->gathered = 0;
    return true;
}

static const char *unwritten(const struct log_output *output)
{
    return output->buffers[!output->filling] + output->start;
}

/* How much to write at once to what must be polled: whole lines, if one fits. */
static size_t piece_length(const struct log_output *output)
{
    size_t len = output->end - output->start;
    if (len <= PIPE_BUF)
        return len;
    const char *start = unwritten(output);
    const char *newline = memrchr(start, '\n', PIPE_BUF);
    return newline ? (size_t)(newline - start) + 1 : PIPE_BUF;
}

/* As write(2) on a non-blocking descriptor. */
static ssize_t write_some(const struct log_output *output)
{
    const char *start = unwritten(output);
    struct pollfd writable = {.fd = output->fd, .events = POLLOUT};
    if (output->type == S_IFSOCK)
        return send(output->fd, start, output->end - output->start, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (output->type == S_IFREG)
        return write(output->fd, start, output->end - output->start);
    int ready = poll(&writable, 1, 0);
    if (ready == 0)
        errno = EAGAIN;
    if (ready <= 0)
        return -1;
    /* If it was for a hang-up or an error, write names it. */
    return write(output->fd, start, piece_length(output));
}

void log_output_flush(struct log_output *output, int64_t now)
{
    if (output->state == LOG_OUTPUT_FAILING && now < output->retry_at)
        return;
    while (output->start < output->end) {
        ssize_t written = write_some(output);
        if (written > 0) {
            output->start += (size_t)written;
        } else if (written == 0 || errno != EINTR) {
            output->error = written == 0 ? EIO : errno;
            output->retry_at = now + RETRY_AFTER;
            output->state = output->error == EAGAIN ? LOG_OUTPUT_BLOCKED : LOG_OUTPUT_FAILING;
            return;
        }
    }
    output->state = LOG_OUTPUT_READY;
}
