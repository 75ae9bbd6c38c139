/* This module takes lines from any thread and writes them with one (log.h). Its parts are
 * log_line (what a line looks like) and log_output (the way of lines to a descriptor); this file
 * ties them together.
 *
 * There is an output for access lines and one for messages, so that a standard output that nobody
 * reads does not hold up the messages. A line is appended to its output under the mutex; the log
 * thread takes all that was gathered, likewise under the mutex, and writes it without.
 *
 * While lines come in, the log thread looks every TICK_MS, and a line costs a system call only
 * when it makes LOG_OUTPUT_WAKE bytes full. When none come, it sleeps until one does.
 *
 * Invariants
 *  1. No line waits while the log thread sleeps: it says `sleeping` when nothing is gathered, and
 *     whoever adds a line while it says so signals it.
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
#include "base/metrics.h"
#include "base/thread.h"
#include "base/yield_point.h"

#define TICK_MS    100
#define ACCESS_MAX ((size_t)32 << 10)
#define TEXT_MAX   4000u
#define STOP_AFTER CLOCK_SECOND /* how long log_stop waits for blocked descriptors */

enum log_kind { LOG_KIND_ACCESS, LOG_KIND_MESSAGE, LOG_KINDS };

static struct {
    atomic_int level;

    /* fixed while the thread runs */
    int event_fd;
    pthread_t thread;
    struct log_output *output_of[LOG_KINDS]; /* in `outputs` */
    unsigned output_count;

    /* guarded by the mutex */
    pthread_mutex_t mutex;
    bool running; /* the log thread takes lines; when no more, it writes what there is, and ends */
    bool sleeping;
    uint64_t dropped[LOG_KINDS];

    /* log thread only */
    uint64_t reported[LOG_KINDS]; /* how many of `dropped` were mentioned */
    int64_t report_after[LOG_KINDS];
    bool failure_reported[LOG_KINDS];
} logger = {.event_fd = -1, .level = LOG_INFO, .mutex = PTHREAD_MUTEX_INITIALIZER};

/* Without an initial value, for they are large. The log thread's, but for what log_output.h says.
 */
static struct log_output outputs[LOG_KINDS];

/* ---- Producers: any thread ---- */

static void signal_log_thread(void)
{
    uint64_t one = 1;
    ssize_t written = write(logger.event_fd, &one, sizeof one);
    check(written == (ssize_t)sizeof one || errno == EAGAIN);
}

/* While the log thread does not run. */
static bool write_directly(enum log_kind kind, struct span line)
{
    static const int fds[LOG_KINDS] = {STDOUT_FILENO, STDERR_FILENO};
    const struct iovec parts[] = {{(char *)line.data, line.len}, {"\n", 1}};
    return writev(fds[kind], parts, 2) != -1;
}

static void submit(enum log_kind kind, struct span line)
{
    bool wake = false;
    pthread_mutex_lock(&logger.mutex);
    bool running = logger.running;
    bool taken = running && log_output_add(logger.output_of[kind], line, &wake);
    if (running) {
        logger.dropped[kind] += !taken;
        wake |= logger.sleeping;
        logger.sleeping = false;
    }
    pthread_mutex_unlock(&logger.mutex);
    if (!running)
        taken = write_directly(kind, line);
    if (!taken)
        metrics_add(METRIC_LOG_DROPPED, 1);
    if (wake)
        signal_log_thread();
}

void log_access(struct span line)
{
    int saved = errno;
    submit(LOG_KIND_ACCESS, span_first(line, ACCESS_MAX));
    errno = saved;
}

static const char *own_name(void)
{
    static _Thread_local char name[16];
    if (name[0] == '\0' && getpid() == gettid())
        snprintf(name, sizeof name, "main");
    else if (name[0] == '\0' && pthread_getname_np(pthread_self(), name, sizeof name) != 0)
        snprintf(name, sizeof name, "?");
    return name;
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
    submit(LOG_KIND_MESSAGE,
           log_line_format(clock_wall(), level, own_name(), span_str(text), line, sizeof line));
    errno = saved;
}

void log_set_level(enum log_level level)
{
    atomic_store(&logger.level, (int)level);
}

/* ---- The log thread ---- */

/* A line of the log's own, whatever the level, if there is room. */
static bool remark(enum log_level level, const char *text)
{
    char line[LOG_MESSAGE_MAX];
    bool ignored;
    struct span formatted =
        log_line_format(clock_wall(), level, "log", span_str(text), line, sizeof line);
    pthread_mutex_lock(&logger.mutex);
    bool added = log_output_add(logger.output_of[LOG_KIND_MESSAGE], formatted, &ignored);
    pthread_mutex_unlock(&logger.mutex);
    return added;
}

static const char *const kind_names[LOG_KINDS] = {
    [LOG_KIND_ACCESS] = "access log", [LOG_KIND_MESSAGE] = "error log"};

/* Says once that an output fails, and, when there is room again, how many lines were lost; at
 * most one such line a second, or a slow reader would read of nothing else. True when some of
 * the lines that were `dropped` are still to be mentioned. */
static bool report_trouble(enum log_kind kind, uint64_t dropped, int64_t now, bool stopping)
{
    char text[256], reason[128];
    const struct log_output *output = logger.output_of[kind];
    bool failing = output->state == LOG_OUTPUT_FAILING;
    if (failing && !logger.failure_reported[kind] && output != logger.output_of[LOG_KIND_MESSAGE]) {
        snprintf(text, sizeof text, "the %s cannot be written: %s; it is tried again every second",
                 kind_names[kind], strerror_r(output->error, reason, sizeof reason));
        logger.failure_reported[kind] = remark(LOG_ERROR, text);
    }
    uint64_t lost = dropped - logger.reported[kind];
    if (output->state != LOG_OUTPUT_READY)
        return lost != 0;
    logger.failure_reported[kind] = false;
    if (lost == 0 || (now < logger.report_after[kind] && !stopping))
        return lost != 0;
    snprintf(text, sizeof text,
             "%" PRIu64 " lines of the %s were dropped because they were not read in time", lost,
             kind_names[kind]);
    if (!remark(LOG_WARN, text))
        return true;
    logger.reported[kind] = dropped;
    logger.report_after[kind] = now + CLOCK_SECOND;
    return false;
}

/* Writes what was gathered for an output, as far as it takes it. True when that was something. */
static bool pass(struct log_output *output, int64_t now)
{
    log_output_flush(output, now);
    pthread_mutex_lock(&logger.mutex);
    bool any = log_output_swap(output);
    pthread_mutex_unlock(&logger.mutex);
    if (any)
        log_output_flush(output, now);
    return any;
}

/* Until the next tick, an output with much to write, or a descriptor that takes bytes again; when
 * `idle`, until there is a line (invariant 1). */
static void wait_for_work(bool idle)
{
    uint64_t signals;
    struct pollfd fds[1 + LOG_KINDS] = {{.fd = logger.event_fd, .events = POLLIN}};
    nfds_t count = 1;
    YIELD_POINT("log idle");
    pthread_mutex_lock(&logger.mutex);
    for (unsigned i = 0; i < logger.output_count; i++) {
        idle = idle && outputs[i].gathered == 0;
        if (outputs[i].state == LOG_OUTPUT_BLOCKED)
            fds[count++] = (struct pollfd){.fd = outputs[i].fd, .events = POLLOUT};
    }
    logger.sleeping = idle;
    pthread_mutex_unlock(&logger.mutex);
    YIELD_POINT("log sleeping");
    poll(fds, count, idle ? -1 : TICK_MS);
    if (read(logger.event_fd, &signals, sizeof signals) == -1)
        check(errno == EAGAIN);
}

/* Works until log_stop was called and everything is written, or cannot be. */
static void *run(void *unused)
{
    int64_t give_up = CLOCK_NEVER;
    uint64_t dropped[LOG_KINDS];
    (void)unused;
    for (;;) {
        bool any = false, blocked = false, busy = false;
        int64_t now = clock_now();
        pthread_mutex_lock(&logger.mutex);
        bool stopping = !logger.running; /* before the passes: they see every line */
        memcpy(dropped, logger.dropped, sizeof dropped);
        pthread_mutex_unlock(&logger.mutex);
        if (stopping && give_up == CLOCK_NEVER)
            give_up = now + STOP_AFTER;
        for (unsigned i = 0; i < logger.output_count; i++) {
            any |= pass(&outputs[i], now);
            blocked |= outputs[i].state == LOG_OUTPUT_BLOCKED;
            busy |= outputs[i].state != LOG_OUTPUT_READY;
        }
        for (unsigned kind = 0; kind < LOG_KINDS; kind++)
            busy |= report_trouble((enum log_kind)kind, dropped[kind], now, stopping);
        pass(logger.output_of[LOG_KIND_MESSAGE], now);
        /* What an output that fails has not taken, it will not take in a second either. */
        if (stopping && !any && (!blocked || now >= give_up))
            return NULL;
        if (!stopping || !any)
            wait_for_work(!any && !busy);
    }
}

/* ---- Start and stop: main ---- */

static int open_outputs(int access_fd, int error_fd, struct err *err)
{
    struct log_output *access = &outputs[LOG_KIND_ACCESS];
    struct log_output *message = &outputs[LOG_KIND_MESSAGE];
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

/* Returns whether it ran before. */
static bool set_running(bool running)
{
    pthread_mutex_lock(&logger.mutex);
    bool before = logger.running;
    logger.running = running;
    pthread_mutex_unlock(&logger.mutex);
    return before;
}

int log_start(int access_fd, int error_fd, struct err *err)
{
    check(!logger.running);
    if (open_outputs(access_fd, error_fd, err) == -1)
        return -1;
    /* Never closed: a thread that shutdown left behind may still signal. */
    if (logger.event_fd == -1)
        logger.event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (logger.event_fd == -1)
        return err_set_errno(err, errno, "the log cannot be started: eventfd");
    for (unsigned kind = 0; kind < LOG_KINDS; kind++) {
        logger.reported[kind] = logger.dropped[kind];
        logger.report_after[kind] = 0;
        logger.failure_reported[kind] = false;
    }
    set_running(true);
    if (thread_start(&logger.thread, "log", run, NULL) == 0)
        return 0;
    set_running(false);
    return err_set_errno(err, errno, "the log's thread cannot be started");
}

void log_stop(void)
{
    if (!set_running(false))
        return;
    signal_log_thread();
    /* A descriptor may block in spite of poll: a paused terminal, a pipe that another process
     * fills in between. The process ends all the same. */
    (void)thread_join_within(logger.thread, 2);
}
