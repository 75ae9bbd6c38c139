/* server/watch, and server/debounce, which it is made of. Time is the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/watch.h"
#include "temp_dir.h"

#define MS CLOCK_MS

static void a_burst_is_one_reaction(void **state)
{
    struct debounce debounce = DEBOUNCE_IDLE;
    (void)state;
    assert_int_equal(debounce_due(&debounce), CLOCK_NEVER);
    assert_false(debounce_take(&debounce, INT64_MAX - 1));
    for (int64_t now = 1000 * MS; now <= 1400 * MS; now += 100 * MS) {
        assert_false(debounce_take(&debounce, now));
        debounce_signal(&debounce, now);
    }
    assert_int_equal(debounce_due(&debounce), 1400 * MS + DEBOUNCE_QUIET);
    assert_false(debounce_take(&debounce, 1400 * MS + DEBOUNCE_QUIET - 1));
    assert_true(debounce_take(&debounce, 1400 * MS + DEBOUNCE_QUIET));
    assert_false(debounce_take(&debounce, INT64_MAX - 1));
}

static void endless_noise_is_not_waited_out(void **state)
{
    struct debounce debounce = DEBOUNCE_IDLE;
    int64_t now = 5000 * MS, reactions = 0;
    (void)state;
    for (; now < 15000 * MS; now += 10 * MS) {
        debounce_signal(&debounce, now);
        reactions += debounce_take(&debounce, now);
    }
    assert_in_range(reactions, 4, 5);
}

/* ---- the watch ---------------------------------------------------------------------------- */

struct fixture {
    struct watch watch;
    char path[256];
    int64_t now;
};

static void init(struct fixture *fixture, const char *path)
{
    *fixture = (struct fixture){.now = 1000 * MS};
    snprintf(fixture->path, sizeof fixture->path, "%s", path);
    watch_init(&fixture->watch, fixture->path);
}

static void begin(struct fixture *fixture, const char *path)
{
    init(fixture, path);
    assert_false(watch_is_on(&fixture->watch));
    assert_int_equal(watch_start(&fixture->watch, fixture->now, NULL), 0);
    assert_true(watch_is_on(&fixture->watch));
}

static bool has_event(const struct fixture *fixture)
{
    struct pollfd fd = {.fd = fixture->watch.fd, .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

/* What the thread would do until everything is quiet: events are there at once. */
static unsigned reactions(struct fixture *fixture)
{
    unsigned count = 0;
    for (int i = 0; i < 20; i++) {
        if (has_event(fixture))
            watch_read(&fixture->watch, fixture->now);
        fixture->now += 100 * MS;
        count += watch_has_changed(&fixture->watch, fixture->now);
    }
    return count;
}

static void put(const char *dir, const char *name, const char *text)
{
    temp_dir_write(dir, "temporary", text);
    assert_int_equal(rename(temp_dir_path(dir, "temporary"), temp_dir_path(dir, name)), 0);
}

static void every_way_to_write_a_file(void **state)
{
    const char *dir = *state;
    struct fixture fixture;
    const char *path = fixture.path;
    temp_dir_write(dir, "config.toml", "one");
    begin(&fixture, temp_dir_path(dir, "config.toml"));
    assert_int_equal(reactions(&fixture), 0);
    for (int i = 0; i < 2; i++) { /* twice: the second time with another inode */
        temp_dir_write(dir, "config.toml", i ? "in place" : "in place, too");
        assert_int_equal(reactions(&fixture), 1);
        put(dir, "config.toml", i ? "renamed" : "renamed again");
        assert_int_equal(reactions(&fixture), 1);
        unlink(path);
        assert_int_equal(reactions(&fixture), 0);
        temp_dir_write(dir, "config.toml", "back");
        assert_int_equal(reactions(&fixture), 1);
    }
    /* As some editors do: the old file becomes the backup. */
    rename(path, temp_dir_path(dir, "config.toml~"));
    temp_dir_write(dir, "config.toml", "a new one");
    assert_int_equal(reactions(&fixture), 1);
    /* Its neighbours do not matter. */
    temp_dir_write(dir, "other.toml", "other");
    assert_int_equal(reactions(&fixture), 0);
    watch_stop(&fixture.watch);
    assert_false(watch_is_on(&fixture.watch));
    assert_int_equal(watch_due(&fixture.watch), CLOCK_NEVER);
}

/* A file that is being written is not looked at. */
static void half_a_file(void **state)
{
    struct fixture fixture;
    temp_dir_write(*state, "config.toml", "one");
    begin(&fixture, temp_dir_path(*state, "config.toml"));
    assert_int_equal(reactions(&fixture), 0);
    int fd = open(fixture.watch.path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "half", 4), 4);
    assert_int_equal(reactions(&fixture), 0);
    close(fd);
    assert_int_equal(reactions(&fixture), 1);
    watch_stop(&fixture.watch);
}

/* As Kubernetes mounts a ConfigMap: config.toml -> ..data/config.toml, ..data -> ..1. */
static void links_that_are_swapped(void **state)
{
    const char *dir = *state;
    struct fixture fixture;
    mkdir(temp_dir_path(dir, "..1"), 0700);
    mkdir(temp_dir_path(dir, "..2"), 0700);
    temp_dir_write(dir, "..1/config.toml", "one");
    temp_dir_write(dir, "..2/config.toml", "two");
    assert_int_equal(symlink("..1", temp_dir_path(dir, "..data")), 0);
    assert_int_equal(symlink("..data/config.toml", temp_dir_path(dir, "config.toml")), 0);
    begin(&fixture, temp_dir_path(dir, "config.toml"));
    assert_int_equal(reactions(&fixture), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(symlink(i % 2 ? "..1" : "..2", temp_dir_path(dir, "..tmp")), 0);
        rename(temp_dir_path(dir, "..tmp"), temp_dir_path(dir, "..data"));
        assert_int_equal(reactions(&fixture), 1);
    }
    /* Where the links lead to now, changes are seen too. */
    temp_dir_write(dir, "..2/config.toml", "three");
    assert_int_equal(reactions(&fixture), 1);
    watch_stop(&fixture.watch);
}

/* The directory goes, and another of its name comes: found within a second. */
static void a_directory_that_is_replaced(void **state)
{
    const char *dir = *state;
    struct fixture fixture;
    mkdir(temp_dir_path(dir, "etc"), 0700);
    temp_dir_write(dir, "etc/config.toml", "one");
    begin(&fixture, temp_dir_path(dir, "etc/config.toml"));
    assert_int_equal(reactions(&fixture), 0);
    rename(temp_dir_path(dir, "etc"), temp_dir_path(dir, "old"));
    assert_int_equal(reactions(&fixture), 0);
    mkdir(temp_dir_path(dir, "etc"), 0700);
    temp_dir_write(dir, "etc/config.toml", "two");
    assert_int_equal(reactions(&fixture), 1);
    temp_dir_write(dir, "etc/config.toml", "three");
    assert_int_equal(reactions(&fixture), 1);
    watch_stop(&fixture.watch);
}

/* Between reading the file and watching it, and by a reload that somebody asked for. */
static void what_was_read_is_known(void **state)
{
    struct fixture fixture;
    temp_dir_write(*state, "config.toml", "one");
    init(&fixture, temp_dir_path(*state, "config.toml"));
    temp_dir_write(*state, "config.toml", "changed");
    assert_int_equal(watch_start(&fixture.watch, fixture.now, NULL), 0);
    assert_int_equal(reactions(&fixture), 1);
    temp_dir_write(*state, "config.toml", "changed again");
    watch_look(&fixture.watch, fixture.now);
    assert_int_equal(reactions(&fixture), 0);
    watch_stop(&fixture.watch);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_setup, temp_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_one_reaction),
        cmocka_unit_test(endless_noise_is_not_waited_out),
        TEST(every_way_to_write_a_file),
        TEST(half_a_file),
        TEST(links_that_are_swapped),
        TEST(a_directory_that_is_replaced),
        TEST(what_was_read_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
