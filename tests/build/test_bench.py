"""What judges a run of tests/bench: a figure that breaks its promise makes the run red."""

import copy
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench" / "bench"))
import promises  # noqa: E402

GOOD = {"bulk": {f"bulk, {n} streams, {what}": {"raw": 9999, "cut-through": value, "frames": value}
                 for n in (1, 16) for what, value in (("relay CPU s/GB", 1.3), ("MB/s", 350))},
        "loaded": {"echo at half load, p50 us": {"raw": 90, "cut-through": 390, "frames": 390},
                   "echo at half load, p99 us": {"raw": 200, "cut-through": 1200, "frames": 1200}}}


def test_a_run_at_its_limits_is_good_and_so_is_one_without_the_rows():
    for whole in (True, False):
        assert promises.broken(GOOD, whole) == []
        assert promises.broken({}, whole) == []


@pytest.mark.parametrize("row, figure, path, value, smoke_too", [
    ("bulk", "bulk, 1 streams, relay CPU s/GB", "cut-through", 1.4, False),
    ("bulk", "bulk, 16 streams, relay CPU s/GB", "frames", 4.1, False),
    ("bulk", "bulk, 16 streams, relay CPU s/GB", "cut-through", 4.1, True),
    ("bulk", "bulk, 16 streams, MB/s", "cut-through", 349, False),
    ("loaded", "echo at half load, p50 us", "frames", 391, False),
    ("loaded", "echo at half load, p99 us", "cut-through", 1201, False)])
def test_LOAD_2_LOAD_3_a_figure_beyond_its_promise_makes_the_run_red(row, figure, path, value, smoke_too):
    figures = copy.deepcopy(GOOD)
    figures[row][figure][path] = value
    assert len(promises.broken(figures, True)) == 1
    assert len(promises.broken(figures, False)) == smoke_too
