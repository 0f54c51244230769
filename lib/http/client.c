#include "lib/http/client.h"

#include "lib/base/ascii.h"
#include "lib/base/clock.h"
#include "lib/base/num.h"
#include "lib/http/url.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { REDIRECTS_MAX = 3, CA_BYTES_MAX = 4 * 1024 * 1024, FIELD_MAX = 8 * 1024 };

struct client {
    struct buf cas; /* PEM: the system's and the configured ones */
    char *user_agent;
    const struct proxy_env *proxy; /* borrowed */
    pthread_mutex_t lock;
    pthread_cond_t free_slot;
    size_t at_once, busy; /* under lock */
    bool late;            /* under lock: the last call ended at its deadline */
};

/* Where distributions keep the bundle of CAs that the machine trusts. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- life ----------------------------------------------------------------------------------- */

static sp_error append_file(const char *path, struct buf *out)
{
    uint8_t room[16384];
    size_t n;
    FILE *f = fopen(path, "re");

    if (f == NULL)
        return SP_ERR_NOT_FOUND;
    while ((n = fread(room, 1, sizeof room, f)) > 0)
        buf_add(out, (struct view){room, n});
    fclose(f);
    buf_add_byte(out, '\n');
    return buf_error(out);
}

static sp_error load_cas(const struct client_options *o, struct sp_why *why, struct buf *out)
{
    size_t before;
    sp_error e;

    for (size_t i = 0; !o->only_ca_file && i < sizeof bundles / sizeof *bundles; i++)
        if ((e = append_file(bundles[i], out)) == SP_OK)
            break;
        else if (e != SP_ERR_NOT_FOUND)
            return e;
    if (o->ca_file == NULL)
        return SP_OK;
    before = out->len;
    if ((e = append_file(o->ca_file, out)) != SP_OK)
        return sp_why_say(why, e, "the CA file %s can't be read", o->ca_file);
    if (strstr(buf_cstr(out) + before, "-----BEGIN CERTIFICATE-----") == NULL)
        return sp_why_say(why, SP_ERR_MALFORMED, "%s holds no PEM certificate", o->ca_file);
    return SP_OK;
}

sp_error client_new(const struct client_options *o, struct sp_why *why, struct client **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct client *c = calloc(1, sizeof *c);
    sp_error e = SP_ERR_NOMEM;

    if (c == NULL)
        return e;
    pthread_once(&once, init_curl);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->free_slot, NULL);
    buf_init(&c->cas, CA_BYTES_MAX);
    c->proxy = o->proxy;
    c->at_once = o->at_once;
    c->user_agent = strdup(o->user_agent != NULL ? o->user_agent : "sallyport/" SP_VERSION);
    if (c->user_agent == NULL || (e = load_cas(o, why, &c->cas)) != SP_OK) {
        client_free(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

void client_free(struct client *c)
{
    if (c == NULL)
        return;
    pthread_cond_destroy(&c->free_slot);
    pthread_mutex_destroy(&c->lock);
    buf_deinit(&c->cas);
    free(c->user_agent);
    free(c);
}

void client_response_init(struct client_response *r)
{
    *r = (struct client_response){.max_age_s = -1, .retry_after_s = -1};
    buf_init(&r->body, CLIENT_BODY_BYTES_MAX);
    buf_init(&r->type, FIELD_MAX);
    buf_init(&r->location, FIELD_MAX);
    buf_init(&r->etag, FIELD_MAX);
    buf_init(&r->www_authenticate, FIELD_MAX);
    buf_init(&r->set_cookie, FIELD_MAX);
    buf_init(&r->wanted, FIELD_MAX);
}

void client_response_deinit(struct client_response *r)
{
    buf_wipe(&r->body);
    buf_deinit(&r->type);
    buf_wipe(&r->location);
    buf_deinit(&r->etag);
    buf_deinit(&r->www_authenticate);
    buf_wipe(&r->set_cookie);
    buf_deinit(&r->wanted);
}

/* ---- slots ---------------------------------------------------------------------------------- */

static sp_error take_slot(struct client *c, int64_t ms)
{
    struct timespec until;
    int wait = 0;

    if (c->at_once == 0)
        return SP_OK;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&c->lock);
    while (c->busy >= c->at_once && !c->late && wait == 0)
        wait = pthread_cond_timedwait(&c->free_slot, &c->lock, &until);
    if (c->busy < (c->late ? 1 : c->at_once)) {
        c->busy++;
        wait = 0;
    } else {
        wait = ETIMEDOUT;
    }
    pthread_mutex_unlock(&c->lock);
    return wait == 0 ? SP_OK : SP_ERR_BUSY;
}

/* `e`: how the call ended. Who waits for a server that has become late need not wait on. */
static void give_slot(struct client *c, sp_error e)
{
    if (c->at_once == 0)
        return;
    pthread_mutex_lock(&c->lock);
    c->busy--;
    c->late = e == SP_ERR_TIMEOUT;
    pthread_cond_broadcast(&c->free_slot);
    pthread_mutex_unlock(&c->lock);
}

/* ---- what comes back ------------------------------------------------------------------------ */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct client_response *r = arg;

    return buf_append(&r->body, (struct view){(const uint8_t *)data, size * count}) == SP_OK
               ? size * count
               : 0;
}

static void keep(struct buf *to, struct view value)
{
    if (to->len == 0)
        buf_add(to, value);
}

static void read_cache_control(struct client_response *r, struct view value)
{
    struct view part;
    uint64_t n = 0;

    while (ascii_next(&value, &part)) {
        if (ascii_begins(part, "no-store") || ascii_begins(part, "no-cache")) {
            r->max_age_s = 0;
            return;
        }
        if (ascii_begins(part, "max-age=") &&
            num_uint(view_slice(part, 8, part.len), INT32_MAX, &n) == SP_OK)
            r->max_age_s = (int64_t)n;
    }
}

/* curl gives each line of a head with its end, CR LF or a bare LF. */
static struct view without_end(struct view line)
{
    while (line.len > 0 && (line.at[line.len - 1] == '\r' || line.at[line.len - 1] == '\n'))
        line.len--;
    return line;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct client_response *r = arg;
    struct view line = without_end((struct view){(const uint8_t *)data, size * count});
    const uint8_t *colon = line.len > 0 ? memchr(line.at, ':', line.len) : NULL;
    uint64_t n;

    if (ascii_begins(line, "http/") || colon == NULL)
        return size * count;
    struct view name = view_slice(line, 0, (size_t)(colon - line.at));
    struct view value = ascii_trim(view_slice(line, name.len + 1, line.len));

    if (r->want != NULL && ascii_is(name, r->want))
        keep(&r->wanted, value);
    if (ascii_is(name, "content-type"))
        keep(&r->type, value);
    else if (ascii_is(name, "location"))
        keep(&r->location, value);
    else if (ascii_is(name, "etag"))
        keep(&r->etag, value);
    else if (ascii_is(name, "www-authenticate"))
        keep(&r->www_authenticate, value);
    else if (ascii_is(name, "cache-control"))
        read_cache_control(r, value);
    else if (ascii_is(name, "retry-after") && num_uint(value, INT32_MAX, &n) == SP_OK)
        r->retry_after_s = (int64_t)n;
    else if (ascii_is(name, "set-cookie")) {
        buf_add(&r->set_cookie, value);
        buf_add_byte(&r->set_cookie, '\n');
    }
    return size * count;
}

static void forget(struct client_response *r)
{
    buf_reset(&r->body);
    buf_reset(&r->type);
    buf_reset(&r->location);
    buf_reset(&r->etag);
    buf_reset(&r->www_authenticate);
    buf_reset(&r->set_cookie);
    buf_reset(&r->wanted);
    r->max_age_s = r->retry_after_s = -1;
}

/* ---- what went wrong ------------------------------------------------------------------------ */

static sp_error tls_reason(const char *detail, const struct url *u, struct sp_why *why)
{
    static const struct {
        const char *part, *text;
    } rows[] = {
        {"do not match", "its certificate is for another name"},
        {"ame mismatch", "its certificate is for another name"},
        {"signer", "no CA that is trusted here signed its certificate"},
        {"self-signed", "no CA that is trusted here signed its certificate"},
        {"self signed", "no CA that is trusted here signed its certificate"},
        {"AFTER", "its certificate has expired"},
        {"after", "its certificate has expired"},
        {"expired", "its certificate has expired"},
        {"not valid yet", "its certificate is not valid yet"},
        {"BEFORE", "its certificate is not valid yet"},
        {"before", "its certificate is not valid yet"},
        {"date", "its certificate has expired or is not valid yet"},
    };
    const char *text = "the TLS handshake failed";

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strstr(detail, rows[i].part) != NULL) {
            text = rows[i].text;
            break;
        }
    return sp_why_say(why, SP_ERR_TLS, "%.*s:%u is not trusted: %s", VIEW_ARG(u->host), u->port,
                      text);
}

static sp_error reason(CURLcode code, const char *detail, const struct url *u, struct sp_why *why)
{
    switch (code) {
    case CURLE_OK:
        return SP_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
        return sp_why_say(why, SP_ERR_UNREACHABLE, "the name %.*s was not found",
                          VIEW_ARG(u->host));
    case CURLE_COULDNT_RESOLVE_PROXY:
        return sp_why_say(why, SP_ERR_UNREACHABLE, "the proxy's name was not found");
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
        return sp_why_say(why, SP_ERR_UNREACHABLE, "%.*s:%u can't be reached", VIEW_ARG(u->host),
                          u->port);
    case CURLE_OPERATION_TIMEDOUT:
        return sp_why_say(why, SP_ERR_TIMEOUT, "%.*s:%u did not answer in time", VIEW_ARG(u->host),
                          u->port);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return tls_reason(detail, u, why);
    case CURLE_WRITE_ERROR:
        return sp_why_say(why, SP_ERR_LIMIT, "the answer of %.*s is too long", VIEW_ARG(u->host));
    case CURLE_OUT_OF_MEMORY:
        return SP_ERR_NOMEM;
    default:
        return sp_why_say(why, SP_ERR_PROTOCOL, "%.*s:%u gave no proper HTTP answer",
                          VIEW_ARG(u->host), u->port);
    }
}

/* ---- one exchange --------------------------------------------------------------------------- */

/* A header that could end its own line is a bug of the caller's, refused like a bad URL. */
static bool is_line(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.at[i] < ' ' && v.at[i] != '\t')
            return false;
    return true;
}

static sp_error make_headers(const struct client_request *q, struct curl_slist **out)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    struct buf line;
    sp_error e = list != NULL ? SP_OK : SP_ERR_NOMEM;

    buf_init(&line, 64 * 1024);
    for (size_t i = 0; e == SP_OK && i < CLIENT_HEADERS_MAX && q->headers[i].name != NULL; i++) {
        struct curl_slist *longer;

        buf_reset(&line);
        buf_add_str(&line, q->headers[i].name);
        buf_add_str(&line, ": ");
        buf_add(&line, q->headers[i].value);
        if (!is_line(buf_view(&line)))
            e = SP_ERR_INVALID;
        else if (buf_cstr(&line) == NULL ||
                 (longer = curl_slist_append(list, buf_cstr(&line))) == NULL)
            e = SP_ERR_NOMEM;
        else
            list = longer;
    }
    buf_wipe(&line);
    *out = list;
    return e;
}

static sp_error set_proxy(CURL *h, const struct client *c, const struct url *u, struct sp_why *why)
{
    struct proxy_choice choice;
    char host[URL_HOST_MAX + 1], address[300];
    sp_error e;

    snprintf(host, sizeof host, "%.*s", VIEW_ARG(u->host));
    if ((e = proxy_choose(c->proxy, host, u->port, why, &choice)) != SP_OK)
        return e;
    curl_easy_setopt(h, CURLOPT_NOPROXY, ""); /* the choice is made, curl's own reading is off */
    if (choice.direct) {
        curl_easy_setopt(h, CURLOPT_PROXY, "");
        return SP_OK;
    }
    snprintf(address, sizeof address, strchr(choice.host, ':') ? "http://[%s]:%u" : "http://%s:%u",
             choice.host, choice.port);
    curl_easy_setopt(h, CURLOPT_PROXY, address);
    curl_easy_setopt(h, CURLOPT_HTTPPROXYTUNNEL, 1L);
    if (choice.user[0] != '\0') {
        curl_easy_setopt(h, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(h, CURLOPT_PROXYUSERNAME, choice.user);
        curl_easy_setopt(h, CURLOPT_PROXYPASSWORD, choice.password);
    }
    proxy_choice_wipe(&choice);
    return SP_OK;
}

static void set_trust(CURL *h, struct client *c)
{
    struct curl_blob cas = {c->cas.at, c->cas.len, CURL_BLOB_NOCOPY};

    curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(h, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
    if (cas.len > 0)
        curl_easy_setopt(h, CURLOPT_CAINFO_BLOB, &cas);
}

static void set_method(CURL *h, const struct client_request *q)
{
    bool has_body = q->body.len > 0 || q->method == METHOD_POST || q->method == METHOD_PUT ||
                    q->method == METHOD_PATCH;

    if (has_body) {
        curl_easy_setopt(h, CURLOPT_POST, 1L);
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.len);
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, q->body.len > 0 ? (const char *)q->body.at : "");
    }
    if (q->method == METHOD_HEAD)
        curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
    else if (!(has_body && q->method == METHOD_POST))
        curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, http_method_name(q->method));
}

/*
 * wolfSSL under libcurl checks no literal address (see lib/tls/foreign.c). For loopback ones, where
 * `broker dev` and health checks live, the certificate must be for "localhost" instead; the
 * connection and the Host header stay as they were. Others are refused by curl.
 */
static sp_error set_address(CURL *h, const char *address, const struct url *u,
                            struct curl_slist **headers, struct curl_slist **way)
{
    char renamed[URL_BYTES_MAX + 16], line[URL_HOST_MAX + 64];
    const char *open = u->host_is_ipv6 ? "[" : "", *shut = u->host_is_ipv6 ? "]" : "";
    struct curl_slist *longer;

    if (!u->https || !url_is_loopback(u) || ascii_is(u->host, "localhost")) {
        curl_easy_setopt(h, CURLOPT_URL, address);
        return SP_OK;
    }
    snprintf(renamed, sizeof renamed, "https://localhost:%u%.*s%s%.*s", u->port, VIEW_ARG(u->path),
             u->has_query ? "?" : "", VIEW_ARG(u->query));
    snprintf(line, sizeof line, "localhost:%u:%s%.*s%s:%u", u->port, open, VIEW_ARG(u->host), shut,
             u->port);
    if ((*way = curl_slist_append(NULL, line)) == NULL)
        return SP_ERR_NOMEM;
    snprintf(line, sizeof line, "Host: %s%.*s%s:%u", open, VIEW_ARG(u->host), shut, u->port);
    if ((longer = curl_slist_append(*headers, line)) == NULL)
        return SP_ERR_NOMEM;
    *headers = longer;
    curl_easy_setopt(h, CURLOPT_URL, renamed);
    curl_easy_setopt(h, CURLOPT_CONNECT_TO, *way);
    return SP_OK;
}

/* One request of a call and its answer. */
struct hop {
    char address[URL_BYTES_MAX + 1];
    struct url url; /* views of `address` */
    int64_t ms;     /* what is left of the call's time */
};

static sp_error exchange(struct client *c, const struct client_request *q, const struct hop *hop,
                         struct sp_why *why, struct client_response *out)
{
    const struct url *u = &hop->url;
    char detail[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL, *way = NULL;
    CURL *h = curl_easy_init();
    long status = 0;
    sp_error e;

    if (h == NULL)
        return SP_ERR_NOMEM;
    if ((e = make_headers(q, &headers)) != SP_OK || (e = set_proxy(h, c, u, why)) != SP_OK ||
        (e = set_address(h, hop->address, u, &headers, &way)) != SP_OK)
        goto out;
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, u->https ? "https" : "http");
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(h, CURLOPT_USERAGENT, c->user_agent);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)hop->ms);
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, out);
    curl_easy_setopt(h, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set_trust(h, c);
    set_method(h, q);
    out->want = q->want;

    e = reason(curl_easy_perform(h), detail, u, why);
    if (e == SP_OK) {
        curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
        out->status = (int)status;
    }
    out->want = NULL;
out:
    curl_slist_free_all(headers);
    curl_slist_free_all(way);
    curl_easy_cleanup(h);
    return e;
}

/* ---- redirects ------------------------------------------------------------------------------ */

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* The next address in `to`; only on the same origin. */
static sp_error follow(const struct url *from, const struct buf *location, struct sp_why *why,
                       struct buf *to)
{
    struct view where = buf_view(location);
    struct url u;

    buf_reset(to);
    if (where.len > 1 && where.at[0] == '/' && where.at[1] != '/')
        url_write_origin(from, to);
    buf_add(to, where);
    if (buf_error(to) != SP_OK || url_parse(buf_view(to), &u) != SP_OK ||
        !url_same_origin(from, &u))
        return sp_why_say(why, SP_ERR_PROTOCOL, "%.*s redirects to another host",
                          VIEW_ARG(from->host));
    return SP_OK;
}

static sp_error check_url(const struct client_request *q, struct view text, struct sp_why *why,
                          struct url *u)
{
    if (url_parse(text, u) != SP_OK || u->has_fragment)
        return sp_why_say(why, SP_ERR_INVALID, "the URL is not acceptable");
    if (!u->https && !q->allow_http && !url_is_loopback(u))
        return sp_why_say(why, SP_ERR_INVALID, "%.*s: only https is allowed", VIEW_ARG(u->host));
    return SP_OK;
}

static sp_error call(struct client *c, const struct client_request *q, sp_boot_ms until,
                     struct sp_why *why, struct client_response *out)
{
    struct hop hop;
    struct buf next;
    sp_error e;

    buf_init(&next, URL_BYTES_MAX);
    buf_add_str(&next, q->url);
    for (int hops = 0;; hops++) {
        hop.ms = until - clock_boot();
        if ((e = buf_error(&next)) != SP_OK ||
            (e = check_url(q, buf_view(&next), why, &hop.url)) != SP_OK)
            break;
        snprintf(hop.address, sizeof hop.address, "%.*s", VIEW_ARG(buf_view(&next)));
        if (url_parse(view_str(hop.address), &hop.url) != SP_OK || hop.ms <= 0) {
            e = SP_ERR_TIMEOUT;
            break;
        }
        forget(out);
        if ((e = exchange(c, q, &hop, why, out)) != SP_OK)
            break;
        if (!q->follow_same_origin || q->method != METHOD_GET || !is_redirect(out->status))
            break;
        if (hops == REDIRECTS_MAX) {
            e = sp_why_say(why, SP_ERR_PROTOCOL, "%.*s redirects too often",
                           VIEW_ARG(hop.url.host));
            break;
        }
        if ((e = follow(&hop.url, &out->location, why, &next)) != SP_OK)
            break;
    }
    buf_deinit(&next);
    return e;
}

sp_error client_call(struct client *c, const struct client_request *q, struct sp_why *why,
                     struct client_response *out)
{
    int64_t ms = q->deadline_ms > 0 ? q->deadline_ms : CLIENT_DEADLINE_MS;
    sp_boot_ms until = clock_boot() + ms;
    sp_error e;

    if (q->method == METHOD_NONE)
        return sp_why_say(why, SP_ERR_INVALID, "no method");
    if (take_slot(c, ms) != SP_OK)
        return sp_why_say(why, SP_ERR_BUSY, "too many calls to other servers are under way");
    out->body.max = q->body_max > 0 ? q->body_max : CLIENT_BODY_BYTES_MAX;
    if ((e = call(c, q, until, why, out)) != SP_OK)
        forget(out);
    give_slot(c, e);
    return e;
}
