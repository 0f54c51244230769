#ifndef SP_API_API_H
#define SP_API_API_H

/*
 * api: the REST API of console and sallyport-admin; what openapi.yaml says, and nothing else.
 *
 * Path of a request: routes.c names its role and audit event, router.c proves the caller
 * (caller.c), authorises, records, calls one handler, and gives each refusal its RFC 9457 body.
 * Handlers are plain blocking functions on a worker: they read the call, use the services below
 * and fill the response. Any thread.
 */

#include "broker/audit/record.h"
#include "broker/registry/registry.h"
#include "lib/http/message.h"
#include "lib/http/problem.h"

struct changes;
struct cuts;
struct edges;
struct enrol_address;
struct feeds;
struct figures;
struct judge;
struct key_secret;
struct live;
struct live_feed;
struct mfa;
struct oidc;
struct rules;
struct sessions;
struct signin;
struct tickets;
struct verified;

/* Which proof a route asks for. Zero: none is good enough, the route serves nobody. */
enum api_class { CLASS_NONE = 0, CLASS_OPEN, CLASS_TICKET, CLASS_BROWSER };
/* In rising order; a role may do what those before it may. */
enum api_role { ROLE_NOBODY = 0, ROLE_PUBLIC, ROLE_PERSON, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };
const char *api_role_word(enum api_role r); /* "viewer" */

/* Who writes the audit record of a route. */
enum api_record {
    RECORD_NOTHING = 0, /* reading that leaves no record */
    RECORD_BEFORE,      /* the router, before it calls the handler */
    RECORD_WITH_CHANGE  /* the service, in the transaction of the change */
};

/* Which group makes its members what, from the configuration. Borrowed. */
struct api_role_rule {
    const char *group; /* "idp/group" */
    enum api_role role;
};

/* One dial of an app by one connector. */
enum app_test_result {
    APP_TEST_NONE = 0,
    APP_TEST_OK,
    APP_TEST_REFUSED,
    APP_TEST_NO_ANSWER,
    APP_TEST_NAME,
    APP_TEST_FLOOR,
    APP_TEST_RECORD,
    APP_TEST_UNREACHABLE
};
struct app_test {
    enum app_test_result result;
    char address[64]; /* that the name resolved to; "": none */
    char text[256];
    int64_t ms; /* -1: unknown */
};

struct api_check {
    const char *name;
    bool ok;
    bool minor; /* fails without making the broker unready */
    char text[160];
};
typedef void each_check(void *arg, const struct api_check *c);

struct api_key {
    const char *purpose, *kid;
    sp_unix_ms from, until; /* 0: open */
};
typedef void each_key(void *arg, const struct api_key *k);

/* What broker/run.c knows and the rooms that api may use do not. Every function blocks on the
 * calling worker; `arg` goes along. */
struct api_ports {
    void *arg;
    /* Asks a connector to dial; SP_ERR_UNREACHABLE: it does not hang here. SP_ERR_TIMEOUT */
    sp_error (*app_test)(void *arg, struct sp_id connector, struct sp_id app, struct app_test *out);
    /* The connectors of the app hear what is expected. */
    void (*expect)(void *arg, struct sp_id app);
    /* The agent of a device is asked to report its posture now; false: it does not hang here. */
    bool (*ask_report)(void *arg, struct sp_id device);
    void (*checks)(void *arg, each_check *each, void *each_arg);
    void (*keys)(void *arg, each_key *each, void *each_arg);
    /* When the certificate in the configured file ends; NULL: a front shows one. Errors of reading
     */
    sp_error (*certificate_ends)(void *arg, sp_unix_ms *out);
};

/* What the configuration says of the installation. Borrowed. */
struct api_about {
    const char *name, *public_url; /* "https://access.example.org" */
    const char *fingerprint;       /* of the identity key */
    const char *state;             /* folder of the bootstrap token; NULL: none is taken */
    bool evaluation;               /* sallyport-broker dev */
    bool front_l7, cut_through_off;
    bool second_approval; /* a policy comes into force by another admin than its author */
    int64_t login_life_ms, login_idle_ms;
    const struct api_role_rule *roles;
    size_t role_count;
};

/* The services that handlers use; filled once, by broker/run.c. Borrowed until api_stop. */
struct api {
    struct registry *registry;
    struct changes *changes;
    struct rules *rules;
    struct sessions *sessions;
    struct live *live;
    struct edges *edges;
    struct judge *judge;
    struct signin *signin;
    struct mfa *mfa;
    struct oidc *oidc;
    struct tickets *tickets;
    struct feeds *feeds;
    struct live_feed *feed; /* NULL: no live pages */
    const struct key_secret *record_key;
    const struct enrol_address *enrol; /* of this broker, without a token */
    struct api_about about;
    struct api_ports ports;
    /* Owned, from api_start to api_stop: */
    struct cuts *cuts;
    struct figures *figures;
    struct verified *verified;
    struct buf contract; /* openapi.yaml as JSON */
};

/* Makes what is owned and follows the live set; the services above stand. api_stop takes an api
 * that was never started, or half. Main thread, before the first request and after the last. */
SP_MUST sp_error api_start(struct api *api);
void api_stop(struct api *api);

/* Answers every path under /api/. */
void api_handle(struct api *api, const struct request *req, struct response *res);

/* Does the request wait for another machine or read the whole audit (POOL_OUTBOUND)? By its path
 * only; whether it is allowed is asked later. */
bool api_waits_long(const struct request *req);

/* For live_options.admit: whoever may read may follow. */
bool api_live_admit(void *api, const struct request *req);

/* ---- for this room's files ---------------------------------------------------------------- */

enum api_proof { PROOF_NONE = 0, PROOF_BROWSER, PROOF_DEVICE, PROOF_BOOTSTRAP };

/* Who asks. A zeroed caller is nobody. */
struct api_caller {
    enum api_proof proof;
    enum api_role role;
    struct user_row user;
    struct login_row login;
};

/* One request on its way. */
struct api_call {
    const struct request *req;
    struct response *res;
    struct api_caller caller;
    struct audit_record by; /* actor, address, request, event: what services complete and append */
    struct sp_why why;      /* of a refusal; shown below 500 */
    struct problem problem; /* status not 0: the answer, whatever the handler returned */
    char object[ROW_NAME_MAX + 1]; /* of `by`, where the router names it */
};

typedef sp_error api_handler(struct api *api, struct api_call *c);

struct route {
    enum http_method method;
    const char *path;
    enum api_class class;
    enum api_role role;
    bool fresh; /* the second factor was proved in the last API_FRESH_MS */
    enum api_record record;
    enum audit_event event;
    api_handler *handler;
};

enum {
    API_FRESH_MS = 5 * 60 * 1000,
    API_BODY_MAX = 512 * 1024,
    API_PART_MAX = 768 * 1024 /* of a document, in one call */
};

extern const struct route api_routes[];
extern const size_t api_route_count;

/*
 * Finds out who asks (caller.c) for a route of `class`.
 *   SP_ERR_UNAUTHENTICATED  nobody, or a login that is over, or a locked user
 *   SP_ERR_DENIED           a browser's request that another site may have caused (TM-15)
 */
SP_MUST sp_error api_caller_find(struct api *api, struct api_call *c, enum api_class class);

/* Appends openapi.yaml as JSON. */
SP_MUST sp_error contract_make(struct buf *out);

/* The role that a user's groups give; ROLE_PERSON for none. */
SP_MUST sp_error api_role_of(struct api *api, struct sp_id user, enum api_role *out);

api_handler api_openapi, api_bootstrap_spend, api_bootstrap_end, api_me, api_me_factor,
    api_me_sign_out, api_overview, api_health;
api_handler api_live;
api_handler api_app_list, api_app_create, api_app_get, api_app_update, api_app_remove, api_app_dial;
api_handler api_policy_list, api_policy_get, api_policy_put, api_policy_remove;
api_handler api_policy_document, api_policy_document_put, api_policy_check, api_policy_simulate;
api_handler api_policy_replay, api_view_list, api_view_create, api_view_update, api_view_remove;
api_handler api_draft_list, api_draft_create, api_draft_get, api_draft_update, api_draft_remove;
api_handler api_draft_approve;
api_handler api_policy_history, api_policy_version, api_policy_rollback;
api_handler api_site_list, api_site_create, api_site_get, api_site_remove;
api_handler api_site_token_list, api_site_token_create, api_relay_token_create;
api_handler api_token_get, api_token_revoke;
api_handler api_connector_list, api_connector_get, api_connector_revoke;
api_handler api_relay_list, api_relay_revoke;
api_handler api_user_list, api_user_get, api_user_lock, api_user_unlock, api_user_sign_out;
api_handler api_user_reset_totp, api_user_recovery_codes, api_group_list;
api_handler api_device_list, api_device_get, api_device_approve, api_device_block;
api_handler api_device_revoke, api_device_ask;
api_handler api_session_list, api_session_get, api_session_kill, api_session_kill_many;
api_handler api_audit_list, api_audit_get, api_audit_export, api_audit_verification;
api_handler api_audit_verify, api_why_request, api_why_now;
api_handler api_provider_list, api_settings;
api_handler api_feed_list, api_feed_get, api_feed_put, api_feed_remove, api_feed_test;
api_handler api_feed_secret, api_feed_sync, api_feed_unjoined;
api_handler api_incident_list, api_incident_get, api_incident_expect;
api_handler api_endpoint_list, api_endpoint_get, api_endpoint_expect, api_endpoint_unexpect;
api_handler api_endpoint_retire, api_endpoint_split, api_endpoint_merge, api_endpoint_limit,
    api_gateway_list, api_gateway_hits, api_gateway_people;
api_handler api_document_list, api_document_get, api_document_put, api_document_restore;
api_handler api_gateway_mode, api_app_draft, api_connector_jwks;
api_handler api_request_list, api_request_get, api_request_approve, api_request_refuse;
api_handler api_request_end, api_me_request_list, api_me_request_create, api_me_request_withdraw;

#endif
