#ifndef SP_BROKER_COMMANDS_H
#define SP_BROKER_COMMANDS_H

/*
 * commands: the rows of main.c. Each returns an exit code of lib/term/command.h.
 */

#include "lib/term/command.h"

int cmd_dev(const struct command_call *call); /* the evaluation mode */
int cmd_health(const struct command_call *call);
int cmd_doctor(const struct command_call *call);
int cmd_bugreport(const struct command_call *call);
int cmd_run(const struct command_call *call);
int cmd_check(const struct command_call *call);
int cmd_bootstrap(const struct command_call *call);
int cmd_key(const struct command_call *call); /* fingerprint, list */
int cmd_key_rotate(const struct command_call *call);
int cmd_account_add(const struct command_call *call); /* of the built-in provider */
int cmd_account_list(const struct command_call *call);
int cmd_account_disable(const struct command_call *call);
int cmd_migrate(const struct command_call *call);
int cmd_backup(const struct command_call *call);
int cmd_restore(const struct command_call *call);
int cmd_audit_verify(const struct command_call *call);
int cmd_audit_head(const struct command_call *call);
int cmd_audit_export(const struct command_call *call);

#endif
