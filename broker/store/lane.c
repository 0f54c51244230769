/*
 * The one writer: batches all that waits into one transaction, so that one sync carries many
 * grants. Every job stands in a savepoint of its own; the audit chain is sealed at the end.
 */
#include "broker/store/store_internal.h"

#include "lib/base/failpoint.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct job {
    struct job *next;
    store_work *work;
    void *arg;
    sp_error result;
    bool done;
    pthread_cond_t finished;
};

struct lane {
    struct store *st;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct job *first, **last; /* waiting; jobs live on their callers' stacks */
    size_t waiting;
    bool ending, broken, full;
    uint64_t batches, commits, refused;
};

static void run_job(struct store_tx *tx, struct job *job)
{
    size_t audits = tx->audit_count;
    bool changed = tx->changed;

    job->result = conn_save(tx->conn);
    if (job->result != SP_OK)
        return;
    job->result = job->work(tx, job->arg);
    FAILPOINT("store:job");
    if (job->result == SP_OK)
        job->result = conn_keep(tx->conn);
    if (job->result != SP_OK) {
        conn_undo(tx->conn);
        postings_forget(tx->store);
        tx_audit_cut(tx, audits);
        tx->changed = changed;
    }
}

/* The whole batch, or its error. Jobs that failed by themselves keep their own. */
static sp_error run_batch(struct store_tx *tx, struct job *jobs)
{
    uint64_t seq = 0;
    sp_error e = conn_begin(tx->conn);

    if (e != SP_OK)
        return e;
    for (struct job *j = jobs; j != NULL; j = j->next) {
        run_job(tx, j);
        if (!conn_in_transaction(tx->conn)) /* the engine gave it all up: full disk, bad disk */
            return j->result == SP_OK ? SP_ERR_IO : j->result;
    }
    FAILPOINT("store:seal");
    if ((e = audit_seal(tx, &seq)) == SP_OK) {
        FAILPOINT("store:commit");
        e = conn_commit(tx->conn);
    }
    if (e != SP_OK) {
        conn_rollback(tx->conn);
        return e;
    }
    FAILPOINT("store:committed"); /* durable, and nobody knows */
    for (size_t i = 0; i < tx->audit_count; i++)
        if (tx->audit[i].seq != NULL)
            *tx->audit[i].seq = seq - tx->audit_count + 1 + i;
    return SP_OK;
}

static void note(struct lane *l, sp_error e)
{
    bool was_full = l->full;

    l->full = e == SP_ERR_FULL;
    if (conn_broken(l->st->writer) && !l->broken) {
        l->broken = true;
        log_event(LOG_ERROR, "store.broken",
                  "a sync failed or data is damaged: nothing is granted until a restart", NULL);
    } else if (l->full && !was_full) {
        log_event(LOG_ERROR, "store.full", "no space is left: nothing is granted", NULL);
    } else if (was_full && e == SP_OK) {
        log_event(LOG_INFO, "store.space", "there is space again", NULL);
    }
}

static void serve(struct lane *l, struct job *jobs)
{
    struct store *st = l->st;
    struct store_tx tx = {.store = st, .conn = st->writer, .now = clock_unix()};

    if (st->path == NULL)
        pthread_mutex_lock(&st->lock_readers);
    sp_error e = run_batch(&tx, jobs);
    conn_rollback(st->writer); /* nothing to do after a commit */
    if (e != SP_OK)
        postings_forget(st);
    if (st->path == NULL)
        pthread_mutex_unlock(&st->lock_readers);

    if (e == SP_ERR_BUSY) /* another program holds the file: nobody's own fault, so no 429 */
        e = SP_ERR_TIMEOUT;

    pthread_mutex_lock(&l->lock);
    note(l, e);
    l->batches++;
    while (jobs != NULL) {
        struct job *next = jobs->next; /* jobs is gone once its caller knows */
        if (e != SP_OK)
            jobs->result = e;
        l->commits += jobs->result == SP_OK;
        l->refused += jobs->result != SP_OK;
        jobs->done = true;
        pthread_cond_signal(&jobs->finished);
        jobs = next;
    }
    pthread_mutex_unlock(&l->lock);

    if (e == SP_OK && tx.changed) {
        pthread_mutex_lock(&st->lock_wake);
        if (st->wake != NULL)
            st->wake(st->wake_arg);
        pthread_mutex_unlock(&st->lock_wake);
    }
    tx_deinit(&tx);
    conn_checkpoint(st->writer, false);
}

/* Takes up to LANE_BATCH_MAX jobs; the lock is held. */
static struct job *take(struct lane *l)
{
    struct job *first = l->first, **cut = &l->first;

    for (size_t n = 0; n < LANE_BATCH_MAX && *cut != NULL; n++) {
        cut = &(*cut)->next;
        l->waiting--;
    }
    l->first = *cut;
    *cut = NULL;
    if (l->first == NULL)
        l->last = &l->first;
    return first;
}

static void *lane_main(void *arg)
{
    struct lane *l = arg;

    pthread_mutex_lock(&l->lock);
    for (;;) {
        while (l->first == NULL && !l->ending)
            pthread_cond_wait(&l->more, &l->lock);
        if (l->first == NULL)
            break;
        struct job *jobs = take(l);
        pthread_mutex_unlock(&l->lock);
        serve(l, jobs);
        pthread_mutex_lock(&l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* Takes a job that nobody has begun out of the queue; the lock is held. */
static bool withdraw(struct lane *l, struct job *job)
{
    for (struct job **at = &l->first; *at != NULL; at = &(*at)->next)
        if (*at == job) {
            *at = job->next;
            if (job->next == NULL)
                l->last = at;
            l->waiting--;
            return true;
        }
    return false;
}

static sp_error wait_for(struct lane *l, struct job *job)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STORE_DEADLINE_MS / 1000;
    while (!job->done) {
        int rc = pthread_cond_timedwait(&job->finished, &l->lock, &until);
        if (rc == ETIMEDOUT && !job->done && withdraw(l, job)) {
            l->refused++;
            return SP_ERR_TIMEOUT;
        }
        if (rc == ETIMEDOUT) /* it is under way and uses arg: its end must be waited for */
            until.tv_sec += STORE_DEADLINE_MS / 1000;
    }
    return job->result;
}

static sp_error cond_new(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    bool ok = pthread_condattr_init(&attr) == 0 &&
              pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(c, &attr) == 0;

    pthread_condattr_destroy(&attr);
    return ok ? SP_OK : SP_ERR_NOMEM;
}

sp_error lane_commit(struct lane *l, store_work *work, void *arg)
{
    struct job job = {.work = work, .arg = arg};
    sp_error e = cond_new(&job.finished);

    if (e != SP_OK)
        return e;
    pthread_mutex_lock(&l->lock);
    if (l->broken || l->ending) {
        e = SP_ERR_IO;
        l->refused++;
    } else if (l->waiting >= LANE_WAITERS_MAX) {
        e = SP_ERR_TIMEOUT;
        l->refused++;
    } else {
        *l->last = &job;
        l->last = &job.next;
        l->waiting++;
        pthread_cond_signal(&l->more);
        e = wait_for(l, &job);
    }
    pthread_mutex_unlock(&l->lock);
    pthread_cond_destroy(&job.finished);
    return e;
}

void lane_health(const struct lane *l, struct store_health *out)
{
    struct lane *mine = (struct lane *)l; /* the lock is no part of its value */

    pthread_mutex_lock(&mine->lock);
    *out = (struct store_health){.broken = l->broken,
                                 .full = l->full,
                                 .waiting = l->waiting,
                                 .batches = l->batches,
                                 .commits = l->commits,
                                 .refused = l->refused};
    pthread_mutex_unlock(&mine->lock);
}

sp_error lane_new(struct store *st, struct lane **out)
{
    struct lane *l = calloc(1, sizeof *l);

    if (l == NULL)
        return SP_ERR_NOMEM;
    l->st = st;
    l->last = &l->first;
    pthread_mutex_init(&l->lock, NULL); /* cannot fail with default attributes on Linux */
    pthread_cond_init(&l->more, NULL);
    if (pthread_create(&l->thread, NULL, lane_main, l) != 0) {
        free(l);
        return SP_ERR_NOMEM;
    }
    *out = l;
    return SP_OK;
}

void lane_free(struct lane *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->ending = true;
    pthread_cond_signal(&l->more);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    pthread_cond_destroy(&l->more);
    pthread_mutex_destroy(&l->lock);
    free(l);
}
