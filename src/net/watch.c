/* The table of watches: see watch.h, where all that happens on the way of a request is. Memory is
 * mapped and touched only as far as descriptors go, so a large table costs address space. */
#include "net/watch.h"

#include <sys/mman.h>

static size_t size_of(uint32_t count)
{
    return (size_t)count * sizeof(struct watch);
}

int watch_table_init(struct watch_table *table, uint32_t count)
{
    void *items = mmap(NULL, size_of(count), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (items == MAP_FAILED)
        return -1;
    *table = (struct watch_table){items, count};
    return 0;
}

void watch_table_release(struct watch_table *table)
{
    if (table->items)
        munmap(table->items, size_of(table->count));
    *table = (struct watch_table){0};
}
