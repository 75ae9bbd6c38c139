/* This module counts the connections of each client (admission.h).
 *
 * A hash table from client key to count, chained, under one mutex: it is touched once when a
 * connection begins and once when it ends. Entries whose count is 0 are freed, so the table
 * holds at most one entry for each connection. The hash is seeded, since clients choose their
 * addresses, at least within a network. */
#include "server/admission.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/check.h"

#define BUCKETS 1024u /* a power of two */

struct entry {
    struct entry *next;
    uint64_t key;
    unsigned count;
};

struct admission {
    uint64_t seed; /* fixed after init */

    pthread_mutex_t mutex;
    struct entry *buckets[BUCKETS]; /* guarded by mutex; owned */
};

struct admission *admission_new(void)
{
    struct admission *admission = calloc(1, sizeof *admission);
    if (admission == NULL)
        return NULL;
    if (getrandom(&admission->seed, sizeof admission->seed, 0) == -1)
        admission->seed = (uint64_t)(uintptr_t)admission;
    pthread_mutex_init(&admission->mutex, NULL);
    return admission;
}

void admission_free(struct admission *admission)
{
    if (admission == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        check(admission->buckets[i] == NULL);
    pthread_mutex_destroy(&admission->mutex);
    free(admission);
}

/* The link that points to the key's entry, or to where it belongs. */
static struct entry **find_locked(struct admission *admission, uint64_t key)
{
    /* Two rounds of multiply and fold: enough to hide the low bits of an address. */
    uint64_t hash = (key ^ admission->seed) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    struct entry **link = &admission->buckets[(hash >> 32) % BUCKETS];
    while (*link && (*link)->key != key)
        link = &(*link)->next;
    return link;
}

bool admission_enter(struct admission *admission, const struct address *client, unsigned max)
{
    bool admitted = false;
    pthread_mutex_lock(&admission->mutex);
    uint64_t key = address_client_key(client);
    struct entry **link = find_locked(admission, key);
    if (*link == NULL && (*link = calloc(1, sizeof **link)) != NULL)
        (*link)->key = key;
    struct entry *entry = *link;
    if (entry && (max == 0 || entry->count < max)) {
        entry->count++;
        admitted = true;
    }
    pthread_mutex_unlock(&admission->mutex);
    return admitted;
}

void admission_leave(struct admission *admission, const struct address *client)
{
    pthread_mutex_lock(&admission->mutex);
    struct entry **link = find_locked(admission, address_client_key(client));
    struct entry *entry = *link;
    check(entry && entry->count > 0);
    if (--entry->count == 0) {
        *link = entry->next;
        free(entry);
    }
    pthread_mutex_unlock(&admission->mutex);
}
