#include "broker/ops_gateways.h"

#include <stddef.h>
#include <string.h>

enum { MICRO = 1000000 };

struct lines {
    struct buf *b;
    const char *family;
};

/* "FAMILY{app="NAME"", to be continued. */
static void begin(const struct lines *l, const char *suffix, const char *app)
{
    buf_addf(l->b, "%s%s{app=\"", l->family, suffix);
    for (; *app != '\0'; app++)
        buf_add_byte(l->b, *app == '"' || *app == '\\' || *app < ' ' ? '_' : (uint8_t)*app);
    buf_add_str(l->b, "\"");
}

static void add_count(const struct lines *l, const char *app, const char *label, const char *value,
                      uint64_t n)
{
    begin(l, "", app);
    if (label != NULL)
        buf_addf(l->b, ",%s=\"%s\"", label, value);
    buf_addf(l->b, "} %llu\n", (unsigned long long)n);
}

static void add_requests(void *arg, const char *app, const struct tally_app *a)
{
    static const char *const classes[API_CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

    for (size_t i = 0; i < API_CLASSES; i++)
        add_count(arg, app, "class", classes[i], a->requests[i]);
}

static void add_blocks(void *arg, const char *app, const struct tally_app *a)
{
    for (size_t i = 0; i < a->reason_count; i++)
        add_count(arg, app, "reason", a->reasons[i].word, a->reasons[i].blocked);
}

static void add_hits(void *arg, const char *app, const struct tally_app *a)
{
    for (size_t i = 0; i < a->reason_count; i++)
        add_count(arg, app, "reason", a->reasons[i].word, a->reasons[i].monitor);
}

/* In seconds, without the rounding that floating point would bring. */
static void add_seconds(struct buf *b, uint64_t us)
{
    buf_addf(b, "%llu.%06llu", (unsigned long long)(us / MICRO), (unsigned long long)(us % MICRO));
}

static void add_times(const struct lines *l, const char *app, const char *phase,
                      const struct tally_times *t)
{
    unsigned long long sum = 0;

    for (size_t i = 0; i < API_BUCKETS; i++) {
        sum += t->buckets[i];
        begin(l, "_bucket", app);
        buf_addf(l->b, ",phase=\"%s\",le=\"", phase);
        if (i < API_BUCKETS - 1)
            add_seconds(l->b, (uint64_t)api_bounds_us[i]);
        else
            buf_add_str(l->b, "+Inf");
        buf_addf(l->b, "\"} %llu\n", sum);
    }
    begin(l, "_sum", app);
    buf_addf(l->b, ",phase=\"%s\"} ", phase);
    add_seconds(l->b, t->us);
    buf_add_byte(l->b, '\n');
    begin(l, "_count", app);
    buf_addf(l->b, ",phase=\"%s\"} %llu\n", phase, sum);
}

static void add_durations(void *arg, const char *app, const struct tally_app *a)
{
    add_times(arg, app, "own", &a->own);
    add_times(arg, app, "upstream", &a->upstream);
}

static void add_read(void *arg, const char *app, const struct tally_app *a)
{
    add_count(arg, app, NULL, NULL, a->read);
}

static void add_read_bytes(void *arg, const char *app, const struct tally_app *a)
{
    add_count(arg, app, NULL, NULL, a->read_bytes);
}

static void add_unread(void *arg, const char *app, const struct tally_app *a)
{
    for (size_t i = 0; i < TALLY_CAUSES; i++)
        add_count(arg, app, "cause", tally_causes[i], a->unread[i]);
}

/* What all connectors of the app hold together. */
static void add_state(void *arg, const char *app, const struct tally_app *a)
{
    static const struct {
        const char *name;
        size_t at;
    } parts[] = {{"inventory", offsetof(struct api_gauges, inventory)},
                 {"detectors", offsetof(struct api_gauges, detectors)},
                 {"owners", offsetof(struct api_gauges, owners)},
                 {"limits", offsetof(struct api_gauges, limits)},
                 {"tokens", offsetof(struct api_gauges, tokens)},
                 {"document", offsetof(struct api_gauges, document)}};

    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < a->held_count; i++) {
            int64_t n;
            memcpy(&n, (const char *)&a->held[i].gauges + parts[p].at, sizeof n);
            sum += id_is_zero(a->held[i].connector) ? 0 : (uint64_t)n;
        }
        add_count(arg, app, "part", parts[p].name, sum);
    }
}

/* The connector that has the most: it is the one that needs somebody. */
static void add_most(const struct lines *l, const char *app, const struct tally_app *a, bool load)
{
    int64_t most = 0;

    for (size_t i = 0; i < a->held_count; i++) {
        const struct api_gauges *g = &a->held[i].gauges;
        int64_t n = load ? g->load_us : g->limits_used;
        if (!id_is_zero(a->held[i].connector) && n > most)
            most = n;
    }
    begin(l, "", app);
    buf_add_str(l->b, "} ");
    add_seconds(l->b, (uint64_t)most);
    buf_add_byte(l->b, '\n');
}

static void add_ratio(void *arg, const char *app, const struct tally_app *a)
{
    add_most(arg, app, a, false);
}

static void add_load(void *arg, const char *app, const struct tally_app *a)
{
    add_most(arg, app, a, true);
}

static const struct {
    const char *name, *type, *help;
    each_tally *add;
} families[] = {
    {"sallyport_gateway_requests_total", "counter",
     "Requests to apps with a gateway, by the class of their answer, as connectors tell.",
     add_requests},
    {"sallyport_gateway_blocks_total", "counter", "Of them refused by a rule.", add_blocks},
    {"sallyport_gateway_monitor_hits_total", "counter", "What rules in monitor would have refused.",
     add_hits},
    {"sallyport_gateway_duration_seconds", "histogram",
     "What the gateway's steps took, and what the application took.", add_durations},
    {"sallyport_gateway_inspected_total", "counter", "Bodies that rules read.", add_read},
    {"sallyport_gateway_inspected_bytes_total", "counter", "Bytes of them.", add_read_bytes},
    {"sallyport_gateway_not_inspected_total", "counter",
     "Bodies that nothing could read, by cause.", add_unread},
    {"sallyport_gateway_state_bytes", "gauge", "Memory at the connectors, by part.", add_state},
    {"sallyport_gateway_ratelimit_table_used_ratio", "gauge",
     "Used share of the table of limits, at the fullest connector.", add_ratio},
    {"sallyport_gateway_schema_load_seconds", "gauge",
     "How long the document in force took to load, at the slowest connector.", add_load},
};

void ops_gateways(struct buf *b, each_gateway_app *of, void *source)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct lines l = {.b = b, .family = families[i].name};
        buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", l.family, families[i].help, l.family,
                 families[i].type);
        of(source, families[i].add, &l);
    }
}
