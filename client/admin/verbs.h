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
int verb_user_recovery_codes(const struct command_call *call);
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
/* What a check found, for people: a table, then a line. */
int print_policy_check(const struct json *check);
/* code.c */
int verb_export(const struct command_call *call);
int verb_diff(const struct command_call *call);
int verb_apply(const struct command_call *call);
int verb_policy_export(const struct command_call *call);
int verb_policy_diff(const struct command_call *call);
/* session.c */
int verb_session_kill(const struct command_call *call);
/* gateway.c */
int verb_gateway(const struct command_call *call);
#define GATEWAY_TEXT "read an http app's gateway and judge recorded requests by it, offline"
#define GATEWAY_OPTIONS                                                                \
    {"har", "FILE", "a HAR 1.2 record: what would have been refused, and noted"},      \
        {"files", "DIR", "where the document of openapi.file lies; else beside FILE"}, \
        {"user", "NAME", "who made the requests, for owner rules"},                    \
        {"email", "ADDRESS", "the same person's address"},                             \
    {                                                                                  \
        "groups", "NAMES", "of the person who asked: idp/group, separated by commas"   \
    }
/* endpoint.c */
int verb_endpoint_expect(const struct command_call *call);
int verb_endpoint_unexpect(const struct command_call *call);
int verb_endpoint_retire(const struct command_call *call);
int verb_endpoint_limit(const struct command_call *call);
int verb_endpoint_split(const struct command_call *call);
int verb_endpoint_merge(const struct command_call *call);
int verb_incident_expect(const struct command_call *call);
int verb_gateway_mode(const struct command_call *call);
int verb_gateway_draft(const struct command_call *call);
int verb_gateway_upload(const struct command_call *call);
int verb_gateway_restore(const struct command_call *call);
/* request.c */
int verb_request_approve(const struct command_call *call);
/* draft.c */
int verb_draft_save(const struct command_call *call);
int verb_draft_approve(const struct command_call *call);
/* feed.c */
int verb_feed_add(const struct command_call *call);
int verb_feed_set(const struct command_call *call);
int verb_feed_secret(const struct command_call *call);
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
    {"endpoint limit", "ID N [--mode monitor|block]", "limit each person's requests a minute", \
     "endpoint show suggests N under pace: 99 of 100 minutes of a person, and three median deviations. It is added " \
     "to rate in the app's gateway text, in monitor where --mode says nothing else.", "4 5 8", \
     {{"mode", "MODE", "monitor or block"}, WHERE}, 2, 2, verb_endpoint_limit}, \
    {"endpoint split", "ID BELOW", "words that were made one parameter stay apart", \
     "BELOW is /reports of /reports/{report_id}; endpoint show lists it under merged. What is below it is " \
     "learned anew. It stands under split in the app's gateway text.", "4 5 8", {WHERE}, 2, 2, verb_endpoint_split}, \
    {"endpoint merge", "ID BELOW", "undo a split: such words may become one parameter again", NULL, "4 5 8", \
     {WHERE}, 2, 2, verb_endpoint_merge}, \
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
    {"gateway upload", "APP FILE --note TEXT", "upload the app's OpenAPI document and put it in force", \
     "FILE is JSON or YAML, at most 16 MiB; - reads standard input. A document with a fault changes nothing.", "4 5 8", \
     {{"note", "TEXT", "what is new in it"}, WHERE}, 2, 2, verb_gateway_upload}, \
    {"gateway documents", "APP", "the documents that the app was held to, newest first", NULL, "4 5 8", {WHERE}, 1, 1, act_run}, \
    {"gateway document", "APP SHA256", "the text of one of them", NULL, "4 5 8", {WHERE}, 2, 2, act_run}, \
    {"gateway restore", "APP SHA256 --reason TEXT", "put one of them in force again", NULL, "4 5 8", \
     {{"reason", "TEXT", "why"}, WHERE}, 2, 2, verb_gateway_restore}, \
    {"gateway draft", "APP", "an OpenAPI 3.1 draft of what the app was seen to answer", NULL, "4 5 8", {WHERE}, \
     1, 1, verb_gateway_draft}, \
    {"incident expect", "ID --for TIME --reason TEXT [--group GROUP]", "such incidents are right so", \
     "For the person of the incident, or for all of a group.", "4 5 8", \
     {EXPECT_OPTIONS, {"group", "PROVIDER/GROUP", "instead of the person"}, WHERE}, 1, 1, verb_incident_expect}
#define RECOVERY_ROW {"user recovery-codes", "USER --reason TEXT [--out FILE]", \
    "new recovery codes of a user; the old ones are void", \
    "For somebody who has lost the authenticator and whom you know. Shown once, or into a new file of mode 0600.", "4 5 6 8", \
    {{"reason", "TEXT", "for the audit record"}, {"out", "FILE", "into this new file, 0600"}, WHERE}, 1, 1, verb_user_recovery_codes}
#define WHY_ROW {"why", "REQUEST | USER APP [--device DEVICE | --at TIME]", \
    "the full trace of a decision: made, or as it would be now", \
    "With --at the last decision that was made until then; TIME is 2026-11-26T09:42:17Z, or 2026-11-26 09:42 or " \
    "09:42:17 (today) in this machine's zone.", "4 5 8", \
    {{"device", "DEVICE", "from this device"}, {"at", "TIME", "the last decision made until then"}, WHERE}, 1, 2, verb_why}
#define CODE_TEXT "FILE is one text with sites, apps and policy, or a folder with sallyport.yaml and policy.yaml; " \
    "- is standard input. A section that is not there says nothing about its objects."
#define CODE_ROWS \
    {"export", "[--out FILE|DIR]", "sites, apps and the policy as a text for version control", \
     "What diff and apply read. Into an existing folder: sallyport.yaml and policy.yaml.", "4 5 8", \
     {{"out", "FILE|DIR", "instead of standard output"}, WHERE}, 0, 0, verb_export}, \
    {"diff", "FILE|DIR [--prune]", "what apply would change", CODE_TEXT, "4 5 8", \
     {{"prune", NULL, "also what is there and not in the file"}, WHERE}, 1, 1, verb_diff}, \
    {"apply", "FILE|DIR [--dry-run] [--prune] [--note TEXT]", "make sites, apps and the policy what the file says", \
     CODE_TEXT " The policy's tests run at the broker before anything changes; an object that somebody changed " \
     "meanwhile is left as it is and ends the command; applying again changes nothing.", "4 5 6 8", \
     {{"dry-run", NULL, "show and check only"}, {"prune", NULL, "remove apps and sites that a section lacks"}, \
      {"note", "TEXT", "what changes and why, for the policy's history"}, WHERE}, 1, 1, verb_apply}, \
    {"policy export", "[--out FILE]", "the policy document, as it was written", NULL, "4 5 8", \
     {{"out", "FILE", "instead of standard output"}, WHERE}, 0, 0, verb_policy_export}, \
    {"policy diff", "FILE", "which policies a document changes, adds and removes", NULL, "4 5 8", {WHERE}, 1, 1, verb_policy_diff}
#define DRAFT_ROWS \
    {"draft list", "", "policy texts that nobody put in force yet", NULL, "4 5 8", {WHERE}, 0, 0, act_run}, \
    {"draft show", "ID", "one draft", NULL, "4 5 8", {WHERE}, 1, 1, act_run}, \
    {"draft save", "FILE [--policy NAME] [--note TEXT]", "keep a text for approval; it decides nothing", NULL, "4 5 8", \
    {{"policy", "NAME", "the file is this one policy, not the whole document"}, \
     {"note", "TEXT", "what changes and why"}, WHERE}, 1, 1, verb_draft_save}, \
    {"draft approve", "ID", "put a draft in force", \
     "With second_approval: true in broker.yaml, by another admin than its author.", "4 5 6 8", {WHERE}, 1, 1, verb_draft_approve}, \
    {"draft discard", "ID", "forget a draft", NULL, "4 5 8", {WHERE}, 1, 1, act_run}
#define FEED_SECRET {"secret-file", "FILE", "the client's secret, a file of mode 0600; else it is asked for"}
#define FEED_UNTESTED {"untested", "REASON", "keep it without a passing test, and why"}
#define FEED_OPTIONS \
    {"region", "REGION", "crowdstrike: us-1, us-2, eu-1, us-gov-1, us-gov-2; intune: global, us-gov, us-dod, china"}, \
    {"base-url", "URL", "another address than a region's, https"}, \
    {"login-url", "URL", "where the token comes from, where that is elsewhere"}, \
    {"tenant", "TENANT", "intune: the directory's id or domain"}, {"client-id", "ID", "of the API client at the vendor"}, \
    {"interval", "TIME", "how often it is asked: 5m to 24h"}, {"ttl", "TIME", "how long a value counts; twice the interval"}
#define FEED_ROWS \
    {"feed list", "", "vendors that say how devices stand, with the last result of each", NULL, "4 5 8", {WHERE}, 0, 0, act_run}, \
    {"feed show", "NAME", "one feed: its account, what it gives, how it stands", "NAME is crowdstrike or intune.", "4 5 8", {WHERE}, 1, 1, act_run}, \
    {"feed add", "NAME --client-id ID [--tenant TENANT] [--region REGION] [--secret-file FILE]", \
     "add the account at a vendor, once it was tried", \
     "NAME is crowdstrike or intune. The secret is sealed at the broker and never shown again. A test that does not "\
     "pass keeps nothing, unless --untested says why.", "4 5 6 8", \
     {FEED_OPTIONS, FEED_SECRET, FEED_UNTESTED, WHERE}, 1, 1, verb_feed_add}, \
    {"feed set", "NAME [--interval TIME] [--ttl TIME]", "change a feed, once it was tried", \
     "Options that are not given stay as they are. Another client, tenant or address needs --secret-file.", "4 5 6 8", \
     {FEED_OPTIONS, FEED_SECRET, FEED_UNTESTED, WHERE}, 1, 1, verb_feed_set}, \
    {"feed secret", "NAME [--secret-file FILE]", "replace the client's secret, once it was tried", NULL, "4 5 6 8", \
     {FEED_SECRET, FEED_UNTESTED, WHERE}, 1, 1, verb_feed_secret}, \
    {"feed test", "NAME", "ask the vendor for a token and the first page", NULL, "4 5 8", {WHERE}, 1, 1, act_run}, \
    {"feed sync", "NAME", "ask the vendor now", NULL, "4 5 8", {WHERE}, 1, 1, act_run}, \
    {"feed unjoined", "NAME", "records that are no device's, and why", NULL, "4 5 8", {WHERE}, 1, 1, act_run}, \
    {"feed remove", "NAME", "remove a feed; what it said counts until it expires", NULL, "4 5 6 8", {WHERE}, 1, 1, act_run}
#define DEVICE_REASON {"reason", "TEXT", "for the audit record and for whoever is cut off"}
#define DEVICE_ROWS \
    {"device list", "[--match TEXT] [--user USER] [--state STATE] [--posture pass|fail|unknown]", \
     "devices with state and posture", NULL, "4 5 8", \
     {{"match", "TEXT", "only those whose name holds this"}, {"user", "USER", "only this user's"}, \
      {"state", "STATE", "pending, approved, blocked or lost"}, \
      {"posture", "STANDING", "fail where a signal fails, unknown where one is unknown, pass"}, LIMIT_WHERE}, 0, 0, act_run}, \
    {"device show", "DEVICE", "one device with every signal and what it opens", NULL, "4 5 8", {WHERE}, 1, 1, act_run}, \
    {"device approve", "DEVICE", "approve a device that waits, or unblock one", NULL, "4 5 8", {WHERE}, 1, 1, act_run}, \
    {"device ask", "DEVICE", "ask the device's agent to report its posture now", NULL, "4 5 8", {WHERE}, 1, 1, act_run}, \
    {"device block", "DEVICE --reason TEXT", "block a device and cut its sessions", NULL, "4 5 8", \
     {DEVICE_REASON, WHERE}, 1, 1, act_run}, \
    {"device revoke", "DEVICE --reason TEXT", "end a device's key for good and cut its sessions", NULL, "4 5 6 8", \
     {DEVICE_REASON, WHERE}, 1, 1, act_run}
/* clang-format on */

/* The table that all of sallyport-admin is. commands.c */
extern const struct program admin_program;

#endif
