/* The configuration: defaults, every key, the environment, references, files that are none,
 * and how problems are printed. What is said about wrong settings is in test_wrong.c. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "config/load.h"
#include "config/names.h"
#include "config/schema.h"
#include "config/setting.h"
#include "config/suggest.h"
#include "guard_page.h"
#include "log_pipes.h"

#define ROUTE "[[routes]]\nhost = \"app.test\"\nupstream = \"127.0.0.1:8080\"\n"

static int clear_environment(void **state)
{
    (void)state;
    for (const struct setting *variable = schema_variables; variable->name; variable++)
        unsetenv(variable->name);
    return 0;
}

static void assert_printed(const struct config_problems *problems, const char *expected)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    config_problems_print(problems, out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

/* Loads a text that has no errors. */
static struct config *load(const char *text)
{
    struct config_problems problems = {0};
    struct config *config = config_load_text("t.toml", span_str(text), &problems);
    if (problems_has_errors(&problems.found))
        assert_printed(&problems, "");
    config_problems_release(&problems);
    assert_non_null(config);
    return config;
}

static void has_the_documented_defaults(void **state)
{
    (void)state;
    struct config *config = load(ROUTE);
    const struct config_timeouts *t = &config->timeouts;
    assert_string_equal(config->path, "t.toml");
    assert_string_equal(config->listen[0], "0.0.0.0");
    assert_string_equal(config->listen[1], "::");
    assert_null(config->listen[2]);
    assert_null(config->trusted_proxies[0]);
    assert_int_equal(config->workers, 0);
    assert_int_equal(config->max_connections, 0);
    assert_int_equal(config->max_per_client, 512);
    assert_int_equal(config->body_rate, 500);
    assert_true(config->access_log);
    assert_int_equal(config->drain, 9 * CLOCK_SECOND);
    assert_int_equal(t->handshake, 10 * CLOCK_SECOND);
    assert_int_equal(t->head, 20 * CLOCK_SECOND);
    assert_int_equal(t->keep_alive, 75 * CLOCK_SECOND);
    assert_int_equal(t->connect, 5 * CLOCK_SECOND);
    assert_int_equal(t->answer, 300 * CLOCK_SECOND);
    assert_int_equal(t->write, 3600 * CLOCK_SECOND);
    assert_int_equal(t->tunnel, 3600 * CLOCK_SECOND);
    assert_int_equal(t->tunnel_half, 60 * CLOCK_SECOND);
    assert_int_equal(t->body, 30 * CLOCK_SECOND);
    assert_int_equal(t->linger, 2 * CLOCK_SECOND);
    assert_int_equal(t->upstream_idle, 4 * CLOCK_SECOND);
    assert_null(config->acme_email);
    assert_string_equal(config->cert_dir, ".certs");
    assert_int_equal(config->http_port, 80);
    assert_int_equal(config->https_port, 443);
    assert_int_equal(config->public_https_port, 443);
    assert_int_equal(config->route_count, 1);
    const struct config_route *route = route_find(config->table, SPAN("app.test"));
    assert_ptr_equal(route, &config->routes[0]);
    assert_string_equal(route->host, "app.test");
    assert_string_equal(route->upstream.text, "127.0.0.1:8080");
    assert_string_equal(route->upstream.host, "127.0.0.1");
    assert_int_equal(route->upstream.port, 8080);
    assert_int_equal(route->cert_type, CERT_ACME);
    assert_int_equal(route->line, 2);
    assert_null(route->upstream_state);
    config_unref(config);
}

static void reads_every_key(void **state)
{
    (void)state;
    struct config *config = load(
        "[acme]\nemail = \"me@app.test\"\n"
        "[server]\nlisten = [\"127.0.0.1\", \"0:0::1\"]\nworkers = 7\ndrain = \"1s\"\n"
        "max_connections = 100\nmax_per_client = 0\nbody_rate = 1_000\naccess_log = false\n"
        "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n"
        "[timeouts]\nhandshake = \"10ms\"\nhead = \"2s\"\nkeep_alive = \"3m\"\nconnect = \"1h\"\n"
        "answer = \"1d\"\nwrite = \"30d\"\ntunnel = \"60s\"\ntunnel_half = \"61s\"\nbody = "
        "\"62s\"\n"
        "linger = \"0s\"\nupstream_idle = \"500ms\"\n"
        "[[routes]]\nhost = \"A.Test.\"\nupstream = \"[::1]:80\"\ncert_type = \"self_signed\"\n"
        "[[routes]]\nhost = \"[FD00:0::1]\"\nupstream = \"NAS:81\"\ncert_type = \"none\"\n"
        "[[routes]]\nhost = \"my_app\"\nupstream = \"builtin:hello\"\ncert_type = \"acme\"\n");
    assert_string_equal(config->acme_email, "me@app.test");
    assert_string_equal(config->listen[0], "127.0.0.1");
    assert_string_equal(config->listen[1], "::1");
    assert_int_equal(config->workers, 7);
    assert_int_equal(config->drain, CLOCK_SECOND);
    assert_int_equal(config->max_connections, 100);
    assert_int_equal(config->max_per_client, 0);
    assert_int_equal(config->body_rate, 1000);
    assert_false(config->access_log);
    assert_string_equal(config->trusted_proxies[0], "10.0.0.0/8");
    assert_string_equal(config->trusted_proxies[1], "::1");
    assert_null(config->trusted_proxies[2]);
    assert_int_equal(config->timeouts.handshake, 10 * CLOCK_MS);
    assert_int_equal(config->timeouts.head, 2 * CLOCK_SECOND);
    assert_int_equal(config->timeouts.keep_alive, 180 * CLOCK_SECOND);
    assert_int_equal(config->timeouts.connect, 3600 * CLOCK_SECOND);
    assert_int_equal(config->timeouts.answer, 86400 * CLOCK_SECOND);
    assert_int_equal(config->timeouts.write, 30 * 86400 * CLOCK_SECOND);
    assert_int_equal(config->timeouts.tunnel, 60 * CLOCK_SECOND);
    assert_int_equal(config->timeouts.tunnel_half, 61 * CLOCK_SECOND);
    assert_int_equal(config->timeouts.body, 62 * CLOCK_SECOND);
    assert_int_equal(config->timeouts.linger, 0);
    assert_int_equal(config->timeouts.upstream_idle, 500 * CLOCK_MS);
    assert_int_equal(config->route_count, 3);
    assert_string_equal(config->routes[0].host, "a.test");
    assert_string_equal(config->routes[0].upstream.host, "::1");
    assert_int_equal(config->routes[0].cert_type, CERT_SELF_SIGNED);
    assert_string_equal(config->routes[1].host, "fd00::1");
    assert_string_equal(config->routes[1].upstream.host, "nas");
    assert_int_equal(config->routes[1].cert_type, CERT_NONE);
    assert_string_equal(config->routes[2].host, "my_app");
    assert_null(config->routes[2].upstream.host);
    assert_int_equal(config->routes[2].upstream.port, 0);
    config_unref(config);
}

static void reads_other_spellings_of_tables(void **state)
{
    (void)state;
    struct config *config =
        load("server.workers = 3\ntimeouts = { head = \"1s\" }\n"
             "routes = [\n  { host = \"a.test\", upstream = \"a:1\" },\n"
             "  { host = 'b.test', upstream = 'b:2', cert_type = 'none' },\n]\n");
    assert_int_equal(config->workers, 3);
    assert_int_equal(config->timeouts.head, CLOCK_SECOND);
    assert_int_equal(config->route_count, 2);
    config_unref(config);
}

/* What the three texts below have in common. */
static void assert_alike(const char *path, const struct format *format, const char *text)
{
    struct config_problems problems = {0};
    struct config *config = config_load_text(path, span_str(text), &problems);
    if (problems_has_errors(&problems.found))
        assert_printed(&problems, "");
    config_problems_release(&problems);
    assert_non_null(config);
    assert_ptr_equal(config->format, format);
    assert_string_equal(config->listen[0], "::1");
    assert_null(config->listen[1]);
    assert_int_equal(config->workers, 3);
    assert_int_equal(config->drain, CLOCK_SECOND);
    assert_int_equal(config->timeouts.head, 2 * CLOCK_SECOND);
    assert_string_equal(config->acme_email, "me@a.test");
    assert_int_equal(config->route_count, 2);
    assert_string_equal(config->routes[0].host, "a.test");
    assert_string_equal(config->routes[0].upstream.text, "[::1]:80");
    assert_int_equal(config->routes[0].cert_type, CERT_NONE);
    assert_string_equal(config->routes[1].host, "no");
    assert_int_equal(config->routes[1].upstream.port, 81);
    config_unref(config);
}

static void reads_the_same_in_every_format(void **state)
{
    (void)state;
    assert_alike("t", &format_toml,
                 "[server]\nlisten = [\"::1\"]\nworkers = 3\ndrain = \"1s\"\n"
                 "[timeouts]\nhead = \"2s\"\n[acme]\nemail = \"me@a.test\"\n"
                 "[[routes]]\nhost = \"A.test\"\nupstream = \"[::1]:80\"\ncert_type = \"none\"\n"
                 "[[routes]]\nhost = \"no\"\nupstream = \"b:81\"\n");
    assert_alike("t.json", &format_json,
                 "{\"server\": {\"listen\": [\"::1\"], \"workers\": 3, \"drain\": \"1s\"},"
                 "\"timeouts\": {\"head\": \"2s\"}, \"acme\": {\"email\": \"me@a.test\"},"
                 "\"routes\": [{\"host\": \"A.test\", \"upstream\": \"[::1]:80\", "
                 "\"cert_type\": \"none\"}, {\"host\": \"no\", \"upstream\": \"b:81\"}]}");
    assert_alike("t.yml", &format_yaml,
                 "server:\n  listen:\n  - ::1\n  workers: 3\n  drain: 1s\n"
                 "timeouts: {head: '2s'}\nacme:\n  email: me@a.test\n"
                 "routes:\n- host: A.test\n  upstream: \"[::1]:80\"\n  cert_type: none\n"
                 "- host: no\n  upstream: b:81\n");
}

/* What the file says, as it is written, and its place, but for JSON. */
static void tells_what_the_file_says(void **state)
{
    (void)state;
    static const struct {
        const char *path, *text;
    } rows[] = {
        {"t.toml", "[[routes]] # my services:\nhost = \"a\"\nupstream = \"a:1\"\n"
                   "[[routes]]\nhost = \"B.\"\nupstream = \"b:1\"\n"},
        {"t.json", "{\"routes\": [\n{\"host\": \"a\",\n\"upstream\": \"a:1\"}, {\n"
                   "\"host\": \"B.\", \"upstream\": \"b:1\"}]}"},
        {"t.yaml", "routes:\n- host: a\n  upstream: a:1\n-\n  host: B.\n  upstream: b:1\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config_problems problems = {0};
        struct config *config = config_load_text(rows[i].path, span_str(rows[i].text), &problems);
        assert_non_null(config);
        const struct value *host = config_route_value(config, 1, SPAN("host"));
        assert_non_null(host);
        assert_true(span_eq(host->string, SPAN("B.")));
        assert_int_equal(host->line, i == 1 ? 0 : 5);
        assert_int_equal(config->routes[1].line, host->line);
        assert_null(config_route_value(config, 1, SPAN("cert_type")));
        assert_true(span_eq(config_route_value(config, 0, SPAN("upstream"))->string, SPAN("a:1")));
        config_unref(config);
        config_problems_release(&problems);
    }
}

static void formats_have_names(void **state)
{
    (void)state;
    assert_ptr_equal(format_named("toml"), &format_toml);
    assert_ptr_equal(format_named("json"), &format_json);
    assert_ptr_equal(format_named("yaml"), &format_yaml);
    assert_null(format_named("yml"));
    assert_null(format_named(""));
    assert_ptr_equal(format_of("/etc/a.json"), &format_json);
    assert_ptr_equal(format_of("a.YML"), &format_yaml);
    assert_ptr_equal(format_of("a.json/b"), &format_toml);
    assert_ptr_equal(format_of("-"), &format_toml);
    char out[FORMAT_PHRASE], longest[FORMAT_PHRASE + 9];
    assert_string_equal(format_say("[@] # @", "a", "b", out), "[a] b a");
    assert_string_equal(format_say("@#", "a", NULL, out), "a#");
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(strlen(format_say("a@b", longest, NULL, out)), FORMAT_PHRASE - 1);
}

static void environment_is_read(void **state)
{
    (void)state;
    setenv("HTTP_PORT", "0", 1);
    setenv("HTTPS_PORT", "8443", 1);
    setenv("PUBLIC_HTTPS_PORT", "", 1); /* as if it were not set */
    setenv("CERT_DIR", "/var/lib/portico//", 1);
    struct config *config = load(ROUTE);
    assert_int_equal(config->http_port, 0);
    assert_int_equal(config->https_port, 8443);
    assert_int_equal(config->public_https_port, 443);
    assert_string_equal(config->cert_dir, "/var/lib/portico");
    config_unref(config);
    setenv("CERT_DIR", "/", 1);
    config = load(ROUTE);
    assert_string_equal(config->cert_dir, "/");
    config_unref(config);
}

static void environment_is_checked(void **state)
{
    (void)state;
    struct config_problems problems = {0};
    setenv("HTTP_PORT", "http", 1);
    setenv("HTTPS_PORT", "65536", 1);
    setenv("PUBLIC_HTTPS_PORT", "0", 1);
    assert_null(config_load_text("t.toml", SPAN(ROUTE "gzip = true\n"), &problems));
    assert_printed(
        &problems,
        "HTTP_PORT in the environment is \"http\"; a port from 0 to 65535 was expected\n"
        "HTTPS_PORT in the environment is \"65536\"; a port from 0 to 65535 was expected\n"
        "PUBLIC_HTTPS_PORT in the environment is \"0\"; a port from 1 to 65535 was expected\n"
        "t.toml:4:1: \"gzip\" is no key of [[routes]]; one that Portico knows was expected\n");
    config_problems_release(&problems);
    clear_environment(NULL);
    setenv("HTTP_PORT", "443", 1);
    assert_null(config_load_text("t.toml", SPAN(ROUTE), &problems));
    assert_printed(&problems,
                   "HTTP_PORT and HTTPS_PORT are both 443; two different ports were expected\n");
    config_problems_release(&problems);
    setenv("HTTP_PORT", "0", 1);
    setenv("HTTPS_PORT", "0", 1); /* two different ones, since the kernel chooses */
    config_unref(load(ROUTE));
}

static void counts_configurations(void **state)
{
    (void)state;
    int64_t before = metrics_get(METRIC_CONFIGS);
    struct config *config = load(ROUTE);
    assert_int_equal(metrics_get(METRIC_CONFIGS), before + 1);
    assert_ptr_equal(config_ref(config), config);
    config_unref(config);
    assert_int_equal(metrics_get(METRIC_CONFIGS), before + 1);
    assert_string_equal(config->routes[0].host, "app.test");
    config_unref(config);
    assert_int_equal(metrics_get(METRIC_CONFIGS), before);
    config_unref(NULL);
    struct config_problems problems = {0};
    assert_null(config_load_text("t.toml", SPAN("x = 1"), &problems));
    config_problems_release(&problems);
    assert_int_equal(metrics_get(METRIC_CONFIGS), before);
}

/* What is printed to a terminal; at most a kilobyte of it. */
static void print_to_terminal(const struct config_problems *problems, char text[1024])
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    int end = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    FILE *out = fdopen(end, "w");
    assert_non_null(out);
    config_problems_print(problems, out);
    fflush(out);
    ssize_t len = read(terminal, text, 1023);
    assert_true(len > 0);
    text[len] = '\0';
    fclose(out);
    close(terminal);
}

static void terminals_see_colours(void **state)
{
    (void)state;
    struct config_problems problems = {0};
    char text[1024];
    assert_null(config_load_text("t.toml", SPAN(ROUTE "gzip = true\n"), &problems));
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    print_to_terminal(&problems, text);
    assert_non_null(strstr(text, "\033["));
    setenv("NO_COLOR", "1", 1);
    print_to_terminal(&problems, text);
    assert_null(strstr(text, "\033["));
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    print_to_terminal(&problems, text);
    assert_null(strstr(text, "\033["));
    config_problems_release(&problems);
}

/* A problem is a line, whatever its hint. */
static void problems_go_to_the_log(void **state)
{
    (void)state;
    struct config_problems problems = {0};
    err_hint(problems_add(&problems.found, PROBLEM_UNREADABLE, "a.toml", 0, 0, "it is gone"),
             "write:\n[[routes]]\nhost");
    problems_add(&problems.found, PROBLEM_UNRESOLVED, "a.toml", 2, 3, "nobody knows it");
    for (unsigned i = 0; i < PROBLEMS_MAX - 1; i++)
        problems_add(&problems.found, PROBLEM_SYNTAX, "a.toml", 9, 9, "again");
    log_test_start();
    config_problems_log(&problems);
    log_test_stop();
    assert_matches(next_line(&error_log), DATE "error main: a\\.toml: it is gone; hint: write: "
                                               "\\[\\[routes\\]\\] host$");
    assert_matches(next_line(&error_log), DATE "warn main: a\\.toml:2:3: nobody knows it$");
    for (unsigned i = 0; i < PROBLEMS_MAX - 2; i++)
        assert_matches(next_line(&error_log), DATE "error main: a\\.toml:9:9: again$");
    assert_matches(next_line(&error_log),
                   DATE "warn main: and more: the first 100 problems are shown$");
    assert_null(next_line(&error_log));
    config_problems_release(&problems);
}

/* ---- Files ---- */

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/portico-config-XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink("config.toml");
    return chdir("/") == 0 ? rmdir(folder) : -1;
}

static void write_file(const char *text, size_t len)
{
    FILE *file = fopen("config.toml", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void assert_refused(const char *path, const char *expected)
{
    struct config_problems problems = {0};
    assert_null(config_load(path, NULL, &problems));
    assert_printed(&problems, expected);
    config_problems_release(&problems);
}

static void loads_files(void **state)
{
    (void)state;
    struct config_problems problems = {0};
    write_file(ROUTE, strlen(ROUTE));
    struct config *config = config_load("config.toml", NULL, &problems);
    assert_non_null(config);
    assert_string_equal(config->path, "config.toml");
    config_unref(config);
    config_problems_release(&problems);
}

#define FIRST_ROUTE                                                                                \
    "        [[routes]]\n        host = \"app.example.com\"\n        upstream = "                  \
    "\"127.0.0.1:8080\"\n"

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    assert_refused("missing.toml",
                   "missing.toml: the configuration cannot be read: No such file or directory\n"
                   "  hint: name the file (portico run FILE, or CONFIG_PATH=FILE), or create it "
                   "with these lines:\n" FIRST_ROUTE);
    assert_refused(".", ".: this is a directory; a file was expected\n"
                        "  hint: if a container mounts it, the file did not exist outside when it "
                        "was started\n");
    assert_refused("/dev/zero",
                   "/dev/zero: the file is larger than 10 MiB; a configuration was expected\n");
    write_file("", 0);
    assert_refused("config.toml", "config.toml: there is no route; at least one was expected\n"
                                  "  hint: begin with these lines:\n" FIRST_ROUTE);
    write_file("a\0b\xff", 4);
    assert_refused("config.toml",
                   "config.toml: the file holds NUL bytes; a text file was expected\n"
                   "  hint: it is binary, or was saved as UTF-16: save it as UTF-8\n");
    write_file(ROUTE, strlen(ROUTE));
    assert_int_equal(chmod("config.toml", 0), 0);
    if (access("config.toml", R_OK) != 0) /* root may read anything */
        assert_refused("config.toml",
                       "config.toml: the configuration cannot be read: Permission denied\n"
                       "  hint: the user that runs Portico needs permission to read the file and "
                       "to enter its directory\n");
}

/* Where the process is that serves a file, however wrong that is; one that does not parse says
 * nothing. */
static void peeks_into_what_is_wrong(void **state)
{
    (void)state;
    static const char *const texts[] = {"[server]\nrun_dir = \"/run/x\"\nworkers = \"many\"\n",
                                        "[server]\nrun_dir = \"/run/x\"\n[[routes]\n"};
    setenv("CERT_DIR", "/certs", 1);
    setenv("HTTP_PORT", "http", 1);
    for (size_t i = 0; i < 2; i++) {
        write_file(texts[i], strlen(texts[i]));
        struct config *config = config_peek("config.toml", NULL);
        assert_non_null(config);
        assert_string_equal(config->run_dir ? config->run_dir : "none", i ? "none" : "/run/x");
        assert_string_equal(config->cert_dir, "/certs");
        config_unref(config);
    }
    static const char *const none[] = {"missing.toml", ".", "/dev/zero"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct config *config = config_peek(none[i], NULL);
        assert_non_null(config);
        assert_null(config->run_dir);
        assert_string_equal(config->cert_dir, "/certs");
        config_unref(config);
    }
}

static void takes_large_files(void **state)
{
    (void)state;
    size_t size = CONFIG_SIZE_MAX, used = 0;
    char *text = malloc(size + 1);
    assert_non_null(text);
    for (unsigned i = 0; used + 128 < size; i++)
        used += (size_t)snprintf(text + used, 128,
                                 "[[routes]]\nhost = \"h%u.test\"\nupstream = \"u:%u\"\n", i,
                                 i % 65535 + 1);
    memset(text + used, '\n', size - used);
    write_file(text, size);
    struct config_problems problems = {0};
    struct config *config = config_load("config.toml", NULL, &problems);
    assert_non_null(config);
    assert_true(config->route_count > 100000);
    assert_ptr_equal(route_find(config->table, SPAN("H70000.test")), &config->routes[70000]);
    config_unref(config);
    text[size] = '\n';
    write_file(text, size + 1);
    assert_refused("config.toml",
                   "config.toml: the file is larger than 10 MiB; a configuration was expected\n");
    config_problems_release(&problems);
    free(text);
}

/* ---- The schema and what hangs on it ---- */

/* That defaults are valid shows in every load. */
static void the_schema_is_whole(void **state)
{
    (void)state;
    for (const struct section *in = schema_sections + 1; in->path; in++) {
        assert_true(in->parent < in && in->parent->path);
        assert_ptr_equal(schema_section(in->parent, span_str(schema_name(in))), in);
        for (const struct setting *setting = in->settings; setting->name; setting++) {
            assert_ptr_equal(schema_setting(in, span_str(setting->name)), setting);
            assert_non_null(setting_example(setting));
            assert_true(setting->help[0] && setting->help[strlen(setting->help) - 1] == '.');
        }
    }
}

static const char *suggestion(const char *word)
{
    struct suggest suggest = {.word = span_make(guard_page_copy(span_str(word)), strlen(word))};
    for (const struct section *in = schema_sections; in->path; in++)
        for (const struct setting *setting = in->settings; setting->name; setting++)
            suggest_offer(&suggest, setting->name);
    return suggest.best;
}

static void suggests_what_is_near(void **state)
{
    (void)state;
    assert_string_equal(suggestion("hots"), "host");
    assert_string_equal(suggestion("HOST"), "host");
    assert_string_equal(suggestion("cert-type"), "cert_type");
    assert_string_equal(suggestion("upstreams"), "upstream");
    assert_string_equal(suggestion("keepalive"), "keep_alive");
    assert_string_equal(suggestion("max_conections"), "max_connections");
    assert_null(suggestion("gzip"));
    assert_null(suggestion("x"));
    assert_null(suggestion(""));
    assert_null(suggestion("a-word-that-is-far-longer-than-any-key-could-be"));
}

/* The best one wins, and of equals the first; nobody compares a novel. */
static void suggests_the_nearest(void **state)
{
    (void)state;
    char longest[66];
    memset(longest, 'x', sizeof longest);
    longest[65] = '\0';
    struct suggest suggest = {.word = SPAN("handshak")};
    suggest_offer(&suggest, "hadnshake");
    assert_string_equal(suggest.best, "hadnshake");
    suggest_offer(&suggest, "handshake");
    assert_string_equal(suggest.best, "handshake");
    suggest_offer(&suggest, "handshaks");
    assert_string_equal(suggest.best, "handshake");
    suggest_offer(&suggest, "HANDSHAK");
    assert_string_equal(suggest.best, "HANDSHAK");
    assert_int_equal(suggest.distance, 0);
    suggest = (struct suggest){.word = span_str(longest)};
    suggest_offer(&suggest, longest);
    assert_null(suggest.best);
    suggest = (struct suggest){.word = span_str(longest + 1)};
    suggest_offer(&suggest, longest);
    assert_null(suggest.best);
    suggest_offer(&suggest, longest + 3);
    assert_ptr_equal(suggest.best, longest + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(has_the_documented_defaults, clear_environment),
        cmocka_unit_test_setup(reads_every_key, clear_environment),
        cmocka_unit_test_setup(reads_other_spellings_of_tables, clear_environment),
        cmocka_unit_test_setup(reads_the_same_in_every_format, clear_environment),
        cmocka_unit_test_setup(tells_what_the_file_says, clear_environment),
        cmocka_unit_test(formats_have_names),
        cmocka_unit_test_setup(environment_is_read, clear_environment),
        cmocka_unit_test_setup(environment_is_checked, clear_environment),
        cmocka_unit_test_setup(counts_configurations, clear_environment),
        cmocka_unit_test_setup(terminals_see_colours, clear_environment),
        cmocka_unit_test(the_schema_is_whole),
        cmocka_unit_test(suggests_what_is_near),
        cmocka_unit_test(suggests_the_nearest),
        cmocka_unit_test_setup_teardown(problems_go_to_the_log, log_test_setup, log_test_teardown),
    };
    const struct CMUnitTest file_tests[] = {
        cmocka_unit_test_setup(loads_files, clear_environment),
        cmocka_unit_test_setup(refuses_what_is_no_file, clear_environment),
        cmocka_unit_test_setup(peeks_into_what_is_wrong, clear_environment),
        cmocka_unit_test_setup(takes_large_files, clear_environment),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("files", file_tests, make_folder, remove_folder);
}
