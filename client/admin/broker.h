#ifndef SP_ADMIN_BROKER_H
#define SP_ADMIN_BROKER_H

/*
 * broker: one REST call as sallyport-admin makes it: where the broker is, who asks, and what its
 * refusals mean at a terminal.
 *
 * Where     --broker, --ca, --token-file; then SALLYPORT_BROKER, SALLYPORT_CA_FILE,
 *           SALLYPORT_TOKEN_FILE; then what `sallyport-admin login` kept in its settings file.
 * Who       the session in the token file (0600, this user's), else the login of this user's
 *           agent: a ticket that is bound to the device key and lives 10 minutes. A bootstrap token
 *           is spent by login alone (bootstrap.h).
 * Not here  what the calls are: act.c (the table) and the files of nouns.
 * Every failure is printed by the function that meets it and returned as an exit code. Blocking;
 * one thread.
 */

#include "lib/base/json.h"
#include "lib/http/client.h"
#include "lib/term/command.h"

enum {
    BROKER_URL_MAX = 512,
    BROKER_ANSWER_MAX = 64 * 1024 * 1024,
    BROKER_DEADLINE_MS = 60 * 1000,
    SETTINGS_BYTES_MAX = 16 * 1024
};

struct broker {
    const struct command_call *call; /* borrowed */
    struct client *http;             /* owned */
    struct proxy_env proxy;
    char origin[BROKER_URL_MAX]; /* "https://access.example.org" */
    struct buf authorization;    /* "Bearer …"; wiped */
};

/* What `login` keeps; empty text: not set. Never a secret, only where one is. */
struct settings {
    char broker[BROKER_URL_MAX];
    char ca[4096];
    char token_file[4096];
};

/* The settings file's path into `out`: $XDG_CONFIG_HOME/sallyport/admin.json, else under HOME.
 *   SP_ERR_NOT_FOUND  neither variable is set */
SP_MUST sp_error settings_path(struct buf *out);
/* A missing file is a zeroed `out` and SP_OK.   SP_ERR_MALFORMED, and as file_read_owned */
SP_MUST sp_error settings_read(const char *path, struct settings *out, struct sp_why *why);
SP_MUST sp_error settings_write(const char *path, const struct settings *s, struct sp_why *why);

/* EXIT_OK: close it with broker_close(). A failed one is closed already. */
int broker_open(const struct command_call *call, struct broker *out);
void broker_close(struct broker *b);

struct broker_request {
    enum http_method method;
    const char *path;     /* "/api/v1/sites?limit=200", percent-encoded */
    struct json *body;    /* taken; NULL: none */
    int64_t if_match;     /* a version; 0: no condition */
    bool if_match_zero;   /* 0 is a version too: of a document before its first save */
    bool if_none_match;   /* "*": only when there is none yet */
    bool quiet_not_found; /* 404 is EXIT_OK with a NULL answer */
};

/*
 * One call. EXIT_OK: `*out` is the answer, owned; NULL after 204. `etag` (or NULL) gets the
 * version that the answer carries, 0 without one.
 */
int broker_call(struct broker *b, const struct broker_request *q, struct json **out, int64_t *etag);

/* The same for an answer that is not JSON: appended to `text` (initialised by the caller).
 * `next` gets the cursor of the part that follows; empty at the end. */
int broker_text(struct broker *b, const char *path, struct buf *text, struct buf *next);

/* The exit code that a problem's status and code mean; pure, for tests. */
enum exit_code broker_exit(int status, const char *code);

#endif
