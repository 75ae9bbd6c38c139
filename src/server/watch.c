/* Watching the configuration file: see watch.h. The thread "admin" runs this.
 *
 * Events say only that something happened in a place that matters; what it was is found by
 * looking at the file itself. So it does no harm that a directory holds other files, that
 * events are lost, or that one change makes many of them.
 *
 * Invariants
 *  1. Watched are the directory of every symbolic link on the way to the file, the directory
 *     that the file lies in, and the file itself (which alone tells, when it is a mount point).
 *  2. Watches are set before the look at the file: what changes after the look is reported.
 *  3. Whenever the file is another one, the way to it may be: all watches are set anew. While
 *     some cannot be set, because part of the way is missing, it is tried once a second. */
#include "server/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"

/* IN_MODIFY is left out on purpose: a file that is being written is half a file. */
#define FILE_EVENTS (IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define DIR_EVENTS  (FILE_EVENTS | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)
#define LINKS_MAX   40u /* as the kernel has it */

static struct watch_identity identify(const char *path)
{
    struct stat st;
    if (stat(path, &st) == -1)
        return (struct watch_identity){.exists = false};
    return (struct watch_identity){true, st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct watch_identity *a, const struct watch_identity *b)
{
    if (a->exists != b->exists || !a->exists)
        return a->exists == b->exists;
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

void watch_init(struct watch *watch, const char *path)
{
    *watch = (struct watch){.path = path,
                            .fd = -1,
                            .seen = identify(path),
                            .debounce = DEBOUNCE_IDLE,
                            .look_again = CLOCK_NEVER};
}

bool watch_is_on(const struct watch *watch)
{
    return watch->fd != -1;
}

/* ---- the way to the file ------------------------------------------------------------------ */

/* A walk along a path, component by component. */
struct walk {
    char done[PATH_MAX]; /* "/etc/portico", without links; "" is the root */
    char rest[PATH_MAX]; /* "a/b/c", still to be walked */
    unsigned links;
};

static bool walk_begin(struct walk *walk, const char *path)
{
    *walk = (struct walk){0};
    if (path[0] != '/' && getcwd(walk->done, sizeof walk->done) == NULL)
        return false;
    if (strcmp(walk->done, "/") == 0)
        walk->done[0] = '\0';
    return (size_t)snprintf(walk->rest, sizeof walk->rest, "%s", path) < sizeof walk->rest;
}

/* Takes the next component off the rest. False when there is none. */
static bool walk_component(struct walk *walk, char out[NAME_MAX + 1])
{
    char *begin = walk->rest + strspn(walk->rest, "/");
    size_t len = strcspn(begin, "/");
    if (len == 0 || len > NAME_MAX)
        return false;
    memcpy(out, begin, len);
    out[len] = '\0';
    memmove(walk->rest, begin + len, strlen(begin + len) + 1);
    return true;
}

/* Puts the target of a link in front of the rest. */
static bool walk_follow(struct walk *walk, const char *target)
{
    char rest[PATH_MAX];
    if (++walk->links > LINKS_MAX ||
        (size_t)snprintf(rest, sizeof rest, "%s/%s", target, walk->rest) >= sizeof rest)
        return false;
    if (target[0] == '/')
        walk->done[0] = '\0';
    memcpy(walk->rest, rest, sizeof rest);
    return true;
}

static bool add(int fd, const char *path, uint32_t events)
{
    return inotify_add_watch(fd, path[0] ? path : "/", events) != -1;
}

/* Goes one component further; directories of links get their watch. False when the way ends. */
static bool walk_step(struct walk *walk, int fd, const char *name)
{
    char path[PATH_MAX], target[PATH_MAX];
    if (strcmp(name, ".") == 0)
        return true;
    if (strcmp(name, "..") == 0) {
        char *slash = strrchr(walk->done, '/');
        if (slash)
            *slash = '\0';
        return true;
    }
    if ((size_t)snprintf(path, sizeof path, "%s/%s", walk->done, name) >= sizeof path)
        return false;
    ssize_t len = readlink(path, target, sizeof target - 1);
    if (len >= 0) {
        target[len] = '\0';
        return add(fd, walk->done, DIR_EVENTS) && walk_follow(walk, target);
    }
    bool last = walk->rest[strspn(walk->rest, "/")] == '\0';
    if (errno == EINVAL && !last) {
        memcpy(walk->done, path, sizeof path);
        return true;
    }
    /* The last component, or a missing one: it will appear in the directory. */
    bool watched = add(fd, walk->done, DIR_EVENTS);
    return add(fd, path, FILE_EVENTS) && watched && last;
}

/* Sets all watches (invariant 1). False when some could not be set. */
static bool watch_way(int fd, const char *path)
{
    struct walk walk;
    char name[NAME_MAX + 1];
    if (!walk_begin(&walk, path))
        return false;
    while (walk_component(&walk, name))
        if (!walk_step(&walk, fd, name))
            return false;
    return true;
}

/* ---- the watch ---------------------------------------------------------------------------- */

static int set_watches(struct watch *watch, int64_t now)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd == -1)
        return -1;
    bool complete = watch_way(fd, watch->path);
    if (watch->fd != -1)
        close(watch->fd);
    watch->fd = fd;
    watch->look_again = complete ? CLOCK_NEVER : now + CLOCK_SECOND;
    return 0;
}

int watch_start(struct watch *watch, int64_t now, struct err *err)
{
    if (set_watches(watch, now) == 0) {
        debounce_signal(&watch->debounce, now);
        return 0;
    }
    err_set_errno(err, errno, "%s cannot be watched for changes", watch->path);
    return err_hint(err, "raise fs.inotify.max_user_instances with sysctl; until then reload with "
                         "SIGHUP or `portico reload`");
}

void watch_stop(struct watch *watch)
{
    if (watch->fd != -1)
        close(watch->fd);
    watch->fd = -1;
    watch->debounce = DEBOUNCE_IDLE;
    watch->look_again = CLOCK_NEVER;
}

void watch_read(struct watch *watch, int64_t now)
{
    _Alignas(struct inotify_event) char events[4096];
    while (read(watch->fd, events, sizeof events) > 0)
        debounce_signal(&watch->debounce, now);
}

int64_t watch_due(const struct watch *watch)
{
    int64_t due = debounce_due(&watch->debounce);
    return due < watch->look_again ? due : watch->look_again;
}

/* Is it another file than at the last look? Then the way to it may be another, too. */
static bool look(struct watch *watch, int64_t now)
{
    struct watch_identity is = identify(watch->path);
    if (same(&is, &watch->seen))
        return false;
    if (watch->fd != -1 && set_watches(watch, now) == 0)
        is = identify(watch->path);
    watch->seen = is;
    return true;
}

void watch_look(struct watch *watch, int64_t now)
{
    (void)look(watch, now);
}

bool watch_has_changed(struct watch *watch, int64_t now)
{
    bool again = now >= watch->look_again;
    if (!debounce_take(&watch->debounce, now) && !again)
        return false;
    if (again)
        (void)set_watches(watch, now);
    bool existed = watch->seen.exists;
    if (!look(watch, now))
        return false;
    if (existed && !watch->seen.exists)
        log_write(LOG_WARN, "%s is gone; the configuration in force stays until it is back",
                  watch->path);
    return watch->seen.exists;
}
