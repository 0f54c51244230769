#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/os/loop.h"
#include "lib/os/pool.h"

#include <semaphore.h>
#include <stdatomic.h>

struct run {
    struct loop *loop;
    atomic_int inside, most, worked;
    int done;
    int expected;
    sem_t gate;
};

static void work_outbound(void *arg)
{
    struct run *r = arg;
    int now = atomic_fetch_add(&r->inside, 1) + 1;

    for (int most = atomic_load(&r->most); now > most;)
        if (atomic_compare_exchange_weak(&r->most, &most, now))
            break;
    sem_wait(&r->gate);
    atomic_fetch_sub(&r->inside, 1);
    atomic_fetch_add(&r->worked, 1);
}

static void open_gate(void *arg)
{
    struct run *r = arg;

    for (int i = 0; i < 4; i++)
        sem_post(&r->gate);
    atomic_fetch_add(&r->worked, 1);
}

static void done(void *arg)
{
    struct run *r = arg;

    assert_true(loop_here(r->loop));
    if (++r->done == r->expected)
        loop_stop(r->loop);
}

/* Four callers wait for an answer that only a plain job gives: with all workers waiting the pool
 * would wait for itself. */
static void outbound_jobs_leave_half_of_the_workers(void **state)
{
    struct run r = {.expected = 5};
    struct pool *p;
    (void)state;

    sem_init(&r.gate, 0, 0);
    assert_int_equal(loop_new(&r.loop), SP_OK);
    assert_int_equal(pool_new(r.loop, 4, &p), SP_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pool_submit(p, POOL_OUTBOUND, work_outbound, done, &r), SP_OK);
    assert_int_equal(pool_submit(p, POOL_PLAIN, open_gate, done, &r), SP_OK);
    loop_run(r.loop);
    assert_int_equal(r.done, 5);
    assert_int_equal(atomic_load(&r.worked), 5);
    assert_true(atomic_load(&r.most) <= 2);
    pool_free(p);
    loop_free(r.loop);
    sem_destroy(&r.gate);
}

/* Whoever still turns the loop at the end of a program may be asked for work by a late client. */
static void a_stopped_pool_takes_no_work_and_is_still_there(void **state)
{
    struct run r = {0};
    struct pool *p;
    (void)state;

    assert_int_equal(loop_new(&r.loop), SP_OK);
    assert_int_equal(pool_new(r.loop, 4, &p), SP_OK);
    pool_stop(p);
    assert_int_equal(pool_submit(p, POOL_PLAIN, open_gate, done, &r), SP_ERR_BUSY);
    pool_stop(p);
    assert_int_equal(pool_waiting(p), 0);
    pool_free(p);
    loop_free(r.loop);
}

static void a_full_queue_says_busy(void **state)
{
    struct run r = {.expected = -1};
    struct pool *p;
    sp_error e = SP_OK;
    int taken = 0;
    (void)state;

    sem_init(&r.gate, 0, 0);
    assert_int_equal(loop_new(&r.loop), SP_OK);
    assert_int_equal(pool_new(r.loop, 2, &p), SP_OK);
    while (taken < 2 * POOL_QUEUE_MAX &&
           (e = pool_submit(p, POOL_OUTBOUND, work_outbound, done, &r)) == SP_OK)
        taken++;
    assert_int_equal(e, SP_ERR_BUSY);
    assert_in_range(taken, POOL_QUEUE_MAX, POOL_QUEUE_MAX + 1);
    for (int i = 0; i < taken; i++)
        sem_post(&r.gate);
    pool_free(p); /* what waits is not run, but every job's end is told */
    assert_int_equal(r.done, taken);
    loop_free(r.loop);
    sem_destroy(&r.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outbound_jobs_leave_half_of_the_workers),
        cmocka_unit_test(a_stopped_pool_takes_no_work_and_is_still_there),
        cmocka_unit_test(a_full_queue_says_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
