#include "lib/http/proxy.h"

#include <stdio.h>

#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/http/url.h"
#include "lib/os/file.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum { LOGIN_FILE_MAX = 512 };

static const char origin_configuration[] = "configuration";

const char *proxy_getenv(const char *name)
{
    return getenv(name);
}

static bool keep(char *to, size_t room, const char *text)
{
    size_t n = strlen(text);

    if (n >= room)
        return false;
    memcpy(to, text, n + 1);
    return true;
}

/* From where `url` is: the configuration, or the variable that stands for its key. */
static void read_configured(const struct proxy_own *own, const char *(*get)(const char *name),
                            struct proxy_env *out)
{
    if (!keep(out->url, sizeof out->url, own->configured))
        return;
    out->origin =
        own->variable != NULL && get(own->variable) != NULL ? own->variable : origin_configuration;
}

static void read_variables(const char *(*get)(const char *name), struct proxy_env *out)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = get(names[i]);
        if (value == NULL)
            continue;
        /* An empty https_proxy is a choice: no proxy, whatever all_proxy says. */
        if (keep(out->url, sizeof out->url, value))
            out->origin = names[i];
        return;
    }
}

void proxy_env_read(const struct proxy_own *own, const char *(*get)(const char *name),
                    struct proxy_env *out)
{
    const char *no = get("no_proxy");

    *out = (struct proxy_env){.keep = own == NULL ? NULL : own->keep};
    if (no == NULL)
        no = get("NO_PROXY");
    if (no != NULL && !keep(out->no_proxy, sizeof out->no_proxy, no))
        out->no_proxy[0] = '\0';
    if (own != NULL && own->configured != NULL)
        read_configured(own, get, out);
    else
        read_variables(get, out);
    out->exposed = out->origin != origin_configuration && strchr(out->url, '@') != NULL;
}

/* USER:PASSWORD of the file, percent-encoded, between "http://" and `host`. */
static sp_error insert_login(struct buf *file, const char *scheme, const char *host,
                             struct buf *url)
{
    while (file->len > 0 && (file->at[file->len - 1] == '\n' || file->at[file->len - 1] == '\r'))
        file->len--;
    const uint8_t *colon = file->len == 0 ? NULL : memchr(file->at, ':', file->len);
    if (colon == NULL)
        return SP_ERR_INVALID;

    size_t n = (size_t)(colon - file->at);
    buf_add_str(url, scheme);
    encode_percent(view_slice(buf_view(file), 0, n), url);
    buf_add_byte(url, ':');
    encode_percent(view_slice(buf_view(file), n + 1, file->len), url);
    buf_addf(url, "@%s", host);
    return buf_error(url) == SP_OK && buf_cstr(url) != NULL ? SP_OK : SP_ERR_INVALID;
}

sp_error proxy_login(struct proxy_env *env, const char *file, struct sp_why *why)
{
    static const char scheme[] = "http://";
    struct buf login, url;
    sp_error e;

    if (env->url[0] == '\0')
        return SP_OK;
    if (strncmp(env->url, scheme, sizeof scheme - 1) != 0 || strchr(env->url, '@') != NULL)
        return sp_why_say(why, SP_ERR_INVALID,
                          "proxy_login goes with a proxy of the form http://HOST:PORT");
    buf_init(&login, LOGIN_FILE_MAX);
    buf_init(&url, PROXY_TEXT_MAX - 1);
    if ((e = file_read_secret(file, LOGIN_FILE_MAX - 1, &login, why)) == SP_OK) {
        e = insert_login(&login, scheme, env->url + sizeof scheme - 1, &url);
        if (e == SP_OK)
            snprintf(env->url, sizeof env->url, "%s", buf_cstr(&url));
        else
            sp_ignore(sp_why_say(why, e, "%s: expected USER:PASSWORD", file)); /* the same `e` */
    }
    buf_wipe(&url);
    buf_wipe(&login);
    return e;
}

bool proxy_login_exposed(const struct proxy_env *env, struct sp_why *text)
{
    if (env->exposed)
        sp_ignore(sp_why_say(text, SP_OK,
                             "the proxy's login stands in the environment (%s), where other "
                             "programs read it%s%s",
                             env->origin, env->keep == NULL ? "" : ": ",
                             env->keep == NULL ? "" : env->keep));
    return env->exposed;
}

void proxy_login_warn(const struct proxy_env *env, const char *event)
{
    struct sp_why why = {0};

    if (proxy_login_exposed(env, &why))
        log_event(LOG_WARN, event, why.text, "variable", env->origin, NULL);
}

/* ---- addresses ---------------------------------------------------------------------------- */

struct address {
    int family; /* 0: not an address */
    uint8_t bytes[16];
};

static struct address address_parse(struct view v)
{
    struct address a = {0};
    char text[INET6_ADDRSTRLEN];

    if (v.len == 0 || v.len >= sizeof text)
        return a;
    memcpy(text, v.at, v.len);
    text[v.len] = '\0';
    if (inet_pton(AF_INET, text, a.bytes) == 1)
        a.family = AF_INET;
    else if (inet_pton(AF_INET6, text, a.bytes) == 1)
        a.family = AF_INET6;
    if (a.family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((struct in6_addr *)(void *)a.bytes)) {
        memmove(a.bytes, a.bytes + 12, 4);
        a.family = AF_INET;
    }
    return a;
}

static bool in_network(const struct address *a, const struct address *net, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (a->family != net->family || memcmp(a->bytes, net->bytes, whole) != 0)
        return false;
    return rest == 0 || ((a->bytes[whole] ^ net->bytes[whole]) >> (8 - rest)) == 0;
}

static bool is_local(const char *host, const struct address *a)
{
    static const struct {
        const char *text;
        unsigned bits;
    } nets[] = {{"127.0.0.0", 8}, {"169.254.0.0", 16}, {"::1", 128}, {"fe80::", 10}};

    if (ascii_is(view_str(host), "localhost"))
        return true;
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        struct address net = address_parse(view_str(nets[i].text));
        if (in_network(a, &net, nets[i].bits))
            return true;
    }
    return false;
}

/* ---- no_proxy ----------------------------------------------------------------------------- */

struct target {
    const char *host;
    struct address address;
    uint16_t port;
};

enum verdict { NO_MATCH, MATCH, NOT_PARSED };

static bool name_matches(struct view entry, const char *host)
{
    struct view h = view_str(host);

    if (entry.len > 2 && entry.at[0] == '*' && entry.at[1] == '.')
        entry = view_slice(entry, 1, entry.len);
    if (entry.len > 1 && entry.at[0] == '.')
        return h.len > entry.len && ascii_equal(view_slice(h, h.len - entry.len, h.len), entry);
    return ascii_equal(h, entry);
}

static bool is_name(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i], low = (uint8_t)(c | 0x20);
        if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
              c == '.' || (c == '*' && i == 0 && v.len > 2 && v.at[1] == '.')))
            return false;
    }
    return v.len > 0;
}

static enum verdict network_matches(struct view entry, const uint8_t *slash, const struct target *t)
{
    size_t n = (size_t)(slash - entry.at);
    struct address net = address_parse(view_slice(entry, 0, n));
    uint64_t bits = 0;

    if (net.family == 0 || num_uint(view_slice(entry, n + 1, entry.len),
                                    net.family == AF_INET ? 32 : 128, &bits) != SP_OK)
        return NOT_PARSED;
    return in_network(&t->address, &net, (unsigned)bits) ? MATCH : NO_MATCH;
}

/* "[2001:db8::1]:8443", "host:443": cuts the port off; false: a broken one. */
static bool take_port(struct view *entry, uint64_t *port)
{
    const uint8_t *colon = NULL;

    *port = 0;
    if (entry->at[0] == '[') {
        const uint8_t *close = memchr(entry->at, ']', entry->len);
        if (close == NULL)
            return false;
        struct view behind = view_slice(*entry, (size_t)(close - entry->at) + 1, entry->len);
        *entry = view_slice(*entry, 1, (size_t)(close - entry->at) - 1);
        if (behind.len == 0)
            return true;
        return behind.at[0] == ':' &&
               num_uint(view_slice(behind, 1, behind.len), UINT16_MAX, port) == SP_OK && *port > 0;
    }
    colon = memchr(entry->at, ':', entry->len);
    if (colon == NULL || address_parse(*entry).family == AF_INET6 ||
        memchr(entry->at, '/', entry->len) != NULL)
        return true;
    struct view digits = view_slice(*entry, (size_t)(colon - entry->at) + 1, entry->len);
    *entry = view_slice(*entry, 0, (size_t)(colon - entry->at));
    return num_uint(digits, UINT16_MAX, port) == SP_OK && *port > 0;
}

static enum verdict entry_matches(struct view entry, const struct target *t)
{
    const uint8_t *slash;
    uint64_t port;

    if (view_is(entry, "*"))
        return MATCH;
    if (!take_port(&entry, &port) || entry.len == 0)
        return NOT_PARSED;
    if ((slash = memchr(entry.at, '/', entry.len)) != NULL)
        return network_matches(entry, slash, t);

    struct address a = address_parse(entry);
    if (a.family == 0 && !is_name(entry))
        return NOT_PARSED;
    if (port != 0 && port != t->port)
        return NO_MATCH;
    if (a.family != 0)
        return in_network(&t->address, &a, a.family == AF_INET ? 32 : 128) ? MATCH : NO_MATCH;
    return name_matches(entry, t->host) ? MATCH : NO_MATCH;
}

static bool excepted(const char *list, const struct target *t, unsigned *skipped)
{
    struct view rest = view_str(list);
    bool found = false;

    while (rest.len > 0) {
        size_t n = 0;
        while (n < rest.len && rest.at[n] != ',' && rest.at[n] != ' ' && rest.at[n] != '\t')
            n++;
        struct view entry = view_slice(rest, 0, n);
        rest = view_slice(rest, n + 1, rest.len);
        if (entry.len == 0)
            continue;
        enum verdict v = entry_matches(entry, t);
        *skipped += v == NOT_PARSED;
        found = found || v == MATCH;
    }
    return found;
}

/* ---- the proxy's own address -------------------------------------------------------------- */

static sp_error decode_into(struct view text, char *to, size_t room)
{
    struct buf plain;
    sp_error e;

    buf_init(&plain, room - 1);
    if ((e = url_decode(text, false, &plain)) == SP_OK) {
        if (plain.len > 0)
            memcpy(to, plain.at, plain.len);
        to[plain.len] = '\0';
    }
    buf_wipe(&plain);
    return e;
}

static sp_error take_user(struct view *rest, struct proxy_choice *c)
{
    const uint8_t *at = memchr(rest->at, '@', rest->len);
    sp_error e;

    if (at == NULL)
        return SP_OK;
    struct view both = view_slice(*rest, 0, (size_t)(at - rest->at));
    const uint8_t *colon = both.len > 0 ? memchr(both.at, ':', both.len) : NULL;
    size_t n = colon != NULL ? (size_t)(colon - both.at) : both.len;

    *rest = view_slice(*rest, both.len + 1, rest->len);
    if ((e = decode_into(view_slice(both, 0, n), c->user, sizeof c->user)) != SP_OK)
        return e;
    return decode_into(view_slice(both, n + 1, both.len), c->password, sizeof c->password);
}

static sp_error proxy_parse(const char *text, struct sp_why *why, struct proxy_choice *c)
{
    struct view rest = view_str(text);
    const char *scheme_end = strstr(text, "://");
    char bare[PROXY_TEXT_MAX + 8];
    struct url u;

    if (scheme_end != NULL) {
        size_t n = (size_t)(scheme_end - text);
        if (!ascii_is(view_slice(rest, 0, n), "http"))
            return sp_why_say(why, SP_ERR_UNSUPPORTED,
                              "the proxy's scheme is \"%.*s\"; only http (CONNECT) is supported",
                              n > 16 ? 16 : (int)n, text);
        rest = view_slice(rest, n + 3, rest.len);
    }
    if (take_user(&rest, c) != SP_OK)
        goto malformed;
    snprintf(bare, sizeof bare, "http://%.*s", VIEW_ARG(rest));
    if (url_parse(view_str(bare), &u) != SP_OK || (u.path.len > 1) || u.has_query ||
        u.has_fragment || u.host.len >= sizeof c->host)
        goto malformed;
    memcpy(c->host, u.host.at, u.host.len);
    c->host[u.host.len] = '\0';

    c->port = u.port;
    return SP_OK;

malformed:
    proxy_choice_wipe(c);
    return sp_why_say(why, SP_ERR_MALFORMED,
                      "the proxy's address does not parse; it should look like "
                      "http://proxy.example.org:3128");
}

sp_error proxy_choose(const struct proxy_env *env, const char *host, uint16_t port,
                      struct sp_why *why, struct proxy_choice *out)
{
    struct proxy_choice c = {.direct = true};
    struct target t = {.host = host, .address = address_parse(view_str(host)), .port = port};
    sp_error e;

    if (env == NULL || env->url[0] == '\0' || is_local(host, &t.address) ||
        excepted(env->no_proxy, &t, &c.skipped)) {
        *out = c;
        return SP_OK;
    }
    c.direct = false;
    if ((e = proxy_parse(env->url, why, &c)) != SP_OK)
        return e;
    *out = c;
    proxy_choice_wipe(&c);
    return SP_OK;
}

void proxy_choice_wipe(struct proxy_choice *c)
{
    explicit_bzero(c->password, sizeof c->password);
    explicit_bzero(c->user, sizeof c->user);
}
