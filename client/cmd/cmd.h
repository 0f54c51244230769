#ifndef SP_CLIENT_CMD_CMD_H
#define SP_CLIENT_CMD_CMD_H

/* cmd: the verbs of `sallyport`; each returns an exit code of lib/term/command.h. */

#include "lib/base/buf.h"
#include "lib/term/command.h"

/* The proxy file for browsers (PAC) that sends apps' names, and nothing else, to `address`. */
void proxy_pac(const char *address, struct buf *out);

int cmd_login(const struct command_call *call);
int cmd_logout(const struct command_call *call);
int cmd_status(const struct command_call *call);
int cmd_apps(const struct command_call *call);
int cmd_connect(const struct command_call *call);
int cmd_up(const struct command_call *call);
int cmd_down(const struct command_call *call);
int cmd_proxy(const struct command_call *call);
int cmd_ssh(const struct command_call *call);
int cmd_db(const struct command_call *call);
int cmd_config(const struct command_call *call);
int cmd_posture(const struct command_call *call);
int cmd_why(const struct command_call *call);
int cmd_sessions(const struct command_call *call);
int cmd_wait(const struct command_call *call);
int cmd_key(const struct command_call *call);
int cmd_request(const struct command_call *call);
int cmd_doctor(const struct command_call *call);
int cmd_bugreport(const struct command_call *call);
int cmd_tray(const struct command_call *call);
int cmd_notify(const struct command_call *call);
int cmd_pause(const struct command_call *call);
int cmd_set(const struct command_call *call);
int cmd_get(const struct command_call *call);

#endif
