/* Both ends in one process: the agent's on the test's loop, the program's in a thread. */
#include "client/ipc/ipc.h"
#include "client/ipc/lines.h"
#include "lib/os/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[IPC_PATH_MAX];
static struct loop *loop;
static struct ipc_server *server;
static int asked, gone;
static atomic_int taken_fd; /* written by the loop, read by the test beside it */
static struct buf early;

static void on_asked(void *arg, struct ipc_peer *peer, const struct json *request)
{
    struct view verb = json_str(json_get(request, "do"));

    (void)arg;
    asked++;
    if (view_is(verb, "echo")) {
        struct json *event = json_object(), *end = json_object();
        json_set_cstr(event, "event", "step");
        ipc_peer_event(peer, event);
        json_set_bool(end, "ok", true);
        json_set_str(end, "said", json_str(json_get(request, "say")));
        ipc_peer_end(peer, end);
    } else if (view_is(verb, "stream")) {
        struct json *ok = json_object();
        json_set_bool(ok, "ok", true);
        int fd = -1;
        assert_int_equal(ipc_peer_take(peer, ok, &early, &fd), SP_OK);
        taken_fd = fd;
    }
}

static void on_gone(void *arg, struct ipc_peer *peer)
{
    (void)arg, (void)peer;
    gone++;
}

static const struct ipc_handlers handlers = {on_asked, on_gone};

static int start(void **state)
{
    (void)state;
    asked = gone = 0;
    taken_fd = -1;
    buf_init(&early, 4096);
    snprintf(dir, sizeof dir, "/tmp/sp-ipc.XXXXXX");
    if (mkdtemp(dir) == NULL || loop_new(&loop) != SP_OK)
        return -1;
    snprintf(path, sizeof path, "%s/run/agent.sock", dir);
    return ipc_server_new(loop, path, &handlers, NULL, NULL, &server) == SP_OK ? 0 : -1;
}

static int stop(void **state)
{
    char folder[IPC_PATH_MAX];
    (void)state;
    ipc_server_free(server);
    server = NULL;
    loop_free(loop);
    if (taken_fd >= 0)
        close(taken_fd);
    buf_deinit(&early);
    snprintf(folder, sizeof folder, "%s/run", dir);
    rmdir(folder);
    return rmdir(dir);
}

/* Runs `fn` in a thread and the loop here until it is over. */
struct job {
    void (*fn)(void);
    pthread_t thread;
};

static void *job_run(void *arg)
{
    ((struct job *)arg)->fn();
    loop_stop(loop);
    return NULL;
}

static void beside_loop(void (*fn)(void))
{
    struct job job = {.fn = fn};

    assert_int_equal(pthread_create(&job.thread, NULL, job_run, &job), 0);
    loop_run(loop);
    pthread_join(job.thread, NULL);
    for (int i = 0; i < 20; i++)
        loop_turn(loop, false);
}

static struct json *request(const char *verb)
{
    struct json *j = json_object();

    json_set_cstr(j, "do", verb);
    return j;
}

static sp_error result;
static struct json *answers[2];

static void ask_echo(void)
{
    struct ipc_client *c = NULL;
    struct json *q = request("echo");

    json_set_cstr(q, "say", "grüß dich");
    if ((result = ipc_client_new(path, &c)) == SP_OK && (result = ipc_client_ask(c, q)) == SP_OK &&
        (result = ipc_client_read(c, 2000, &answers[0])) == SP_OK)
        result = ipc_client_read(c, 2000, &answers[1]);
    ipc_client_free(c);
}

static void events_come_before_the_one_end(void **state)
{
    (void)state;
    beside_loop(ask_echo);
    assert_int_equal(result, SP_OK);
    assert_true(view_is(json_str(json_get(answers[0], "event")), "step"));
    assert_true(json_is_true(json_get(answers[1], "ok")));
    assert_true(view_is(json_str(json_get(answers[1], "said")), "grüß dich"));
    json_free(answers[0]);
    json_free(answers[1]);
    assert_int_equal(gone, 1);
}

static void hang_up(void)
{
    struct ipc_client *c = NULL;

    if ((result = ipc_client_new(path, &c)) == SP_OK)
        result = ipc_client_ask(c, request("wait"));
    usleep(20000);
    ipc_client_free(c);
    usleep(20000);
}

static void a_program_that_hangs_up_is_told(void **state)
{
    (void)state;
    beside_loop(hang_up);
    assert_int_equal(result, SP_OK);
    assert_int_equal(asked, 1);
    assert_int_equal(gone, 1);
}

static const char *raw_text;
static size_t raw_len;

static void send_raw(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char c;

    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    result = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 ? SP_OK : SP_ERR_IO;
    for (size_t at = 0; at < raw_len;) {
        ssize_t n = send(fd, raw_text + at, raw_len - at, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    if (recv(fd, &c, 1, 0) > 0)
        result = SP_ERR_PROTOCOL; /* it must be closed without an answer */
    close(fd);
}

static void what_is_no_request_is_closed_without_an_answer(void **state)
{
    static char long_line[IPC_LINE_MAX + 64];
    static const char *const lines[] = {"{\"v\":2,\"do\":\"echo\"}\n", "{\"do\":\"echo\"}\n",
                                        "[1]\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "{\n"};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        raw_text = lines[i];
        raw_len = strlen(lines[i]);
        beside_loop(send_raw);
        assert_int_equal(result, SP_OK);
    }
    memset(long_line, 'a', sizeof long_line);
    raw_text = long_line;
    raw_len = sizeof long_line;
    beside_loop(send_raw);
    assert_int_equal(result, SP_OK);
    assert_int_equal(asked, 0);
}

static char streamed[16];

static void stream(void)
{
    struct ipc_client *c = NULL;
    struct json *answer = NULL;
    struct buf rest;
    int fd = -1;

    buf_init(&rest, 4096);
    if ((result = ipc_client_new(path, &c)) == SP_OK &&
        (result = ipc_client_ask(c, request("stream"))) == SP_OK &&
        (result = ipc_client_read(c, 2000, &answer)) == SP_OK &&
        (result = ipc_client_take(c, &rest, &fd)) == SP_OK && write(fd, "up", 2) == 2) {
        for (int i = 0; i < 1000 && taken_fd < 0; i++)
            usleep(10000);
        ssize_t n = read(taken_fd, streamed, sizeof streamed - 1);
        streamed[n < 0 ? 0 : n] = '\0';
    }
    if (fd >= 0)
        close(fd);
    json_free(answer);
    buf_deinit(&rest);
    ipc_client_free(c);
}

static void a_verb_can_take_the_connection_over(void **state)
{
    (void)state;
    beside_loop(stream);
    assert_int_equal(result, SP_OK);
    assert_string_equal(streamed, "up");
    assert_int_equal(gone, 0);
}

static void TM_14_the_socket_is_the_owners_alone(void **state)
{
    struct ipc_server *second = NULL;
    struct sp_why why = {0};
    char other[IPC_PATH_MAX], folder[IPC_PATH_MAX];
    struct stat st;

    (void)state;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(ipc_server_new(loop, path, &handlers, NULL, &why, &second), SP_ERR_EXISTS);

    snprintf(folder, sizeof folder, "%s/open", dir);
    snprintf(other, sizeof other, "%s/open/agent.sock", dir);
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(ipc_server_new(loop, other, &handlers, NULL, &why, &second),
                     SP_ERR_PERMISSION);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(symlink("run", folder), 0);
    assert_int_equal(ipc_server_new(loop, other, &handlers, NULL, &why, &second),
                     SP_ERR_PERMISSION);
    assert_int_equal(unlink(folder), 0);
}

static void a_dead_agents_socket_is_replaced(void **state)
{
    struct ipc_client *c = NULL;
    (void)state;
    ipc_server_free(server);
    server = NULL;
    assert_int_equal(ipc_client_new(path, &c), SP_ERR_UNREACHABLE);

    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    close(fd); /* the file stays, as after kill -9 */
    assert_int_equal(ipc_server_new(loop, path, &handlers, NULL, NULL, &server), SP_OK);
    beside_loop(ask_echo);
    assert_int_equal(result, SP_OK);
    json_free(answers[0]);
    json_free(answers[1]);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(events_come_before_the_one_end),
        WITH_SERVER(a_program_that_hangs_up_is_told),
        WITH_SERVER(what_is_no_request_is_closed_without_an_answer),
        WITH_SERVER(a_verb_can_take_the_connection_over),
        WITH_SERVER(TM_14_the_socket_is_the_owners_alone),
        WITH_SERVER(a_dead_agents_socket_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
