#include "connector/gateway/detect/usual_internal.h"
#include "connector/gateway/sketch/ewma.h"

/*
 * Carrying data away: what a user got from an endpoint in this hour against that user's own hours
 * and those of the user's groups. Both must find it unusual, and it must be much.
 */

enum {
    RECORDS_FLOOR = 2000,
    OWN_MIN = 10,   /* hours before the user's own habit counts; until then the peers alone */
    PEERS_MIN = 20, /* hours of a group */
    WEEKS = 6,      /* peaks kept; those of the last two weeks excuse nothing */
    WEEKS_FRESH = 2
};
static const uint64_t bytes_floor = (uint64_t)20 << 20;
static const double least_deviation = 0.5, z_min = 6;

struct amount {
    uint64_t now;
    struct ewma usual;
    float peaks[WEEKS]; /* largest hour of each week, log2(1+x); [0] is this week */
};

struct volume {
    sp_unix_ms hour, week;
    struct amount bytes, records;
};

struct peers {
    struct ewma bytes, records;
};

size_t exfiltration_record(enum table t)
{
    return t == TABLE_VOLUMES ? sizeof(struct volume) : sizeof(struct peers);
}

static double log_of(uint64_t n)
{
    struct ewma one = {0};

    ewma_add(&one, n);
    return (double)one.mean;
}

static void end_amount(struct amount *a)
{
    double x = log_of(a->now);

    if (a->now == 0)
        return;
    if (x > (double)a->peaks[0])
        a->peaks[0] = (float)x;
    ewma_add(&a->usual, a->now);
    a->now = 0;
}

static void add_hour(struct peers *p, const struct volume *v)
{
    if (v->bytes.now > 0)
        ewma_add(&p->bytes, v->bytes.now);
    if (v->records.now > 0)
        ewma_add(&p->records, v->records.now);
}

static void end_hour(struct detect *d, const struct observation *o, struct volume *v)
{
    for (size_t i = 0; i < o->group_count && i < DETECT_GROUPS_MAX; i++) {
        uint64_t key = detect_mix(o->groups[i], o->endpoint);
        struct peers *note = usual_note(d, NOTE_HOURS, key, o->at);
        add_hour(slots_take(d->tables[TABLE_PEERS], key, o->at, NULL), v);
        if (note != NULL)
            add_hour(note, v);
    }
    end_amount(&v->bytes);
    end_amount(&v->records);
}

static void next_week(struct amount *a)
{
    memmove(&a->peaks[1], &a->peaks[0], (WEEKS - 1) * sizeof a->peaks[0]);
    a->peaks[0] = 0;
}

static void turn_clock(struct detect *d, const struct observation *o, struct volume *v)
{
    sp_unix_ms hour = o->at / HOUR_MS, week = o->at / (7 * (sp_unix_ms)DAY_MS);

    if (v->hour != 0 && v->hour != hour)
        end_hour(d, o, v);
    for (; v->week != 0 && v->week < week; v->week++) {
        if (since(week, v->week) > WEEKS)
            v->week = week - WEEKS;
        next_week(&v->bytes);
        next_week(&v->records);
    }
    v->hour = hour;
    v->week = week;
}

/* A month-end report that was as large a month ago is no news. */
static bool had_such_a_peak(const struct amount *a)
{
    double x = log_of(a->now);

    for (size_t i = WEEKS_FRESH; i < WEEKS; i++)
        if (a->peaks[i] > 0 && x <= (double)a->peaks[i] + 1)
            return true;
    return false;
}

/* The smallest z of all that have a habit; 0: nobody has one. */
static double least_z(struct detect *d, const struct observation *o, const struct amount *a,
                      bool bytes)
{
    double z = a->usual.count >= OWN_MIN ? ewma_z(&a->usual, a->now, least_deviation) : -1;
    double peers_z = -1;

    for (size_t i = 0; i < o->group_count && i < DETECT_GROUPS_MAX; i++) {
        const struct peers *p =
            slots_find(d->tables[TABLE_PEERS], detect_mix(o->groups[i], o->endpoint));
        const struct ewma *e = p == NULL ? NULL : bytes ? &p->bytes : &p->records;
        if (e == NULL || e->count < PEERS_MIN)
            continue;
        double one = ewma_z(e, a->now, least_deviation);
        peers_z = peers_z < 0 || one < peers_z ? one : peers_z;
    }
    if (peers_z >= 0 && (z < 0 || peers_z < z))
        z = peers_z;
    return z < 0 ? 0 : z;
}

static bool judge(struct detect *d, const struct observation *o, const struct amount *a, bool bytes,
                  struct finding *f)
{
    if (a->now < (bytes ? bytes_floor : (uint64_t)RECORDS_FLOOR) || had_such_a_peak(a))
        return false;
    double z = least_z(d, o, a, bytes);
    if (z < z_min)
        return false;
    f->score = z;
    f->threshold = z_min;
    if (bytes)
        finding_say(f, "got %.1f MiB in this hour; %.1f MiB are usual for this user",
                    (double)a->now / (1 << 20), ewma_mean(&a->usual) / (1 << 20));
    else
        finding_say(f, "got %llu records in this hour; %.0f are usual for this user",
                    (unsigned long long)a->now, ewma_mean(&a->usual));
    finding_say(f, "%.1f deviations above the user's own %u hours and above those of the groups", z,
                a->usual.count);
    return true;
}

bool exfiltration_see(struct detect *d, const struct observation *o, struct finding *f)
{
    if (o->endpoint == 0 || o->status / 100 != 2)
        return false;

    struct volume *v =
        slots_take(d->tables[TABLE_VOLUMES], detect_mix(o->user, o->endpoint), o->at, NULL);
    turn_clock(d, o, v);
    v->bytes.now += o->bytes;
    v->records.now += o->records;
    *f = (struct finding){.detector = DETECTOR_EXFILTRATION,
                          .statistic = true,
                          .block_ms = HOUR_MS - o->at % HOUR_MS};
    return judge(d, o, &v->bytes, true, f) || judge(d, o, &v->records, false, f);
}

/* Told: of bytes, then of records: count (4), mean and deviation (4 each, in 65,536ths). ------ */

static const float fraction = 65536, log_max = 64;

/* Any float; what is no such mean is 0. */
static uint64_t fixed(float x)
{
    if (!(x > 0))
        return 0;
    return (uint64_t)((x < log_max ? x : log_max) * fraction);
}

static void write_amount(const struct ewma *e, struct buf *out)
{
    buf_add_uint(out, e->count, 4);
    buf_add_uint(out, fixed(e->mean), 4);
    buf_add_uint(out, fixed(e->deviation), 4);
}

static void write_hours(const void *note, struct buf *out)
{
    const struct peers *p = note;

    write_amount(&p->bytes, out);
    write_amount(&p->records, out);
}

static float read_fixed(struct cursor *body)
{
    uint64_t n = cur_uint(body, 4);

    if (n > (uint64_t)(log_max * fraction))
        cur_fail(body, SP_ERR_MALFORMED);
    return (float)n / fraction;
}

static void read_hours(struct cursor *body, void *note)
{
    struct peers *p = note;
    struct ewma *const both[] = {&p->bytes, &p->records};

    for (size_t i = 0; i < 2; i++) {
        both[i]->count = (uint32_t)cur_uint(body, 4);
        both[i]->mean = read_fixed(body);
        both[i]->deviation = read_fixed(body);
    }
}

static void merge_hours(struct detect *d, uint64_t key, const void *note, sp_unix_ms now)
{
    struct peers *p = slots_take(d->tables[TABLE_PEERS], key, now, NULL);
    const struct peers *told = note;

    ewma_merge(&p->bytes, &told->bytes);
    ewma_merge(&p->records, &told->records);
}

const struct usual_kind usual_hours = {2048, sizeof(struct peers), write_hours, read_hours,
                                       merge_hours};
