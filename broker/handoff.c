#include "broker/handoff.h"
#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/os/acceptor.h"
#include "lib/os/fdpass.h"
#include "lib/os/loop.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct handoff {
    struct loop *loop; /* borrowed */
    handoff_connected *connected;
    void *arg;               /* borrowed */
    char path[108];          /* as long as sun_path */
    uid_t relay_uid;         /* whose process may be the relay, besides this user and root */
    int listener, relay;     /* owned; -1: none */
    struct acceptor *accept; /* owned */
    struct watch *hangup;    /* owned; NULL: no relay */
};

static void drop_relay(struct handoff *h)
{
    watch_stop(h->hangup);
    h->hangup = NULL;
    if (h->relay >= 0)
        close(h->relay);
    h->relay = -1;
}

static void on_hangup(void *arg, unsigned events)
{
    struct handoff *h = arg;
    uint8_t room[FDPASS_MESSAGE_MAX];
    size_t len;
    int fd = -1;

    (void)events;
    sp_error e = fdpass_receive(h->relay, room, &len, &fd);
    if (fd >= 0)
        close(fd); /* the relay has nothing to give */
    if (e == SP_ERR_AGAIN || e == SP_OK)
        return;
    log_event(LOG_WARN, "handoff.lost", "the relay of this machine is gone", NULL);
    drop_relay(h);
}

static void take_relay(struct handoff *h, int fd)
{
    uid_t uid;

    if (sock_peer_uid(fd, &uid) != SP_OK || (uid != h->relay_uid && uid != geteuid() && uid != 0)) {
        log_event(LOG_WARN, "handoff.refuse", "a process of another user wanted tunnel sockets",
                  NULL);
        close(fd);
        return;
    }
    drop_relay(h);
    h->relay = fd;
    if (watch_start(h->loop, fd, WATCH_READ, on_hangup, h, &h->hangup) != SP_OK) {
        drop_relay(h);
        return;
    }
    log_event(LOG_INFO, "handoff.relay", "the relay of this machine takes tunnel sockets", NULL);
    h->connected(h->arg);
}

static void on_accept(void *arg, int fd, const struct address *peer)
{
    (void)peer;
    take_relay(arg, fd);
}

static sp_error find_user(const char *name, uid_t *out, struct sp_why *why)
{
    struct passwd *found = name == NULL ? NULL : getpwnam(name);

    *out = found == NULL ? geteuid() : found->pw_uid;
    return name == NULL || found != NULL
               ? SP_OK
               : sp_why_say(why, SP_ERR_INVALID, "relay_user: there is no user %s", name);
}

/* The file is 0600 until it has its group. */
static sp_error open_to_group(const char *path, const char *name, struct sp_why *why)
{
    struct group *found = name == NULL ? NULL : getgrnam(name);

    if (name == NULL)
        return SP_OK;
    if (found == NULL)
        return sp_why_say(why, SP_ERR_INVALID, "relay_group: there is no group %s", name);
    if (lchown(path, (uid_t)-1, found->gr_gid) != 0 || chmod(path, 0660) != 0)
        return sp_why_say(why, SP_ERR_PERMISSION,
                          "relay_group: %s can't be given to the group %s: the broker's user must "
                          "be a member of it",
                          path, name);
    return SP_OK;
}

static sp_error start(struct handoff *h, const struct handoff_options *o, struct sp_why *why)
{
    int n = snprintf(h->path, sizeof h->path, "%s", o->path);
    sp_error e = find_user(o->relay_user, &h->relay_uid, why);

    if (e != SP_OK || n < 0 || (size_t)n >= sizeof h->path) {
        h->path[0] = '\0';
        return e != SP_OK ? e : sp_why_say(why, SP_ERR_LIMIT, "%s: the path is too long", o->path);
    }
    if ((e = sock_listen_unix(o->path, SOCK_SEQPACKET, &h->listener)) != SP_OK) {
        h->path[0] = '\0'; /* someone else's */
        return sp_why_say(why, e, "can't serve the relay on %s: %s", o->path, sp_error_text(e));
    }
    if ((e = open_to_group(o->path, o->relay_group, why)) != SP_OK)
        return e;
    return acceptor_start(h->loop, h->listener, on_accept, h, &h->accept);
}

sp_error handoff_new(struct loop *loop, const struct handoff_options *o, struct sp_why *why,
                     struct handoff **out)
{
    struct handoff *h = calloc(1, sizeof *h);
    sp_error e;

    if (h == NULL)
        return SP_ERR_NOMEM;
    *h = (struct handoff){
        .loop = loop, .connected = o->connected, .arg = o->arg, .listener = -1, .relay = -1};
    if ((e = start(h, o, why)) != SP_OK) {
        handoff_free(h);
        return e;
    }
    *out = h;
    return SP_OK;
}

void handoff_free(struct handoff *h)
{
    if (h == NULL)
        return;
    drop_relay(h);
    acceptor_stop(h->accept);
    if (h->listener >= 0)
        close(h->listener);
    if (h->path[0] != '\0')
        unlink(h->path);
    free(h);
}

static sp_error send_word(struct handoff *h, const char *word, struct view rest, int fd)
{
    struct buf message;
    sp_error e;

    if (h->relay < 0)
        return SP_ERR_CLOSED;
    buf_init(&message, FDPASS_MESSAGE_MAX);
    buf_add_str(&message, word);
    buf_add_byte(&message, ' ');
    buf_add(&message, rest);
    if ((e = buf_error(&message)) == SP_OK)
        e = fdpass_send(h->relay, buf_view(&message), fd);
    buf_wipe(&message);
    return e;
}

void handoff_socket(struct handoff *h, int fd, const struct address *peer)
{
    struct address_text text = address_text(peer);
    sp_error e = send_word(h, "socket", view_str(text.s), fd);

    if (e != SP_OK)
        log_event(LOG_WARN, "handoff.drop", "a tunnel was closed: no relay takes it", "peer",
                  text.s, "error", sp_error_text(e), NULL);
    close(fd);
}

sp_error handoff_enrol(struct handoff *h, struct view line)
{
    return send_word(h, "enrol", line, -1);
}

bool handoff_has_relay(const struct handoff *h)
{
    return h->relay >= 0;
}
