#ifndef SP_CLIENT_CMD_CHECKS_H
#define SP_CLIENT_CMD_CHECKS_H

/*
 * checks: each step of the way to the broker on its own, from name to relay; for `doctor` and
 * `bugreport`. Changes nothing, sends nothing but what the steps need. Blocks, up to a minute.
 */

#include "lib/base/json.h"
#include "lib/http/proxy.h"
#include "lib/http/url.h"
#include "lib/os/sock.h"

enum { ROWS_MAX = 24, RELAYS_MAX = 4 };

enum row_state { ROW_SKIP = 0, ROW_PASS, ROW_WARN, ROW_FAIL };
extern const char *const row_words[]; /* "SKIP" … */

struct row {
    enum row_state state;
    const char *component;
    char target[320], details[640], action[320]; /* foreign text as it came */
};

/* One run. Before it: `status` is the agent's answer (borrowed), `url` and `known` its broker. */
struct visit {
    const struct json *status;
    struct url url;
    bool known; /* a broker is named */
    struct proxy_env proxy;
    struct proxy_choice way;
    struct address at;
    bool resolved, dialled, answered, dated;
    int64_t ahead_ms; /* dated: of the broker's web server */
    struct row rows[ROWS_MAX];
    size_t count;
};

/* Fills rows; how many failed. */
size_t checks_run(struct visit *v);
/* {checks:[{state,component,target,details,action}],failed}; owned by the caller. */
struct json *checks_json(const struct visit *v, size_t failed);

#endif
