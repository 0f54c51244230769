#ifndef SP_BROKER_OFFLINE_H
#define SP_BROKER_OFFLINE_H

/*
 * offline: the configuration and the store for a command that runs beside the broker, or instead of
 * it. One store has one writer (DEP-3), so a command that writes needs the state folder's lock,
 * which a running broker holds; one that only reads gets a consistent copy while a broker runs.
 */

#include "broker/config.h"
#include "broker/store/store.h"
#include "lib/term/command.h"

struct offline {
    struct broker_config config;
    struct store *store; /* owned; NULL: not open */
    int lock;            /* -1: not held */
    char path[512];      /* of the store's file */
    char copy[560];      /* temporary copy, removed at the end; "": none */
};

enum offline_need { OFFLINE_CONFIG = 0, OFFLINE_READ, OFFLINE_WRITE };

/* EXIT_OK, or an exit code after having said why. offline_close in every case. */
int offline_open(const struct command_call *call, enum offline_need need, struct offline *out);
void offline_close(struct offline *o);

/* What happened, in the form that all commands share; chooses the exit code. */
int offline_fail(const struct command_call *call, sp_error e, const char *what,
                 const struct sp_why *why);

#endif
