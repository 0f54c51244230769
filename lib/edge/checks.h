#ifndef SP_EDGE_CHECKS_H
#define SP_EDGE_CHECKS_H

/*
 * checks: the rows of `doctor`: one a step, each on its own, so that the first one that fails says
 * where to look. Changes nothing. Blocks; for commands.
 */

#include "lib/http/proxy.h"
#include "lib/term/command.h"

enum check_state { CHECK_SKIP = 0, CHECK_PASS, CHECK_WARN, CHECK_FAIL };
enum { CHECKS_MAX = 96 };

struct check {
    enum check_state state;
    char component[24], target[320], details[640], action[320]; /* "": nothing to say */
};

struct checks {
    struct check rows[CHECKS_MAX];
    size_t count; /* rows beyond CHECKS_MAX fall onto the last one */
};

struct check *checks_add(struct checks *c, enum check_state state, const char *component);
/* A row whose texts are given; `details` printf-like. */
void checks_say(struct checks *c, enum check_state state, const char *component, const char *target,
                const char *action, const char *details, ...) SP_PRINTF(6, 7);

/* The way to a broker at host:port: proxy, name, TCP connection. Three rows. */
bool checks_reach(struct checks *c, const char *host, uint16_t port, const struct proxy_env *proxy);
/* The same, then its certificate, judged by the system's CAs and those in the file `ca` (or NULL),
 * and that a broker answers; where one of them fails, whether a captive portal does. */
void checks_way(struct checks *c, const char *host, uint16_t port, const struct proxy_env *proxy,
                const char *ca);

/* The disk of `folder`: whether it can be written, and how much room it has. One row. */
void checks_disk(struct checks *c, const char *folder);

size_t checks_failed(const struct checks *c);
struct json *checks_json(const struct checks *c); /* for --json and bugreport */
/* Prints all; EXIT_ERROR when a row failed. */
int checks_print(const struct checks *c, const struct command_call *call, const char *schema);

#endif
