/*
 * The relay's socket as another user meets it. Processes of other users are real: a child takes
 * the uid and connects. Without root those tests say that they did not run.
 */
#include "broker/handoff.h"

#include "lib/base/clock.h"
#include "lib/os/fdpass.h"
#include "lib/os/loop.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OTHER_USER "nobody"
#define OTHER_GROUP "nogroup"

struct world {
    struct loop *loop;
    struct handoff *handoff;
    char folder[64], path[96];
    struct sp_why why;
    size_t relays;
};

static void on_relay(void *arg)
{
    struct world *w = arg;

    w->relays++;
}

static sp_error begin(struct world *w, const char *user, const char *group)
{
    const struct handoff_options o = {
        .path = w->path, .relay_user = user, .relay_group = group, .connected = on_relay, .arg = w};

    snprintf(w->folder, sizeof w->folder, "/tmp/sp-front-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    assert_int_equal(chmod(w->folder, 0711), 0);
    snprintf(w->path, sizeof w->path, "%s/front.sock", w->folder);
    assert_int_equal(loop_new(&w->loop), SP_OK);
    return handoff_new(w->loop, &o, &w->why, &w->handoff);
}

static void end(struct world *w)
{
    handoff_free(w->handoff);
    loop_free(w->loop);
    assert_int_equal(rmdir(w->folder), 0); /* the socket's file is gone, too */
}

static mode_t mode_of(const struct world *w)
{
    struct stat s;

    assert_int_equal(stat(w->path, &s), 0);
    return s.st_mode & 07777;
}

/* A process of the other user that connects and waits for a message: it ends with 0 when one came,
 * with 1 when it was sent away, with 2 when it could not even connect. */
static pid_t other_process(const struct world *w, const struct passwd *who)
{
    pid_t pid = fork();
    uint8_t room[FDPASS_MESSAGE_MAX];
    size_t len;
    int fd, passed = -1;

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    if (setgroups(0, NULL) != 0 || setgid(who->pw_gid) != 0 || setuid(who->pw_uid) != 0 ||
        sock_connect_unix(w->path, SOCK_SEQPACKET, &fd) != SP_OK)
        _exit(2);
    sp_error e = SP_ERR_AGAIN;
    for (sp_boot_ms until = clock_boot() + 5000; e == SP_ERR_AGAIN && clock_boot() < until;)
        e = fdpass_receive(fd, room, &len, &passed);
    _exit(e == SP_OK ? 0 : 1);
}

/* Its exit; a relay that was taken gets one message. */
static int meet(struct world *w, pid_t pid)
{
    sp_boot_ms until = clock_boot() + 6000;
    int status = -1;
    bool sent = false;

    while (waitpid(pid, &status, WNOHANG) == 0 && clock_boot() < until) {
        loop_turn(w->loop, false);
        if (handoff_has_relay(w->handoff) && !sent)
            sent = handoff_enrol(w->handoff, view_str("line")) == SP_OK;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void without_configuration_only_this_user_may_open_the_file(void **state)
{
    (void)state;
    struct world w = {0};

    assert_int_equal(begin(&w, NULL, NULL), SP_OK);
    assert_int_equal(mode_of(&w), 0600);
    end(&w);
}

static void a_user_or_group_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct world w = {0}, g = {0};

    assert_int_equal(begin(&w, "no-such-user", NULL), SP_ERR_INVALID);
    assert_non_null(strstr(w.why.text, "relay_user: there is no user no-such-user"));
    end(&w);
    assert_int_equal(begin(&g, NULL, "no-such-group"), SP_ERR_INVALID);
    assert_non_null(strstr(g.why.text, "relay_group: there is no group no-such-group"));
    end(&g);
}

static void the_configured_user_gets_the_sockets(void **state)
{
    (void)state;
    struct world w = {0};
    struct passwd *found = getpwnam(OTHER_USER);

    if (geteuid() != 0 || found == NULL || getgrnam(OTHER_GROUP) == NULL) {
        print_message("not root, or no %s:%s here: not tested\n", OTHER_USER, OTHER_GROUP);
        skip();
    }
    const struct passwd who = *found; /* the next look-up reuses its place */
    assert_int_equal(begin(&w, OTHER_USER, OTHER_GROUP), SP_OK);
    assert_int_equal(mode_of(&w), 0660);
    assert_int_equal(meet(&w, other_process(&w, &who)), 0);
    assert_int_equal(w.relays, 1);
    end(&w);
}

/* A member of the group that is not the relay opens the file, and is sent away. */
static void another_user_is_sent_away_though_the_file_let_it_in(void **state)
{
    (void)state;
    struct world w = {0};
    struct passwd *found = getpwnam(OTHER_USER);

    if (geteuid() != 0 || found == NULL || getgrnam(OTHER_GROUP) == NULL) {
        print_message("not root, or no %s:%s here: not tested\n", OTHER_USER, OTHER_GROUP);
        skip();
    }
    const struct passwd who = *found; /* the next look-up reuses its place */
    assert_int_equal(begin(&w, "daemon", OTHER_GROUP), SP_OK);
    assert_int_equal(meet(&w, other_process(&w, &who)), 1);
    assert_int_equal(w.relays, 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_configuration_only_this_user_may_open_the_file),
        cmocka_unit_test(a_user_or_group_that_is_not_there_is_named),
        cmocka_unit_test(the_configured_user_gets_the_sockets),
        cmocka_unit_test(another_user_is_sent_away_though_the_file_let_it_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
