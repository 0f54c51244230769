#ifndef SP_ADMIN_VERBS_H
#define SP_ADMIN_VERBS_H

/* verbs: the commands that are more than one row of act.h; each returns an exit code. */

#include "lib/term/command.h"

/* sign.c */
int verb_login(const struct command_call *call);
int verb_logout(const struct command_call *call);
int verb_whoami(const struct command_call *call);
/* made.c */
int verb_site_add(const struct command_call *call);
int verb_connector_token(const struct command_call *call);
int verb_relay_token(const struct command_call *call);
/* app.c */
int verb_app_add(const struct command_call *call);
int verb_app_set(const struct command_call *call);
/* policy.c */
int verb_policy_show(const struct command_call *call);
int verb_policy_replay(const struct command_call *call);
int verb_policy_check(const struct command_call *call);
int verb_policy_apply(const struct command_call *call);
int verb_policy_rollback(const struct command_call *call);
/* trace.c */
int verb_why(const struct command_call *call);
int verb_policy_simulate(const struct command_call *call);
/* session.c */
int verb_session_kill(const struct command_call *call);
/* gateway.c */
int verb_gateway(const struct command_call *call);
#define GATEWAY_TEXT "read an http app's gateway and judge recorded requests by it, offline"
#define GATEWAY_OPTIONS                                                                \
    {"har", "FILE", "a HAR 1.2 record: what would have been refused, and noted"},      \
        {"files", "DIR", "where the document of openapi.file lies; else beside FILE"}, \
    {                                                                                  \
        "groups", "NAMES", "of the person who asked: idp/group, separated by commas"   \
    }
/* request.c */
int verb_request_approve(const struct command_call *call);
/* audit.c */
int verb_audit_verify(const struct command_call *call);
int verb_audit_export(const struct command_call *call);

/* Words of rows that would make the table too long. */
/* clang-format off */
#define REPLAY_ROW {"policy replay", "FILE [--policy NAME] [--days N]", \
    "take the last days' decisions again by a draft; stores nothing", NULL, "4 5 8", \
    {{"policy", "NAME", "the file is this one policy, not the whole document"}, \
     {"days", "N", "1 to 30; 7 where it is not given"}, WHERE}, 1, 1, verb_policy_replay}
/* clang-format on */

/* The table that all of sallyport-admin is. commands.c */
extern const struct program admin_program;

#endif
