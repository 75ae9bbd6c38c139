/* Routes: from a host, as clients write it, to its route. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/route.h"
#include "guard_page.h"

static char names[][16] = {"app.test", "b.test", "127.0.0.1", "fd00::1", "localhost"};

static const struct config_route *find(const struct route_table *table, struct span host)
{
    return route_find(table, span_make(guard_page_copy(host), host.len));
}

static void finds_hosts(void **state)
{
    (void)state;
    struct config_route routes[5] = {{0}};
    for (size_t i = 0; i < 5; i++)
        routes[i].host = names[i];
    struct route_table *table = route_table_new(routes, 5);
    assert_non_null(table);
    for (size_t i = 0; i < 5; i++)
        assert_ptr_equal(find(table, span_str(names[i])), &routes[i]);
    assert_ptr_equal(find(table, SPAN("APP.Test")), &routes[0]);
    assert_ptr_equal(find(table, SPAN("app.test.")), &routes[0]);
    assert_ptr_equal(find(table, SPAN("FD00:0::0001")), &routes[3]);
    assert_ptr_equal(find(table, SPAN("::ffff:127.0.0.1")), &routes[2]);
    assert_null(find(table, SPAN("")));
    assert_null(find(table, SPAN(".")));
    assert_null(find(table, SPAN("app.tes")));
    assert_null(find(table, SPAN("xapp.test")));
    assert_null(find(table, SPAN("app.test..")));
    assert_null(find(table, SPAN("app.test\0")));
    assert_null(find(table, SPAN("fd00::2")));
    assert_null(find(table, SPAN(":")));
    route_table_free(table);
}

static void has_room_for_many(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct config_route *routes = calloc(COUNT, sizeof *routes);
    char(*hosts)[32] = calloc(COUNT, sizeof *hosts);
    assert_true(routes && hosts);
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(hosts[i], sizeof hosts[i], "host-%zu.test", i);
        routes[i].host = hosts[i];
    }
    struct route_table *table = route_table_new(routes, COUNT);
    assert_non_null(table);
    for (size_t i = 0; i < COUNT; i++)
        assert_ptr_equal(route_find(table, span_str(hosts[i])), &routes[i]);
    assert_null(route_find(table, SPAN("host-5000.test")));
    route_table_free(table);
    free(routes);
    free(hosts);
}

static void may_be_empty(void **state)
{
    (void)state;
    struct route_table *table = route_table_new(NULL, 0);
    assert_non_null(table);
    assert_null(route_find(table, SPAN("app.test")));
    route_table_free(table);
    route_table_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_hosts),
        cmocka_unit_test(has_room_for_many),
        cmocka_unit_test(may_be_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
