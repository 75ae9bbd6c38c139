/* The schema: see schema.h. A new setting is one line here and one member in config.h. */
#include "config/schema.h"

#include "base/clock.h"
#include "config/config.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#define MINUTE (60 * CLOCK_SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

const struct section schema_sections[] = {
    {"routes", true, "One for each host: where its requests go."},
    {"server", false, "Portico itself."},
    {"timeouts", false, "How long Portico waits, and for what."},
    {"acme", false, "Certificates from a public CA."},
};
const size_t schema_section_count = COUNT_OF(schema_sections);

#define ROUTE(member)   offsetof(struct config_route, member)
#define SERVER(member)  offsetof(struct config, member)
#define TIMEOUT(member) offsetof(struct config, timeouts.member)

#define DURATION(section, name, offset, fallback, min, max, help)                                  \
    {                                                                                              \
        section, name, SETTING_DURATION, offset, false, fallback, min, max, "\"" fallback "\"",    \
            help                                                                                   \
    }
#define COUNT(section, name, offset, fallback, max, help)                                          \
    {                                                                                              \
        section, name, SETTING_COUNT, offset, false, fallback, 0, max, fallback, help              \
    }

const struct setting schema_settings[] = {
    {"routes", "host", SETTING_HOST, ROUTE(host), true, NULL, 0, 0, "\"app.example.com\"",
     "The name that clients ask for, or an IP address. Each host has one route."},
    {"routes", "upstream", SETTING_UPSTREAM, ROUTE(upstream), true, NULL, 0, 0,
     "\"127.0.0.1:8080\"",
     "Where its requests go: host:port, or builtin:hello for a page of Portico's own."},
    {"routes", "cert_type", SETTING_CERT_TYPE, ROUTE(cert_type), false, "acme", 0, 0, "\"acme\"",
     "Its certificate: acme (a public CA), self_signed (Portico's own CA), none (no HTTPS)."},

    {"server", "listen", SETTING_ADDRESSES, SERVER(listen), false, "0.0.0.0 ::", 0, 0,
     "[\"0.0.0.0\", \"::\"]", "The addresses to listen on."},
    COUNT("server", "workers", SERVER(workers), "0", 1024,
          "Worker threads, of which one a core runs at a time; 0 chooses two a core."),
    DURATION("server", "drain", SERVER(drain), "9s", 0, DAY,
             "How long open exchanges may take to end when Portico stops."),
    COUNT("server", "max_connections", SERVER(max_connections), "0", 1000000,
          "Client connections at a time; 0 allows what the limit on open files does."),
    COUNT("server", "max_per_client", SERVER(max_per_client), "512", 1000000,
          "Connections of one client (IPv6: of one /64) at a time; 0 sets no limit."),
    {"server", "trusted_proxies", SETTING_NETWORKS, SERVER(trusted_proxies), false, "", 0, 0,
     "[\"10.0.0.0/8\", \"127.0.0.1\"]",
     "Networks of proxies in front of Portico, whose X-Forwarded fields are believed."},
    COUNT("server", "body_rate", SERVER(body_rate), "500", 1000000000,
          "Bytes per second that a request's body must average; 0 sets no minimum."),
    {"server", "access_log", SETTING_FLAG, SERVER(access_log), false, "true", 0, 0, "true",
     "Whether a line is written to standard output for each request."},

    DURATION("timeouts", "handshake", TIMEOUT(handshake), "10s", 10 * CLOCK_MS, HOUR,
             "The TLS handshake."),
    DURATION("timeouts", "head", TIMEOUT(head), "20s", 10 * CLOCK_MS, HOUR,
             "A request's head, from its first byte to its last."),
    DURATION("timeouts", "keep_alive", TIMEOUT(keep_alive), "75s", 10 * CLOCK_MS, DAY,
             "A client's connection between two requests."),
    DURATION("timeouts", "connect", TIMEOUT(connect), "5s", 10 * CLOCK_MS, HOUR,
             "Connecting to one address of an upstream."),
    DURATION("timeouts", "answer", TIMEOUT(answer), "5m", 10 * CLOCK_MS, 30 * DAY,
             "The first byte of an upstream's answer."),
    DURATION("timeouts", "write", TIMEOUT(write), "1h", 10 * CLOCK_MS, 30 * DAY,
             "A client that does not read its answer."),
    DURATION("timeouts", "tunnel", TIMEOUT(tunnel), "1h", 10 * CLOCK_MS, 30 * DAY,
             "A tunnel (a WebSocket, for example) in which nothing moves."),
    DURATION("timeouts", "tunnel_half", TIMEOUT(tunnel_half), "60s", 10 * CLOCK_MS, 30 * DAY,
             "A tunnel of which one side has ended."),
    DURATION("timeouts", "body", TIMEOUT(body), "30s", 10 * CLOCK_MS, HOUR,
             "The time over which body_rate is averaged."),
    DURATION("timeouts", "linger", TIMEOUT(linger), "2s", 0, MINUTE,
             "Reading on after an answer, so that the client gets to see it."),
    DURATION("timeouts", "upstream_idle", TIMEOUT(upstream_idle), "4s", 0, HOUR,
             "A connection to an upstream that is kept for the next request; 0s keeps none."),

    {"acme", "email", SETTING_EMAIL, SERVER(acme_email), false, NULL, 0, 0, "\"you@example.com\"",
     "Where the CA writes to when a certificate is about to expire."},
};
const size_t schema_setting_count = COUNT_OF(schema_settings);

const struct variable schema_variables[] = {
    {"CONFIG_PATH", VARIABLE_PATH, 0, CONFIG_DEFAULT_PATH, 0, "the configuration file"},
    {"CERT_DIR", VARIABLE_PATH, SERVER(cert_dir), ".certs/", 0, "where certificates are kept"},
    {"HTTP_PORT", VARIABLE_PORT, SERVER(http_port), "80", 0, "the port for HTTP"},
    {"HTTPS_PORT", VARIABLE_PORT, SERVER(https_port), "443", 0, "the port for HTTPS"},
    {"PUBLIC_HTTPS_PORT", VARIABLE_PORT, SERVER(public_https_port), "443", 1,
     "the port for HTTPS as clients see it, for redirects"},
};
const size_t schema_variable_count = COUNT_OF(schema_variables);

const char *const schema_cert_types[CERT_TYPE_COUNT] = {
    [CERT_SELF_SIGNED] = "self_signed", [CERT_ACME] = "acme", [CERT_NONE] = "none"};

const struct section *schema_section(struct span name)
{
    for (size_t i = 0; i < schema_section_count; i++)
        if (span_eq(span_str(schema_sections[i].name), name))
            return &schema_sections[i];
    return NULL;
}

const struct setting *schema_setting(const struct section *section, struct span name)
{
    for (size_t i = 0; i < schema_setting_count; i++)
        if (strcmp(schema_settings[i].section, section->name) == 0 &&
            span_eq(span_str(schema_settings[i].name), name))
            return &schema_settings[i];
    return NULL;
}

const struct section *schema_section_of(struct span key)
{
    for (size_t i = 0; i < schema_setting_count; i++)
        if (span_eq(span_str(schema_settings[i].name), key))
            return schema_section(span_str(schema_settings[i].section));
    return NULL;
}

const char *schema_alias(struct span word)
{
    static const struct {
        const char *word, *known;
    } aliases[] = {{"domain", "host"},        {"domains", "host"},     {"hostname", "host"},
                   {"server_name", "host"},   {"backend", "upstream"}, {"proxy_pass", "upstream"},
                   {"target", "upstream"},    {"letsencrypt", "acme"}, {"lets_encrypt", "acme"},
                   {"let's encrypt", "acme"}, {"http", "none"},        {"off", "none"},
                   {"false", "none"}};
    for (size_t i = 0; i < COUNT_OF(aliases); i++)
        if (span_eq_nocase(word, span_str(aliases[i].word)))
            return aliases[i].known;
    return NULL;
}

bool schema_is_port(struct span key)
{
    return span_eq_nocase(key, SPAN("port")) || span_eq_nocase(key, SPAN("http_port")) ||
           span_eq_nocase(key, SPAN("https_port"));
}
