/* server/file_watch. Time is the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/file_watch.h"
#include "temp_dir.h"

struct fixture {
    struct file_watch watch;
    char path[256];
    int64_t now;
};

static void begin(struct fixture *fixture, const char *path)
{
    fixture->now = CLOCK_SECOND;
    snprintf(fixture->path, sizeof fixture->path, "%s", path);
    file_watch_init(&fixture->watch, fixture->path);
    assert_int_equal(fixture->watch.due, CLOCK_NEVER);
    file_watch_set(&fixture->watch, true, fixture->now);
    assert_int_equal(fixture->watch.due, fixture->now);
}

/* One look, when it is due; not earlier. */
static bool look(struct fixture *fixture)
{
    assert_false(file_watch_has_changed(&fixture->watch, fixture->watch.due - 1));
    fixture->now = fixture->watch.due;
    bool changed = file_watch_has_changed(&fixture->watch, fixture->now);
    assert_int_equal(fixture->watch.due, fixture->now + FILE_WATCH_EVERY);
    return changed;
}

/* Looks until everything is quiet. */
static unsigned reactions(struct fixture *fixture)
{
    unsigned count = 0;
    for (int i = 0; i < 4; i++)
        count += look(fixture);
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
    file_watch_set(&fixture.watch, false, fixture.now);
    assert_int_equal(fixture.watch.due, CLOCK_NEVER);
}

/* A file that is being written is left alone until two looks agree. */
static void half_a_file(void **state)
{
    struct fixture fixture;
    temp_dir_write(*state, "config.toml", "one");
    begin(&fixture, temp_dir_path(*state, "config.toml"));
    int fd = open(fixture.path, O_WRONLY | O_TRUNC);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(write(fd, "some", 4), 4);
        assert_false(look(&fixture));
    }
    close(fd);
    assert_true(look(&fixture));
    assert_int_equal(reactions(&fixture), 0);
}

/* Times alone are a change, once; also when they go back, by a second or a nanosecond. */
static void times(void **state)
{
    struct fixture fixture;
    temp_dir_write(*state, "config.toml", "one");
    begin(&fixture, temp_dir_path(*state, "config.toml"));
    for (long i = 0; i < 3; i++) {
        const struct timespec modified[2] = {{1000 - i / 2, 0}, {1000 - i / 2, i % 2}};
        assert_int_equal(utimensat(AT_FDCWD, fixture.path, modified, 0), 0);
        assert_int_equal(reactions(&fixture), 1);
    }
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
}

/* The directory goes, and another of its name comes. */
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
}

/* Between reading the file and watching it, and by a reload that somebody asked for. */
static void what_was_read_is_known(void **state)
{
    struct fixture fixture;
    temp_dir_write(*state, "config.toml", "one");
    begin(&fixture, temp_dir_path(*state, "config.toml"));
    file_watch_set(&fixture.watch, false, fixture.now);
    temp_dir_write(*state, "config.toml", "changed");
    file_watch_set(&fixture.watch, true, fixture.now);
    assert_int_equal(reactions(&fixture), 1);
    temp_dir_write(*state, "config.toml", "changed again");
    file_watch_note(&fixture.watch);
    assert_int_equal(reactions(&fixture), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_setup, temp_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_way_to_write_a_file),
        TEST(half_a_file),
        TEST(times),
        TEST(links_that_are_swapped),
        TEST(a_directory_that_is_replaced),
        TEST(what_was_read_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
