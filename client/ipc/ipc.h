#ifndef SP_CLIENT_IPC_H
#define SP_CLIENT_IPC_H

/*
 * ipc: the agent's unix socket, both ends.
 *
 * Where     $XDG_RUNTIME_DIR/sallyport/agent.sock, else /run/user/UID/…, else the state folder.
 *           Socket 0600 in a folder 0700 that belongs to this uid and is no symlink; both are
 *           checked before use, and the peer's uid by SO_PEERCRED at both ends (TM-13, TM-14):
 *           another user is closed without an answer, root too.
 * Form      One JSON object a line, at most IPC_LINE_MAX bytes. The program asks once a connection
 *           {"v":1,"do":VERB,…}; the agent answers with any number of {"event":NAME,…} and ends
 *           with one {"ok":true,…} or {"error":{exit,code,what,why,next,request}}. A verb that
 *           carries bytes (connect --stdio) turns the connection into a bare stream after "ok".
 * Not here  what the verbs do: client/agent/local.c (server), client/cmd (program).
 */

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/why.h"

struct loop;
struct ipc_server;
struct ipc_peer;
struct ipc_client;

enum { IPC_LINE_MAX = 256 * 1024, IPC_PEERS_MAX = 64, IPC_VERSION = 1, IPC_PATH_MAX = 100 };

/*
 * The socket's path into `out`. SALLYPORT_SOCKET overrides. Any thread.
 *   SP_ERR_NOT_FOUND  no home, no runtime folder
 *   SP_ERR_LIMIT      longer than a socket address takes
 */
SP_MUST sp_error ipc_path(char out[IPC_PATH_MAX]);

/* ---- The agent's end. Loop thread only. ---- */

struct ipc_handlers {
    /* One request; `request` is borrowed for the call. Answer now or later through `peer`, which
     * stays valid until `gone`. */
    void (*asked)(void *arg, struct ipc_peer *peer, const struct json *request);
    /* The program hung up, or its last answer is written: `peer` is freed after this returns.
     * Called once for each peer that `asked` was called for, unless ipc_peer_take took it. */
    void (*gone)(void *arg, struct ipc_peer *peer);
};

/*
 * Listens. Replaces a socket that nobody answers on; another live agent is an error.
 * Borrows `loop`, `handlers`, `arg` until ipc_server_free().
 *   SP_ERR_PERMISSION  the folder is not ours, is a symlink or can be written by others
 *   SP_ERR_EXISTS      an agent of this user listens there
 *   SP_ERR_IO, SP_ERR_NOMEM
 */
SP_MUST sp_error ipc_server_new(struct loop *loop, const char *path,
                                const struct ipc_handlers *handlers, void *arg, struct sp_why *why,
                                struct ipc_server **out);
/* Closes all peers (their `gone` is called), removes the socket. NULL is allowed. */
void ipc_server_free(struct ipc_server *s);

/* Queue one line. Both take `line`. ipc_peer_end closes after it is written. A peer that does not
 * read (over IPC_LINE_MAX waiting) is closed. */
void ipc_peer_event(struct ipc_peer *p, struct json *line);
void ipc_peer_end(struct ipc_peer *p, struct json *line);

/* The handler's own pointer for this peer. */
void ipc_peer_set(struct ipc_peer *p, void *data);
void *ipc_peer_data(const struct ipc_peer *p);

/*
 * Writes `line` (taken), then hands the connected descriptor to the caller (non-blocking, owned),
 * with the bytes that were read beyond the request appended to `early`. The peer is freed and
 * `gone` is not called.
 *   SP_ERR_IO  the line could not be written at once; the peer ends, nothing is handed over
 */
SP_MUST sp_error ipc_peer_take(struct ipc_peer *p, struct json *line, struct buf *early, int *fd);

/* ---- The program's end. Blocking, one thread. ---- */

/*
 *   SP_ERR_UNREACHABLE  no agent listens there
 *   SP_ERR_PERMISSION   whoever listens is another user
 *   SP_ERR_NOMEM, SP_ERR_IO
 */
SP_MUST sp_error ipc_client_new(const char *path, struct ipc_client **out);
void ipc_client_free(struct ipc_client *c);

/* Takes `request`; "v" is added. SP_ERR_CLOSED, SP_ERR_LIMIT, SP_ERR_NOMEM. */
SP_MUST sp_error ipc_client_ask(struct ipc_client *c, struct json *request);

/*
 * The next line; `*out` is owned by the caller. `wait_ms` < 0: for ever.
 *   SP_ERR_TIMEOUT    nothing within wait_ms; call again
 *   SP_ERR_CLOSED     the agent ended
 *   SP_ERR_MALFORMED, SP_ERR_LIMIT, SP_ERR_NOMEM
 */
SP_MUST sp_error ipc_client_read(struct ipc_client *c, int64_t wait_ms, struct json **out);

/* For poll() beside other descriptors; stays the client's. */
int ipc_client_fd(const struct ipc_client *c);
/* true when a whole line waits already, so that poll() must not be asked. */
bool ipc_client_ready(const struct ipc_client *c);
/* After a verb that carries bytes: the descriptor (owned by the caller, blocking) and what was
 * read beyond the answer. The client can only be freed afterwards. */
SP_MUST sp_error ipc_client_take(struct ipc_client *c, struct buf *early, int *fd);

#endif
