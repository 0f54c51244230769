#ifndef SP_IDENTITY_OIDC_INTERNAL_H
#define SP_IDENTITY_OIDC_INTERNAL_H

/* One provider, as its three files see it: providers.c makes it, oidc.c asks it, person.c reads
 * what it says of a person. Immutable after oidc_new. */

#include "broker/identity/oidc.h"

struct provider {
    char *name, *title, *issuer, *client_id; /* owned, as all below */
    char *redirect_uri, *groups_claim;
    char *scopes[OIDC_SCOPES_MAX];
    size_t scope_count;
    char *groups_path[OIDC_PATH_MAX];
    size_t groups_path_count;
    struct view audiences[OIDC_SCOPES_MAX];
    size_t audience_count;
    bool groups_from_userinfo, built_in;
    unsigned algs;
    struct secret *secret; /* NULL: a public client */
    struct client *client;
    struct discovery *discovery;
};

#endif
