"""table: the figures for people, with their ratio to the plain chain."""

PATHS = ("raw", "plain", "tls", "cut-through", "frames")
COLUMNS = (*PATHS, "broker")  # broker: what no path has a part in


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def lines(figures):
    yield ("", *COLUMNS, "tls : plain", "cut : plain", "frames : plain")
    for row in figures.values():
        for figure, by_path in row.items():
            plain = by_path.get("plain")
            ratios = [f"{by_path[p] / plain:.2f}" if plain and p in by_path else "-" for p in PATHS[2:]]
            yield (figure, *(number(by_path.get(p)) for p in COLUMNS), *ratios)


def text(result):
    cells = list(lines(result["figures"]))
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    machine = result["machine"]
    head = f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}; medians of {result['runs']} runs"
    if result["smoke"]:
        head += "; a smoke run: the figures mean nothing"
    body = [row[0].ljust(widths[0]) + "".join("  " + cell.rjust(w) for cell, w in zip(row[1:], widths[1:])) for row in cells]
    return "\n".join([head, "", *body])
