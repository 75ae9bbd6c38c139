/* Settings on their own: what variables hold is not shown, lists have their limits, and problems
 * point at their items. What is said of wrong values in files is in test_wrong.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/schema.h"
#include "config/setting.h"

union object {
    struct config config;
    struct config_route route;
};

struct fixture {
    union object object;
    struct problems problems;
    struct setting_context context;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->context = (struct setting_context){.file = "f",
                                          .path = "-",
                                          .format = &format_toml,
                                          .tree = value_tree_new(0),
                                          .problems = &f->problems};
    assert_non_null(f->context.tree);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    value_tree_free(f->context.tree);
    problems_release(&f->problems);
    free(f);
    return 0;
}

static int apply(struct fixture *f, const char *section, const char *key, const struct value *value)
{
    problems_release(&f->problems);
    const struct section *in = schema_section(schema_sections, span_str(section));
    const struct setting *setting = schema_setting(in, span_str(key));
    assert_non_null(setting);
    return setting_apply(setting, (char *)&f->object + (in->is_list ? 0 : in->offset), value,
                         &f->context);
}

static struct value text(const char *string)
{
    return (struct value){.type = VALUE_STRING, .line = 2, .column = 3, .string = span_str(string)};
}

/* A list of texts, up to the first NULL. */
static struct value list(struct fixture *f, const char *const *texts)
{
    struct value value = {.type = VALUE_ARRAY, .table = value_table_new(f->context.tree)};
    for (; *texts; texts++) {
        struct value item = text(*texts);
        assert_non_null(value_table_add(value.table, (struct span){0}, &item));
    }
    return value;
}

/* Of each type of text: refused, with the setting's name and the text as it is written. */
static void what_variables_hold_is_not_shown(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[][2] = {{"routes", "host"},      {"routes", "upstream"},
                                          {"routes", "cert_type"}, {"acme", "email"},
                                          {"timeouts", "head"},    {"routes", "authorization"}};
    setenv("PORTICO_TEST", "hush hush\n", 1);
    struct value value = text("${PORTICO_TEST}");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_int_equal(apply(f, keys[i][0], keys[i][1], &value), -1);
        assert_int_equal(f->problems.count, 1);
        const struct err *err = &f->problems.items[0];
        assert_null(strstr(err->message, "hush"));
        assert_null(strstr(err->hint, "hush"));
        assert_non_null(strstr(err->message, keys[i][1]));
        assert_int_equal(err->line, 2);
        assert_int_equal(err->column, 3);
    }
    static const char *const items[] = {"${PORTICO_TEST}", NULL};
    value = list(f, items);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(apply(f, "server", i ? "listen" : "trusted_proxies", &value), -1);
        assert_int_equal(f->problems.count, 1);
        assert_null(strstr(f->problems.items[0].message, "hush"));
        assert_non_null(strstr(f->problems.items[0].message, "${PORTICO_TEST}"));
        assert_string_equal(f->problems.items[0].pointer, "/0");
    }
}

static void variables_are_replaced(void **state)
{
    struct fixture *f = *state;
    setenv("PORTICO_TEST", "App.Test.", 1);
    struct value value = text("www.${PORTICO_TEST}");
    assert_int_equal(apply(f, "routes", "host", &value), 0);
    assert_string_equal(f->object.route.host, "www.app.test");
    setenv("PORTICO_TEST", "7", 1);
    value = text("${PORTICO_TEST}0s");
    assert_int_equal(apply(f, "timeouts", "head", &value), 0);
    assert_int_equal(f->object.config.timeouts.head, 70000000);
}

static void addresses_are_counted_and_compared(void **state)
{
    struct fixture *f = *state;
    static const char *const many[] = {"::1", "::2", "::3", "::4",  "::5",  "::6",
                                       "::7", "::8", "::9", "::a",  "::b",  "::c",
                                       "::d", "::e", "::f", "::10", "::11", NULL};
    setenv("PORTICO_TEST", "::1", 1);
    struct value value = list(f, many + 1);
    assert_int_equal(apply(f, "server", "listen", &value), 0);
    assert_string_equal(f->object.config.listen[15], "::11");
    assert_null(f->object.config.listen[16]);
    value = list(f, many);
    assert_int_equal(apply(f, "server", "listen", &value), -1);
    assert_string_equal(f->problems.items[0].code, "out-of-range");
    static const char *const twice[] = {"::1", "nobody", "0:0::1", "${PORTICO_TEST}", NULL};
    value = list(f, twice);
    assert_int_equal(apply(f, "server", "listen", &value), -1);
    assert_int_equal(f->problems.count, 3);
    assert_string_equal(f->problems.items[0].code, "bad-address");
    assert_string_equal(f->problems.items[0].pointer, "/1");
    assert_string_equal(f->problems.items[1].code, "duplicate-address");
    assert_string_equal(f->problems.items[1].pointer, "/2");
    assert_string_equal(f->problems.items[2].pointer, "/3");
    assert_non_null(strstr(f->problems.items[2].message, "\"${PORTICO_TEST}\" twice"));
    assert_string_equal(f->problems.pointer, "");
    /* Networks may overlap, and there may be none. */
    static const char *const networks[] = {"::1", "::1", NULL};
    value = list(f, networks);
    assert_int_equal(apply(f, "server", "trusted_proxies", &value), 0);
    value = list(f, networks + 2);
    assert_int_equal(apply(f, "server", "trusted_proxies", &value), 0);
    assert_null(f->object.config.trusted_proxies[0]);
    assert_int_equal(apply(f, "server", "listen", &value), -1);
}

static void ranges_include_their_ends(void **state)
{
    struct fixture *f = *state;
    const struct setting *setting = schema_section(schema_sections, SPAN("server"))->settings;
    for (; setting->name; setting++) {
        if (setting->kind != &kinds[KIND_COUNT])
            continue;
        const int64_t numbers[] = {setting->min - 1, setting->min, setting->max, setting->max + 1};
        for (size_t j = 0; j < 4; j++) {
            struct value value = {.type = VALUE_INTEGER, .integer = numbers[j]};
            int result = apply(f, "server", setting->name, &value);
            assert_int_equal(result, j == 0 || j == 3 ? -1 : 0);
            if (result < 0)
                assert_string_equal(f->problems.items[0].code, "out-of-range");
        }
    }
}

/* Rows that no section has, to try every form of a size. */
static void sizes_have_units(void **state)
{
    struct fixture *f = *state;
    static const struct setting body = {"max_body", &kinds[KIND_SIZE], .fallback = "\"16MiB\"",
                                        .min = 1024, .max = INT64_C(1) << 40};
    static const struct {
        const char *text;
        int64_t size;
        const char *shown; /* NULL: refused, for: */
        const char *code, *hint;
    } rows[] = {
        {"1KiB", 1024, "1KiB", NULL, NULL},
        {"2048KiB", 2 << 20, "2MiB", NULL, NULL},
        {"1024GiB", INT64_C(1) << 40, "1024GiB", NULL, NULL},
        {"1025GiB", 0, NULL, "out-of-range", ""},
        {"0KiB", 0, NULL, "out-of-range",
         "it cannot be switched off: for the most write \"1024GiB\""},
        {"9999999999GiB", 0, NULL, "bad-size", "such as \"16MiB\""}, /* more than 64 bits */
        {"16MB", 0, NULL, "bad-size", "such as \"16MiB\""},
        {"16 mib", 0, NULL, "bad-size", "such as \"16MiB\""},
        {"1GiB512MiB", 0, NULL, "bad-size", "such as \"16MiB\""},
        {"4096", 0, NULL, "bad-size", "such as \"16MiB\""},
        {"1.5GiB", 0, NULL, "bad-size", "such as \"16MiB\""},
        {"-1KiB", 0, NULL, "bad-size", "such as \"16MiB\""},
        {"much", 0, NULL, "bad-size", "such as \"16MiB\""},
    };
    int64_t size = 0;
    char room[KIND_TEXT], range[KIND_RANGE];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct value value = text(rows[i].text);
        problems_release(&f->problems);
        assert_int_equal(setting_apply(&body, &size, &value, &f->context), rows[i].shown ? 0 : -1);
        if (rows[i].shown) {
            assert_int_equal(size, rows[i].size);
            assert_string_equal(setting_show(&body, &size, 0, room), rows[i].shown);
            continue;
        }
        assert_string_equal(f->problems.items[0].code, rows[i].code);
        assert_non_null(strstr(f->problems.items[0].hint, rows[i].hint));
    }
    /* A number is one of bytes, also in YAML; and is shown as one if it is nothing else. */
    struct value bytes = {.type = VALUE_INTEGER, .integer = 5000};
    assert_int_equal(setting_apply(&body, &size, &bytes, &f->context), 0);
    assert_string_equal(setting_show(&body, &size, 0, room), "5000");
    assert_string_equal(kind_quote(body.kind, "5000"), "");
    assert_string_equal(kind_quote(body.kind, "5MiB"), "\"");
    bytes = (struct value){.type = VALUE_PLAIN, .string = SPAN("4096")};
    assert_int_equal(setting_apply(&body, &size, &bytes, &f->context), 0);
    assert_int_equal(size, 4096);
    bytes.string = SPAN("3MiB");
    assert_int_equal(setting_apply(&body, &size, &bytes, &f->context), 0);
    assert_int_equal(size, 3 << 20);
    assert_string_equal(kind_range(&body, range), "\"1KiB\" to \"1024GiB\"");
}

/* No section has secrets of these kinds yet. (Hints about hosts and upstreams quote parts of them.)
 */
static void secrets_are_not_quoted(void **state)
{
    struct fixture *f = *state;
    static const enum kind_id ids[] = {KIND_DURATION, KIND_EMAIL, KIND_SIZE, KIND_NETWORKS};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const struct setting pin = {"pin", &kinds[ids[i]], .example = "1", .is_secret = true};
        struct value value = text("hush/hush");
        char member[64];
        problems_release(&f->problems);
        assert_int_equal(setting_apply(&pin, member, &value, &f->context), -1);
        assert_null(strstr(f->problems.items[0].message, "hush"));
        assert_null(strstr(f->problems.items[0].hint, "hush"));
    }
}

static void paths_fit_a_socket(void **state)
{
    struct fixture *f = *state;
    char path[SCHEMA_PATH_MAX + 2];
    memset(path, 'x', sizeof path - 1);
    path[SCHEMA_PATH_MAX + 1] = '\0';
    struct value value = text(path);
    assert_int_equal(apply(f, "server", "run_dir", &value), -1);
    assert_string_equal(f->problems.items[0].code, "bad-path");
    value.string.len--;
    assert_int_equal(apply(f, "server", "run_dir", &value), 0);
    assert_int_equal(strlen(f->object.config.run_dir), SCHEMA_PATH_MAX);
    value.string = SPAN("a\0b");
    assert_int_equal(apply(f, "server", "run_dir", &value), -1);
    value.string = SPAN("");
    assert_int_equal(apply(f, "server", "run_dir", &value), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_variables_hold_is_not_shown),
        TEST(variables_are_replaced),
        TEST(addresses_are_counted_and_compared),
        TEST(ranges_include_their_ends),
        TEST(paths_fit_a_socket),
        TEST(sizes_have_units),
        TEST(secrets_are_not_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
