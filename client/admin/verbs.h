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
/* endpoint.c */
int verb_endpoint_expect(const struct command_call *call);
int verb_endpoint_unexpect(const struct command_call *call);
int verb_endpoint_retire(const struct command_call *call);
int verb_incident_expect(const struct command_call *call);
int verb_gateway_mode(const struct command_call *call);
int verb_gateway_draft(const struct command_call *call);
/* request.c */
int verb_request_approve(const struct command_call *call);
/* draft.c */
int verb_draft_save(const struct command_call *call);
int verb_draft_approve(const struct command_call *call);
/* audit.c */
int verb_audit_verify(const struct command_call *call);
int verb_audit_export(const struct command_call *call);

/* Words of rows that would make the table too long. */
/* clang-format off */
#define REPLAY_ROW {"policy replay", "FILE [--policy NAME] [--days N]", \
    "take the last days' decisions again by a draft; stores nothing", NULL, "4 5 8", \
    {{"policy", "NAME", "the file is this one policy, not the whole document"}, \
     {"days", "N", "1 to 30; 7 where it is not given"}, WHERE}, 1, 1, verb_policy_replay}
#define EXPECT_OPTIONS {"for", "TIME", "until then it is right so: 12h, 7d, at most 90d"}, \
    {"reason", "TEXT", "for the audit record"}
#define GATEWAY_ROWS \
    {"endpoint list", "[--app APP] [--state STATE] [--method METHOD] [--match TEXT] [--sort COLUMN]", \
     "endpoints of HTTP apps, learned at the connectors", NULL, "4 5 8", \
     {{"app", "APP", "of this app"}, \
      {"state", "STATE", "documented, shadow, orphan, zombie, drift, unauthenticated or unexpected"}, \
      {"method", "METHOD", "GET, POST and so on"}, {"match", "TEXT", "only those whose path holds this"}, \
      {"sort", "COLUMN", "path, -calls, -last_seen, -errors, -p95_us or -violations"}, LIMIT_WHERE}, \
     0, 0, act_run}, \
    {"endpoint show", "ID", "one endpoint, with what each connector says of it", NULL, "4 5 8", {WHERE}, 1, 1, act_run}, \
    {"endpoint expect", "ID --for TIME --reason TEXT", "the endpoint is right as it is", NULL, "4 5 8", \
     {EXPECT_OPTIONS, WHERE}, 1, 1, verb_endpoint_expect}, \
    {"endpoint unexpect", "ID", "the endpoint is to be looked at again", NULL, "4 5 8", {WHERE}, 1, 1, verb_endpoint_unexpect}, \
    {"endpoint retire", "ID [--deprecated DAY] [--sunset DAY] [--successor PATH] [--after monitor|block]", \
     "announce the end of an endpoint", \
     "Answers carry Deprecation, Sunset and a link to the successor; with --after block it is 410 from the " \
     "sunset on. The rest of the app's gateway text stays as it is.", "4 5 8", \
     {{"deprecated", "DAY", "2026-12-31"}, {"sunset", "DAY", "the last day, not before deprecated"}, \
      {"successor", "PATH", "a path of the app, or a URL"}, {"after", "MODE", "monitor or block"}, WHERE}, \
     1, 1, verb_endpoint_retire}, \
    {"gateway list", "", "apps with a gateway, their endpoints by state and what was read in 7 days", \
     NULL, "4 5 8", {WHERE}, 0, 0, act_run}, \
    {"gateway hits", "[--app APP]", "what rules refused in 7 days, or would have, and how many people", \
     NULL, "4 5 8", {{"app", "APP", "of this app"}, WHERE}, 0, 0, act_run}, \
    {"gateway people", "--app APP --why NAME [--rule NAME]", "whom one rule touched in 7 days", NULL, "4 5 8", \
     {{"app", "APP", "of this app"}, {"why", "NAME", "the reason, as gateway hits names it"}, {"rule", "NAME", "the same"}, WHERE}, \
     0, 0, act_run}, \
    {"gateway mode", "APP REASON monitor|block [--rule NAME]", "switch what decides about a refusal", \
     "REASON and RULE as gateway hits names them. Only the mode's word changes in the app's text.", "4 5 8", \
     {{"rule", "NAME", "of a limit, or what else the reason has"}, WHERE}, 3, 3, verb_gateway_mode}, \
    {"gateway draft", "APP", "an OpenAPI 3.1 draft of what the app was seen to answer", NULL, "4 5 8", {WHERE}, \
     1, 1, verb_gateway_draft}, \
    {"incident expect", "ID --for TIME --reason TEXT [--group GROUP]", "such incidents are right so", \
     "For the person of the incident, or for all of a group.", "4 5 8", \
     {EXPECT_OPTIONS, {"group", "PROVIDER/GROUP", "instead of the person"}, WHERE}, 1, 1, verb_incident_expect}
#define DRAFT_ROWS \
    {"draft list", "", "policy texts that nobody put in force yet", NULL, "4 5 8", {WHERE}, 0, 0, act_run}, \
    {"draft show", "ID", "one draft", NULL, "4 5 8", {WHERE}, 1, 1, act_run}, \
    {"draft save", "FILE [--policy NAME] [--note TEXT]", "keep a text for approval; it decides nothing", NULL, "4 5 8", \
    {{"policy", "NAME", "the file is this one policy, not the whole document"}, \
     {"note", "TEXT", "what changes and why"}, WHERE}, 1, 1, verb_draft_save}, \
    {"draft approve", "ID", "put a draft in force", \
     "With second_approval: true in broker.yaml, by another admin than its author.", "4 5 6 8", {WHERE}, 1, 1, verb_draft_approve}, \
    {"draft discard", "ID", "forget a draft", NULL, "4 5 8", {WHERE}, 1, 1, act_run}
/* clang-format on */

/* The table that all of sallyport-admin is. commands.c */
extern const struct program admin_program;

#endif
