#include "broker/api/api.h"

/*
 * A row without class or role serves nobody. tests/unit/broker/api/test_routes.c compares this
 * table with openapi.yaml, so neither can gain an operation, lose a role or forget a record alone.
 */
#define GET METHOD_GET
#define POST METHOD_POST
#define PUT METHOD_PUT
#define DELETE METHOD_DELETE
#define V1 "/api/v1"
#define READ RECORD_NOTHING, AUDIT_UNNAMED
#define BEFORE(event) RECORD_BEFORE, event
#define CHANGE(event) RECORD_WITH_CHANGE, event

/* clang-format off */
const struct route api_routes[] = {
    /* method, path, class, role, fresh, record, handler */
    {GET, "/api/openapi.json", CLASS_OPEN, ROLE_PUBLIC, false, READ, api_openapi},

    {POST, V1 "/bootstrap", CLASS_OPEN, ROLE_PUBLIC, false, CHANGE(AUDIT_BOOTSTRAP), api_bootstrap_spend},
    {DELETE, V1 "/bootstrap", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_BOOTSTRAP), api_bootstrap_end},
    {GET, V1 "/me", CLASS_TICKET, ROLE_PERSON, false, READ, api_me},
    {POST, V1 "/me/factor", CLASS_BROWSER, ROLE_PERSON, false, CHANGE(AUDIT_MFA_OK), api_me_factor},
    {POST, V1 "/me/sign-out", CLASS_BROWSER, ROLE_PERSON, false, CHANGE(AUDIT_LOGOUT), api_me_sign_out},

    {GET, V1 "/me/requests", CLASS_TICKET, ROLE_PERSON, false, READ, api_me_request_list},
    {POST, V1 "/me/requests", CLASS_TICKET, ROLE_PERSON, false, CHANGE(AUDIT_ACCESS_ASK), api_me_request_create},
    {DELETE, V1 "/me/requests/{id}", CLASS_TICKET, ROLE_PERSON, false, CHANGE(AUDIT_ACCESS_WITHDRAW), api_me_request_withdraw},

    {GET, V1 "/incidents", CLASS_TICKET, ROLE_VIEWER, false, READ, api_incident_list},
    {GET, V1 "/incidents/{id}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_incident_get},
    {POST, V1 "/incidents/{id}/expect", CLASS_TICKET, ROLE_OPERATOR, false, CHANGE(AUDIT_GATEWAY_EXPECT), api_incident_expect},
    {GET, V1 "/endpoints", CLASS_TICKET, ROLE_VIEWER, false, READ, api_endpoint_list},
    {GET, V1 "/endpoints/{id}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_endpoint_get},
    {PUT, V1 "/endpoints/{id}/expected", CLASS_TICKET, ROLE_OPERATOR, false, CHANGE(AUDIT_GATEWAY_EXPECT), api_endpoint_expect},
    {DELETE, V1 "/endpoints/{id}/expected", CLASS_TICKET, ROLE_OPERATOR, false, CHANGE(AUDIT_GATEWAY_EXPECT), api_endpoint_unexpect},
    {POST, V1 "/endpoints/{id}/retire", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_APP_UPDATE), api_endpoint_retire},
    {POST, V1 "/endpoints/{id}/split", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_APP_UPDATE), api_endpoint_split},
    {POST, V1 "/endpoints/{id}/limit", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_APP_UPDATE), api_endpoint_limit},
    {POST, V1 "/endpoints/{id}/merge", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_APP_UPDATE), api_endpoint_merge},
    {GET, V1 "/gateway/apps", CLASS_TICKET, ROLE_VIEWER, false, READ, api_gateway_list},
    {GET, V1 "/gateway/hits", CLASS_TICKET, ROLE_VIEWER, false, READ, api_gateway_hits},
    {GET, V1 "/gateway/people", CLASS_TICKET, ROLE_VIEWER, false, READ, api_gateway_people},
    {GET, V1 "/requests", CLASS_TICKET, ROLE_VIEWER, false, READ, api_request_list},
    {GET, V1 "/requests/{id}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_request_get},
    {POST, V1 "/requests/{id}/approve", CLASS_TICKET, ROLE_OPERATOR, true, CHANGE(AUDIT_ACCESS_APPROVE), api_request_approve},
    {POST, V1 "/requests/{id}/refuse", CLASS_TICKET, ROLE_OPERATOR, false, CHANGE(AUDIT_ACCESS_REFUSE), api_request_refuse},
    {POST, V1 "/requests/{id}/end", CLASS_TICKET, ROLE_OPERATOR, false, CHANGE(AUDIT_ACCESS_END), api_request_end},

    {GET, V1 "/overview", CLASS_TICKET, ROLE_VIEWER, false, READ, api_overview},
    {GET, V1 "/health", CLASS_TICKET, ROLE_VIEWER, false, READ, api_health},
    {GET, V1 "/live", CLASS_TICKET, ROLE_VIEWER, false, READ, api_live},

    {GET, V1 "/apps", CLASS_TICKET, ROLE_VIEWER, false, READ, api_app_list},
    {POST, V1 "/apps", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_APP_CREATE), api_app_create},
    {GET, V1 "/apps/{id}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_app_get},
    {PUT, V1 "/apps/{id}", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_APP_UPDATE), api_app_update},
    {DELETE, V1 "/apps/{id}", CLASS_TICKET, ROLE_ADMIN, true, CHANGE(AUDIT_APP_REMOVE), api_app_remove},
    {POST, V1 "/apps/{id}/test", CLASS_TICKET, ROLE_OPERATOR, false, BEFORE(AUDIT_APP_TEST), api_app_dial},

    {GET, V1 "/apps/{id}/draft", CLASS_TICKET, ROLE_VIEWER, false, READ, api_app_draft},
    {PUT, V1 "/apps/{id}/document", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_APP_UPDATE), api_document_put},
    {GET, V1 "/apps/{id}/documents", CLASS_TICKET, ROLE_VIEWER, false, READ, api_document_list},
    {GET, V1 "/apps/{id}/documents/{sha256}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_document_get},
    {POST, V1 "/apps/{id}/documents/{sha256}/restore", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_APP_UPDATE), api_document_restore},
    {PUT, V1 "/apps/{id}/gateway/mode", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_APP_UPDATE), api_gateway_mode},

    {GET, V1 "/policies", CLASS_TICKET, ROLE_VIEWER, false, READ, api_policy_list},
    {GET, V1 "/policies/{name}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_policy_get},
    {PUT, V1 "/policies/{name}", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_POLICY_UPDATE), api_policy_put},
    {DELETE, V1 "/policies/{name}", CLASS_TICKET, ROLE_ADMIN, true, CHANGE(AUDIT_POLICY_UPDATE), api_policy_remove},
    {GET, V1 "/policy", CLASS_TICKET, ROLE_VIEWER, false, READ, api_policy_document},
    {PUT, V1 "/policy", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_POLICY_UPDATE), api_policy_document_put},
    {POST, V1 "/policy/check", CLASS_TICKET, ROLE_VIEWER, false, READ, api_policy_check},
    {POST, V1 "/policy/simulate", CLASS_TICKET, ROLE_VIEWER, false, READ, api_policy_simulate},
    {POST, V1 "/policy/replay", CLASS_TICKET, ROLE_VIEWER, false, READ, api_policy_replay},
    {GET, V1 "/policy/drafts", CLASS_TICKET, ROLE_VIEWER, false, READ, api_draft_list},
    {POST, V1 "/policy/drafts", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_POLICY_DRAFT), api_draft_create},
    {GET, V1 "/policy/drafts/{id}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_draft_get},
    {PUT, V1 "/policy/drafts/{id}", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_POLICY_DRAFT), api_draft_update},
    {DELETE, V1 "/policy/drafts/{id}", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_POLICY_DRAFT), api_draft_remove},
    {POST, V1 "/policy/drafts/{id}/approve", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_POLICY_UPDATE), api_draft_approve},
    {GET, V1 "/policy/versions", CLASS_TICKET, ROLE_VIEWER, false, READ, api_policy_history},
    {GET, V1 "/policy/versions/{version}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_policy_version},
    {POST, V1 "/policy/versions/{version}/rollback", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_POLICY_UPDATE), api_policy_rollback},

    {GET, V1 "/sites", CLASS_TICKET, ROLE_VIEWER, false, READ, api_site_list},
    {POST, V1 "/sites", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_SITE_CREATE), api_site_create},
    {GET, V1 "/sites/{id}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_site_get},
    {DELETE, V1 "/sites/{id}", CLASS_TICKET, ROLE_ADMIN, true, CHANGE(AUDIT_SITE_REMOVE), api_site_remove},
    {GET, V1 "/sites/{id}/tokens", CLASS_TICKET, ROLE_OPERATOR, false, READ, api_site_token_list},
    {POST, V1 "/sites/{id}/tokens", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_TOKEN_CREATE), api_site_token_create},
    {GET, V1 "/tokens/{id}", CLASS_TICKET, ROLE_OPERATOR, false, READ, api_token_get},
    {DELETE, V1 "/tokens/{id}", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_TOKEN_REVOKE), api_token_revoke},
    {GET, V1 "/connectors", CLASS_TICKET, ROLE_VIEWER, false, READ, api_connector_list},
    {GET, V1 "/connectors/{id}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_connector_get},
    {GET, V1 "/connectors/{id}/jwks.json", CLASS_OPEN, ROLE_PUBLIC, false, READ, api_connector_jwks},
    {POST, V1 "/connectors/{id}/revoke", CLASS_TICKET, ROLE_ADMIN, true, CHANGE(AUDIT_CONNECTOR_REVOKE), api_connector_revoke},
    {GET, V1 "/relays", CLASS_TICKET, ROLE_VIEWER, false, READ, api_relay_list},
    {POST, V1 "/relays/tokens", CLASS_TICKET, ROLE_ADMIN, true, CHANGE(AUDIT_TOKEN_CREATE), api_relay_token_create},
    {POST, V1 "/relays/{id}/revoke", CLASS_TICKET, ROLE_ADMIN, true, CHANGE(AUDIT_RELAY_REVOKE), api_relay_revoke},

    {GET, V1 "/users", CLASS_TICKET, ROLE_VIEWER, false, READ, api_user_list},
    {GET, V1 "/users/{id}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_user_get},
    {POST, V1 "/users/{id}/lock", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_USER_LOCK), api_user_lock},
    {POST, V1 "/users/{id}/unlock", CLASS_TICKET, ROLE_ADMIN, false, CHANGE(AUDIT_USER_UNLOCK), api_user_unlock},
    {POST, V1 "/users/{id}/sign-out", CLASS_TICKET, ROLE_OPERATOR, false, CHANGE(AUDIT_USER_SIGN_OUT), api_user_sign_out},
    {POST, V1 "/users/{id}/reset-totp", CLASS_TICKET, ROLE_ADMIN, true, CHANGE(AUDIT_MFA_RESET), api_user_reset_totp},
    {POST, V1 "/users/{id}/recovery-codes", CLASS_TICKET, ROLE_ADMIN, true, CHANGE(AUDIT_MFA_ENROL), api_user_recovery_codes},
    {GET, V1 "/groups", CLASS_TICKET, ROLE_VIEWER, false, READ, api_group_list},

    {GET, V1 "/devices", CLASS_TICKET, ROLE_VIEWER, false, READ, api_device_list},
    {GET, V1 "/devices/{id}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_device_get},
    {POST, V1 "/devices/{id}/approve", CLASS_TICKET, ROLE_OPERATOR, false, CHANGE(AUDIT_DEVICE_APPROVE), api_device_approve},
    {POST, V1 "/devices/{id}/block", CLASS_TICKET, ROLE_OPERATOR, false, CHANGE(AUDIT_DEVICE_BLOCK), api_device_block},
    {POST, V1 "/devices/{id}/ask", CLASS_TICKET, ROLE_OPERATOR, false, BEFORE(AUDIT_DEVICE_ASK), api_device_ask},
    {POST, V1 "/devices/{id}/revoke", CLASS_TICKET, ROLE_ADMIN, true, CHANGE(AUDIT_DEVICE_REVOKE), api_device_revoke},

    {GET, V1 "/sessions", CLASS_TICKET, ROLE_VIEWER, false, READ, api_session_list},
    {GET, V1 "/sessions/{id}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_session_get},
    {POST, V1 "/sessions/{id}/kill", CLASS_TICKET, ROLE_OPERATOR, false, CHANGE(AUDIT_SESSION_KILL), api_session_kill},
    {POST, V1 "/sessions/kill", CLASS_TICKET, ROLE_OPERATOR, false, CHANGE(AUDIT_SESSION_KILL), api_session_kill_many},

    {GET, V1 "/audit", CLASS_TICKET, ROLE_VIEWER, false, READ, api_audit_list},
    {GET, V1 "/audit/records/{shard}/{seq}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_audit_get},
    {GET, V1 "/audit/export", CLASS_TICKET, ROLE_OPERATOR, false, BEFORE(AUDIT_EXPORT), api_audit_export},
    {GET, V1 "/audit/verification", CLASS_TICKET, ROLE_VIEWER, false, READ, api_audit_verification},
    {POST, V1 "/audit/verification", CLASS_TICKET, ROLE_OPERATOR, false, BEFORE(AUDIT_VERIFY), api_audit_verify},
    {GET, V1 "/why/{request}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_why_request},
    {GET, V1 "/why", CLASS_TICKET, ROLE_VIEWER, false, READ, api_why_now},

    {GET, V1 "/views", CLASS_TICKET, ROLE_VIEWER, false, READ, api_view_list},
    {POST, V1 "/views", CLASS_TICKET, ROLE_VIEWER, false, CHANGE(AUDIT_VIEW_CHANGE), api_view_create},
    {PUT, V1 "/views/{id}", CLASS_TICKET, ROLE_VIEWER, false, CHANGE(AUDIT_VIEW_CHANGE), api_view_update},
    {DELETE, V1 "/views/{id}", CLASS_TICKET, ROLE_VIEWER, false, CHANGE(AUDIT_VIEW_CHANGE), api_view_remove},

    {GET, V1 "/providers", CLASS_TICKET, ROLE_VIEWER, false, READ, api_provider_list},
    {GET, V1 "/feeds", CLASS_TICKET, ROLE_VIEWER, false, READ, api_feed_list},
    {GET, V1 "/feeds/{name}", CLASS_TICKET, ROLE_VIEWER, false, READ, api_feed_get},
    {PUT, V1 "/feeds/{name}", CLASS_TICKET, ROLE_ADMIN, true, CHANGE(AUDIT_FEED_CHANGE), api_feed_put},
    {DELETE, V1 "/feeds/{name}", CLASS_TICKET, ROLE_ADMIN, true, CHANGE(AUDIT_FEED_REMOVE), api_feed_remove},
    {POST, V1 "/feeds/{name}/secret", CLASS_TICKET, ROLE_ADMIN, true, CHANGE(AUDIT_FEED_CHANGE), api_feed_secret},
    {POST, V1 "/feeds/{name}/test", CLASS_TICKET, ROLE_OPERATOR, false, BEFORE(AUDIT_FEED_TEST), api_feed_test},
    {POST, V1 "/feeds/{name}/sync", CLASS_TICKET, ROLE_OPERATOR, false, BEFORE(AUDIT_FEED_SYNC), api_feed_sync},
    {GET, V1 "/feeds/{name}/not-joined", CLASS_TICKET, ROLE_VIEWER, false, READ, api_feed_unjoined},
    {GET, V1 "/settings", CLASS_TICKET, ROLE_VIEWER, false, READ, api_settings},
};
/* clang-format on */
const size_t api_route_count = sizeof api_routes / sizeof *api_routes;
