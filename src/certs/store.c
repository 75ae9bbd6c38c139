/* The certificate store: see store.h.
 *
 * The thread "certs" alone touches the disk and the local CA. It opens the CA when the first host
 * needs a certificate, loads certificates and makes those that are missing, and renews them. It
 * sleeps until the next one is due, and at most an hour, since the wall clock by which certificates
 * expire can be set (or the machine can have slept). To parse a certificate and its key takes
 * OpenSSL 3.0 more than half a millisecond, so a thousand of them take a moment: those that a
 * handshake waits for come first.
 *
 * Everybody else looks at what it has loaded, under the mutex, which is never held for a disk or
 * for OpenSSL. A handshake whose certificate is not loaded yet leaves a ticket, parks, and is
 * woken. When the disk does not answer, it waits until its own deadline, and nobody else notices.
 *
 * The hosts of a configuration are a sorted array of entries that a reload replaces as a whole.
 * Entries are counted, so an unchanged host keeps its entry, and with it its identity. A handshake
 * in flight keeps a reference to its identity, and with it the certificate that it began with.
 *
 * A certificate that can neither be read nor made anew puts its host, and nobody else, into
 * quarantine: it has no identity, the log says why, and it is tried again every QUARANTINE
 * seconds and by every reload.
 *
 * Threads: main makes and frees the store; workers look up; "admin" replaces the hosts. */
#include "certs/store.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "certs/local_ca.h"
#include "net/tls_identity.h"

#define STORE_MAGIC   0xce57507eu
#define SLEEP_MAX     ((time_t)3600)
#define QUARANTINE    ((time_t)10)
#define OPEN_PATIENCE ((time_t)5) /* a directory that takes longer to be opened does not answer */
#define FREE_PATIENCE 1u          /* seconds: the end of the process does not wait for a disk */
#define NAMES_MAX     400u        /* bytes of host names in a warning */
#define WAITERS_MAX   (1u << 17)  /* handshakes; further ones fail at once */

struct entry {
    atomic_uint refs;
    char *host;                    /* owned; fixed after init; IP literals in canonical form */
    struct tls_identity *identity; /* guarded by mutex; NULL: not loaded, or in quarantine */
    time_t renew_at;               /* guarded by mutex; 0: to be loaded, and waited for */
    char *problem; /* guarded by mutex; owned: what the log was told last, or NULL */
};

struct certs_hosts {
    size_t count;
    struct entry *entries[]; /* a reference to each; sorted by host */
};

/* A handshake that waits for a certificate of the hosts in force. */
struct waiter {
    struct waiter *next;
    struct entry *entry; /* borrowed from the hosts */
    struct room_ticket ticket;
};

struct certs_store {
    unsigned magic;
    pthread_t thread;
    bool running; /* the thread is; main only */

    pthread_mutex_t mutex;
    pthread_cond_t wakeup; /* of the thread */
    pthread_cond_t opened; /* or not: the thread has tried */

    /* guarded by mutex, as everything below */
    struct certs_hosts *hosts; /* owned; "admin", which alone replaces them, reads without mutex */
    struct waiter *waiters;    /* owned; who came last is the first */
    unsigned waiter_count;
    size_t next;         /* of the hosts: which the thread looks at next in this round */
    time_t due;          /* the earliest renewal that this round has found so far */
    char *dir;           /* owned: where the thread is to open the CA; or NULL */
    bool has_tried;      /* to open it */
    struct err why;      /* it could not */
    struct local_ca *ca; /* NULL until it is open, fixed from then on, the thread's own */
    bool stopping;
};

static time_t wall_seconds(void)
{
    return (time_t)(clock_wall() / CLOCK_SECOND);
}

/* For the condition variables, whose clock is the monotonic one. */
static struct timespec in_seconds(time_t seconds)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += seconds;
    return at;
}

/* ---- entries ------------------------------------------------------------------------------ */

static struct entry *entry_ref(struct entry *entry)
{
    atomic_fetch_add_explicit(&entry->refs, 1, memory_order_relaxed);
    return entry;
}

static void entry_unref(struct entry *entry)
{
    if (atomic_fetch_sub_explicit(&entry->refs, 1, memory_order_acq_rel) != 1)
        return;
    tls_identity_unref(entry->identity);
    free(entry->problem);
    free(entry->host);
    free(entry);
}

void certs_hosts_free(struct certs_hosts *hosts)
{
    if (hosts == NULL)
        return;
    for (size_t i = 0; i < hosts->count; i++)
        entry_unref(hosts->entries[i]);
    free(hosts);
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

/* ---- look-ups ----------------------------------------------------------------------------- */

/* Leaves a ticket. It stays until the certificate is loaded, even if its connection has ended by
 * then: so however long the disk takes, there are no more than WAITERS_MAX. False: not left. */
static bool add_waiter_locked(struct certs_store *store, struct entry *entry,
                              struct room_ticket ticket)
{
    struct waiter *waiter = store->waiter_count < WAITERS_MAX ? malloc(sizeof *waiter) : NULL;
    if (waiter == NULL)
        return false;
    *waiter = (struct waiter){store->waiters, entry, ticket};
    store->waiters = waiter;
    store->waiter_count++;
    pthread_cond_signal(&store->wakeup);
    return true;
}

/* Takes out those that wait for the entry; NULL: all. */
static struct waiter *take_waiters_locked(struct certs_store *store, const struct entry *entry)
{
    struct waiter *taken = NULL, **at = &store->waiters;
    while (*at) {
        struct waiter *waiter = *at;
        if (entry != NULL && waiter->entry != entry) {
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        waiter->next = taken;
        taken = waiter;
        store->waiter_count--;
    }
    return taken;
}

static void wake(struct waiter *waiters)
{
    while (waiters) {
        struct waiter *next = waiters->next;
        room_wake(waiters->ticket);
        free(waiters);
        waiters = next;
    }
}

struct tls_identity *certs_store_lookup(void *arg, const char *name, const struct address *local,
                                        const struct room_ticket *ticket)
{
    struct certs_store *store = arg;
    char text[ADDRESS_TEXT];
    struct tls_identity *identity = NULL;
    int why = ENOENT;
    check_magic(store, STORE_MAGIC);
    if (name == NULL && local->len > 0)
        name = address_format_ip(local, text);
    pthread_mutex_lock(&store->mutex);
    struct entry *entry = name ? find_entry(store->hosts, name) : NULL;
    if (entry && entry->identity)
        identity = tls_identity_ref(entry->identity);
    else if (entry)
        why = entry->renew_at == 0 && add_waiter_locked(store, entry, *ticket) ? EAGAIN : ENOKEY;
    pthread_mutex_unlock(&store->mutex);
    errno = why;
    return identity;
}

bool certs_store_is_quarantined(void *arg, const char *host)
{
    struct certs_store *store = arg;
    check_magic(store, STORE_MAGIC);
    pthread_mutex_lock(&store->mutex);
    const struct entry *entry = find_entry(store->hosts, host);
    bool quarantined = entry && entry->identity == NULL && entry->problem != NULL;
    pthread_mutex_unlock(&store->mutex);
    return quarantined;
}

/* ---- the thread --------------------------------------------------------------------------- */

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

/* Loads, or renews, one certificate, and wakes who waits for it. What cannot be renewed is served
 * as it is and tried again later. */
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
    if (entry->renew_at < store->due)
        store->due = entry->renew_at;
    struct waiter *waiters = take_waiters_locked(store, entry);
    pthread_mutex_unlock(&store->mutex);

    wake(waiters);
    tls_identity_unref(unused);
    report(store, entry, result == 0 ? NULL : &err, quarantined);
    if (result == 0 && leaf.issued)
        log_write(LOG_INFO, "new certificate for %s", entry->host);
}

/* A reference to the entry to load next: one that a handshake waits for, or the next of this round
 * that is due. NULL when the round is over. */
static struct entry *next_entry_locked(struct certs_store *store, time_t now)
{
    struct certs_hosts *hosts = store->hosts;
    if (store->waiters)
        return entry_ref(store->waiters->entry);
    while (store->next < hosts->count) {
        struct entry *entry = hosts->entries[store->next++];
        if (entry->renew_at <= now)
            return entry_ref(entry);
        if (entry->renew_at < store->due)
            store->due = entry->renew_at;
    }
    return NULL;
}

/* Sleeps until something is due, wanted or changed, and begins another round. */
static void sleep_locked(struct certs_store *store, time_t now)
{
    const struct timespec until = in_seconds(store->due > now ? store->due - now : 0);
    (void)pthread_cond_timedwait(&store->wakeup, &store->mutex, &until);
    store->next = 0;
    store->due = wall_seconds() + SLEEP_MAX;
}

/* Opens the CA, or makes it, and answers open_ca. The mutex is free meanwhile. */
static void open_locked(struct certs_store *store)
{
    struct err why = {0}, fault;
    char *dir = store->dir;
    store->dir = NULL;
    pthread_mutex_unlock(&store->mutex);
    struct local_ca *ca = local_ca_open(dir, wall_seconds(), &why);
    if (ca != NULL && !local_ca_has_root(ca, &fault))
        log_write(LOG_ERROR,
                  "%s; certificates that are there are served, but none can be made until that "
                  "is mended: %s",
                  fault.message, fault.hint);
    else if (ca != NULL)
        log_write(LOG_INFO,
                  "local CA: %s, SHA-256 %s; import it once into browsers and systems (README, "
                  "\"The local CA\")",
                  local_ca_path(ca), local_ca_fingerprint(ca));
    free(dir);
    pthread_mutex_lock(&store->mutex);
    store->ca = ca;
    store->why = why;
    store->has_tried = true;
    pthread_cond_broadcast(&store->opened);
}

static void *run(void *arg)
{
    struct certs_store *store = arg;
    struct entry *entry;
    pthread_mutex_lock(&store->mutex);
    while (!store->stopping) {
        time_t now = wall_seconds();
        if (store->dir && store->ca == NULL) {
            open_locked(store);
        } else if ((entry = next_entry_locked(store, now)) != NULL) {
            pthread_mutex_unlock(&store->mutex);
            refresh(store, entry, now);
            entry_unref(entry);
            pthread_mutex_lock(&store->mutex);
        } else {
            sleep_locked(store, now);
        }
    }
    pthread_mutex_unlock(&store->mutex);
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
        entry_ref(entry);
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
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        if (route->cert_type == CERT_NONE)
            continue;
        struct entry *entry = take_entry(old, route->host);
        if (entry == NULL) {
            certs_hosts_free(hosts);
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

/* Has the thread open the CA, unless it is open. */
static int open_ca(struct certs_store *store, const char *dir, struct err *err)
{
    const struct timespec until = in_seconds(OPEN_PATIENCE);
    char *copy = strdup(dir);
    int result = 0;
    if (copy == NULL)
        return err_set(err, "out of memory");
    pthread_mutex_lock(&store->mutex);
    free(store->dir);
    store->dir = copy;
    store->has_tried = store->ca != NULL;
    pthread_cond_signal(&store->wakeup);
    while (!store->has_tried && result == 0)
        result = pthread_cond_timedwait(&store->opened, &store->mutex, &until);
    bool is_open = store->ca != NULL;
    if (!is_open && result == 0)
        *err = store->why;
    pthread_mutex_unlock(&store->mutex);
    if (is_open || result == 0)
        return is_open ? 0 : -1;
    err_set(err, "the certificate directory does not answer: %s", dir);
    return err_hint(err, "see whether its file system hangs, and which process holds %s/.lock",
                    dir);
}

struct certs_hosts *certs_hosts_new(struct certs_store *store, const struct config *config,
                                    struct err *err)
{
    check_magic(store, STORE_MAGIC);
    struct certs_hosts *hosts = collect_hosts(store->hosts, config);
    if (hosts == NULL) {
        err_set(err, "out of memory");
    } else if (hosts->count > 0 && open_ca(store, config->cert_dir, err) != 0) {
        certs_hosts_free(hosts);
        hosts = NULL;
    } else if (hosts->count > 0) {
        warn_about_acme(config, store->hosts);
    }
    return hosts;
}

void certs_store_publish(struct certs_store *store, struct certs_hosts *hosts)
{
    check_magic(store, STORE_MAGIC);
    pthread_mutex_lock(&store->mutex);
    struct certs_hosts *old = store->hosts;
    store->hosts = hosts;
    for (size_t i = 0; i < hosts->count; i++)
        if (hosts->entries[i]->identity == NULL)
            hosts->entries[i]->renew_at = 0; /* another chance for those in quarantine */
    store->next = 0;
    struct waiter *waiters = take_waiters_locked(store, NULL); /* they look again */
    pthread_cond_signal(&store->wakeup);
    pthread_mutex_unlock(&store->mutex);
    wake(waiters);
    certs_hosts_free(old);
}

/* ---- birth and death ---------------------------------------------------------------------- */

static void init_locks(struct certs_store *store)
{
    pthread_condattr_t attr;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&store->wakeup, &attr);
    pthread_cond_init(&store->opened, &attr);
    pthread_condattr_destroy(&attr);
}

struct certs_store *certs_store_new(const struct config *config, struct err *err)
{
    static const struct config nothing;
    /* The process may end while the thread is held up, which then finds OpenSSL as it was. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    struct certs_store *store = calloc(1, sizeof *store);
    struct certs_hosts *none = store ? collect_hosts(NULL, &nothing) : NULL;
    if (none == NULL) {
        err_set(err, "out of memory");
        free(store);
        return NULL;
    }
    store->magic = STORE_MAGIC;
    store->hosts = none;
    init_locks(store);
    store->running = thread_start(&store->thread, "certs", run, store) == 0;
    if (!store->running)
        err_set(err, "cannot start the thread that loads certificates");
    struct certs_hosts *hosts = store->running ? certs_hosts_new(store, config, err) : NULL;
    if (hosts == NULL) {
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
    pthread_mutex_lock(&store->mutex);
    store->stopping = true;
    struct waiter *waiters = take_waiters_locked(store, NULL);
    pthread_cond_signal(&store->wakeup);
    pthread_mutex_unlock(&store->mutex);
    wake(waiters);
    /* A thread that a disk holds up still needs the store, which then stays until the process
     * ends. */
    if (store->running && !thread_join_within(store->thread, FREE_PATIENCE))
        return;
    certs_hosts_free(store->hosts);
    local_ca_free(store->ca);
    free(store->dir);
    pthread_cond_destroy(&store->opened);
    pthread_cond_destroy(&store->wakeup);
    pthread_mutex_destroy(&store->mutex);
    store->magic = 0;
    free(store);
}
