"""promises: what a run must show, or it is red.

LOAD-2  bulk through the relay: 2 Gbit/s for each core that the relay uses, cut through in any run on any machine, since it is measured
        in processor time; in a whole run in frames as well, at most 1.3 CPU s/GB, and 350 MB/s cut through
LOAD-3  what the path adds to a round trip at half load: less than 0.3 ms at the median and 1 ms at the 99th per cent; in a whole run,
        since it is measured in time, which a smoke run beside other tests does not have"""

GBIT_2 = 0.25  # GB a second


def of(figures, row, figure, path):
    return figures.get(row, {}).get(figure, {}).get(path)


def bulk(figures, whole):
    for streams in (1, 16):
        for path in ("cut-through", "frames"):
            spent = of(figures, "bulk", f"bulk, {streams} streams, relay CPU s/GB", path)
            most = 1.3 if whole else 1 / GBIT_2
            if spent and spent > most and (whole or path == "cut-through"):
                yield f"LOAD-2: bulk, {streams} streams, {path}: the relay takes {spent:.2f} CPU s/GB, more than {most:.1f}"
        rate = of(figures, "bulk", f"bulk, {streams} streams, MB/s", "cut-through")
        if whole and rate and rate < 350:
            yield f"LOAD-2: bulk, {streams} streams, cut-through: {rate:.0f} MB/s, less than 350"


def delay(figures, whole):
    for figure, most in (("echo at half load, p50 us", 300), ("echo at half load, p99 us", 1000)):
        for path in ("cut-through", "frames"):
            with_it, without = (of(figures, "loaded", figure, p) for p in (path, "raw"))
            if whole and with_it and without and with_it - without > most:
                yield f"LOAD-3: {figure}: {path} adds {with_it - without:.0f} us, more than {most}"


def broken(figures, whole):
    """The promises that the figures break, a sentence each."""
    return [*bulk(figures, whole), *delay(figures, whole)]
