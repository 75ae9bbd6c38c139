/* Looking names up for a command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "base/clock.h"
#include "net/lookup.h"

#define NAMES 200u

/* A source that answers names in "good", refuses those in "bad", and keeps "dead" ones waiting. */
struct source {
    atomic_uint asked, answered;
    sem_t release;
};

static int ask(void *arg, const char *name, struct addrinfo **list)
{
    struct source *source = arg;
    atomic_fetch_add(&source->asked, 1);
    *list = NULL;
    if (strncmp(name, "dead", 4) == 0)
        sem_wait(&source->release);
    atomic_fetch_add(&source->answered, 1);
    return strncmp(name, "good", 4) == 0 ? 0 : EAI_NONAME;
}

static void name_all(char text[NAMES][16], const char **names, const char *const *kinds,
                     unsigned kind_count)
{
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(text[i], sizeof text[i], "%s%u", kinds[i % kind_count], i);
        names[i] = text[i];
    }
}

static void asks_for_each_name_once(void **state)
{
    (void)state;
    static struct source source;
    char text[NAMES][16];
    const char *names[NAMES], *const kinds[] = {"good", "bad"};
    int results[NAMES];
    name_all(text, names, kinds, 2);
    assert_int_equal(lookup_all(names, NAMES, CLOCK_NEVER / 2, ask, &source, results), 0);
    assert_int_equal(atomic_load(&source.asked), NAMES);
    for (unsigned i = 0; i < NAMES; i++)
        assert_int_equal(results[i], i % 2 ? EAI_NONAME : 0);
    assert_int_equal(lookup_all(names, 0, CLOCK_NEVER / 2, ask, &source, results), 0);
}

/* With a name server that does not answer, it is over all the same; and those that ask go home
 * when they get their answer, without asking for the rest. */
static void does_not_wait_for_the_dead(void **state)
{
    (void)state;
    static struct source source;
    char text[NAMES][16];
    const char *names[NAMES], *const kinds[] = {"dead"};
    int results[NAMES];
    sem_init(&source.release, 0, 0);
    name_all(text, names, kinds, 1);
    assert_int_equal(lookup_all(names, NAMES, 20 * CLOCK_MS, ask, &source, results), 0);
    for (unsigned i = 0; i < NAMES; i++)
        assert_int_equal(results[i], LOOKUP_UNKNOWN);
    assert_true(atomic_load(&source.asked) < NAMES);
    for (unsigned i = 0; i < NAMES; i++)
        sem_post(&source.release);
    while (atomic_load(&source.answered) < atomic_load(&source.asked))
        sched_yield();
    assert_true(atomic_load(&source.asked) < NAMES);
}

/* The system's own: what needs no name server. */
static void asks_the_system(void **state)
{
    (void)state;
    const char *names[] = {"localhost", "a..b"};
    int results[2];
    assert_int_equal(lookup_all(names, 2, CLOCK_NEVER / 2, resolver_ask_system, NULL, results), 0);
    assert_int_equal(results[0], 0);
    assert_true(results[1] != 0 && results[1] != LOOKUP_UNKNOWN);
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
