/* The schema: see schema.h. A new setting is one line here and one member in config.h. */
#include "config/schema.h"

#include <stdio.h>

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

#define DURATION(section_, name_, offset_, fallback_, min_, max_, help_)                           \
    {                                                                                              \
        .section = section_, .name = name_, .type = SETTING_DURATION, .offset = offset_,           \
        .fallback = fallback_, .min = min_, .max = max_, .example = "\"" fallback_ "\"",           \
        .help = help_                                                                              \
    }
#define COUNT(section_, name_, offset_, fallback_, max_, unit_, example_, help_)                   \
    .section = section_, .name = name_, .type = SETTING_COUNT, .offset = offset_,                  \
    .fallback = fallback_, .max = max_, .unit = unit_, .example = example_, .help = help_
#define TEXT(section_, name_, type_, offset_, fallback_, example_, help_)                          \
    .section = section_, .name = name_, .type = type_, .offset = offset_, .fallback = fallback_,   \
    .example = example_, .help = help_

const struct setting schema_settings[] = {
    {TEXT("routes", "host", SETTING_HOST, ROUTE(host), NULL, "\"app.example.com\"",
          "The name that clients ask for, or an IP address. Case and a trailing dot do not "
          "matter. Each host has one route."),
     .is_required = true},
    {TEXT("routes", "upstream", SETTING_UPSTREAM, ROUTE(upstream), NULL, "\"127.0.0.1:8080\"",
          "Where its requests go: host:port, or builtin:hello for a page of Portico's own that "
          "shows the request. A name is looked up while Portico runs, and need not exist when it "
          "starts."),
     .is_required = true},
    {TEXT("routes", "cert_type", SETTING_CHOICE, ROUTE(cert_type), "acme", "\"self_signed\"",
          "Its certificate: acme (a public CA; for now the same as self_signed, with a warning), "
          "self_signed (Portico's own CA), none (HTTP only, without a redirect)."),
     .choices = schema_cert_types},
    {TEXT("routes", "authorization", SETTING_FIELD, ROUTE(authorization), NULL,
          "\"Bearer ${APP_TOKEN}\"",
          "What the upstream gets as the Authorization field, in place of whatever the client "
          "sends: for a service that knows only one password, behind something that knows who may "
          "use it. Everybody who can reach the route has what the password gives."),
     .is_secret = true},

    {TEXT("server", "listen", SETTING_ADDRESSES, SERVER(listen),
          "0.0.0.0 ::", "[\"0.0.0.0\", \"::\"]",
          "The addresses to listen on, 16 at most. The ports come from HTTP_PORT and HTTPS_PORT in "
          "the "
          "environment. A machine without IPv6 starts without the default's second.")},
    {COUNT("server", "workers", SERVER(workers), "0", 1024, "threads", "4",
           "The size of the pool of workers, of which as many as there are cores run at a time and "
           "the others step in when one waits for a disk; 0 takes two for each core, and three at "
           "least."),
     .needs_restart = true},
    DURATION("server", "drain", SERVER(drain), "9s", 0, DAY,
             "How long open exchanges may take to end when Portico stops. Docker kills a "
             "container 10 seconds after asking it to stop."),
    {COUNT("server", "max_connections", SERVER(max_connections), "0", 1000000, "connections",
           "2000", "Client connections at a time; 0 allows what the limit on open files does."),
     .needs_restart = true},
    {COUNT("server", "max_per_client", SERVER(max_per_client), "512", 1000000, "connections", "64",
           "Connections of one client (IPv6: of one /64) at a time; 0 sets no limit. Trusted "
           "proxies are exempt.")},
    {TEXT("server", "max_wait", SETTING_DURATION, SERVER(max_wait), "2s", "\"2s\"",
          "How long what is ready may wait for a worker. When it waits for longer, Portico is "
          "overloaded and turns new connections away (503 with Retry-After; HTTPS ones are "
          "closed) until that is over; 0s: never."),
     .max = HOUR},
    {TEXT("server", "trusted_proxies", SETTING_NETWORKS, SERVER(trusted_proxies), "",
          "[\"10.0.0.0/8\", \"127.0.0.1\"]",
          "Networks of proxies in front of Portico, whose X-Forwarded fields are believed and "
          "appended to.")},
    {COUNT("server", "body_rate", SERVER(body_rate), "500", 1000000000, "bytes per second", "1000",
           "What a request's body must average over timeouts.body while Portico waits for the "
           "client; 0 sets no minimum.")},
    {TEXT("server", "run_dir", SETTING_PATH, SERVER(run_dir), NULL, "\"/run/portico\"",
          "The directory of the control socket, portico.sock, through which `portico reload` finds "
          "the process; it is made if it is not there. Without this key it is $RUNTIME_DIRECTORY, "
          "which systemd sets for a unit with RuntimeDirectory=, else CERT_DIR: of all directories "
          "the one that Portico can write and others cannot enter, also in a container whose root "
          "file system is read-only. Where it cannot be used, there is a warning and no socket."),
     .needs_restart = true},
    {TEXT("server", "watch", SETTING_FLAG, SERVER(watch), "false", "true",
          "Whether the configuration file is watched, and reloaded when it changes.")},
    {TEXT("server", "access_log", SETTING_FLAG, SERVER(access_log), "true", "false",
          "Whether each request gets a line on standard output. Messages on standard error stay.")},
    {TEXT("server", "log_level", SETTING_CHOICE, SERVER(log_level), "info", "\"warn\"",
          "The least that is written to standard error. At warn and error, Portico does not say "
          "where it listens, nor when it is ready."),
     .choices = schema_log_levels},

    DURATION("timeouts", "handshake", TIMEOUT(handshake), "10s", 10 * CLOCK_MS, HOUR,
             "The TLS handshake."),
    DURATION("timeouts", "head", TIMEOUT(head), "20s", 10 * CLOCK_MS, HOUR,
             "A request's head, from its first byte to its last; also the silence of a new "
             "connection."),
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
             "A tunnel of which one side has ended, and in which nothing moves."),
    DURATION("timeouts", "body", TIMEOUT(body), "30s", 10 * CLOCK_MS, HOUR,
             "The time over which server.body_rate is averaged."),
    DURATION("timeouts", "linger", TIMEOUT(linger), "2s", 0, MINUTE,
             "Reading on after an answer, so that the client gets to see it."),
    DURATION("timeouts", "upstream_idle", TIMEOUT(upstream_idle), "4s", 0, HOUR,
             "A connection to an upstream that is kept for the next request; less when the "
             "upstream's Keep-Alive field says so. 0s keeps none."),

    {TEXT("acme", "email", SETTING_EMAIL, SERVER(acme_email), NULL, "\"you@example.com\"",
          "Where the CA writes to when a certificate is about to expire. Not used yet.")},
};
const size_t schema_setting_count = COUNT_OF(schema_settings);

/* The patterns: a name is labels of letters, digits, "-" and "_", and an IPv6 address at least
 * has two colons. What they let through that is wrong (300.1.1.1) is found by names.c. */
#define LABEL   "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
#define NAME    LABEL "(\\." LABEL ")*\\.?"
#define IPV4    "[0-9]{1,3}(\\.[0-9]{1,3}){3}"
#define IPV6    "[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*"
#define ADDRESS "(" IPV4 "|" IPV6 ")"

const struct setting_form schema_forms[SETTING_TYPE_COUNT] = {
    [SETTING_DURATION] = {"duration",
                          "text of a whole number and a unit, which is ms, s, m, h or d",
                          "^[0-9]+(ms|s|m|h|d)$"},
    [SETTING_COUNT] = {"number", "a whole number, without quotes", NULL},
    [SETTING_FLAG] = {"flag", "true or false, without quotes", NULL},
    [SETTING_HOST] = {"host", "text: a name or an IP address, without scheme, port and path",
                      "^(" NAME "|" IPV6 "|\\[" IPV6 "\\])$"},
    [SETTING_UPSTREAM] = {"upstream", "text: host:port, [IPv6 address]:port, or builtin:hello",
                          "^(builtin:hello|(" NAME "|\\[" IPV6 "\\]):0*[1-9][0-9]{0,4})$"},
    [SETTING_CHOICE] = {"choice", "text: one of the words below", NULL},
    [SETTING_PATH] = {"path",
                      "text: an absolute path, or one that begins in the directory in "
                      "which Portico is started",
                      ".+"},
    [SETTING_EMAIL] = {"mail address", "text", "^[^@ ]+@[^@ ]+$"},
    [SETTING_FIELD] = {"field value", "text in visible ASCII and spaces, at most 8192 bytes",
                       "^[!-~]([ -~]*[!-~])?$"},
    [SETTING_ADDRESSES] = {"list of addresses", "texts in brackets: IP addresses without port",
                           "^" ADDRESS "$"},
    [SETTING_NETWORKS] = {"list of networks",
                          "texts in brackets: IP addresses, with or without a prefix length",
                          "^" ADDRESS "(/[0-9]+)?$"},
};

const struct variable schema_variables[] = {
    {"CONFIG_PATH", VARIABLE_PATH, 0, CONFIG_DEFAULT_PATH, 0,
     "the configuration file, when the command names none"},
    {"CERT_DIR", VARIABLE_PATH, SERVER(cert_dir), ".certs/", 0,
     "where the local CA and certificates are kept"},
    {"HTTP_PORT", VARIABLE_PORT, SERVER(http_port), "80", 0,
     "the port for HTTP; 0: one that is free"},
    {"HTTPS_PORT", VARIABLE_PORT, SERVER(https_port), "443", 0,
     "the port for HTTPS; 0: one that is free"},
    {"PUBLIC_HTTPS_PORT", VARIABLE_PORT, SERVER(public_https_port), "443", 1,
     "the port for HTTPS as clients see it, for redirects"},
};
const size_t schema_variable_count = COUNT_OF(schema_variables);

const char *const schema_cert_types[] = {
    [CERT_SELF_SIGNED] = "self_signed", [CERT_ACME] = "acme", [CERT_NONE] = "none", NULL};
const char *const schema_log_levels[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error", NULL};

const char *schema_choices(const struct setting *setting, char out[SCHEMA_CHOICES])
{
    size_t used = 0;
    for (const char *const *choice = setting->choices; *choice; choice++)
        used += (size_t)snprintf(out + used, SCHEMA_CHOICES - used, "%s\"%s\"",
                                 choice == setting->choices ? ""
                                 : choice[1]                ? ", "
                                                            : " or ",
                                 *choice);
    return out;
}

const char *schema_default(const struct setting *setting, char out[SCHEMA_VALUE])
{
    if (setting->fallback == NULL)
        return NULL;
    if (setting->type != SETTING_ADDRESSES && setting->type != SETTING_NETWORKS) {
        bool is_bare = setting->type == SETTING_COUNT || setting->type == SETTING_FLAG;
        const char *quote = is_bare ? "" : "\"";
        snprintf(out, SCHEMA_VALUE, "%s%s%s", quote, setting->fallback, quote);
        return out;
    }
    struct span rest = span_str(setting->fallback), item;
    size_t len = (size_t)snprintf(out, SCHEMA_VALUE, "[");
    for (const char *comma = ""; rest.len && span_split(&rest, ' ', &item); comma = ", ")
        len += (size_t)snprintf(out + len, SCHEMA_VALUE - len, "%s\"" SPAN_FMT "\"", comma,
                                SPAN_ARG(item));
    snprintf(out + len, SCHEMA_VALUE - len, "]");
    return out;
}

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
