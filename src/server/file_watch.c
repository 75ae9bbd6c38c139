/* This module notices that the configuration file has changed (file_watch.h). The thread "admin"
 * runs it. */
#include "server/file_watch.h"

#include "base/log.h"

static struct stat look(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st : (struct stat){0};
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

void file_watch_init(struct file_watch *watch, const char *path)
{
    *watch = (struct file_watch){.path = path, .due = CLOCK_NEVER};
    file_watch_note(watch);
}

void file_watch_note(struct file_watch *watch)
{
    watch->loaded = watch->at_look = look(watch->path);
}

void file_watch_set(struct file_watch *watch, bool on, int64_t now)
{
    if (!on)
        watch->due = CLOCK_NEVER;
    else if (watch->due == CLOCK_NEVER)
        watch->due = now;
}

bool file_watch_has_changed(struct file_watch *watch, int64_t now)
{
    if (now < watch->due)
        return false;
    watch->due = now + FILE_WATCH_EVERY;
    struct stat before = watch->at_look;
    watch->at_look = look(watch->path);
    if (same(&watch->at_look, &watch->loaded) || !same(&watch->at_look, &before))
        return false;
    watch->loaded = watch->at_look;
    if (watch->loaded.st_mode != 0)
        return true;
    log_write(LOG_WARN, "%s is gone; the configuration in force stays until it is back",
              watch->path);
    return false;
}
