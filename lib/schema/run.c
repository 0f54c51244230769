#include "lib/schema/run.h"

#include "lib/schema/run_internal.h"

#include <stdio.h>
#include <time.h>

#include "lib/base/banned.h"

enum { SHORT_TEXT = 200, SEARCH_BYTES_MAX = 256 * 1024, NS_A_MS = 1000000 };

/* ---- faults ---- */

static size_t put(char *out, size_t at, const char *text, size_t len)
{
    for (size_t i = 0; i < len && at < SCHEMA_POINTER_MAX; i++)
        out[at++] = text[i];
    return at;
}

/* A name as a reference token. */
static size_t put_name(char *out, size_t at, struct view name)
{
    at = put(out, at, "/", 1);
    for (size_t i = 0; i < name.len && at < SCHEMA_POINTER_MAX; i++) {
        if (name.at[i] == '~' || name.at[i] == '/')
            at = put(out, at, name.at[i] == '~' ? "~0" : "~1", 2);
        else
            at = put(out, at, (const char *)name.at + i, 1);
    }
    return at;
}

static size_t put_place(char *out, const struct place *p, size_t at)
{
    char digits[24];

    if (p == NULL)
        return at;
    at = put_place(out, p->up, at); /* as deep as the value: VALUE_DEPTH_MAX */
    if (p->name != NULL)
        return put_name(out, at, value_text_of(p->name));
    int len = snprintf(digits, sizeof digits, "/%zu", p->index);
    return put(out, at, digits, len < 0 ? 0 : (size_t)len);
}

static void end_pointer(char *out, size_t at)
{
    static const char cut[] = "\xE2\x80\xA6"; /* … */

    if (at >= SCHEMA_POINTER_MAX) {
        at = SCHEMA_POINTER_MAX - sizeof cut;
        while (at > 0 && ((uint8_t)out[at] & 0xC0) == 0x80)
            at--; /* never half a character */
        at = put(out, at, cut, sizeof cut - 1);
    }
    out[at] = '\0';
}

static struct schema_fault *next_fault(struct schema_report *report, const char *in,
                                       const char *keyword)
{
    if (report->count == SCHEMA_FAULTS_MAX)
        return NULL;
    struct schema_fault *f = &report->faults[report->count++];
    f->in = in;
    f->keyword = keyword;
    f->pointer[0] = '\0';
    return f;
}

void report_fault(struct schema_report *report, enum schema_verdict v, const char *in,
                  struct view name, const char *keyword)
{
    struct schema_fault *f = next_fault(report, in, keyword);

    if (report->verdict == SCHEMA_REFUSED || report->verdict >= SCHEMA_UNCHECKED)
        report->verdict = v;
    if (f != NULL && name.at != NULL)
        end_pointer(f->pointer, put_name(f->pointer, 0, name));
}

bool run_fault(struct run *r, const struct place *at, const char *keyword)
{
    if (r->quiet > 0)
        return false;
    struct schema_fault *f = next_fault(r->report, r->w->in, keyword);
    if (f != NULL) {
        size_t len = r->w->name.at != NULL ? put_name(f->pointer, 0, r->w->name) : 0;
        end_pointer(f->pointer, put_place(f->pointer, at, len));
    }
    return false;
}

/* ---- going on ---- */

void marks_all(struct marks *m)
{
    for (size_t i = 0; i < m->count; i++)
        marks_set(m, i);
}

static bool marks_new(struct run *r, yyjson_val *v, struct marks *m)
{
    size_t count = unsafe_yyjson_is_ctn(v) ? unsafe_yyjson_get_len(v) : 0;

    *m = (struct marks){.count = count};
    m->bits = scratch_zeroed(r->scratch, count / 64 + 1, sizeof *m->bits);
    return m->bits != NULL || run_stop(r, SCHEMA_NOMEM);
}

static void marks_join(struct marks *to, const struct marks *from)
{
    if (to == NULL)
        return;
    to->described |= from->described;
    for (size_t i = 0; i < to->count / 64 + 1; i++)
        to->bits[i] |= from->bits[i];
}

static int64_t clock_ns(clockid_t id)
{
    struct timespec t = {0};

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 * NS_A_MS + t.tv_nsec;
}

/* Processor time is asked for with a system call, the coarse clock without one. So the former waits
 * until the latter has moved or a text is long; what is not counted is a tick of that clock and one
 * match of a short text. */
static void time_begins(struct run *r, struct view text)
{
    if (r->pattern_began == 0)
        r->pattern_began = clock_ns(CLOCK_MONOTONIC_COARSE);
    if (r->pattern_cpu == 0 && text.len > SHORT_TEXT)
        r->pattern_cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static bool time_is_up(struct run *r)
{
    const int64_t most = (int64_t)PATTERN_MS_MAX * NS_A_MS;
    int64_t passed = clock_ns(CLOCK_MONOTONIC_COARSE) - r->pattern_began;

    if (passed > 0 && r->pattern_cpu == 0)
        r->pattern_cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    return passed > most && clock_ns(CLOCK_THREAD_CPUTIME_ID) - r->pattern_cpu > most;
}

/* PCRE2 counts tries from each starting place, so a long text could multiply them: the time of all
 * matches of a walk is bounded besides. */
enum pattern_answer run_pattern(struct run *r, uint32_t pattern, struct view text)
{
    if (r->scratch->patterns == NULL && (r->scratch->patterns = pattern_block_new()) == NULL) {
        run_stop(r, SCHEMA_NOMEM);
        return PATTERN_TOO_COSTLY;
    }
    if (text.len > SEARCH_BYTES_MAX || !run_pay(r, 1 + text.len / SHORT_TEXT))
        return PATTERN_TOO_COSTLY;
    time_begins(r, text);
    enum pattern_answer answer = pattern_match(r->p->patterns[pattern], r->scratch->patterns, text);
    return time_is_up(r) ? PATTERN_TOO_COSTLY : answer;
}

/* ---- branches ---- */

/* Tries a node without telling its faults. Its marks are kept when it holds. */
static bool attempt(struct run *r, uint32_t node, const struct spot *s)
{
    struct spot in = *s;
    struct marks own;
    struct scratch_mark mark = scratch_mark(r->scratch);

    if (s->marks != NULL) {
        if (!marks_new(r, s->v, &own))
            return false;
        in.marks = &own;
    }
    r->quiet++;
    bool ok = run_node(r, node, &in);
    r->quiet--;
    if (ok && s->marks != NULL)
        marks_join(s->marks, &own);
    scratch_release(r->scratch, mark);
    return ok && r->stopped == SCHEMA_REFUSED;
}

static bool branch_all(struct run *r, const struct instruction *x, const struct spot *s)
{
    const uint32_t *list = r->p->words + x->a;
    bool ok = true;

    for (uint32_t i = 0; i < list[0] && run_going(r, ok); i++) {
        if (!run_node(r, list[1 + i], s)) {
            if (list[1 + i] == NODE_FALSE)
                run_fault(r, s->at, "allOf");
            ok = false;
        }
    }
    return ok;
}

/* The branch that the value itself names, or NONE. */
static uint32_t chosen(struct run *r, uint32_t words, yyjson_val *v)
{
    const uint32_t *w = r->p->words + words;

    if (words == NONE || unsafe_yyjson_get_type(v) != YYJSON_TYPE_OBJ ||
        !run_pay(r, unsafe_yyjson_get_len(v)))
        return NONE;
    struct view property = program_text(r->p, w[0]);
    yyjson_val *name = yyjson_obj_getn(v, (const char *)property.at, property.len);
    if (name == NULL || unsafe_yyjson_get_type(name) != YYJSON_TYPE_STR)
        return NONE;
    for (uint32_t i = 0; i < w[1] && run_pay(r, 1); i++) {
        if (view_equal(program_text(r->p, w[2 + 2 * i]), value_text_of(name)))
            return w[3 + 2 * i];
    }
    return NONE;
}

static bool branch_any(struct run *r, const struct instruction *x, const struct spot *s)
{
    const uint32_t *list = r->p->words + x->a;
    uint32_t choice = chosen(r, x->b, s->v);
    bool any = false;

    if (choice != NONE)
        return run_node(r, choice, s);
    for (uint32_t i = 0; i < list[0] && r->stopped == SCHEMA_REFUSED; i++) {
        any = attempt(r, list[1 + i], s) || any;
        if (any && s->marks == NULL)
            return true;
    }
    if (r->stopped != SCHEMA_REFUSED)
        return false;
    return any || run_fault(r, s->at, "anyOf");
}

static bool branch_one(struct run *r, const struct instruction *x, const struct spot *s)
{
    const uint32_t *list = r->p->words + x->a;
    uint32_t choice = chosen(r, x->b, s->v), held = 0;

    if (choice != NONE)
        return run_node(r, choice, s);
    for (uint32_t i = 0; i < list[0] && held < 2 && r->stopped == SCHEMA_REFUSED; i++)
        held += attempt(r, list[1 + i], s);
    if (r->stopped != SCHEMA_REFUSED)
        return false;
    return held == 1 || run_fault(r, s->at, "oneOf");
}

/* Whether the node holds: a question, so nothing more is demanded of members than it says. */
static bool ask(struct run *r, uint32_t node, const struct spot *s)
{
    bool closed = r->closed;

    r->closed = false;
    bool ok = attempt(r, node, s);
    r->closed = closed;
    return ok;
}

static bool branch_not(struct run *r, const struct instruction *x, const struct spot *s)
{
    struct spot alone = {s->v, s->at, NULL};
    bool held = ask(r, x->a, &alone);

    if (r->stopped != SCHEMA_REFUSED)
        return false;
    return !held || run_fault(r, s->at, "not");
}

static bool branch_if(struct run *r, const struct instruction *x, const struct spot *s)
{
    bool held = ask(r, x->a, s);
    uint32_t next = held ? x->b : x->c;

    if (r->stopped != SCHEMA_REFUSED)
        return false;
    if (next == NODE_FALSE)
        return run_fault(r, s->at, held ? "then" : "else");
    return run_node(r, next, s);
}

static bool branch_ref(struct run *r, const struct instruction *x, const struct spot *s)
{
    return x->a == NODE_FALSE ? run_fault(r, s->at, "$ref") : run_node(r, x->a, s);
}

/* The outermost resource on the way here that has the anchor decides (2020-12 section 8.2.3.2). */
static bool branch_dynamic(struct run *r, const struct instruction *x, const struct spot *s)
{
    uint32_t node = x->a;

    for (const struct scope *at = r->scope; at != NULL; at = at->outer) {
        for (size_t i = 0; i < r->p->dynamic_count; i++) {
            const struct dynamic *d = &r->p->dynamics[i];
            if (d->text == x->b && d->resource == at->resource)
                node = d->node;
        }
        if (!run_pay(r, 1 + r->p->dynamic_count))
            return false;
    }
    return run_node(r, node, s);
}

static checker *const checkers[OPS] = {
    [OP_NULLABLE] = check_nothing, /* run_code looks for null itself */
    [OP_CONST] = check_const,
    [OP_ENUM] = check_enum,
    [OP_MINIMUM] = check_limit,
    [OP_MAXIMUM] = check_limit,
    [OP_MULTIPLE] = check_multiple,
    [OP_LENGTH] = check_length,
    [OP_PATTERN] = check_pattern,
    [OP_FORMAT] = check_format,
    [OP_ITEMS] = inside_items,
    [OP_COUNT_ITEMS] = check_count,
    [OP_UNIQUE] = check_unique,
    [OP_CONTAINS] = inside_contains,
    [OP_OBJECT] = inside_object,
    [OP_COUNT_MEMBERS] = check_count,
    [OP_NAMES] = inside_names,
    [OP_NEEDS] = inside_needs,
    [OP_NEEDS_SCHEMA] = inside_needs,
    [OP_READ_ONLY] = check_read_only,
    [OP_WRITE_ONLY] = check_write_only,
    [OP_SENSITIVE] = check_nothing,
    [OP_REF] = branch_ref,
    [OP_DYNAMIC_REF] = branch_dynamic,
    [OP_ALL] = branch_all,
    [OP_ANY] = branch_any,
    [OP_ONE] = branch_one,
    [OP_NOT] = branch_not,
    [OP_IF] = branch_if,
    [OP_UNEVALUATED_ITEMS] = inside_unevaluated_items,
    [OP_UNEVALUATED] = inside_unevaluated,
};

/* Most instructions are types, which are looked at without a call. */
static inline bool run_instruction(struct run *r, const struct instruction *x, const struct spot *s)
{
    if (x->op == OP_TYPE)
        return program_is_type(s->v, x->a) || run_fault(r, s->at, "type");
    return checkers[x->op](r, x, s);
}

static bool run_code(struct run *r, const struct node *n, const struct spot *s)
{
    const struct instruction *x = r->p->code + n->from, *end = x + n->count;
    bool ok = true;

    if (n->count > 0 && x->op == OP_NULLABLE && unsafe_yyjson_get_type(s->v) == YYJSON_TYPE_NULL)
        return true;
    r->frames++;
    for (; x < end; x++) {
        if (!run_instruction(r, x, s)) {
            ok = false;
            if (x->op == OP_TYPE || !run_going(r, ok))
                break; /* of the wrong type: what else it lacks says nothing */
        }
    }
    r->frames--;
    ok = ok && r->stopped == SCHEMA_REFUSED;
    if (ok && (n->flags & NODE_NARROWS) != 0 && r->w->text != NULL)
        text_narrow(s->v);
    return ok;
}

/* With marks of its own: unevaluated* sees this schema and what stands beside it, no cousins. */
static bool run_tracking(struct run *r, const struct node *n, const struct spot *s)
{
    struct scratch_mark mark = scratch_mark(r->scratch);
    struct marks own;
    struct spot in = {s->v, s->at, &own};

    if (!marks_new(r, s->v, &own))
        return false;
    bool ok = run_code(r, n, &in);
    if (ok)
        marks_join(s->marks, &own);
    scratch_release(r->scratch, mark);
    return ok;
}

/* What few schemas need: marks, and a scope for $dynamicRef. Out of line, so that run_node, which
 * is called for each member and item, has no frame of its own. */
__attribute__((noinline)) static bool run_specially(struct run *r, const struct node *n,
                                                    const struct spot *s)
{
    const struct scope *outer = r->scope;
    struct scope scope = {outer, n->resource};

    if (r->p->dynamic_count > 0 && (outer == NULL || outer->resource != n->resource))
        r->scope = &scope;
    bool ok = (n->flags & NODE_TRACKS) != 0 ? run_tracking(r, n, s) : run_code(r, n, s);
    r->scope = outer;
    return ok;
}

bool run_node(struct run *r, uint32_t id, const struct spot *s)
{
    const struct node *n = &r->p->nodes[id];

    if (id < NODES_FIXED)
        return id == NODE_TRUE;
    if (!run_pay(r, 1))
        return false;
    if (r->frames == SCHEMA_FRAMES_MAX)
        return run_stop(r, SCHEMA_COST);
    if ((n->flags & NODE_TRACKS) != 0 || r->p->dynamic_count > 0)
        return run_specially(r, n, s);
    return run_code(r, n, s);
}

/* If any part describes members. */
bool run_closed(struct run *r, uint32_t node, const struct spot *s)
{
    struct scratch_mark mark = scratch_mark(r->scratch);
    struct marks own;
    struct spot in = {s->v, s->at, &own};

    if (!marks_new(r, s->v, &own))
        return false;
    bool ok = run_node(r, node, &in);
    yyjson_val *name = unsafe_yyjson_get_first(s->v);
    for (size_t i = 0; ok && own.described && i < own.count; i++) {
        struct place here = {s->at, name, 0};
        if ((own.bits[i / 64] >> (i % 64) & 1) == 0)
            ok = run_fault(r, &here, "unknownProperty");
        name = unsafe_yyjson_get_next(name + 1);
    }
    scratch_release(r->scratch, mark);
    return ok;
}

enum schema_verdict walk_run(const struct walk *w, struct scratch *scratch,
                             struct schema_report *report)
{
    struct run r = {.p = w->program,
                    .w = w,
                    .scratch = scratch,
                    .report = report,
                    .steps = SCHEMA_STEPS_MAX,
                    .closed = w->closed};
    struct scratch_mark mark = scratch_mark(scratch);
    const struct spot root = {w->value, NULL, NULL};
    bool ok = run_inner(&r, w->node, &root, "false");

    scratch_release(scratch, mark);
    if (r.stopped != SCHEMA_REFUSED) {
        report->verdict = r.stopped;
        return r.stopped;
    }
    if (!ok)
        report->verdict = SCHEMA_REFUSED;
    return ok ? SCHEMA_VALID : SCHEMA_REFUSED;
}
