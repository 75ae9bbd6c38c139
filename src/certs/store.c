/* The certificate store: see store.h.
 *
 * The set of hosts is fixed when the store is made and kept sorted, so a look-up is a binary
 * search in memory that nobody changes; only the identity of an entry is ever replaced, and
 * only for taking a reference, or for that replacement, is the mutex held. A handshake in
 * flight keeps its reference, and with it the certificate that it began with.
 *
 * To parse a certificate and its key takes OpenSSL 3.0 more than half a millisecond, so a
 * thousand of them would make a slow start. Therefore main only looks whether the files are
 * there, and makes those that are missing. An entry that is not loaded yet is due for renewal
 * at once: the "certs" thread loads them all, first thing, and checks them by the way. A
 * worker that needs one sooner does the same for itself, once. The thread runs at a low
 * priority: handshakes come first.
 *
 * Threads: main makes and frees the store; workers look up; "certs" sleeps until the next
 * renewal is due, and at most an hour, since the wall clock by which certificates expire can
 * be set (or the machine can have slept). */
#include "certs/store.h"

#include <pthread.h>
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
#define NAMES_MAX   400u /* bytes of host names in a warning */

struct entry {
    char *host;                    /* owned; fixed after init; IP literals in canonical form */
    struct tls_identity *identity; /* guarded by mutex; NULL: not loaded */
    time_t renew_at;               /* guarded by mutex; 0: to be loaded */
};

struct certs_store {
    unsigned magic;
    struct entry *entries; /* sorted by host */
    size_t count;
    struct local_ca *ca; /* fixed after init; NULL when no host has a certificate */
    bool running;        /* main only: the thread is */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wakeup;
    bool stopping; /* guarded by mutex */
};

static time_t wall_seconds(void)
{
    return (time_t)(clock_wall() / CLOCK_SECOND);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->host, ((const struct entry *)b)->host);
}

static struct entry *find_entry(const struct certs_store *store, const char *host)
{
    struct entry key = {.host = (char *)(uintptr_t)host};
    if (store->count == 0)
        return NULL;
    return bsearch(&key, store->entries, store->count, sizeof *store->entries, compare_entries);
}

/* Loads, or renews, one certificate. What cannot be renewed is served as it is and tried again
 * later. */
static void refresh(struct certs_store *store, struct entry *entry, time_t now)
{
    struct local_ca_leaf leaf = {0};
    struct err err;
    int result = local_ca_get(store->ca, entry->host, now, &leaf, &err);
    if (result != 0)
        leaf.renew_at = now + SLEEP_MAX;

    pthread_mutex_lock(&store->mutex);
    struct tls_identity *unused = leaf.identity;
    if (leaf.identity != NULL) {
        unused = entry->identity;
        entry->identity = leaf.identity;
    }
    entry->renew_at = leaf.renew_at;
    pthread_mutex_unlock(&store->mutex);

    tls_identity_unref(unused);
    if (result != 0)
        log_write(LOG_ERROR, "%s", err.message);
    else if (leaf.issued)
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

struct tls_identity *certs_store_lookup(void *arg, const char *name, const struct address *local)
{
    struct certs_store *store = arg;
    struct tls_identity *identity;
    char text[ADDRESS_TEXT];
    check_magic(store, STORE_MAGIC);
    if (name == NULL && local->len == 0)
        return NULL;
    struct entry *entry = find_entry(store, name ? name : address_format_ip(local, text));
    if (entry == NULL)
        return NULL;
    time_t now = wall_seconds();
    if (!current(store, entry, now, &identity)) {
        turnstile_sleep(); /* a disk, and a lock that another process may hold */
        refresh(store, entry, now);
        turnstile_awake();
        current(store, entry, now, &identity);
    }
    return identity;
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

/* Sleeps until `until` or the end. True when it is the end. */
static bool sleep_until(struct certs_store *store, time_t until, time_t now)
{
    time_t seconds = until <= now ? 0 : until - now;
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += seconds < SLEEP_MAX ? seconds : SLEEP_MAX;

    pthread_mutex_lock(&store->mutex);
    while (!store->stopping &&
           pthread_cond_timedwait(&store->wakeup, &store->mutex, &deadline) == 0)
        ;
    bool stopping = store->stopping;
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
        for (size_t i = 0; i < store->count && !is_stopping(store); i++) {
            struct entry *entry = &store->entries[i];
            if (due_at(store, entry) <= now)
                refresh(store, entry, now);
            time_t due = due_at(store, entry);
            if (due < next)
                next = due;
        }
    } while (!sleep_until(store, next, wall_seconds()));
    tls_thread_release();
    return NULL;
}

/* ---- birth and death ---------------------------------------------------------------------- */

/* The host as look-ups spell it. */
static char *canonical_host(const char *host)
{
    struct address address;
    char text[ADDRESS_TEXT];
    if (address_parse_ip(span_str(host), 0, &address))
        return strdup(address_format_ip(&address, text));
    return strdup(host);
}

static int collect_hosts(struct certs_store *store, const struct config *config, struct err *err)
{
    store->entries = calloc(config->route_count + 1, sizeof *store->entries);
    if (store->entries == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        if (route->cert_type == CERT_NONE)
            continue;
        char *host = canonical_host(route->host);
        if (host == NULL)
            return err_set(err, "out of memory");
        store->entries[store->count++].host = host;
    }
    qsort(store->entries, store->count, sizeof *store->entries, compare_entries);
    return 0;
}

static void warn_about_acme(const struct config *config)
{
    char names[NAMES_MAX] = "";
    size_t len = 0, left_out = 0;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        if (route->cert_type != CERT_ACME)
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

/* Makes the certificates that are missing. */
static int make_missing(struct certs_store *store, struct err *err)
{
    time_t now = wall_seconds();
    size_t made = 0;
    for (size_t i = 0; i < store->count; i++) {
        struct entry *entry = &store->entries[i];
        struct local_ca_leaf leaf;
        if (local_ca_has(store->ca, entry->host))
            continue;
        if (local_ca_get(store->ca, entry->host, now, &leaf, err) != 0)
            return -1;
        entry->identity = leaf.identity;
        entry->renew_at = leaf.renew_at;
        made++;
    }
    log_write(LOG_INFO,
              "local CA: %s, SHA-256 %s; import it once into browsers and systems (README, "
              "\"The local CA\")",
              local_ca_path(store->ca), local_ca_fingerprint(store->ca));
    log_write(LOG_INFO, "certificates: %zu, of which %zu new", store->count, made);
    return 0;
}

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
    if (collect_hosts(store, config, err) != 0)
        goto failed;
    if (store->count == 0)
        return store;
    store->ca = local_ca_open(config->cert_dir, wall_seconds(), err);
    if (store->ca == NULL || make_missing(store, err) != 0)
        goto failed;
    warn_about_acme(config);
    if (thread_start(&store->thread, "certs", run, store) != 0) {
        err_set(err, "cannot start the thread that renews certificates");
        goto failed;
    }
    store->running = true;
    return store;
failed:
    certs_store_free(store);
    return NULL;
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
    for (size_t i = 0; i < store->count; i++) {
        tls_identity_unref(store->entries[i].identity);
        free(store->entries[i].host);
    }
    free(store->entries);
    local_ca_free(store->ca);
    pthread_cond_destroy(&store->wakeup);
    pthread_mutex_destroy(&store->mutex);
    store->magic = 0;
    free(store);
}
