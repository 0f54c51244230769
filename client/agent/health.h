#ifndef SP_CLIENT_AGENT_HEALTH_H
#define SP_CLIENT_AGENT_HEALTH_H

/*
 * health: the one table of what can be wrong, in words. Drives the `!` lines of `status`, `doctor`
 * and the log. Facts in, warnings out; pure.
 */

#include "lib/base/json.h"

enum health_severity { HEALTH_INFO = 0, HEALTH_WARN, HEALTH_BAD };

/* What is looked at. A zeroed struct is a fresh agent without a broker. */
struct health_facts {
    bool broker, connected, signed_in;
    const char *lost; /* why not connected; "" */
    int64_t disconnected_ms;
    int64_t login_left_ms; /* until the login ends */
    const char *device;    /* unknown pending approved blocked lost */
    bool groups_known;
    unsigned posture_fail, posture_unknown;
    const char *first_fail, *first_unknown; /* signal names; "" */
    int64_t report_age_ms;                  /* -1: never accepted */
    uint64_t refused_users;                 /* connections of other users */
    bool integrity;                         /* the broker proved another key */
};

struct health_warning {
    const char *code;
    enum health_severity severity;
    bool blocks; /* no session can be opened */
    char text[256];
};

enum { HEALTH_WARNINGS_MAX = 16 };

/* Returns how many; worst first. */
size_t health_judge(const struct health_facts *f, struct health_warning out[HEALTH_WARNINGS_MAX]);

/* [{code,severity,blocks,text}]; owned by the caller. */
struct json *health_json(const struct health_warning *w, size_t count);

#endif
