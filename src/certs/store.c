/* The certificate store: see store.h.
 *
 * The hosts of a configuration are a sorted array of entries, which is immutable, counted, and
 * replaced as a whole by a reload; entries are counted too, so an unchanged host keeps its
 * entry, and with it its identity. Of an entry only the identity is ever replaced. The mutex is
 * held for taking references and for these replacements, never for a look-up, a disk or OpenSSL.
 * A handshake in flight keeps its reference, and with it the certificate that it began with.
 *
 * To parse a certificate and its key takes OpenSSL 3.0 more than half a millisecond, so a
 * thousand of them would make a slow start. Therefore main only looks whether the files are
 * there, and makes those that are missing. An entry that is not loaded yet is due for renewal
 * at once: the "certs" thread loads them all, first thing, and checks them by the way. A
 * worker that needs one sooner does the same for itself, once. The thread runs at a low
 * priority: handshakes come first.
 *
 * A certificate that can neither be read nor made anew puts its host, and nobody else, into
 * quarantine: it has no identity, the log says why, and it is tried again every QUARANTINE
 * seconds and by every reload.
 *
 * Threads: main makes and frees the store; workers look up; "admin" replaces the hosts; "certs"
 * sleeps until the next renewal is due, and at most an hour, since the wall clock by which
 * certificates expire can be set (or the machine can have slept). */
#include "certs/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/turnstile.h"
#include "certs/local_ca.h"

#define STORE_MAGIC 0xce57507eu
#define SLEEP_MAX   ((time_t)3600)
#define QUARANTINE  ((time_t)10)
#define NAMES_MAX   400u /* bytes of host names in a warning */

struct entry {
    atomic_uint refs;
    char *host;                    /* owned; fixed after init; IP literals in canonical form */
    struct tls_identity *identity; /* guarded by mutex; NULL: not loaded, or in quarantine */
    time_t renew_at;               /* guarded by mutex; 0: to be loaded */
    char *problem; /* guarded by mutex; owned: what the log was told last, or NULL */
};

struct certs_hosts {
    atomic_uint refs;
    size_t count;
    struct entry *entries[]; /* a reference to each; sorted by host */
};

struct certs_store {
    unsigned magic;
    struct local_ca *ca; /* NULL until a host has a certificate; set before the first such host
                            is published, and fixed from then on */
    bool running;        /* the thread is. Main, then admin; as `ca` */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wakeup;
    struct certs_hosts *hosts; /* guarded by mutex: one reference */
    bool changed;              /* guarded by mutex: other hosts were published */
    bool stopping;             /* guarded by mutex */
};

static time_t wall_seconds(void)
{
    return (time_t)(clock_wall() / CLOCK_SECOND);
}

/* ---- references --------------------------------------------------------------------------- */

static void entry_unref(struct entry *entry)
{
    if (atomic_fetch_sub_explicit(&entry->refs, 1, memory_order_acq_rel) != 1)
        return;
    tls_identity_unref(entry->identity);
    free(entry->problem);
    free(entry->host);
    free(entry);
}

static void hosts_unref(struct certs_hosts *hosts)
{
    if (hosts == NULL || atomic_fetch_sub_explicit(&hosts->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < hosts->count; i++)
        entry_unref(hosts->entries[i]);
    free(hosts);
}

/* A reference to the hosts in force. */
static struct certs_hosts *current_hosts(struct certs_store *store)
{
    pthread_mutex_lock(&store->mutex);
    struct certs_hosts *hosts = store->hosts;
    atomic_fetch_add_explicit(&hosts->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&store->mutex);
    return hosts;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp((*(struct entry *const *)a)->host, (*(struct entry *const *)b)->host);
}

static struct entry *find_entry(const struct certs_hosts *hosts, const char *host)
{
    struct entry wanted = {.host = (char *)(uintptr_t)host}, *key = &wanted;
    struct entry *const *found =
        bsearch(&key, hosts->entries, hosts->count, sizeof hosts->entries[0], compare_entries);
    return found ? *found : NULL;
}

/* ---- identities --------------------------------------------------------------------------- */

/* Says what is wrong with a certificate, unless it was said already, or that nothing is wrong any
 * more. `err` NULL: nothing. */
static void report(struct certs_store *store, struct entry *entry, const struct err *err,
                   bool quarantined)
{
    char *problem = err ? strdup(err->message) : NULL;
    pthread_mutex_lock(&store->mutex);
    char *before = entry->problem;
    bool same = problem && before && strcmp(problem, before) == 0;
    entry->problem = problem;
    pthread_mutex_unlock(&store->mutex);
    if (err && !same)
        log_write(LOG_ERROR, "%s%s", err->message,
                  quarantined
                      ? "; until its file can be read or made anew, this host has no HTTPS, "
                        "and HTTP answers 503; the user that runs Portico needs permission "
                        "to read and write it (tried again every 10 s, and by a reload)"
                      : "");
    else if (before && !err)
        log_write(LOG_INFO, "the certificate of %s is usable again", entry->host);
    free(before);
}

/* Loads, or renews, one certificate. What cannot be renewed is served as it is and tried again
 * later. */
static void refresh(struct certs_store *store, struct entry *entry, time_t now)
{
    struct local_ca_leaf leaf = {0};
    struct err err;
    int result = local_ca_get(store->ca, entry->host, now, &leaf, &err);

    pthread_mutex_lock(&store->mutex);
    struct tls_identity *unused = leaf.identity;
    if (leaf.identity != NULL) {
        unused = entry->identity;
        entry->identity = leaf.identity;
    }
    bool quarantined = entry->identity == NULL;
    if (result != 0)
        leaf.renew_at = now + (quarantined ? QUARANTINE : SLEEP_MAX);
    entry->renew_at = leaf.renew_at;
    pthread_mutex_unlock(&store->mutex);

    tls_identity_unref(unused);
    report(store, entry, result == 0 ? NULL : &err, quarantined);
    if (result == 0 && leaf.issued)
        log_write(LOG_INFO, "new certificate for %s", entry->host);
}

/* A reference to the entry's identity, if it has one. False when it should be loaded first. */
static bool current(struct certs_store *store, struct entry *entry, time_t now,
                    struct tls_identity **identity)
{
    pthread_mutex_lock(&store->mutex);
    *identity = entry->identity ? tls_identity_ref(entry->identity) : NULL;
    bool known = entry->identity != NULL || entry->renew_at > now;
    pthread_mutex_unlock(&store->mutex);
    return known;
}

/* A reference to the host's identity, or NULL. *known: there is such a host. */
static struct tls_identity *look_up(struct certs_store *store, const char *host, bool *known)
{
    struct tls_identity *identity = NULL;
    struct certs_hosts *hosts = current_hosts(store);
    struct entry *entry = find_entry(hosts, host);
    time_t now = wall_seconds();
    *known = entry != NULL;
    if (entry && !current(store, entry, now, &identity)) {
        turnstile_sleep(); /* a disk, and a lock that another process may hold */
        refresh(store, entry, now);
        turnstile_awake();
        current(store, entry, now, &identity);
    }
    hosts_unref(hosts);
    return identity;
}

struct tls_identity *certs_store_lookup(void *arg, const char *name, const struct address *local)
{
    struct certs_store *store = arg;
    char text[ADDRESS_TEXT];
    bool known = false;
    check_magic(store, STORE_MAGIC);
    if (name == NULL && local->len == 0)
        return NULL;
    struct tls_identity *identity =
        look_up(store, name ? name : address_format_ip(local, text), &known);
    errno = known ? ENOKEY : ENOENT;
    return identity;
}

bool certs_store_is_quarantined(void *arg, const char *host)
{
    struct certs_store *store = arg;
    bool known;
    check_magic(store, STORE_MAGIC);
    struct tls_identity *identity = look_up(store, host, &known);
    tls_identity_unref(identity);
    return known && identity == NULL;
}

/* ---- the thread --------------------------------------------------------------------------- */

static time_t due_at(struct certs_store *store, const struct entry *entry)
{
    pthread_mutex_lock(&store->mutex);
    time_t at = entry->renew_at;
    pthread_mutex_unlock(&store->mutex);
    return at;
}

static bool is_stopping(struct certs_store *store)
{
    pthread_mutex_lock(&store->mutex);
    bool stopping = store->stopping;
    pthread_mutex_unlock(&store->mutex);
    return stopping;
}

/* Sleeps until `until`, until there are other hosts, or the end. True when it is the end. */
static bool sleep_until(struct certs_store *store, time_t until, time_t now)
{
    time_t seconds = until <= now ? 0 : until - now;
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += seconds < SLEEP_MAX ? seconds : SLEEP_MAX;

    pthread_mutex_lock(&store->mutex);
    while (!store->stopping && !store->changed &&
           pthread_cond_timedwait(&store->wakeup, &store->mutex, &deadline) == 0)
        ;
    bool stopping = store->stopping;
    store->changed = false;
    pthread_mutex_unlock(&store->mutex);
    return stopping;
}

static void *run(void *arg)
{
    struct certs_store *store = arg;
    time_t now, next;
    thread_yield_to_others();
    do {
        now = wall_seconds();
        next = now + SLEEP_MAX;
        struct certs_hosts *hosts = current_hosts(store);
        for (size_t i = 0; i < hosts->count && !is_stopping(store); i++) {
            struct entry *entry = hosts->entries[i];
            if (due_at(store, entry) <= now)
                refresh(store, entry, now);
            time_t due = due_at(store, entry);
            if (due < next)
                next = due;
        }
        hosts_unref(hosts);
    } while (!sleep_until(store, next, wall_seconds()));
    tls_thread_release();
    return NULL;
}

/* ---- the hosts of a configuration -------------------------------------------------------- */

/* The host as look-ups spell it. */
static char *canonical_host(const char *host)
{
    struct address address;
    char text[ADDRESS_TEXT];
    if (address_parse_ip(span_str(host), 0, &address))
        return strdup(address_format_ip(&address, text));
    return strdup(host);
}

/* The entry of a host: the one that there is, or a new one. NULL when out of memory. */
static struct entry *take_entry(const struct certs_hosts *old, const char *name)
{
    char *host = canonical_host(name);
    if (host == NULL)
        return NULL;
    struct entry *entry = old ? find_entry(old, host) : NULL;
    if (entry) {
        atomic_fetch_add_explicit(&entry->refs, 1, memory_order_relaxed);
    } else if ((entry = calloc(1, sizeof *entry)) != NULL) {
        atomic_init(&entry->refs, 1);
        entry->host = host;
        return entry;
    }
    free(host);
    return entry;
}

static struct certs_hosts *collect_hosts(const struct certs_hosts *old, const struct config *config)
{
    struct certs_hosts *hosts =
        calloc(1, sizeof *hosts + config->route_count * sizeof hosts->entries[0]);
    if (hosts == NULL)
        return NULL;
    atomic_init(&hosts->refs, 1);
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        if (route->cert_type == CERT_NONE)
            continue;
        struct entry *entry = take_entry(old, route->host);
        if (entry == NULL) {
            hosts_unref(hosts);
            return NULL;
        }
        hosts->entries[hosts->count++] = entry;
    }
    qsort(hosts->entries, hosts->count, sizeof hosts->entries[0], compare_entries);
    return hosts;
}

/* About those that `old` does not have. */
static void warn_about_acme(const struct config *config, const struct certs_hosts *old)
{
    char names[NAMES_MAX] = "";
    size_t len = 0, left_out = 0;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        if (route->cert_type != CERT_ACME || (old && find_entry(old, route->host)))
            continue;
        if (left_out > 0 || len + strlen(route->host) + 3 > sizeof names)
            left_out++;
        else
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", len ? ", " : "",
                                    route->host);
    }
    char more[40] = "";
    if (left_out > 0)
        snprintf(more, sizeof more, " and %zu more", left_out);
    if (len > 0 || left_out > 0)
        log_write(LOG_WARN,
                  "cert_type \"acme\" is not available yet: certificates of the local CA are "
                  "served for %s%s",
                  names, more);
}

/* Makes the certificates that are missing, and gives those in quarantine another chance. How many
 * are new. */
static size_t make_missing(struct certs_store *store, const struct certs_hosts *hosts)
{
    time_t now = wall_seconds();
    size_t made = 0;
    for (size_t i = 0; i < hosts->count; i++) {
        struct entry *entry = hosts->entries[i];
        struct tls_identity *identity = NULL;
        bool untried = due_at(store, entry) == 0;
        current(store, entry, now, &identity);
        tls_identity_unref(identity);
        bool missing = untried && !local_ca_has(store->ca, entry->host);
        if (identity == NULL && (missing || !untried))
            refresh(store, entry, now);
        made += missing;
    }
    return made;
}

/* What a store needs that has any host. */
static int open_ca(struct certs_store *store, const struct config *config, struct err *err)
{
    if (store->ca == NULL) {
        store->ca = local_ca_open(config->cert_dir, wall_seconds(), err);
        if (store->ca == NULL)
            return -1;
        struct err why;
        if (!local_ca_has_root(store->ca, &why))
            log_write(LOG_ERROR,
                      "%s; certificates that are there are served, but none can be made until that "
                      "is mended: %s",
                      why.message, why.hint);
        else
            log_write(LOG_INFO,
                      "local CA: %s, SHA-256 %s; import it once into browsers and systems (README, "
                      "\"The local CA\")",
                      local_ca_path(store->ca), local_ca_fingerprint(store->ca));
    }
    if (!store->running && thread_start(&store->thread, "certs", run, store) != 0)
        return err_set(err, "cannot start the thread that renews certificates");
    store->running = true;
    return 0;
}

struct certs_hosts *certs_hosts_new(struct certs_store *store, const struct config *config,
                                    struct err *err)
{
    check_magic(store, STORE_MAGIC);
    struct certs_hosts *old = current_hosts(store), *hosts = collect_hosts(old, config);
    if (hosts == NULL) {
        err_set(err, "out of memory");
    } else if (hosts->count > 0 && open_ca(store, config, err) != 0) {
        hosts_unref(hosts);
        hosts = NULL;
    } else if (hosts->count > 0) {
        size_t made = make_missing(store, hosts);
        if (made > 0 || old->count != hosts->count)
            log_write(LOG_INFO, "certificates: %zu, of which %zu new", hosts->count, made);
        warn_about_acme(config, old);
    }
    hosts_unref(old);
    return hosts;
}

void certs_hosts_free(struct certs_hosts *hosts)
{
    hosts_unref(hosts);
}

void certs_store_publish(struct certs_store *store, struct certs_hosts *hosts)
{
    check_magic(store, STORE_MAGIC);
    pthread_mutex_lock(&store->mutex);
    struct certs_hosts *old = store->hosts;
    store->hosts = hosts;
    store->changed = true;
    pthread_cond_signal(&store->wakeup);
    pthread_mutex_unlock(&store->mutex);
    hosts_unref(old);
}

/* ---- birth and death ---------------------------------------------------------------------- */

static void init_locks(struct certs_store *store)
{
    pthread_condattr_t attr;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&store->wakeup, &attr);
    pthread_condattr_destroy(&attr);
}

struct certs_store *certs_store_new(const struct config *config, struct err *err)
{
    struct certs_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    store->magic = STORE_MAGIC;
    init_locks(store);
    static const struct config nothing;
    store->hosts = collect_hosts(NULL, &nothing);
    struct certs_hosts *hosts = store->hosts ? certs_hosts_new(store, config, err) : NULL;
    if (hosts == NULL) {
        if (store->hosts == NULL)
            err_set(err, "out of memory");
        certs_store_free(store);
        return NULL;
    }
    certs_store_publish(store, hosts);
    return store;
}

void certs_store_free(struct certs_store *store)
{
    if (store == NULL)
        return;
    check_magic(store, STORE_MAGIC);
    if (store->running) {
        pthread_mutex_lock(&store->mutex);
        store->stopping = true;
        pthread_cond_signal(&store->wakeup);
        pthread_mutex_unlock(&store->mutex);
        pthread_join(store->thread, NULL);
    }
    hosts_unref(store->hosts);
    local_ca_free(store->ca);
    pthread_cond_destroy(&store->wakeup);
    pthread_mutex_destroy(&store->mutex);
    store->magic = 0;
    free(store);
}
