#include "connector/floor_internal.h"

#include "lib/base/num.h"
#include "lib/os/file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

/* One line while it is read. */
struct reading {
    struct floor *floor;
    struct sp_why *why;
    unsigned line;
    const uint8_t *begin; /* of the line */
};

static sp_error refuse(const struct reading *r, struct view at, const char *text)
{
    sp_why_place(r->why, r->line, (unsigned)(at.at - r->begin) + 1);
    return sp_why_say(r->why, SP_ERR_MALFORMED, "%s", text);
}

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of the line; empty at its end or at a comment. */
static struct view next_word(struct view *rest)
{
    size_t n = 0;

    while (rest->len > 0 && blank(rest->at[0]))
        *rest = view_slice(*rest, 1, rest->len);
    if (rest->len > 0 && rest->at[0] == '#')
        *rest = view_slice(*rest, rest->len, 0);
    while (n < rest->len && !blank(rest->at[n]) && rest->at[n] != '#')
        n++;
    struct view word = view_slice(*rest, 0, n);
    *rest = view_slice(*rest, n, rest->len);
    return word;
}

/* "443" or "8000-8099" */
static bool read_range(struct view v, struct floor_range *out)
{
    const uint8_t *dash = v.len == 0 ? NULL : memchr(v.at, '-', v.len);
    size_t n = dash == NULL ? v.len : (size_t)(dash - v.at);
    uint64_t from, to;

    if (num_uint(view_slice(v, 0, n), UINT16_MAX, &from) != SP_OK || from == 0)
        return false;
    to = from;
    if (dash != NULL && num_uint(view_slice(v, n + 1, v.len), UINT16_MAX, &to) != SP_OK)
        return false;
    *out = (struct floor_range){(uint16_t)from, (uint16_t)to};
    return from <= to;
}

static sp_error read_ports(const struct reading *r, struct view v, struct floor_rule *rule)
{
    if (view_is(v, "*")) {
        rule->ranges[rule->range_count++] = (struct floor_range){1, UINT16_MAX};
        return SP_OK;
    }
    do {
        size_t n = 0;
        while (n < v.len && v.at[n] != ',')
            n++;
        if (rule->range_count == FLOOR_RANGES_MAX) {
            sp_ignore(refuse(r, v, "a rule has at most 16 ports or ranges"));
            return SP_ERR_LIMIT;
        }
        if (!read_range(view_slice(v, 0, n), &rule->ranges[rule->range_count]))
            return refuse(r, v, "ports are numbers 1-65535, ranges such as 8000-8099, or *");
        rule->range_count++;
        if (n + 1 == v.len)
            return refuse(r, v, "a port is missing after ','");
        v = view_slice(v, n + 1, v.len);
    } while (v.len > 0);
    return SP_OK;
}

/* Whether all bits behind the prefix are zero: 10.0.0.1/8 says two things at once. */
static bool canonical(const struct address *a, unsigned bits)
{
    struct view bytes = address_bytes(a);

    for (size_t i = 0; i < bytes.len; i++) {
        unsigned kept = bits > 8 * (unsigned)i ? bits - 8 * (unsigned)i : 0;
        if (kept < 8 && (bytes.at[i] & (0xffu >> kept)) != 0)
            return false;
    }
    return true;
}

static sp_error read_prefix(const struct reading *r, struct view v, struct floor_rule *rule)
{
    const uint8_t *slash = memchr(v.at, '/', v.len);
    size_t n = slash == NULL ? v.len : (size_t)(slash - v.at);
    uint64_t bits;

    if (address_from_host(view_slice(v, 0, n), 0, &rule->prefix) != SP_OK)
        return refuse(r, v, "no address; expected one such as 10.20.0.0/16 or [fd20::/16]");
    unsigned width = (unsigned)address_bytes(&rule->prefix).len * 8;
    if (width == 32 && memchr(v.at, ':', n) != NULL)
        return refuse(r, v, "write IPv4 addresses as such, not inside IPv6");
    bits = width;
    if (slash != NULL && num_uint(view_slice(v, n + 1, v.len), width, &bits) != SP_OK)
        return refuse(r, v, "the number behind '/' is no prefix length");
    rule->bits = (unsigned)bits;
    rule->kind = FLOOR_PREFIX;
    if (!canonical(&rule->prefix, rule->bits))
        return refuse(r, v, "the address has bits set behind its prefix length");
    return SP_OK;
}

static bool looks_like_address(struct view v)
{
    bool digits = v.len > 0;

    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] == ':' || v.at[i] == '/')
            return true;
        digits = digits && (isdigit(v.at[i]) || v.at[i] == '.');
    }
    return digits;
}

static sp_error read_host(const struct reading *r, struct view v, struct floor_rule *rule)
{
    bool suffix = v.len > 2 && v.at[0] == '*' && v.at[1] == '.';

    if (looks_like_address(v))
        return read_prefix(r, v, rule);
    if (suffix)
        v = view_slice(v, 1, v.len);
    if (!resolve_name_valid(suffix ? view_slice(v, 1, v.len) : v) || v.len > RESOLVE_NAME_MAX)
        return refuse(r, v, "no host name; expected one such as wiki.internal or *.corp.internal");
    rule->kind = suffix ? FLOOR_SUFFIX : FLOOR_NAME;
    for (size_t i = 0; i < v.len; i++)
        rule->name[i] = (char)tolower(v.at[i]);
    return SP_OK;
}

/* "HOST:PORTS"; the last ':' outside of brackets parts them. */
static sp_error read_target(const struct reading *r, struct view v, struct floor_rule *rule)
{
    struct view host = v, ports = {0};

    if (v.len > 0 && v.at[0] == '[') {
        const uint8_t *close = memchr(v.at, ']', v.len);
        if (close == NULL)
            return refuse(r, v, "']' is missing");
        host = view_slice(v, 1, (size_t)(close - v.at) - 1);
        ports = view_slice(v, (size_t)(close - v.at) + 1, v.len);
        if (host.len == 0 || memchr(host.at, ':', host.len) == NULL)
            return refuse(r, v, "brackets are for IPv6 addresses");
        if (ports.len > 0 && ports.at[0] != ':')
            return refuse(r, ports, "':' and the ports were expected");
    } else {
        const uint8_t *colon = v.len == 0 ? NULL : memchr(v.at, ':', v.len);
        size_t n = colon == NULL ? v.len : (size_t)(colon - v.at);
        host = view_slice(v, 0, n);
        ports = view_slice(v, n, v.len);
        if (ports.len > 1 && memchr(ports.at + 1, ':', ports.len - 1) != NULL)
            return refuse(r, v, "IPv6 addresses stand in brackets: [fd20::/16]:443");
    }
    if (host.len == 0)
        return refuse(r, v, "a host is missing");
    if (ports.len == 1)
        return refuse(r, ports, "a port is missing after ':'");
    if (ports.len == 0 && rule->verb == FLOOR_ALLOW)
        return refuse(r, v, "the ports are missing: HOST:443, HOST:80,443 or HOST:*");
    sp_error e = read_host(r, host, rule);
    if (e != SP_OK)
        return e;
    const char *usual = rule->verb == FLOOR_ISSUER ? "443" : "*";
    return read_ports(r, ports.len == 0 ? view_str(usual) : view_slice(ports, 1, ports.len), rule);
}

static sp_error add_rule(const struct reading *r, struct view target, enum floor_verb verb)
{
    struct floor *f = r->floor;
    struct floor_rule rule = {.verb = verb, .line = r->line};
    sp_error e;

    if ((e = read_target(r, target, &rule)) != SP_OK)
        return e;
    if (f->rule_count == FLOOR_RULES_MAX) {
        sp_ignore(refuse(r, target, "a floor has at most 1024 rules"));
        return SP_ERR_LIMIT;
    }
    if (f->rule_count == f->rule_cap) {
        size_t cap = f->rule_cap == 0 ? 16 : f->rule_cap * 2;
        struct floor_rule *rules = reallocarray(f->rules, cap, sizeof *rules);
        if (rules == NULL)
            return SP_ERR_NOMEM;
        f->rules = rules;
        f->rule_cap = cap;
    }
    f->rules[f->rule_count++] = rule;
    return SP_OK;
}

static sp_error set_deadline(const struct reading *r, struct view v)
{
    int64_t ms;

    if (r->floor->deadline_ms != 0)
        return refuse(r, v, "max-deadline stands here a second time");
    if (num_duration(v, &ms) != SP_OK || ms <= 0)
        return refuse(r, v, "no duration; expected one such as 30m, 12h or 7d");
    r->floor->deadline_ms = ms;
    return SP_OK;
}

static sp_error add_signer(const struct reading *r, struct view v)
{
    struct floor *f = r->floor;

    if (f->signer_count == FLOOR_SIGNERS_MAX) {
        sp_ignore(refuse(r, v, "a floor has at most 8 signers"));
        return SP_ERR_LIMIT;
    }
    if (key_parse(v, &f->signers[f->signer_count]) != SP_OK)
        return refuse(r, v, "no key; expected one such as ed25519:… from the console");
    f->signer_count++;
    return SP_OK;
}

static sp_error read_line(const struct reading *r, struct view rest)
{
    struct view word = next_word(&rest), argument = next_word(&rest), more = next_word(&rest);

    if (word.len == 0)
        return SP_OK;
    if (argument.len == 0)
        return refuse(r, word, "something is missing after this word");
    if (more.len > 0)
        return refuse(r, more, "one rule a line; expected the line's end or a comment (#)");
    if (view_is(word, "allow"))
        return add_rule(r, argument, FLOOR_ALLOW);
    if (view_is(word, "deny"))
        return add_rule(r, argument, FLOOR_DENY);
    if (view_is(word, "issuer"))
        return add_rule(r, argument, FLOOR_ISSUER);
    if (view_is(word, "max-deadline"))
        return set_deadline(r, argument);
    if (view_is(word, "signer"))
        return add_signer(r, argument);
    return refuse(r, word, "expected allow, deny, issuer, max-deadline or signer");
}

sp_error floor_parse(struct view text, struct sp_why *why, struct floor **out)
{
    struct reading r = {.why = why};
    sp_error e = SP_OK;

    if (text.len > FLOOR_BYTES_MAX)
        return sp_why_say(why, SP_ERR_LIMIT, "the floor is longer than 256 KiB");
    r.floor = calloc(1, sizeof *r.floor);
    if (r.floor == NULL)
        return SP_ERR_NOMEM;
    while (text.len > 0 && e == SP_OK) {
        const uint8_t *lf = memchr(text.at, '\n', text.len);
        size_t n = lf == NULL ? text.len : (size_t)(lf - text.at);
        r.line++;
        r.begin = text.at;
        e = read_line(&r, view_slice(text, 0, n));
        text = view_slice(text, n + 1, text.len);
    }
    if (e != SP_OK) {
        floor_free(r.floor);
        return e;
    }
    *out = r.floor;
    return SP_OK;
}

sp_error floor_load(const char *path, struct sp_why *why, struct floor **out)
{
    struct sp_why said = {{0}, {0}, 0, 0};
    struct buf text;
    sp_error e;

    buf_init(&text, FLOOR_BYTES_MAX);
    if ((e = file_read_owned(path, FLOOR_BYTES_MAX, &text, why)) == SP_OK &&
        (e = floor_parse(buf_view(&text), &said, out)) != SP_OK) {
        sp_why_place(why, said.line, said.column);
        sp_ignore(sp_why_say(why, e, "%s:%u:%u: %s", path, said.line, said.column,
                             said.text[0] != '\0' ? said.text : sp_error_text(e)));
    }
    buf_deinit(&text);
    return e;
}

void floor_free(struct floor *f)
{
    if (f == NULL)
        return;
    free(f->rules);
    free(f);
}
