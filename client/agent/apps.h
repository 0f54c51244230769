#ifndef SP_CLIENT_AGENT_APPS_H
#define SP_CLIENT_AGENT_APPS_H

/*
 * apps: the apps that this user sees, read whole from the broker, page by page.
 *
 * Asked for each time somebody wants it: access changes with every fact. The last whole list is
 * kept for names and types. Loop thread.
 */

#include "client/agent/control.h"

struct apps;

enum { APPS_MAX = 4096, APPS_READERS_MAX = 64 };

struct app {
    struct sp_id id;
    char name[PROTO_NAME_MAX + 1], type[32], access[16], why[256];
    uint16_t ports[SESSION_PORTS_MAX];
    size_t port_count;
};

/* Sorted by name as the broker gave it. */
struct apps_list {
    const struct app *at;
    size_t count;
};

/* Once. `why` NULL: `list` is whole; borrowed for the call. */
typedef void apps_done(void *arg, const struct apps_list *list, const struct refusal *why);

SP_MUST sp_error apps_new(struct control *control, struct apps **out);
void apps_free(struct apps *a); /* NULL is allowed */

/* Reads anew; those who ask meanwhile share the answer. May call `done` from inside when there is
 * no channel. */
void apps_read(struct apps *a, apps_done *done, void *arg);
void apps_forget(struct apps *a, void *arg);

/* By name, or by id as text; NULL: not in it. */
const struct app *apps_find(const struct apps_list *list, struct view name);
/* The last whole list. */
struct apps_list apps_last(const struct apps *a);

#endif
