#include "client/posture/firewall.h"

#include "lib/base/json.h"

#include <stdio.h>
#include <string.h>

/*
 * "On" needs evidence that unsolicited inbound traffic is dropped (C-018). An active unit alone
 * is none: installing ufw starts its unit although ufw is off, and Docker's chains are no
 * firewall. Rules themselves are visible with CAP_NET_ADMIN only.
 */

/* ---- rules, where they can be seen ---- */

static bool is(const struct json *object, const char *name, const char *value)
{
    return view_is(json_str(json_get(object, name)), value);
}

/* A rule that is nothing but a drop or reject: what came so far ends here. */
static bool drops_all(const struct json *rule)
{
    const struct json *expr = json_get(rule, "expr");
    bool drops = false;

    for (size_t i = 0; i < json_len(expr); i++) {
        const struct json *step = json_at(expr, i);

        if (json_get(step, "drop") != NULL || json_get(step, "reject") != NULL ||
            json_kind(json_get(step, "drop")) == JSON_NULL)
            drops = true;
        else if (json_get(step, "counter") == NULL && json_get(step, "log") == NULL)
            return false;
    }
    return drops;
}

static bool chain_drops(const struct json *rules, const struct json *chain)
{
    bool last = false;

    if (is(chain, "policy", "drop"))
        return true;
    for (size_t i = 0; i < json_len(rules); i++) {
        const struct json *rule = json_get(json_at(rules, i), "rule");

        if (rule != NULL && json_equal(json_get(rule, "table"), json_get(chain, "table")) &&
            json_equal(json_get(rule, "family"), json_get(chain, "family")) &&
            json_equal(json_get(rule, "chain"), json_get(chain, "name")))
            last = drops_all(rule);
    }
    return last;
}

sp_error firewall_nft(struct view text, struct firewall_rules *out)
{
    struct firewall_rules seen = {0};
    struct json *whole;
    sp_error e = json_parse(text, HOST_OUTPUT_BYTES_MAX, NULL, &whole);

    if (e != SP_OK)
        return e;
    const struct json *rules = json_get(whole, "nftables");
    if (json_kind(rules) != JSON_ARRAY)
        e = SP_ERR_MALFORMED;
    for (size_t i = 0; i < json_len(rules); i++) {
        const struct json *chain = json_get(json_at(rules, i), "chain");

        if (chain == NULL || !is(chain, "hook", "input") || !chain_drops(rules, chain))
            continue;
        seen.drops4 = seen.drops4 || is(chain, "family", "inet") || is(chain, "family", "ip");
        seen.drops6 = seen.drops6 || is(chain, "family", "inet") || is(chain, "family", "ip6");
    }
    json_free(whole);
    if (e == SP_OK)
        *out = seen;
    return e;
}

sp_error firewall_iptables(struct view text, bool *drops)
{
    struct view rest = text, line;
    bool policy = false, last = false, seen = false, filter = false;

    while (host_next_line(&rest, &line)) {
        if (line.len > 0 && line.at[0] == '*')
            filter = view_is(line, "*filter");
        if (!filter)
            continue;
        if (line.len > 7 && memcmp(line.at, ":INPUT ", 7) == 0) {
            seen = true;
            policy = view_is(view_slice(line, 7, 4), "DROP");
        }
        if (line.len > 9 && memcmp(line.at, "-A INPUT ", 9) == 0)
            last = view_is(view_slice(line, 9, 7), "-j DROP") ||
                   view_is(view_slice(line, 9, 9), "-j REJECT");
    }
    if (!seen)
        return SP_ERR_MALFORMED;
    *drops = policy || last;
    return SP_OK;
}

/* ---- files and units ---- */

static bool unit_active(const struct host *h, const char *unit)
{
    const char *argv[] = {"/usr/bin/systemctl", "show", "-p", "ActiveState", "--value", unit, NULL};
    struct view rest, line = {0};
    struct buf out;
    bool active;

    buf_init(&out, 4096);
    sp_ignore(host_run(h, argv, false, &out)); /* no answer: not known to be active */
    rest = buf_view(&out);
    active = host_next_line(&rest, &line) && view_is(line, "active");
    buf_deinit(&out);
    return active;
}

static bool file_value(const struct host *h, const char *path, const char *name, char *out,
                       size_t size)
{
    struct buf file;
    bool found;

    buf_init(&file, HOST_FILE_BYTES_MAX);
    found = host_read(h, path, &file) == SP_OK &&
            host_assigned(buf_view(&file), name, out, size) == SP_OK;
    buf_deinit(&file);
    return found;
}

/* true: ufw decides and the signal is set. */
static bool judge_ufw(const struct host *h, struct signals *all)
{
    static const char conf[] = "/etc/ufw/ufw.conf";
    char enabled[16], policy[16];

    if (!file_value(h, conf, "ENABLED", enabled, sizeof enabled))
        return false;
    if (strcmp(enabled, "yes") != 0) {
        if (!unit_active(h, "ufw.service"))
            return false;
        signal_verdict(all, "firewall", false, conf,
                       "the ufw unit is active, but ufw is off (ENABLED=no): no rule is loaded");
        return true;
    }
    if (!file_value(h, "/etc/default/ufw", "DEFAULT_INPUT_POLICY", policy, sizeof policy))
        signal_unknown(all, "firewall", "/etc/default/ufw",
                       "ufw is on; its default policy can't be read");
    else
        signal_verdict(all, "firewall",
                       strcmp(policy, "DROP") == 0 || strcmp(policy, "REJECT") == 0,
                       "/etc/ufw/ufw.conf, /etc/default/ufw", "ufw is on, default %s", policy);
    signal_seen(all, "firewall", "ufw");
    return true;
}

/* firewalld drops what no rule of the default zone names, unless the zone's target is ACCEPT. */
static bool judge_firewalld(const struct host *h, struct signals *all)
{
    static const char conf[] = "/etc/firewalld/firewalld.conf";
    static const char *const folders[] = {"/etc/firewalld/zones", "/usr/lib/firewalld/zones"};
    char zone[64], path[HOST_PATH_MAX];
    struct buf file;
    sp_error e = SP_ERR_NOT_FOUND;

    if (!host_exists(h, conf) || !unit_active(h, "firewalld.service"))
        return false;
    if (!file_value(h, conf, "DefaultZone", zone, sizeof zone))
        snprintf(zone, sizeof zone, "public");
    buf_init(&file, HOST_FILE_BYTES_MAX);
    for (size_t i = 0; i < 2 && e != SP_OK && strchr(zone, '/') == NULL; i++) {
        snprintf(path, sizeof path, "%s/%s.xml", folders[i], zone);
        e = host_read(h, path, &file);
    }
    struct view v = buf_view(&file);
    if (e != SP_OK)
        signal_unknown(all, "firewall", conf, "firewalld runs; its zone %s can't be read", zone);
    else {
        bool accepts = v.len > 0 && memmem(v.at, v.len, "target=\"ACCEPT\"", 15) != NULL;
        signal_verdict(all, "firewall", !accepts, path, "firewalld runs, default zone %s %s", zone,
                       accepts ? "accepts everything" : "drops what it does not name");
    }
    buf_deinit(&file);
    signal_seen(all, "firewall", "firewalld");
    return true;
}

/* A global IPv6 address makes IPv6 rules matter: column 4 of if_inet6 is the scope, 00 global. */
static bool has_global6(const struct host *h)
{
    struct view rest, line;
    struct buf file;
    bool found = false;

    buf_init(&file, HOST_FILE_BYTES_MAX);
    sp_ignore(host_read(h, "/proc/net/if_inet6", &file)); /* absent: no IPv6 */
    rest = buf_view(&file);
    while (host_next_line(&rest, &line))
        found = found || (line.len > 41 && view_is(view_slice(line, 39, 2), "00"));
    buf_deinit(&file);
    return found;
}

/* true: the rules could be seen and the signal is set. */
static bool judge_rules(const struct host *h, struct signals *all)
{
    static const char *const nft[] = {"/usr/sbin/nft", "-j", "list", "ruleset", NULL};
    static const char *const save4[] = {"/usr/sbin/iptables-save", NULL};
    static const char *const save6[] = {"/usr/sbin/ip6tables-save", NULL};
    struct firewall_rules rules = {0};
    const char *seen_by = nft[0];
    struct buf out;
    bool known, drops;

    buf_init(&out, HOST_OUTPUT_BYTES_MAX);
    known = host_run(h, nft, false, &out) == SP_OK && firewall_nft(buf_view(&out), &rules) == SP_OK;
    buf_reset(&out);
    if (host_run(h, save4, false, &out) == SP_OK &&
        firewall_iptables(buf_view(&out), &drops) == SP_OK) {
        seen_by = known ? "nft, iptables-save" : save4[0];
        known = true;
        rules.drops4 = rules.drops4 || drops;
    }
    buf_reset(&out);
    if (host_run(h, save6, false, &out) == SP_OK &&
        firewall_iptables(buf_view(&out), &drops) == SP_OK)
        rules.drops6 = rules.drops6 || drops;
    buf_deinit(&out);
    if (!known)
        return false;
    bool six = has_global6(h);
    bool pass = rules.drops4 && (rules.drops6 || !six);
    signal_verdict(all, "firewall", pass, seen_by, "%s",
                   pass           ? "inbound traffic is dropped unless a rule names it"
                   : rules.drops4 ? "IPv4 is filtered, IPv6 is not"
                                  : "no rule drops unsolicited inbound traffic");
    return true;
}

void collect_firewall(const struct host *h, struct signals *all)
{
    if (judge_ufw(h, all) || judge_firewalld(h, all) || judge_rules(h, all))
        return;
    signal_unknown(all, "firewall", "/etc/ufw, /etc/firewalld, nft",
                   "neither ufw nor firewalld is on, and other rules can be seen by root only");
}
