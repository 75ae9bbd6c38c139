/* Sections in sections: a table of sections that no configuration has, with tables and lists in
 * lists; and routes' timeouts, which inherit. In all three formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "config/fill.h"

struct user {
    char *email;
    int64_t quota;
};

struct site {
    char *host;
    struct pause {
        int64_t wait, rest;
    } pause;
    struct user *users;
    size_t user_count;
};

struct whole {
    struct pause pause;
    struct site *sites;
    size_t site_count;
};

static const struct setting nothing[] = {{0}};
static const struct setting pause_keys[] = {
    {"wait", &kinds[KIND_DURATION], offsetof(struct pause, wait), .fallback = "\"5s\"",
     .max = CLOCK_SECOND * 60},
    {"rest", &kinds[KIND_DURATION], offsetof(struct pause, rest), .fallback = "\"1s\"",
     .max = CLOCK_SECOND * 60},
    {0}};
static const struct setting site_keys[] = {{"host", &kinds[KIND_HOST], offsetof(struct site, host),
                                            .example = "\"a.test\"", .is_required = true},
                                           {0}};
static const struct setting user_keys[] = {
    {"email", &kinds[KIND_EMAIL], offsetof(struct user, email), .example = "\"a@b\"",
     .is_required = true},
    {"quota", &kinds[KIND_SIZE], offsetof(struct user, quota), .fallback = "\"1MiB\"",
     .max = 1 << 30},
    {0}};

static const struct section sections[] = {
    {"", .settings = nothing, .size = sizeof(struct whole)},
    {"sites", &sections[0], site_keys, .is_list = true, .offset = offsetof(struct whole, sites),
     .count_offset = offsetof(struct whole, site_count), .size = sizeof(struct site)},
    {"sites.pause", &sections[1], pause_keys, .offset = offsetof(struct site, pause),
     .size = sizeof(struct pause), .inherits = &sections[4]},
    {"sites.users", &sections[1], user_keys, .is_list = true,
     .offset = offsetof(struct site, users), .count_offset = offsetof(struct site, user_count),
     .size = sizeof(struct user)},
    {"pause", &sections[0], pause_keys, .offset = offsetof(struct whole, pause),
     .size = sizeof(struct pause)},
    {0}};

struct fixture {
    struct problems problems;
    struct value_tree *tree;
    struct whole whole;
};

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    assert_non_null(*state);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    value_tree_free(f->tree);
    problems_release(&f->problems);
    free(f);
    return 0;
}

static void load(struct fixture *f, const struct format *format, const char *text)
{
    problems_release(&f->problems);
    value_tree_free(f->tree);
    f->whole = (struct whole){0};
    f->tree = format->parse("f", span_str(text), &f->problems);
    assert_non_null(f->tree);
    struct setting_context context = {
        .file = "f", .path = "f", .format = format, .tree = f->tree, .problems = &f->problems};
    fill_sections(sections, &f->whole, &context);
    problems_sort(&f->problems);
}

static void assert_problem(struct fixture *f, size_t index, const char *code, const char *pointer,
                           const char *hint)
{
    assert_true(index < f->problems.count);
    assert_string_equal(f->problems.items[index].code, code);
    assert_string_equal(f->problems.items[index].pointer, pointer);
    if (strcmp(f->problems.items[index].hint, hint) != 0)
        fail_msg("%s: %s", pointer, f->problems.items[index].hint);
}

static void sections_nest(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        ("[[sites]]\nhost = 'a.test'\n[sites.pause]\nrest = '9s'\n"
         "[[sites.users]]\nemail = 'x@a'\n[[sites.users]]\nemail = 'y@a'\nquota = '2KiB'\n"
         "[[sites]]\nhost = 'b.test'\n[pause]\nwait = '7s'\n"),
        ("{\"sites\": [{\"host\": \"a.test\", \"pause\": {\"rest\": \"9s\"},"
         "  \"users\": [{\"email\": \"x@a\"}, {\"email\": \"y@a\", \"quota\": 2048}]},"
         " {\"host\": \"b.test\"}], \"pause\": {\"wait\": \"7s\"}}"),
        ("sites:\n- host: a.test\n  pause:\n    rest: 9s\n  users:\n  - email: x@a\n"
         "  - {email: y@a, quota: 2KiB}\n- host: b.test\npause:\n  wait: 7s\n")};
    static const struct format *const formats[] = {&format_toml, &format_json, &format_yaml};
    for (size_t i = 0; i < 3; i++) {
        load(f, formats[i], texts[i]);
        assert_true(problems_is_empty(&f->problems));
        assert_int_equal(f->whole.site_count, 2);
        const struct site *a = &f->whole.sites[0], *b = &f->whole.sites[1];
        assert_string_equal(b->host, "b.test");
        assert_int_equal(a->pause.rest, 9 * CLOCK_SECOND);
        assert_int_equal(a->pause.wait, 7 * CLOCK_SECOND); /* of all, though that comes later */
        assert_int_equal(b->pause.wait, 7 * CLOCK_SECOND);
        assert_int_equal(b->pause.rest, CLOCK_SECOND);
        assert_int_equal(a->user_count, 2);
        assert_int_equal(b->user_count, 0);
        assert_string_equal(a->users[1].email, "y@a");
        assert_int_equal(a->users[0].quota, 1 << 20);
        assert_int_equal(a->users[1].quota, 2048);
    }
}

static void problems_point_into_them(void **state)
{
    struct fixture *f = *state;
    load(f, &format_toml,
         "[[sites]]\nhost = 'a.test'\nwait = '1s'\nuser = 1\n[sites.pauses]\nwait = 1\n"
         "[[sites.users]]\nemail = 'x'\nquota = '2KB'\n[[sites.users]]\n"
         "[[sites]]\nhost = 'b.test'\npause = 3\nusers = 'me'\n[pause]\nemail = 'x@a'\n");
    static const struct {
        const char *code, *pointer, *hint;
    } expected[] = {
        {"unknown-key", "/sites/0/wait", "it belongs under [sites.pause]"},
        {"unknown-key", "/sites/0/user", "did you mean [[sites.users]]?"},
        {"unknown-key", "/sites/0/pauses", "did you mean [sites.pause]?"},
        {"wrong-type", "/sites/0/pauses/wait",
         "a duration is a whole number and one unit (ms, s, m, h or d), such as \"10s\""},
        {"bad-email", "/sites/0/users/0/email", ""},
        {"bad-size", "/sites/0/users/0/quota",
         "a size is a whole number and one unit (KiB, MiB or GiB), such as \"16MiB\""},
        {"missing-key", "/sites/0/users/1", "add a line such as: email = \"a@b\""},
        {"wrong-type", "/sites/1/pause", "write [sites.pause] once, in single brackets"},
        {"wrong-type", "/sites/1/users",
         "write [[sites.users]], in double brackets, above each of them"},
        {"unknown-key", "/pause/email", "it belongs under [[sites.users]]"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_problem(f, i, expected[i].code, expected[i].pointer, expected[i].hint);
    assert_int_equal(f->problems.count, sizeof expected / sizeof *expected);
    load(f, &format_json, "{\"sites\": [{\"host\": \"a\", \"rest\": \"1s\"}]}");
    assert_problem(f, 0, "unknown-key", "/sites/0/rest", "it belongs into \"pause\": { ... }");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sections_nest, setup, teardown),
        cmocka_unit_test_setup_teardown(problems_point_into_them, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
