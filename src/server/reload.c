/* This module replaces the configuration in force (reload.h). The thread "admin" runs it, so
 * there is one reload at a time.
 *
 * Invariants
 *  1. Up to publish() nothing that serves has changed, and whatever was made can be undone;
 *     from there on nothing fails.
 *  2. New listeners are open before old ones are closed, and those that stay are not touched:
 *     what waits in their backlogs is accepted as if nothing had happened.
 *  3. Certificates of new hosts are published before their routes, so that no host is announced
 *     that cannot shake hands. */
#include "server/reload.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "config/load.h"
#include "config/setting.h"
#include "proxy/trust.h"

/* One sentence, to the log and to whoever asked. */
static void say(FILE *out, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(FILE *out, enum log_level level, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_write(level, "%s", text);
    if (out)
        fprintf(out, "%s\n", text);
}

static enum reload_result fail(const struct config *old, const struct err *err, FILE *out)
{
    char text[sizeof *err];
    err_format_line(err, text, sizeof text);
    log_write(LOG_ERROR, "%s", text);
    if (out) {
        err_format(err, text, sizeof text);
        fprintf(out, "%s\n", text);
        if (err->hint[0])
            fprintf(out, "  hint: %s\n", err->hint);
    }
    say(out, LOG_ERROR, "not reloaded: %s; the configuration in force stays", old->path);
    return RELOAD_FAILED;
}

/* Only a file can be read a second time; a pipe would be waited for. */
static int check_file(const char *path, struct err *err)
{
    struct stat st;
    if (strcmp(path, "-") == 0)
        err_set(err, "the configuration was read from standard input, which cannot be read again");
    else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        err_set(err,
                "the configuration %s is no file but a pipe or a device, which cannot be "
                "read again",
                path);
    else
        return 0;
    return err_hint(err, "start Portico with a file (portico run FILE) to be able to reload");
}

/* A file that has a path and yet no name is a mount point whose file was replaced outside, as most
 * editors do when they save: whatever is written there now, in here is the old one. */
static void warn_about_mount(const char *path, FILE *out)
{
    struct stat st;
    if (stat(path, &st) == 0 && st.st_nlink == 0)
        say(out, LOG_WARN,
            "%s is mounted by itself and was replaced outside, so this is the file of before; "
            "mount its directory instead, or start the container anew",
            path);
}

static struct config *load(const struct config *old, FILE *out)
{
    struct config_problems problems = {0};
    warn_about_mount(old->path, out);
    struct config *config = config_load(old->path, old->format, &problems);
    config_problems_log(&problems);
    if (out)
        config_problems_print(&problems, out);
    if (config == NULL)
        say(out, LOG_ERROR, "not reloaded: problems in %s: %zu%s; the configuration in force stays",
            old->path, problems.found.count, problems.found.omitted ? " and more" : "");
    config_problems_release(&problems);
    return config;
}

struct reload_fixed reload_fixed_of(const struct config *config)
{
    struct reload_fixed fixed = {0};
    char text[KIND_TEXT];
    size_t count = 0;
    for (const struct section *in = schema_sections; in->path; in++)
        for (const struct setting *setting = in->settings; setting->name; setting++) {
            if (!setting->needs_restart)
                continue;
            const char *value = setting_show(setting, (const char *)config + in->offset, 0, text);
            check(count < RELOAD_FIXED_MAX);
            fixed.names[count] = setting->name;
            snprintf(fixed.values[count++], sizeof fixed.values[0], "%s", value ? value : "");
        }
    return fixed;
}

static void mention_restart(const struct reload_fixed *started, const struct config *new, FILE *out)
{
    const struct reload_fixed now = reload_fixed_of(new);
    char keys[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < RELOAD_FIXED_MAX && now.names[i]; i++)
        if (strcmp(started->values[i], now.values[i]) != 0 && len < sizeof keys)
            len += (size_t)snprintf(keys + len, sizeof keys - len, "%s%s", len ? ", " : "",
                                    now.names[i]);
    if (len)
        say(out, LOG_WARN, "changed: %s; that takes effect after a restart", keys);
}

/* What the new configuration needs, ready to be published. */
struct prepared {
    struct config *config; /* a reference */
    struct listener_set listeners;
    struct certs_hosts *hosts; /* owned */
};

/* 0, or -1 with `err` and nothing left behind. Listeners are last: they are the only thing that
 * others could notice. */
static int prepare(struct reload *reload, struct prepared *prepared, struct err *err)
{
    struct config *config = prepared->config;
    prepared->hosts = NULL;
    if (trust_attach(config) == -1 || upstreams_attach(reload->service->upstreams, config) == -1)
        return err_set(err, "out of memory");
    prepared->hosts = certs_hosts_new(reload->certs, config, err);
    if (prepared->hosts == NULL)
        return -1;
    if (listener_set_open(&prepared->listeners, reload->listeners, config, err) == 0)
        return 0;
    certs_hosts_free(prepared->hosts);
    return -1;
}

static void publish_listeners(struct reload *reload, const struct listener_set *new)
{
    char text[ADDRESS_TEXT];
    acceptor_set_listeners(reload->acceptor, new);
    for (size_t i = 0; i < reload->listeners->count; i++) {
        const struct listening *old = &reload->listeners->items[i];
        if (!listener_set_has(new, old->fd))
            log_write(LOG_INFO, "no longer listening on %s %s", old->secure ? "https" : "http",
                      address_format(&old->bound, text));
    }
    *reload->listeners = *new;
}

/* Everything that is prepared is in force after this. */
static void publish(struct reload *reload, struct prepared *prepared)
{
    log_set_level(prepared->config->log_level);
    certs_store_publish(reload->certs, prepared->hosts);
    service_publish(reload->service, config_ref(prepared->config));
    publish_listeners(reload, &prepared->listeners);
}

static enum reload_result replace(struct reload *reload, const struct config *old,
                                  struct config *new, FILE *out)
{
    struct prepared prepared = {.config = new};
    struct err err = {0};
    if (prepare(reload, &prepared, &err) == -1)
        return fail(old, &err, out);
    publish(reload, &prepared);
    mention_restart(&reload->started, new, out);
    say(out, LOG_INFO, "reloaded: %s, routes: %zu", new->path, new->route_count);
    return RELOAD_DONE;
}

enum reload_result reload_run(struct reload *reload, const char *cause, FILE *out)
{
    enum reload_result result;
    struct err err = {0};
    struct config *old = service_config(reload->service), *new = NULL;
    log_write(LOG_INFO, "%s: reloading %s", cause, old->path);
    if (check_file(old->path, &err) == -1)
        result = fail(old, &err, out);
    else if ((new = load(old, out)) == NULL)
        result = RELOAD_PROBLEMS;
    else
        result = replace(reload, old, new, out);
    config_unref(new);
    config_unref(old);
    return result;
}
