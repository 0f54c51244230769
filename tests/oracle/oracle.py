#!/usr/bin/env python3
"""An independent reading of ECOSYSTEM.md section 1, compared with broker/policy on random cases.

oracle.py DECIDE_LINES [CASES] [SEED]: exit 0 when all decisions agree and adding a deny or a
requirement never let anyone in (HRD-22)."""
import json, random, subprocess, sys

NOW = 1795597200000
KINDS = ["none", "any", "otp", "phishing_resistant"]
ASSURANCE = ["none", "self", "signed", "attested", "vendor"]
RISK = [None, "low", "medium", "high"]
NOT = {True: False, False: True, None: None}


def conj(values):
    values = list(values)
    return False if False in values else None if None in values else True


def disj(values):
    values = list(values)
    return True if True in values else None if None in values else False


def signal(t, f):
    values = [v for v in f["posture"] if v["signal"] == t["signal"] and v["ttl"] > v["age"]]
    fit = [v for v in values if ASSURANCE.index(v["assurance"]) >= ASSURANCE.index(t.get("assurance", "signed"))
           and ("max_age" not in t or v["age"] <= t["max_age"])]
    if "at_least" in t:
        fit = [v for v in fit if isinstance(v["value"], int)]
        if not fit:
            return None
        best = sorted(fit, key=lambda v: (-ASSURANCE.index(v["assurance"]), v["age"], v["source"]))[0]
        return best["value"] >= t["at_least"]
    state = False if any(v["value"] == "fail" for v in values) else \
        True if any(v["value"] == "pass" for v in fit) else None
    return state if t.get("is", "pass") == "pass" else NOT[state]


def mfa(c, f):
    m = f.get("mfa")
    return bool(m) and KINDS.index(m["kind"]) >= KINDS.index(c.get("kind", "any")) and \
        ("max_age" not in c or m["age"] <= c["max_age"])


def cond(k, c, f, how):
    if k == "any":
        return disj(when(x, f, how) for x in c)
    if how == "visible" and k not in ("groups", "users"):
        return True
    if how == "mfa" and k == "mfa":
        return True
    if k == "not":
        return NOT[when(c, f, "as is")]
    if k == "groups":
        return bool(set(c) & set(f["groups"])) if f["groups_known"] else None
    if k == "users":
        return f["user"] in c
    if k == "mfa":
        return mfa(c, f)
    if k == "device":
        d = f["device"]
        return None if d == "none" else conj((None if n not in d else d[n] in c[n]) for n in c)
    if k == "posture":
        return conj(signal(t, f) for t in c)
    if k == "network":
        return None if "network" not in f else f["network"].startswith(c["in"][0][:7])
    if k == "country":
        return None if "country" not in f else f["country"] in c["in"]
    if k == "risk":
        return None if "risk" not in f else RISK.index(f["risk"]) >= RISK.index(c["at_least"])
    if k == "app":
        return all(f["labels"].get(n) == v for n, v in c["labels"].items())
    raise ValueError(k)


def when(w, f, how="as is"):
    return conj(cond(k, c, f, how) for k, c in w.items())


def strictest(limits):
    out = {k: min((x[k] for x in limits if k in x), default=0) for k in ("session_max", "idle", "reverify")}
    steps = [x["step_up"] for x in limits if "step_up" in x]
    out["kind"] = KINDS[max((KINDS.index(s["kind"]) for s in steps), default=0)]
    out["every"] = min((s["every"] for s in steps), default=0)
    return out


def mentions(w):
    return "groups" in w or any(mentions(x) for x in w.get("any", [])) or ("not" in w and mentions(w["not"]))


def decide(doc, f):
    P = [p for p in doc["policies"] if p["mode"] == "enforce" and
         (p["apps"].get("all") or f["app"] in p["apps"].get("names", []) or
          (p["apps"].get("labels") and all(f["labels"].get(n) == v for n, v in p["apps"]["labels"].items())))]
    rules = [r["when"] for p in P for r in p["allow"] + p["deny"]] + [r for p in P for r in p["require"]]
    allow = [r for p in P for r in p["allow"]]
    none = {"session_max": 0, "idle": 0, "reverify": 0, "kind": "none", "every": 0}
    if not f["groups_known"] and any(map(mentions, rules)):
        return "deny", "groups_unknown", none
    asked = f.get("access", 0) > 0
    if not asked and not any(when(r["when"], f, "visible") is True for r in allow):
        return "deny", "not_visible", none
    values = [(when(r["when"], f), r.get("or_unknown")) for p in P for r in p["deny"]]
    if any(v is True or (v is None and unknown) for v, unknown in values):
        return "deny", "deny_rule", none
    R = [r for p in P for r in p["require"] if when(r, f) is not True]
    if any(when(r, f, "mfa") is not True for r in R):
        return "deny", "requirement", none
    M = [r for r in allow if when(r["when"], f) is True]
    Mm = [r for r in allow if when(r["when"], f, "mfa") is True]
    if asked:  # an approved request: an allow rule without conditions and limits
        M, Mm = M + [{}], Mm + [{}]
    if not Mm:
        return "deny", "no_allow", none
    L = strictest([doc.get("limits", {})] + [p.get("limits", {}) for p in P] + [r.get("limits", {}) for r in M or Mm])
    L["session_max"] = L["session_max"] or 12 * 3600000
    L["idle"] = L["idle"] or 1800000
    m = f.get("mfa")
    met = L["kind"] == "none" or (bool(m) and KINDS.index(m["kind"]) >= KINDS.index(L["kind"]) and
                                  L["every"] > 0 and m["age"] <= L["every"])
    return ("step_up", "step_up", L) if not M or R or not met else ("allow", "none", L)


# ---- random documents and facts ----
def pick(r, kinds):
    k = r.choice(kinds)
    make = {
        "groups": lambda: r.sample(["a/x", "a/y", "a/z"], r.randint(1, 2)),
        "users": lambda: r.sample(["u1", "u2"], 1),
        "mfa": lambda: {**({"max_age": r.choice([60, 3600]) * 1000} if r.random() < .7 else {}),
                        **({"kind": r.choice(KINDS[1:])} if r.random() < .6 else {})},
        "device": lambda: {r.choice(["state"]): ["approved"], **({"owner": ["user"]} if r.random() < .4 else {})},
        "posture": lambda: [{"signal": r.choice("st"), **({"at_least": 5} if r.random() < .4 else {"is": r.choice(["pass", "fail"])}),
                             **({"max_age": 600000} if r.random() < .5 else {}),
                             **({"assurance": r.choice(ASSURANCE[1:])} if r.random() < .5 else {})} for _ in range(r.randint(1, 2))],
        "network": lambda: {"in": [r.choice(["198.18.0.0/16", "198.19.0.0/16"])]},
        "country": lambda: {"in": [r.choice(["DE", "FR"])]},
        "risk": lambda: {"at_least": r.choice(RISK[1:])},
        "app": lambda: {"labels": {"env": r.choice(["prod", "dev"])}},
        "any": lambda: [random_when(r, kinds, 1) for _ in range(2)],
        "not": lambda: random_when(r, [x for x in kinds if x != "mfa"], 1),
    }
    return k, make[k]()


def random_when(r, kinds, most=3):
    return dict(pick(r, kinds if r.random() < .8 else [k for k in kinds if k not in ("any", "not")]) for _ in range(r.randint(1, most)))


ALL = ["groups", "groups", "users", "mfa", "device", "posture", "network", "country", "risk", "app", "any", "not"]


def limits(r):
    out = {k: r.choice([60, 600, 3600]) * 1000 for k in ("session_max", "idle", "reverify") if r.random() < .3}
    if r.random() < .25:
        out["step_up"] = {"kind": r.choice(KINDS[1:]), "every": r.choice([0, 60, 3600]) * 1000}
    return out


def random_doc(r):
    P = []
    for i in range(r.randint(1, 3)):
        P.append({"name": f"p{i}", "mode": r.choice(["enforce"] * 5 + ["shadow", "off"]),
                  "apps": r.choice([{"all": True}, {"names": ["app"]}, {"labels": {"env": "prod"}}]),
                  "allow": [{"name": f"a{k}", "when": random_when(r, ALL), "limits": limits(r)} for k in range(r.randint(0, 3))],
                  "deny": [{"name": f"d{k}", "when": random_when(r, ALL), "or_unknown": r.random() < .3} for k in range(r.randint(0, 1))],
                  "require": [random_when(r, ALL, 1) for _ in range(r.randint(0, 1))], "limits": limits(r)})
    return {"version": 1, "policies": P, "limits": limits(r)}


def random_facts(r):
    f = {"user": r.choice(["u1", "u2", "u3"]), "groups_known": r.random() < .93, "app": "app",
         "labels": {"env": r.choice(["prod", "dev"])}, "device": "none"}
    f["groups"] = r.sample(["a/x", "a/y", "a/z"], r.randint(0, 3)) if f["groups_known"] else []
    if r.random() < .8:
        f["mfa"] = {"kind": r.choice(KINDS[1:]), "age": r.choice([1, 59, 60, 61, 3600, 3601]) * 1000}
    if r.random() < .85:
        f["device"] = {k: v for k, v in (("state", r.choice(["approved", "pending"])), ("owner", r.choice(["user", "other"]))) if r.random() < .9} or {"state": "approved"}
    f["posture"] = [{"signal": s, "value": r.choice(["pass", "pass", "fail", 4, 5]), "source": f"src{i}",
                     "assurance": r.choice(ASSURANCE[1:]), "age": r.choice([1, 600, 601]) * 1000, "ttl": r.choice([600, 900, 9000]) * 1000}
                    for s in "st" for i in range(r.randint(0, 2))]
    for k, values in (("network", ["198.18.1.1", "198.19.1.1", "203.0.113.9"]), ("country", ["DE", "FR", "AQ"]), ("risk", RISK[1:])):
        if r.random() < .7:
            f[k] = r.choice(values)
    if r.random() < .15:
        f["access"] = r.choice([1, 3600]) * 1000
    return f


def text(x, key=""):
    """Durations as people write them; everything else as it is."""
    if isinstance(x, dict):
        return {k: text(v, k) for k, v in x.items() if v != [] or k == "groups"}
    if isinstance(x, list):
        return [text(v) for v in x]
    return f"{x}ms" if key in ("max_age", "age", "ttl", "every", "session_max", "idle", "reverify", "access") else x


def main():
    program, cases = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20000
    r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    want, lines = [], []
    while len(want) < cases:
        doc, facts = random_doc(r), [random_facts(r) for _ in range(10)]
        narrower = json.loads(json.dumps(doc))
        p = r.choice(narrower["policies"])
        p[x].append({"name": "more", "when": random_when(r, ALL), "or_unknown": False} if x == "deny" else random_when(r, ALL, 1)) if (x := r.choice(["deny", "require"])) else None
        for f in facts:
            was, is_now = decide(doc, f), decide(narrower, f)
            assert not (was[0] != "allow" and is_now[0] == "allow"), "narrowing let someone in"
        for d in (doc, narrower):
            for i, f in enumerate(facts):
                lines.append(json.dumps({**({"policy": json.dumps(text(d))} if i == 0 else {}), "facts": text(f), "now": NOW, "app_exists": True}))
                want.append((decide(d, f), d, f))
    out = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(out) == len(want), (len(out), len(want), out[:2])
    seen = {}
    for got, ((verdict, reason, L), doc, f) in zip(out, want):
        expected = [verdict, reason, *(str(L[k]) for k in ("session_max", "idle", "reverify", "kind", "every"))]
        g = got.split()
        if g[:2] + g[4:] != expected:
            print("differ:", got, "| oracle:", expected, "\n", json.dumps(doc), "\n", json.dumps(f))
            return 1
        seen[reason] = seen.get(reason, 0) + 1
    print(f"oracle: {len(want)} cases agree", seen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
