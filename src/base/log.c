/* The log: see log.h. Its parts are log_line (what a line looks like), log_ring (from a thread to
 * the log thread) and log_output (from there to a descriptor); this file ties them together.
 *
 * A thread has two rings, one for access lines and one for messages, each made at its first
 * line, so that a standard output that nobody reads does not hold up the messages. They
 * belong to the thread's TLS until it ends (a pthread_key destructor), then to the log thread,
 * which frees them once they are empty. Everything in `logger` that is not atomic belongs to
 * the log thread while it runs.
 *
 * While lines come in, the log thread looks at the rings every TICK_MS, and a producer makes a
 * system call only when its ring becomes half full. When none come, it sleeps until one does.
 *
 * Invariants
 *  1. No line waits while the log thread sleeps: it says `sleeping` before it looks at the rings
 *     for the last time, a producer looks at `sleeping` after it has written its line, and all
 *     four are sequentially consistent, so at least one of them sees the other.
 *  2. Two descriptors of one file (`2>&1`) share one output; otherwise what one has left to
 *     write would stand inside a line of the other.
 *  3. Every line that was handed in is written or counted in `dropped`, but for what is left
 *     when log_stop gives up on a blocked descriptor. */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log_line.h"
#include "base/log_output.h"
#include "base/log_ring.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "base/yield_point.h"

#define TICK_MS    100
#define ACCESS_MAX ((size_t)32 << 10)
#define TEXT_MAX   4000u
#define STOP_AFTER CLOCK_SECOND /* how long log_stop waits for blocked descriptors */

enum log_kind { LOG_KIND_ACCESS, LOG_KIND_MESSAGE, LOG_KINDS };

static struct {
    /* fixed while the thread runs */
    int event_fd;
    pthread_t thread;
    struct log_output *output_of[LOG_KINDS]; /* in `outputs` */
    unsigned output_count;

    /* any thread */
    atomic_bool running;
    atomic_bool stopping;
    atomic_bool sleeping;
    atomic_int level;
    _Atomic(struct log_ring *) newcomers; /* rings that the log thread has not seen yet */
    atomic_uint_fast64_t dropped[LOG_KINDS];

    /* log thread only */
    struct log_output outputs[LOG_KINDS];
    struct log_ring *rings;
    struct log_stamp stamp;
    uint64_t reported[LOG_KINDS]; /* how many of `dropped` were mentioned */
    int64_t report_after[LOG_KINDS];
    bool failure_reported[LOG_KINDS];
} logger = {.event_fd = -1, .level = LOG_INFO};

/* What a thread that logs keeps. */
struct producer {
    char name[16];
    struct log_stamp stamp;
    struct log_ring *rings[LOG_KINDS];
};

static _Thread_local struct producer self;
static pthread_key_t at_thread_end;
static pthread_once_t at_thread_end_once = PTHREAD_ONCE_INIT;

/* ---- Producers: any thread ---- */

static void signal_log_thread(void)
{
    uint64_t one = 1;
    ssize_t written = write(logger.event_fd, &one, sizeof one);
    check(written == (ssize_t)sizeof one || errno == EAGAIN);
}

static void finish_rings(void *producer)
{
    struct log_ring **rings = ((struct producer *)producer)->rings;
    for (unsigned kind = 0; kind < LOG_KINDS; kind++) {
        if (rings[kind])
            log_ring_finish(rings[kind]);
        rings[kind] = NULL;
    }
}

static void make_key(void)
{
    int error = pthread_key_create(&at_thread_end, finish_rings);
    check(error == 0);
}

/* The calling thread's ring, made if need be; NULL without memory. */
static struct log_ring *own_ring(enum log_kind kind)
{
    if (self.rings[kind])
        return self.rings[kind];
    struct log_ring *ring = log_ring_new(kind);
    pthread_once(&at_thread_end_once, make_key);
    if (ring == NULL || pthread_setspecific(at_thread_end, &self) != 0) {
        log_ring_free(ring);
        return NULL;
    }
    self.rings[kind] = ring;
    ring->next = atomic_load(&logger.newcomers);
    while (!atomic_compare_exchange_weak(&logger.newcomers, &ring->next, ring)) {
    }
    return ring;
}

static void count_dropped(enum log_kind kind)
{
    atomic_fetch_add(&logger.dropped[kind], 1);
    metrics_add(METRIC_LOG_DROPPED, 1);
}

/* While the log thread does not run. */
static void write_directly(enum log_kind kind, struct span line)
{
    static const int fds[LOG_KINDS] = {STDOUT_FILENO, STDERR_FILENO};
    char text[ACCESS_MAX + 1];
    memcpy(text, line.data, line.len);
    text[line.len] = '\n';
    if (write(fds[kind], text, line.len + 1) == -1)
        count_dropped(kind);
}

static void submit(enum log_kind kind, int64_t wall, struct span line)
{
    if (!atomic_load(&logger.running)) {
        write_directly(kind, line);
        return;
    }
    struct log_ring *ring = own_ring(kind);
    enum log_push pushed = ring ? log_ring_push(ring, wall, line) : LOG_PUSH_FULL;
    if (pushed == LOG_PUSH_FULL)
        count_dropped(kind);
    YIELD_POINT("log pushed");
    if (atomic_load(&logger.sleeping)) {
        if (atomic_exchange(&logger.sleeping, false))
            signal_log_thread();
    } else if (pushed == LOG_PUSH_HALF) {
        signal_log_thread();
    }
}

void log_access(struct span line)
{
    int saved = errno;
    submit(LOG_KIND_ACCESS, clock_wall(), span_first(line, ACCESS_MAX));
    errno = saved;
}

static const char *own_name(void)
{
    if (self.name[0] == '\0' && getpid() == gettid())
        snprintf(self.name, sizeof self.name, "main");
    else if (self.name[0] == '\0' &&
             pthread_getname_np(pthread_self(), self.name, sizeof self.name) != 0)
        snprintf(self.name, sizeof self.name, "?");
    return self.name;
}

void log_write(enum log_level level, const char *format, ...)
{
    char text[TEXT_MAX + 1];
    char line[LOG_MESSAGE_MAX];
    if ((int)level < atomic_load_explicit(&logger.level, memory_order_relaxed))
        return;
    int saved = errno;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    check(len >= 0);
    int64_t wall = clock_wall();
    size_t line_len =
        log_line_format(&self.stamp, wall, level, own_name(), span_str(text), line, sizeof line);
    submit(LOG_KIND_MESSAGE, wall, span_make(line, line_len));
    errno = saved;
}

void log_set_level(enum log_level level)
{
    atomic_store(&logger.level, (int)level);
}

/* ---- The log thread ---- */

static void adopt_newcomers(void)
{
    struct log_ring *ring = atomic_exchange(&logger.newcomers, NULL);
    while (ring) {
        struct log_ring *next = ring->next;
        ring->next = logger.rings;
        logger.rings = ring;
        ring = next;
    }
}

static void free_rings_that_are_over(void)
{
    struct log_ring **link = &logger.rings;
    while (*link) {
        struct log_ring *ring = *link;
        if (log_ring_is_over(ring)) {
            *link = ring->next;
            log_ring_free(ring);
        } else {
            link = &ring->next;
        }
    }
}

/* Of all lines that go to `output`, the oldest one's ring; NULL when there are none. */
static struct log_ring *oldest_ring(const struct log_output *output, struct log_record *oldest)
{
    struct log_ring *found = NULL;
    for (struct log_ring *ring = logger.rings; ring; ring = ring->next) {
        struct log_record record;
        if (logger.output_of[ring->kind] != output || !log_ring_peek(ring, &record))
            continue;
        if (found == NULL || record.time < oldest->time) {
            found = ring;
            *oldest = record;
        }
    }
    return found;
}

/* Moves lines to the staging buffer and counts them. *full: it stopped for lack of room. */
static unsigned collect(struct log_output *output, bool *full)
{
    unsigned count = 0;
    struct log_record record;
    *full = false;
    for (;; count++) {
        struct log_ring *ring = oldest_ring(output, &record);
        if (ring == NULL)
            return count;
        char *room = log_output_reserve(output, record.len);
        if (room == NULL) {
            *full = true;
            return count;
        }
        log_ring_take(ring, &record, room);
        log_output_produce(output, record.len);
    }
}

/* A line of the log's own, if there is room. */
static bool remark(enum log_level level, const char *text)
{
    struct log_output *output = logger.output_of[LOG_KIND_MESSAGE];
    char *room = log_output_reserve(output, LOG_MESSAGE_MAX + 1);
    if (room == NULL)
        return false;
    size_t len = log_line_format(&logger.stamp, clock_wall(), level, "log", span_str(text), room,
                                 LOG_MESSAGE_MAX);
    room[len] = '\n';
    log_output_produce(output, len + 1);
    return true;
}

static const char *const kind_names[LOG_KINDS] = {
    [LOG_KIND_ACCESS] = "access log", [LOG_KIND_MESSAGE] = "error log"};

/* Says once that an output fails, and, when there is room again, how many lines were lost; at
 * most one such line a second, or a slow reader would read of nothing else. */
static void report_trouble(enum log_kind kind, int64_t now, bool stopping)
{
    char text[256], reason[128];
    const struct log_output *output = logger.output_of[kind];
    bool failing = output->state == LOG_OUTPUT_FAILING;
    if (failing && !logger.failure_reported[kind] && output != logger.output_of[LOG_KIND_MESSAGE]) {
        snprintf(text, sizeof text, "the %s cannot be written: %s; it is tried again every second",
                 kind_names[kind], strerror_r(output->error, reason, sizeof reason));
        logger.failure_reported[kind] = remark(LOG_ERROR, text);
    }
    if (output->state != LOG_OUTPUT_READY)
        return;
    logger.failure_reported[kind] = false;
    uint64_t dropped = atomic_load(&logger.dropped[kind]);
    if (dropped == logger.reported[kind] || (now < logger.report_after[kind] && !stopping))
        return;
    snprintf(text, sizeof text,
             "%" PRIu64 " lines of the %s were dropped because they were not read in time",
             dropped - logger.reported[kind], kind_names[kind]);
    if (remark(LOG_WARN, text)) {
        logger.reported[kind] = dropped;
        logger.report_after[kind] = now + CLOCK_SECOND;
    }
}

/* Carries lines from the rings to the descriptors as far as these take them. Returns how many
 * lines left their rings; *more when others would find room at once. */
static unsigned pass(bool stopping, bool *more)
{
    int64_t now = clock_now();
    unsigned moved = 0;
    *more = false;
    adopt_newcomers();
    for (unsigned i = 0; i < logger.output_count; i++) {
        bool full;
        struct log_output *output = &logger.outputs[i];
        moved += collect(output, &full);
        log_output_flush(output, now);
        *more |= full && output->state == LOG_OUTPUT_READY;
    }
    for (unsigned kind = 0; kind < LOG_KINDS; kind++)
        report_trouble((enum log_kind)kind, now, stopping);
    log_output_flush(logger.output_of[LOG_KIND_MESSAGE], now);
    free_rings_that_are_over();
    return moved;
}

static bool is_any_output(enum log_output_state state)
{
    for (unsigned i = 0; i < logger.output_count; i++)
        if (logger.outputs[i].state == state)
            return true;
    return false;
}

static bool is_report_due(void)
{
    for (unsigned kind = 0; kind < LOG_KINDS; kind++)
        if (atomic_load(&logger.dropped[kind]) != logger.reported[kind])
            return true;
    return false;
}

static bool is_any_line_waiting(void)
{
    struct log_record record;
    if (atomic_load(&logger.newcomers))
        return true;
    for (struct log_ring *ring = logger.rings; ring; ring = ring->next)
        if (log_ring_peek(ring, &record))
            return true;
    return false;
}

/* Until the next tick, a ring that is half full, or a descriptor that takes bytes again; when
 * `idle`, until there is a line (invariant 1). */
static void wait_for_work(bool idle)
{
    uint64_t signals;
    struct pollfd fds[1 + LOG_KINDS] = {{.fd = logger.event_fd, .events = POLLIN}};
    nfds_t count = 1;
    for (unsigned i = 0; i < logger.output_count; i++)
        if (logger.outputs[i].state == LOG_OUTPUT_BLOCKED)
            fds[count++] = (struct pollfd){.fd = logger.outputs[i].fd, .events = POLLOUT};
    if (idle) {
        YIELD_POINT("log idle");
        atomic_store(&logger.sleeping, true);
        YIELD_POINT("log sleeping");
    }
    if (!idle || !is_any_line_waiting())
        poll(fds, count, idle ? -1 : TICK_MS);
    atomic_store(&logger.sleeping, false);
    if (read(logger.event_fd, &signals, sizeof signals) == -1)
        check(errno == EAGAIN);
}

/* Works until log_stop was called and everything is written, or cannot be. */
static void serve(void)
{
    int64_t give_up = CLOCK_NEVER;
    for (;;) {
        bool more;
        bool stopping = atomic_load(&logger.stopping); /* before the pass: it sees every line */
        if (stopping && give_up == CLOCK_NEVER)
            give_up = clock_now() + STOP_AFTER;
        unsigned moved = pass(stopping, &more);
        if (stopping && clock_now() >= give_up)
            return;
        if (more || (stopping && moved > 0))
            continue;
        /* What an output that fails has not taken, it will not take in a second either. */
        if (stopping && !is_any_output(LOG_OUTPUT_BLOCKED))
            return;
        wait_for_work(moved == 0 && !is_any_output(LOG_OUTPUT_BLOCKED) &&
                      !is_any_output(LOG_OUTPUT_FAILING) && !is_report_due());
    }
}

static void *run(void *unused)
{
    (void)unused;
    serve();
    for (struct log_ring *ring = logger.rings; ring; ring = ring->next)
        log_ring_discard(ring);
    free_rings_that_are_over();
    return NULL;
}

/* ---- Start and stop: main ---- */

static int open_outputs(int access_fd, int error_fd, struct err *err)
{
    struct log_output *access = &logger.outputs[LOG_KIND_ACCESS];
    struct log_output *message = &logger.outputs[LOG_KIND_MESSAGE];
    if (log_output_init(access, access_fd) == -1 || log_output_init(message, error_fd) == -1) {
        int error = errno;
        err_set_errno(err, error, "the log cannot write to standard output and standard error");
        err_hint(err, "start Portico with both open; `>/dev/null` discards the access log");
        errno = error;
        return -1;
    }
    bool shared = log_output_is_same_file(access, message);
    logger.output_of[LOG_KIND_ACCESS] = access;
    logger.output_of[LOG_KIND_MESSAGE] = shared ? access : message;
    logger.output_count = shared ? 1 : 2;
    return 0;
}

int log_start(int access_fd, int error_fd, struct err *err)
{
    check(!atomic_load(&logger.running));
    if (open_outputs(access_fd, error_fd, err) == -1)
        return -1;
    /* Never closed: a thread that shutdown left behind may still signal. */
    if (logger.event_fd == -1)
        logger.event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (logger.event_fd == -1)
        return err_set_errno(err, errno, "the log cannot be started: eventfd");
    for (unsigned kind = 0; kind < LOG_KINDS; kind++) {
        logger.reported[kind] = atomic_load(&logger.dropped[kind]);
        logger.report_after[kind] = 0;
        logger.failure_reported[kind] = false;
    }
    atomic_store(&logger.stopping, false);
    if (thread_start(&logger.thread, "log", run, NULL) == -1)
        return err_set_errno(err, errno, "the log's thread cannot be started");
    atomic_store(&logger.running, true);
    return 0;
}

void log_stop(void)
{
    struct timespec give_up;
    if (!atomic_exchange(&logger.running, false))
        return;
    finish_rings(&self);
    atomic_store(&logger.stopping, true);
    signal_log_thread();
    clock_gettime(CLOCK_REALTIME, &give_up);
    give_up.tv_sec += 2;
    /* A descriptor may block in spite of poll: a paused terminal, a pipe that another process
     * fills in between. The process ends all the same. */
    if (pthread_timedjoin_np(logger.thread, NULL, &give_up) != 0)
        pthread_detach(logger.thread);
}
