#include "lib/os/pool.h"
#include "lib/os/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct job {
    struct pool *pool; /* borrowed */
    enum pool_kind kind;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
    struct job *next;
};

struct queue {
    struct job *first, **last;
    size_t waiting;
};

struct pool {
    struct loop *loop;  /* borrowed */
    pthread_t *threads; /* owned */
    unsigned count, started;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t ready;
    struct queue queues[2]; /* by enum pool_kind */
    unsigned outbound;      /* workers in such a job */
    bool ending;
};

static struct job *take(struct queue *q)
{
    struct job *j = q->first;

    if (j == NULL)
        return NULL;
    q->first = j->next;
    if (q->first == NULL)
        q->last = &q->first;
    q->waiting--;
    return j;
}

/* Plain jobs first: they are short, and an outbound one may wait for the answer of one of them. */
static struct job *next_job(struct pool *p)
{
    struct job *j = take(&p->queues[POOL_PLAIN]);

    if (j == NULL && p->outbound < p->count / 2 && (j = take(&p->queues[POOL_OUTBOUND])) != NULL)
        p->outbound++;
    return j;
}

static void finish(void *arg)
{
    struct job *j = arg;

    if (j->done != NULL)
        j->done(j->arg);
    free(j);
}

static void *worker(void *arg)
{
    struct pool *p = arg;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct job *j = NULL;
        while (!p->ending && (j = next_job(p)) == NULL)
            pthread_cond_wait(&p->ready, &p->lock);
        if (j == NULL)
            break;

        enum pool_kind kind = j->kind;
        pthread_mutex_unlock(&p->lock);
        j->work(j->arg);
        while (loop_post(p->loop, finish, j) != SP_OK)
            ; /* no memory for one list element: someone else's end will give it back */
        pthread_mutex_lock(&p->lock);
        if (kind == POOL_OUTBOUND) {
            p->outbound--;
            if (p->queues[POOL_OUTBOUND].waiting > 0) /* its turn, should this worker find better */
                pthread_cond_signal(&p->ready);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Signals belong to the loop's thread. */
static sp_error start_threads(struct pool *p)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->started < p->count && pthread_create(&p->threads[p->started], NULL, worker, p) == 0)
        p->started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p->started == p->count ? SP_OK : SP_ERR_IO;
}

sp_error pool_new(struct loop *loop, unsigned workers, struct pool **out)
{
    struct pool *p = calloc(1, sizeof *p);

    if (p == NULL || (p->threads = calloc(workers, sizeof *p->threads)) == NULL) {
        free(p);
        return SP_ERR_NOMEM;
    }
    p->loop = loop;
    p->count = workers;
    for (size_t k = 0; k < 2; k++)
        p->queues[k].last = &p->queues[k].first;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->ready, NULL);

    sp_error e = start_threads(p);
    if (e != SP_OK) {
        pool_free(p);
        return e;
    }
    *out = p;
    return SP_OK;
}

void pool_stop(struct pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->ready);
    pthread_mutex_unlock(&p->lock);
    for (unsigned t = 0; t < p->started; t++)
        pthread_join(p->threads[t], NULL);
    p->started = 0;

    loop_turn(p->loop, false); /* the ends that workers posted */
    for (size_t k = 0; k < 2; k++)
        for (struct job *j; (j = take(&p->queues[k])) != NULL;)
            finish(j);
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    pool_stop(p);
    pthread_cond_destroy(&p->ready);
    pthread_mutex_destroy(&p->lock);
    free(p->threads);
    free(p);
}

sp_error pool_submit(struct pool *p, enum pool_kind kind, void (*work)(void *arg),
                     void (*done)(void *arg), void *arg)
{
    struct job *j = calloc(1, sizeof *j);
    sp_error e = SP_OK;

    if (j == NULL)
        return SP_ERR_NOMEM;
    *j = (struct job){.pool = p, .kind = kind, .work = work, .done = done, .arg = arg};
    pthread_mutex_lock(&p->lock);
    struct queue *q = &p->queues[kind];
    if (p->ending || q->waiting >= POOL_QUEUE_MAX) {
        e = SP_ERR_BUSY;
    } else {
        *q->last = j;
        q->last = &j->next;
        q->waiting++;
        pthread_cond_signal(&p->ready);
    }
    pthread_mutex_unlock(&p->lock);
    if (e != SP_OK)
        free(j);
    return e;
}

size_t pool_waiting(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    size_t n = p->queues[POOL_PLAIN].waiting + p->queues[POOL_OUTBOUND].waiting;
    pthread_mutex_unlock(&p->lock);
    return n;
}
