"""table: the figures for people, and the goals: each a ratio of two figures of the same run."""

CONTENDERS = ("nginx", "modsec", "tcp", "gateway", "full", "assertion")


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratio(figures, over, under):
    """over and under: (figure, contender). None: not measured."""
    a, b = (figures.get(figure, {}).get(who) for figure, who in (over, under))
    return None if a is None or not b else a / b


def goals(figures):
    """(what, ratio or figure, sign, bound): "<=" wants it small; a bound of None is a figure without a goal."""
    own = lambda method, who: (f"{method}: own share, us", who)
    at = lambda p, who: (f"latency at 50 % load, {p} us", who)
    mb = lambda what, who: (f"{what}, MB/s", who)
    part = lambda name: (f"{name}, ns", "gateway")
    plain = lambda figure: figures.get(figure, {}).get("gateway")
    for method in ("GET", "POST"):
        yield f"own share : nginx plain, {method}", ratio(figures, own(method, "gateway"), own(method, "nginx")), "<=", 1.0
        yield f"with schema and detectors : nginx plain, {method}", ratio(figures, own(method, "full"), own(method, "nginx")), "<=", 2.0
    yield "nginx + ModSecurity + CRS : with schema and detectors, GET", ratio(figures, own("GET", "modsec"), own("GET", "full")), ">=", 30
    yield "nginx + ModSecurity + CRS : with schema and detectors, POST", ratio(figures, own("POST", "modsec"), own("POST", "full")), ">=", 200
    yield "read, strict check, target, route : llhttp alone", ratio(figures, part("read"), part("llhttp")), "<=", 2.0
    for p, bound in (("p50", 1.3), ("p99", 2.0)):
        yield f"latency at 50 % load : tcp app, {p}", ratio(figures, at(p, "gateway"), at(p, "tcp")), "<=", bound
    yield "check of a 1 KiB body : jansson's parse alone", ratio(figures, part("check"), part("jansson")), "<=", 1 / 8
    yield "one rate check, ns", plain("rate, ns"), "<=", 100
    yield "all detectors of one request, ns", plain("detect, ns"), "<=", 200
    for what, bound in (("idle connection", 8), ("request in flight", 64)):
        have = {who: figures.get(f"{what}, KiB", {}).get(who) for who in ("tcp", "gateway")}
        yield f"{what} beyond the tunnel, KiB", None if None in have.values() else have["gateway"] - have["tcp"], "<=", bound
    yield "overload: share of the limit that passes", plain("overload 150 %: share of the limit that passes"), ">=", 0.9
    yield "overload: a refusal, p50 us", plain("overload 150 %: a refusal, p50 us"), "<=", 1000
    for what in ("large answer", "large request", "event stream"):
        work = f"{what}, CPU us a MiB, process"
        yield f"{what}, CPU : nginx plain", ratio(figures, (work, "gateway"), (work, "nginx")), "<=", None
        yield f"{what} : tcp app", ratio(figures, mb(what, "gateway"), mb(what, "tcp")), ">=", 0.9


def aligned(cells):
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return [row[0].ljust(widths[0]) + "".join("  " + cell.rjust(w) for cell, w in zip(row[1:], widths[1:])) for row in cells]


def text(result):
    figures = {figure: by for row in result["figures"].values() for figure, by in row.items()}
    machine = result["machine"]
    head = f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}; {machine['nginx']}; medians of {result['runs']} runs"
    if result["smoke"]:
        head += "; a smoke run: the figures mean nothing"
    measured = [("", *CONTENDERS)] + [(figure, *(number(by.get(who)) for who in CONTENDERS)) for figure, by in figures.items()]
    held = [("goal", "measured", "", "bound", "")]
    for what, value, sign, bound in goals(figures):
        if value is not None:
            met = bound is None or (value <= bound if sign == "<=" else value >= bound)
            held.append((what, number(value), sign, number(bound), "" if bound is None else "met" if met else "missed"))
    return "\n".join([head, "", *aligned(measured), "", *aligned(held)])
