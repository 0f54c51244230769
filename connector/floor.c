#include "connector/floor_internal.h"

#include "lib/base/ascii.h"
#include "lib/base/banned.h"

const char *floor_why_text(enum floor_why why)
{
    static const char *const texts[] = {
        [FLOOR_UNSAID] = "no rule of the floor allows it",
        [FLOOR_ALLOWED] = "allowed",
        [FLOOR_DENIED] = "a rule of the floor denies it",
        [FLOOR_SPECIAL] = "a loopback, link-local or metadata address that the floor does not list",
        [FLOOR_OWN] = "an address of the connector itself that the floor does not list",
        [FLOOR_NEVER] = "an address that is never dialled",
    };
    return texts[why];
}

static bool ports_hold(const struct floor_rule *r, uint16_t port)
{
    for (size_t i = 0; i < r->range_count; i++) {
        if (port >= r->ranges[i].from && port <= r->ranges[i].to)
            return true;
    }
    return false;
}

/* A host compares without case and without the dot that ends a full name. */
static bool name_holds(const struct floor_rule *r, struct view host)
{
    if (host.len > 0 && host.at[host.len - 1] == '.')
        host.len--;
    if (r->kind == FLOOR_SUFFIX)
        return host.len > strlen(r->name) && ascii_ends(host, r->name);
    return r->kind == FLOOR_NAME && ascii_is(host, r->name);
}

static bool prefix_holds(const struct floor_rule *r, const struct address *a)
{
    if (r->kind != FLOOR_PREFIX)
        return false;
    struct view prefix = address_bytes(&r->prefix), bytes = address_bytes(a);
    size_t whole = r->bits / 8;
    unsigned left = r->bits % 8;

    if (prefix.len != bytes.len || prefix.len == 0 || memcmp(prefix.at, bytes.at, whole) != 0)
        return false;
    return left == 0 || (prefix.at[whole] ^ bytes.at[whole]) >> (8 - left) == 0;
}

/* The last address of a rule's prefix. */
static struct address last_of(const struct floor_rule *r)
{
    uint8_t bytes[16];
    struct view first = address_bytes(&r->prefix);
    struct address last = {0};

    memcpy(bytes, first.at, first.len);
    for (size_t i = 0; i < first.len; i++) {
        unsigned kept = r->bits > 8 * (unsigned)i ? r->bits - 8 * (unsigned)i : 0;
        if (kept < 8)
            bytes[i] = (uint8_t)(bytes[i] | 0xffu >> kept);
    }
    sp_ignore(address_from_bytes((struct view){bytes, first.len}, 0, &last)); /* 4 or 16 */
    return last;
}

/* 0.0.0.0/0 does not mean loopback: the whole prefix must lie in the class. */
static bool lies_in(const struct floor_rule *r, enum address_class class)
{
    struct address last = last_of(r);

    return address_class(&r->prefix) == class && address_class(&last) == class;
}

static bool allows(const struct floor_rule *r, struct view host, const struct address *to,
                   enum address_class class, bool own)
{
    struct view bytes = address_bytes(to);

    if (r->verb != FLOOR_ALLOW || !ports_hold(r, address_port(to)))
        return false;
    if (own && (!prefix_holds(r, to) || r->bits != 8 * bytes.len))
        return false;
    if (class != ADDRESS_PUBLIC && class != ADDRESS_PRIVATE)
        return prefix_holds(r, to) && lies_in(r, class);
    return name_holds(r, host) || prefix_holds(r, to);
}

/* An IPv6 way to a denied IPv4 address is denied too. */
static bool denies(const struct floor_rule *r, struct view host, const struct address *to)
{
    struct address inner;

    if (r->verb != FLOOR_DENY || !ports_hold(r, address_port(to)))
        return false;
    return name_holds(r, host) || prefix_holds(r, to) ||
           (address_embedded(to, &inner) && prefix_holds(r, &inner));
}

struct floor_verdict floor_judge(const struct floor *f, struct view host, const struct address *to,
                                 bool own)
{
    enum address_class class = address_class(to);
    struct floor_verdict v = {FLOOR_UNSAID, 0};
    bool special = class != ADDRESS_PUBLIC && class != ADDRESS_PRIVATE;

    if (class == ADDRESS_UNUSABLE || class == ADDRESS_MULTICAST)
        return (struct floor_verdict){FLOOR_NEVER, 0};
    for (size_t i = 0; f != NULL && i < f->rule_count; i++) {
        const struct floor_rule *r = &f->rules[i];

        if (denies(r, host, to))
            return (struct floor_verdict){FLOOR_DENIED, r->line};
        if (v.why != FLOOR_ALLOWED && allows(r, host, to, class, own))
            v = (struct floor_verdict){FLOOR_ALLOWED, r->line};
    }
    if (v.why != FLOOR_ALLOWED && (special || own))
        v.why = special ? FLOOR_SPECIAL : FLOOR_OWN;
    return v;
}

struct floor_verdict floor_judge_name(const struct floor *f, struct view host, uint16_t port)
{
    struct floor_verdict v = {FLOOR_UNSAID, 0};

    for (size_t i = 0; f != NULL && i < f->rule_count; i++) {
        const struct floor_rule *r = &f->rules[i];

        if (r->verb == FLOOR_ISSUER || !ports_hold(r, port) || !name_holds(r, host))
            continue;
        if (r->verb == FLOOR_DENY)
            return (struct floor_verdict){FLOOR_DENIED, r->line};
        if (v.why != FLOOR_ALLOWED)
            v = (struct floor_verdict){FLOOR_ALLOWED, r->line};
    }
    return v;
}

int64_t floor_deadline_ms(const struct floor *f)
{
    return f == NULL ? 0 : f->deadline_ms;
}

bool floor_takes_signer(const struct floor *f, const struct key_public *key)
{
    if (f == NULL)
        return false;
    for (size_t i = 0; i < f->signer_count; i++) {
        if (key_equal(&f->signers[i], key))
            return true;
    }
    return f->signer_count == 0;
}

bool floor_takes_issuer(const struct floor *f, struct view host, uint16_t port)
{
    struct address to;
    bool literal = address_from_host(host, port, &to) == SP_OK;

    for (size_t i = 0; f != NULL && i < f->rule_count; i++) {
        const struct floor_rule *r = &f->rules[i];
        if (r->verb == FLOOR_ISSUER && ports_hold(r, port) &&
            (literal ? prefix_holds(r, &to) : name_holds(r, host)))
            return true;
    }
    return false;
}

static void describe_ports(const struct floor_rule *r, struct buf *out)
{
    for (size_t i = 0; i < r->range_count; i++) {
        const struct floor_range *range = &r->ranges[i];
        buf_add_str(out, i > 0 ? "," : ":");
        if (range->from == 1 && range->to == UINT16_MAX)
            buf_add_str(out, "*");
        else if (range->from == range->to)
            buf_addf(out, "%u", range->from);
        else
            buf_addf(out, "%u-%u", range->from, range->to);
    }
}

void floor_describe(const struct floor *f, struct buf *out)
{
    static const char *const verbs[] = {
        [FLOOR_ALLOW] = "allow ", [FLOOR_DENY] = "deny ", [FLOOR_ISSUER] = "issuer "};

    for (size_t i = 0; i < f->rule_count; i++) {
        const struct floor_rule *r = &f->rules[i];

        buf_add_str(out, verbs[r->verb]);
        if (r->kind == FLOOR_PREFIX) {
            bool six = address_bytes(&r->prefix).len == 16;
            buf_addf(out, "%s%s/%u%s", six ? "[" : "", address_host_text(&r->prefix).s, r->bits,
                     six ? "]" : "");
        } else {
            buf_addf(out, "%s%s", r->kind == FLOOR_SUFFIX ? "*" : "", r->name);
        }
        describe_ports(r, out);
        buf_add_byte(out, '\n');
    }
    if (f->deadline_ms > 0)
        buf_addf(out, "max-deadline %lld%s\n",
                 (long long)(f->deadline_ms % 1000 != 0 ? f->deadline_ms : f->deadline_ms / 1000),
                 f->deadline_ms % 1000 != 0 ? "ms" : "s");
    for (size_t i = 0; i < f->signer_count; i++)
        buf_addf(out, "signer %s\n", key_text(&f->signers[i]).s);
}
