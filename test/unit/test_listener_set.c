/* server/listener_set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/listener.h"
#include "server/listener_set.h"

static struct config config_of(char **listen, uint16_t http, uint16_t https)
{
    return (struct config){.listen = listen, .http_port = http, .https_port = https};
}

static void close_set(const struct listener_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        close(set->items[i].fd);
}

static void listeners_that_stay_are_the_same(void **state)
{
    static const struct listener_set none;
    char *one[] = {(char[]){"127.0.0.1"}, NULL};
    char *two[] = {(char[]){"127.0.0.2"}, (char[]){"127.0.0.1"}, NULL};
    struct config first = config_of(one, 0, 0), second = config_of(two, 0, 0);
    struct listener_set old, new;
    (void)state;
    assert_int_equal(listener_set_open(&old, &none, &first, NULL), 0);
    assert_int_equal(old.count, 2);
    assert_int_equal(listener_set_open(&new, &old, &second, NULL), 0);
    assert_int_equal(new.count, 4);
    assert_int_equal(new.items[2].fd, old.items[0].fd);
    assert_int_equal(new.items[3].fd, old.items[1].fd);
    assert_int_not_equal(new.items[0].fd, old.items[0].fd);
    close_set(&new);
}

/* With port 0 two listeners can look alike; each is taken once. */
static void twins_are_told_apart(void **state)
{
    static const struct listener_set none;
    char *hosts[] = {(char[]){"127.0.0.1"}, (char[]){"127.0.0.1"}, (char[]){"127.0.0.1"}, NULL};
    struct config config = config_of(hosts + 1, 0, 0);
    struct listener_set old, new;
    (void)state;
    assert_int_equal(listener_set_open(&old, &none, &config, NULL), 0);
    config.listen = hosts;
    assert_int_equal(listener_set_open(&new, &old, &config, NULL), 0);
    assert_int_equal(new.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(listener_set_has(&old, new.items[i].fd), i < 4);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(new.items[i].fd, new.items[k].fd);
    }
    close_set(&new);
}

/* One that cannot be opened undoes those before it, and leaves the old ones alone. */
static void all_or_nothing(void **state)
{
    static const struct listener_set none;
    char *good[] = {(char[]){"127.0.0.1"}, NULL};
    char *bad[] = {(char[]){"127.0.0.1"}, (char[]){"127.0.0.2"}, (char[]){"192.0.2.1"}, NULL};
    struct config first = config_of(good, 0, 0), second = config_of(bad, 0, 0);
    struct listener_set old, new;
    struct err err = {0};
    (void)state;
    assert_int_equal(listener_set_open(&old, &none, &first, NULL), 0);
    int before = dup(0);
    close(before);
    assert_int_equal(listener_set_open(&new, &old, &second, &err), -1);
    assert_non_null(strstr(err.message, "192.0.2.1"));
    int after = dup(0);
    close(after);
    assert_int_equal(before, after);
    assert_int_not_equal(fcntl(old.items[0].fd, F_GETFD), -1);
    assert_int_not_equal(fcntl(old.items[1].fd, F_GETFD), -1);
    close_set(&old);
}

/* All addresses become one of them, and the reverse, on the same port. */
static void overlapping_with_what_leaves(void **state)
{
    static const struct listener_set none;
    char *all[] = {(char[]){"0.0.0.0"}, NULL}, *one[] = {(char[]){"127.0.0.1"}, NULL};
    struct config config = config_of(all, 0, 0);
    struct listener_set sets[3];
    struct err err = {0};
    (void)state;
    assert_int_equal(listener_set_open(&sets[0], &none, &config, NULL), 0);
    /* From now on with the ports that the kernel chose. */
    config.http_port = address_port(&sets[0].items[0].bound);
    config.https_port = address_port(&sets[0].items[1].bound);
    for (int i = 0; i < 2; i++)
        address_set_port(&sets[0].items[i].wanted, i ? config.https_port : config.http_port);
    for (int i = 1; i < 3; i++) {
        config.listen = i == 1 ? one : all;
        if (listener_set_open(&sets[i], &sets[i - 1], &config, &err) == -1)
            fail_msg("%s", err.message);
        assert_int_equal(sets[i].count, 2);
        close_set(&sets[i - 1]);
    }
    /* And no second Portico gets in beside them. */
    struct address address = sets[2].items[0].bound;
    assert_int_equal(listener_open(&address, false, NULL), -1);
    close_set(&sets[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twins_are_told_apart),
        cmocka_unit_test(listeners_that_stay_are_the_same),
        cmocka_unit_test(all_or_nothing),
        cmocka_unit_test(overlapping_with_what_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
