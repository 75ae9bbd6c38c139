/* The environment: the ports and directories that come from variables and not from the file.
 *
 * Whoever loads (main, admin) runs this. The variables are a table of the schema; texts are
 * copied into the memory of the configuration's tree. */
#include "config/environment.h"

#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "format/value.h"

/* One variable of the environment, or its default; an empty one counts as not set. */
static void load_variable(struct config *config, const struct variable *variable,
                          struct problems *problems)
{
    const char *text = getenv(variable->name);
    if (text == NULL || *text == '\0')
        text = variable->fallback;
    void *member = (char *)config + variable->offset;
    struct span span = span_str(text);
    if (variable->type == VARIABLE_PORT) {
        char quoted[ERR_QUOTE];
        uint64_t port;
        if (span_parse_uint(span, 65535, &port) && port >= variable->min)
            *(uint16_t *)member = (uint16_t)port;
        else
            problems_add(problems, PROBLEM_BAD_PORT, NULL, 0, 0,
                         "%s in the environment is \"%s\"; a port from %u to 65535 was expected",
                         variable->name, err_quote(span, quoted), variable->min);
        return;
    }
    while (span.len > 1 && span_has_suffix(span, SPAN("/")))
        span.len--;
    struct span copy;
    if (value_copy(config->tree, span, &copy))
        *(char **)member = (char *)copy.data;
    else
        problems_add(problems, PROBLEM_MEMORY, NULL, 0, 0, "out of memory");
}

void environment_load(struct config *config, struct problems *problems)
{
    for (size_t i = 0; i < schema_variable_count; i++)
        if (schema_variables[i].offset)
            load_variable(config, &schema_variables[i], problems);
    if (config->http_port && config->http_port == config->https_port)
        problems_add(problems, PROBLEM_BAD_PORT, NULL, 0, 0,
                     "HTTP_PORT and HTTPS_PORT are both %u; two different ports were expected",
                     config->http_port);
}
