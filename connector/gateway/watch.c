#include "connector/gateway/route.h"
#include "connector/gateway/siblings.h"
#include "connector/gateway/sketch/slots.h"
#include "connector/gateway/watch_internal.h"
#include "lib/base/log.h"
#include "lib/crypto/random.h"
#include "lib/schema/openapi.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

enum { SUBJECTS = 4096, OBJECTS = 8192, PACES = 8192, SCRATCH_MAX = 16 * 1024 * 1024 };

sp_error watch_new(const struct watch_options *o, struct watch **out)
{
    struct watch *w = calloc(1, sizeof *w);
    struct inventory_options inventory = {.began = o->now};
    struct detect_options detect = {.began = o->now};
    sp_error e;

    if (w == NULL)
        return SP_ERR_NOMEM;
    w->o = *o;
    w->saved = w->swept = o->now;
    detect.shared = o->site != NULL;
    detect.self = o->self;
    if (detect.shared)
        siblings_hash_key(o->site, o->app, inventory.key);
    else
        random_bytes(inventory.key, sizeof inventory.key);
    memcpy(detect.key, inventory.key, sizeof detect.key);
    scratch_init(&w->scratch, SCRATCH_MAX);
    if ((e = inventory_new(&inventory, &w->inventory)) != SP_OK ||
        (e = detect_new(&detect, &w->detect)) != SP_OK ||
        (e = slots_new(SUBJECTS, sizeof(struct subject), &w->subjects)) != SP_OK ||
        (e = slots_new(PACES, sizeof(struct minute), &w->paces)) != SP_OK ||
        (e = slots_new(OBJECTS, sizeof(struct object), &w->objects)) != SP_OK) {
        watch_free(w);
        return SP_ERR_NOMEM;
    }
    siblings_begin(w, o->now);
    snapshot_read(w);
    *out = w;
    return SP_OK;
}

void watch_free(struct watch *w)
{
    if (w == NULL)
        return;
    if (w->objects != NULL) /* the last that watch_new() makes */
        snapshot_leave(w);
    json_free(w->expected);
    inventory_free(w->inventory);
    detect_free(w->detect);
    slots_free(w->subjects);
    slots_free(w->objects);
    slots_free(w->paces);
    scratch_deinit(&w->scratch);
    free(w);
}

bool watch_is_ready(const struct watch *w)
{
    return w->reading == NULL;
}

void watch_await(struct watch *w, void (*ready)(void *arg), void *arg)
{
    w->ready = ready;
    w->ready_arg = arg;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

void watch_configure(struct watch *w, const struct gwconf *conf)
{
    const struct gwconf_detectors *c = &conf->detectors;
    int modes[DETECTORS] = {[DETECTOR_BOLA] = c->bola,
                            [DETECTOR_ENUMERATION] = c->enumeration,
                            [DETECTOR_CREDENTIAL] = c->credential,
                            [DETECTOR_EXFILTRATION] = c->exfiltration,
                            [DETECTOR_EXPOSURE] = c->exposure,
                            [DETECTOR_FUNCTION] = c->function,
                            [DETECTOR_FLOW] = c->flow,
                            [DETECTOR_SCANNER] = c->scanner,
                            [DETECTOR_INVENTORY] = GW_MONITOR};

    for (size_t i = 0; i < conf->owners.count; i++)
        modes[DETECTOR_OWNER] = most(modes[DETECTOR_OWNER], gwconf_owner_at(conf, i)->mode);
    for (size_t i = 0; i < c->budgets.count; i++)
        modes[DETECTOR_BUDGET] = most(modes[DETECTOR_BUDGET], gwconf_budget_at(conf, i)->mode);
    detect_set(w->detect, modes, c->learning_ms);
    for (size_t i = 0; i < conf->retired.count; i++) {
        const struct gwconf_retire *r = gwconf_retire_at(conf, i);
        inventory_retire(w->inventory, &r->match, r->deprecated_s * 1000, r->sunset_s * 1000);
    }
    if (inventory_split(w->inventory, conf->split.count, (const char *const *)conf->split.items) !=
        SP_OK)
        log_event(LOG_ERROR, "gateway.watch", "out of memory: words are not kept apart", "app",
                  LOG_ID(w->o.app), NULL);
}

/* False: there is no room for the operation. */
static bool take_operation(struct watch *w, const struct api_operation *op, struct view path)
{
    struct view names[INVENTORY_NAMES_MAX];
    enum gw_method method = gw_method_parse(view_str(op->method));

    if (inventory_document(w->inventory, method, path, op->deprecated) != SP_OK)
        return false;
    size_t n = api_answer_names(op, &w->scratch, names, INVENTORY_NAMES_MAX);
    scratch_reset(&w->scratch, SCRATCH_FIRST_BYTES);
    return inventory_expect(w->inventory, method, path, n, names) == SP_OK;
}

void watch_document(struct watch *w, const struct api_document *d, struct view prefix)
{
    struct api_strings bases = d == NULL ? (struct api_strings){0} : api_bases(d);
    size_t left_out = 0;

    w->documented = d != NULL;
    for (size_t b = 0; b < bases.count; b++)
        for (size_t i = 0; i < api_operation_count(d); i++) {
            const struct api_operation *op = api_operation_at(d, i);
            struct buf path;
            buf_init(&path, INVENTORY_TEMPLATE_MAX);
            buf_add(&path, routes_base(view_str(bases.items[b]), prefix));
            buf_add_str(&path, op->path);
            left_out += buf_error(&path) != SP_OK || !take_operation(w, op, buf_view(&path));
            buf_deinit(&path);
        }
    if (left_out > 0)
        log_event(LOG_WARN, "gateway.watch", "operations of the document are not in the inventory",
                  "app", LOG_ID(w->o.app), "count", LOG_INT((int64_t)left_out), NULL);
}

static void tell_full(struct watch *w, sp_unix_ms now)
{
    struct inventory_figures figures = inventory_figures(w->inventory);
    struct finding f = {.detector = DETECTOR_INVENTORY,
                        .score = (double)figures.endpoints,
                        .threshold = INVENTORY_ENDPOINTS_MAX};
    struct observation o = {.at = now};

    if (figures.full && !w->full_told) {
        finding_say(&f,
                    "the inventory is full: %zu endpoints, %zu nodes, %zu bytes; %llu calls of "
                    "new endpoints were not kept",
                    figures.endpoints, figures.nodes, figures.bytes,
                    (unsigned long long)figures.not_kept);
        detect_report(w->detect, &o, &f);
    }
    w->full_told = figures.full;
}

void watch_tick(struct watch *w, sp_unix_ms now)
{
    struct json *incident;

    if (w->reading != NULL)
        return;
    if (now - w->swept >= INVENTORY_SWEEP_MS) {
        w->swept = now;
        inventory_sweep(w->inventory, now);
        tell_full(w, now);
    }
    if (now - w->saved >= WATCH_SAVE_MS) {
        w->saved = now;
        snapshot_save(w);
    }
    /* A few a second: what is new goes out at once, and a flood of changes can't fill the channel.
     */
    for (int i = 0; i < 4 && (incident = detect_next_incident(w->detect, now)) != NULL; i++) {
        bool taken = w->o.incident(w->o.arg, w->o.app, incident);
        json_free(incident);
        if (taken)
            detect_told(w->detect, now);
        else
            break;
    }
    report_news(w, now);
    siblings_news(w, now);
}

void watch_tell_again(struct watch *w)
{
    w->round = 0;
    w->gauged = 0;
    w->gauges = (struct api_gauges){.inventory = 0};
    detect_tell_again(w->detect);
}

struct inventory *watch_inventory(struct watch *w)
{
    return w->inventory;
}

struct detect *watch_detect(struct watch *w)
{
    return w->detect;
}
