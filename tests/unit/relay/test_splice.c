/* splice_linux.c: bytes between two sockets inside the kernel, with pipes of a pool. */
#include "relay/splice.h"

#include "lib/os/sock.h"
#include "lib/tunnel/thread.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* One direction: what the test writes into `in` comes out of `out`. */
struct lane {
    struct house *house;
    struct drive from, to;
    struct splice splice;
    int in, out; /* the test's ends */
    sp_error end;
    bool over;
};

struct house {
    struct loop *loop;
    struct tunnel_thread *thread;
    struct splices *pool;
};

static void tcp_pair(int fds[2])
{
    struct address a;
    int listener;

    check_ok(address_parse(view_str("127.0.0.1:0"), &a));
    check_ok(sock_listen(&a, NULL, &listener));
    check_ok(sock_local(listener, &a));
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&a.at, a.len), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    fds[1] = -1;
    while (sock_accept(listener, &fds[1], NULL) == SP_ERR_AGAIN)
        usleep(100);
    close(listener);
}

static void move(void *arg)
{
    struct lane *l = arg;
    sp_error e = l->over ? SP_OK : splice_move(&l->splice);

    if (e != SP_OK) {
        l->over = true;
        l->end = e;
    }
}

static const struct drive_raw raw = {move, move};

static void nothing(void *arg)
{
    (void)arg;
}

static void socket_ended(void *arg, sp_error e)
{
    struct lane *l = arg;

    if (!l->over) {
        l->over = true;
        l->end = e;
    }
}

static const struct drive_hooks hooks = {nothing, nothing, socket_ended};

static void house_init(struct house *h)
{
    signal(SIGPIPE, SIG_IGN);
    check_ok(loop_new(&h->loop));
    check_ok(tunnel_thread_new(&h->thread));
    check_ok(splices_new(&h->pool));
}

static void house_deinit(struct house *h)
{
    splices_free(h->pool);
    loop_free(h->loop);
    tunnel_thread_free(h->thread);
}

static void lane_init(struct house *h, struct lane *l)
{
    int in[2], out[2];

    *l = (struct lane){.house = h};
    tcp_pair(in);
    tcp_pair(out);
    l->in = in[0];
    l->out = out[0];
    check_ok(drive_start(&l->from, h->loop, h->thread, in[1], &hooks, l));
    check_ok(drive_start(&l->to, h->loop, h->thread, out[1], &hooks, l));
    drive_raw(&l->from, &raw, l, true, false);
    drive_raw(&l->to, &raw, l, false, true);
    drive_reading(&l->to, false);
    splice_begin(&l->splice, h->pool, &l->from, &l->to);
}

static void lane_deinit(struct lane *l)
{
    splice_end(&l->splice);
    drive_stop(&l->from, false);
    drive_stop(&l->to, false);
    close(l->in);
    close(l->out);
}

static void turns(struct house *h, int n)
{
    while (n-- > 0) {
        usleep(200);
        loop_turn(h->loop, false);
    }
}

/* Writes until the way takes no more; how many bytes it took. */
static size_t fill(struct lane *l)
{
    static uint8_t block[65536];
    size_t n = 0;

    for (int idle = 0; idle < 30;) {
        ssize_t got = write(l->in, block, sizeof block);
        n += got > 0 ? (size_t)got : 0;
        idle = got > 0 ? 0 : idle + 1;
        turns(l->house, 1);
    }
    return n;
}

static size_t empty(struct lane *l, size_t want)
{
    static uint8_t block[65536];
    size_t n = 0;

    for (int idle = 0; idle < 4000 && n < want;) {
        ssize_t got = read(l->out, block, sizeof block);
        n += got > 0 ? (size_t)got : 0;
        idle = got > 0 ? 0 : idle + 1;
        turns(l->house, 1);
    }
    return n;
}

static void CT_8_an_idle_direction_holds_no_pipe(void **state)
{
    struct house h;
    struct lane l;
    char got[4];
    (void)state;

    house_init(&h);
    lane_init(&h, &l);
    check(l.splice.pipe == NULL);
    assert_int_equal(write(l.in, "word", 4), 4);
    turns(&h, 20);
    assert_int_equal(read(l.out, got, 4), 4);
    assert_memory_equal(got, "word", 4);
    check(l.splice.pipe == NULL);
    assert_int_equal(l.splice.bytes, 4);
    lane_deinit(&l);
    house_deinit(&h);
}

static void CT_8_a_stalled_reader_holds_one_pipe_and_no_more(void **state)
{
    struct house h;
    struct lane l;
    (void)state;

    house_init(&h);
    lane_init(&h, &l);
    size_t sent = fill(&l);
    check(splice_held(&l.splice) > 0);
    check(splice_held(&l.splice) <= SPLICE_PIPE_BYTES);
    check(!l.from.reading); /* the sender is stopped: its own kernel holds what is left */
    assert_int_equal(empty(&l, sent), sent);
    assert_int_equal(l.splice.bytes, sent);
    check(l.splice.pipe == NULL && l.from.reading);
    assert_int_equal(write(l.in, "on", 2), 2); /* and it goes on */
    assert_int_equal(empty(&l, 2), 2);
    lane_deinit(&l);
    house_deinit(&h);
}

static void CT_8_FIN_is_passed_on_behind_the_last_byte(void **state)
{
    struct house h;
    struct lane l;
    char got[8];
    (void)state;

    house_init(&h);
    lane_init(&h, &l);
    size_t sent = fill(&l); /* FIN comes while the reader stalls */
    shutdown(l.in, SHUT_WR);
    turns(&h, 20);
    check(!l.over);
    assert_int_equal(empty(&l, sent), sent);
    turns(&h, 50);
    check(l.over);
    assert_int_equal(l.end, SP_ERR_CLOSED);
    assert_int_equal(read(l.out, got, sizeof got), 0);
    lane_deinit(&l);
    house_deinit(&h);
}

static void a_reader_that_is_gone_ends_the_direction(void **state)
{
    struct house h;
    struct lane l;
    (void)state;

    house_init(&h);
    lane_init(&h, &l);
    sock_reset(l.out);
    l.out = dup(0);
    turns(&h, 10);
    (void)fill(&l);
    check(l.over);
    check(l.end != SP_OK && l.end != SP_ERR_CLOSED);
    lane_deinit(&l);
    house_deinit(&h);
}

/* All pipes are with stalled directions: another one waits, unread, until the first comes back. */
static void CT_8_without_a_pipe_a_direction_waits_and_others_go_on(void **state)
{
    struct house h;
    struct lane *lanes = calloc(SPLICE_PIPES_MAX + 2, sizeof *lanes), *late;
    (void)state;

    assert_non_null(lanes);
    house_init(&h);
    for (int i = 0; i < SPLICE_PIPES_MAX + 2; i++) {
        int small = 4096;
        lane_init(&h, &lanes[i]);
        setsockopt(lanes[i].to.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        setsockopt(lanes[i].out, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    for (int i = 0; i < SPLICE_PIPES_MAX; i++) {
        static uint8_t block[512 * 1024];
        for (size_t n = 0; n < sizeof block && splice_held(&lanes[i].splice) == 0;) {
            ssize_t got = write(lanes[i].in, block, sizeof block - n);
            n += got > 0 ? (size_t)got : 0;
            turns(&h, 1);
        }
        check(splice_held(&lanes[i].splice) > 0);
    }
    late = &lanes[SPLICE_PIPES_MAX];
    for (int i = 0; i < 2; i++)
        assert_int_equal(write(late[i].in, "late", 4), 4);
    turns(&h, 50);
    for (int i = 0; i < 2; i++) {
        check(late[i].splice.pipe == NULL && late[i].splice.waiting_at != NULL);
        check(!late[i].from.reading); /* it waits without spinning */
        assert_int_equal(late[i].splice.bytes, 0);
    }
    sp_boot_ms until = clock_boot() + 10 * 1000;
    while (late[1].splice.bytes < 4 && clock_boot() < until)
        (void)empty(&lanes[0], 1); /* one reader wakes up: its pipe goes round */
    for (int i = 0; i < 2; i++)
        assert_int_equal(empty(&late[i], 4), 4);
    /* a cut pair's bytes are nobody's: its pipe is not used again with them */
    check(splice_held(&lanes[1].splice) > 0);
    splice_end(&lanes[1].splice);
    assert_int_equal(write(late[0].in, "more", 4), 4);
    assert_int_equal(empty(&late[0], 4), 4);
    for (int i = 0; i < SPLICE_PIPES_MAX + 2; i++)
        lane_deinit(&lanes[i]);
    free(lanes);
    house_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(CT_8_an_idle_direction_holds_no_pipe),
        cmocka_unit_test(CT_8_a_stalled_reader_holds_one_pipe_and_no_more),
        cmocka_unit_test(CT_8_FIN_is_passed_on_behind_the_last_byte),
        cmocka_unit_test(a_reader_that_is_gone_ends_the_direction),
        cmocka_unit_test(CT_8_without_a_pipe_a_direction_waits_and_others_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
