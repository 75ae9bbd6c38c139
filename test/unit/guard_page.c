/* Guard pages: one mapping a thread, made at the first use and kept until the process ends. */
#include "guard_page.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"

#define GUARDED (1u << 20)

char *guard_page_copy(struct span s)
{
    static _Thread_local char *mapping;
    if (!mapping) {
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);
        mapping =
            mmap(NULL, GUARDED + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check(mapping != MAP_FAILED);
        check(mprotect(mapping + GUARDED, page, PROT_NONE) == 0);
    }
    check(s.len <= GUARDED);
    char *copy = mapping + GUARDED - s.len;
    if (s.len)
        memmove(copy, s.data, s.len);
    return copy;
}
