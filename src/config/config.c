/* This file makes, shares and frees configurations. The finished one is immutable.
 *
 * Invariants
 *  1. Everything a configuration points to lies in its tree's memory (but for the route table), so
 *     that one release frees all, at any stage of loading.
 *  2. The gauge `configs` counts those in memory, and not references: each turn takes one. */
#include "config/config.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/metrics.h"
#include "format/value.h"

#define CONFIG_MAGIC 0xc0f1600du

struct config *config_new(const char *path, const struct format *format, struct value_tree *tree)
{
    struct config *config = calloc(1, sizeof *config);
    struct span copy = {0};
    if (config == NULL || !value_copy(tree, span_str(path), &copy)) {
        free(config);
        value_tree_free(tree);
        return NULL;
    }
    config->magic = CONFIG_MAGIC;
    atomic_init(&config->refs, 1);
    config->tree = tree;
    config->path = (char *)copy.data;
    config->format = format;
    metrics_add(METRIC_CONFIGS, 1);
    return config;
}

const char *config_file_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

const struct value *config_route_value(const struct config *config, size_t index, struct span key)
{
    const struct value_entry *entry = value_table_find(config->routes[index].written, key);
    return entry ? &entry->value : NULL;
}

struct err *config_route_problem(const struct config *config, size_t index, struct span key,
                                 struct problems *problems, enum problem_code code,
                                 const char *format, ...)
{
    const struct value *value = config_route_value(config, index, key);
    va_list args;
    problems_enter(problems, SPAN("routes"));
    problems_enter_item(problems, index);
    problems_enter(problems, key);
    va_start(args, format);
    struct err *err =
        problems_vadd(problems, code, config_file_name(config->path), value ? value->line : 0,
                      value ? value->column : 0, format, args);
    va_end(args);
    problems_leave(problems, 0);
    return err;
}

/* ---- References ---- */

struct config *config_ref(struct config *config)
{
    check_magic(config, CONFIG_MAGIC);
    atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
    return config;
}

void config_unref(struct config *config)
{
    if (config == NULL)
        return;
    check_magic(config, CONFIG_MAGIC);
    if (atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) != 1)
        return;
    metrics_add(METRIC_CONFIGS, -1);
    config->magic = 0;
    route_table_free(config->table);
    value_tree_free(config->tree);
    free(config);
}
