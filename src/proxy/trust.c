/* This module knows the networks of trusted proxies (trust.h). They lie in the configuration's
 * own memory and are immutable once it is published. */
#include "proxy/trust.h"

#include "base/check.h"
#include "format/value.h"

struct trust {
    size_t count;
    struct network networks[];
};

int trust_attach(struct config *config)
{
    size_t count = 0;
    while (config->trusted_proxies && config->trusted_proxies[count])
        count++;
    if (count == 0)
        return 0;
    struct trust *trust =
        value_alloc(config->tree, sizeof *trust + count * sizeof trust->networks[0]);
    if (trust == NULL)
        return -1;
    trust->count = count;
    for (size_t i = 0; i < count; i++) {
        bool ok = network_parse(span_str(config->trusted_proxies[i]), &trust->networks[i]);
        check(ok); /* checked as the configuration was loaded */
    }
    config->trust = trust;
    return 0;
}

bool trust_has(const struct config *config, const struct address *client)
{
    const struct trust *trust = config->trust;
    for (size_t i = 0; trust && i < trust->count; i++)
        if (network_contains(&trust->networks[i], client))
            return true;
    return false;
}
