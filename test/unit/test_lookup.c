/* Looking names up for a command. The resolver is compiled into this test with getaddrinfo in
 * disguise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>

static int answer_name(const char *name, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);

#define getaddrinfo answer_name
#include "net/resolver.c"
#undef getaddrinfo

#include "net/lookup.h"

#define NAMES 200u

/* Answers names in "good", refuses those in "bad", and keeps "dead" ones waiting. */
static struct names {
    atomic_uint asked, answered;
    sem_t release;
} * _Atomic asked_names; /* NULL: the system */

static int answer_name(const char *name, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list)
{
    struct names *names = atomic_load(&asked_names);
    if (names == NULL)
        return getaddrinfo(name, service, hints, list);
    const struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    int result = EAI_NONAME;
    atomic_fetch_add(&names->asked, 1);
    if (strncmp(name, "dead", 4) == 0)
        sem_wait(&names->release);
    if (strncmp(name, "good", 4) == 0)
        result = getaddrinfo("192.0.2.1", NULL, &numeric, list);
    atomic_fetch_add(&names->answered, 1);
    return result;
}

/* Names of two kinds in turn. */
static void name_all(char text[NAMES][16], struct lookup *lookups, const char *even,
                     const char *odd)
{
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(text[i], sizeof text[i], "%s%u", i % 2 ? odd : even, i);
        lookups[i] = (struct lookup){.host = text[i], .port = 80};
    }
}

static void asks_for_each_name_once(void **state)
{
    (void)state;
    static struct names names;
    static struct lookup lookups[NAMES + 1];
    atomic_store(&asked_names, &names);
    char text[NAMES][16];
    name_all(text, lookups, "good", "bad");
    lookups[NAMES] = (struct lookup){.host = text[0], .port = 81};
    lookup_all(lookups, NAMES + 1, CLOCK_NEVER / 2);
    assert_int_equal(atomic_load(&names.asked), NAMES);
    for (unsigned i = 0; i <= NAMES; i++) {
        assert_int_equal(lookups[i].result, i % 2 ? RESOLVER_FAILED : RESOLVER_DONE);
        assert_int_equal(lookups[i].count, i % 2 ? 0 : 1);
    }
    assert_string_equal(lookups[1].why, gai_strerror(EAI_NONAME));
    assert_string_equal(address_format(&lookups[NAMES].addresses[0], text[0]), "192.0.2.1:81");
    lookup_all(NULL, 0, CLOCK_NEVER / 2);
}

/* With a name server that does not answer, it is over all the same; and those that ask go home
 * when they get their answer, without asking for the rest. */
static void does_not_wait_for_the_dead(void **state)
{
    (void)state;
    static struct names names;
    static struct lookup lookups[NAMES];
    atomic_store(&asked_names, &names);
    char text[NAMES][16];
    sem_init(&names.release, 0, 0);
    name_all(text, lookups, "dead", "dead");
    lookup_all(lookups, NAMES, 20 * CLOCK_MS);
    for (unsigned i = 0; i < NAMES; i++)
        assert_int_equal(lookups[i].result, RESOLVER_PENDING);
    assert_true(atomic_load(&names.asked) < NAMES);
    for (unsigned i = 0; i < NAMES; i++)
        sem_post(&names.release);
    while (atomic_load(&names.answered) < atomic_load(&names.asked))
        sched_yield();
    assert_true(atomic_load(&names.asked) < NAMES);
}

/* The system's own: what needs no name server. */
static void asks_the_system(void **state)
{
    (void)state;
    struct lookup lookups[] = {{.host = "localhost"}, {.host = "a..b"}, {.host = "::1"}};
    atomic_store(&asked_names, NULL);
    lookup_all(lookups, 3, CLOCK_NEVER / 2);
    assert_int_equal(lookups[0].result, RESOLVER_DONE);
    assert_int_equal(lookups[1].result, RESOLVER_FAILED);
    assert_int_equal(lookups[2].result, RESOLVER_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_each_name_once),
        cmocka_unit_test(does_not_wait_for_the_dead),
        cmocka_unit_test(asks_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
