"""Writes weigh.json and conclude.json. Weights are calculated here with fractions from DESIGN's words, the expected
consensus is by hand. Run it from any folder: `python3 expected.py`."""

import json
import pathlib
from fractions import Fraction

NOW = "@2026-06-01T12:00:00Z"
FILES = {"weigh": [], "conclude": []}


def exact(x):
    """The number that a person wrote: 0.1 is a tenth."""
    return Fraction(str(x))


DAY = 86400000
NAMES = {"tenure": "voter.tenure_ms", "tasks": "voter.tasks", "donations": "voter.donations"}


def weigh(text, *voters, config=None, error=None, most=None, statistics=None):
    """Voters of (tenure in ms, tasks, donations), None: unknown; `most`: the electorate's maxima, where the voters of
    the call are a part of it."""
    config = config or {}
    columns = [[v[f] for v in voters if v[f] is not None] for f in range(3)]
    most = most or [max(c, default=0) for c in columns]
    stats = [{"min": 0, "max": m, "sum": m, "count": 1 if m else 0} for m in most]
    rate = [exact(config.get(n, d)) for n, d in zip(NAMES, (0.3, 0.4, 0.3))]
    weights = [float(sum(r * exact(x or 0) / exact(m) for r, x, m in zip(rate, v, most) if m)) for v in voters]
    FILES["weigh"].append({
        "case": text, "now": NOW, "config": config, "call": "weigh",
        "input": {"voters": [{n: x for n, x in zip(NAMES.values(), v) if x is not None} for v in voters],
                  "statistics": stats if statistics is None else statistics}}
        | ({"error": error} if error else {"output": weights}))


weigh("no voters")
weigh("the first in everything weighs one", (400 * DAY, 120, 900), (100 * DAY, 30, 90))
weigh("the first in one thing each", (10 * DAY, 0, 0), (0, 10, 0), (0, 0, 10))
weigh("half of everything", (5 * DAY, 5, 5), most=[10 * DAY, 10, 10])
weigh("someone new", (0, 0, 0), most=[10 * DAY, 10, 10])
weigh("unknown counts as none", (None, 10, None), (10 * DAY, None, 10))
weigh("nobody has donated", (10 * DAY, 10, 0), (5 * DAY, 4, 0))
weigh("nobody has anything: all weights are zero", (0, 0, 0), (None, None, None))
weigh("the same voters weigh less in a larger electorate", (10 * DAY, 10, 10), most=[100 * DAY, 40, 1000])
weigh("thirds", (DAY, 1, 1), most=[3 * DAY, 3, 3])
weigh("as much as there can be", (10**13, 2**53, 2**53))
weigh("seventy voters, more than one presence word", *((i * DAY, 69 - i, i % 7) for i in range(70)))
weigh("tasks alone", (10 * DAY, 3, 9), (DAY, 12, 0), config={"tenure": 0, "tasks": 1, "donations": 0})
weigh("rates need not add up to one", (10 * DAY, 10, 10), config={"tenure": 1, "tasks": 1, "donations": 1})
weigh("nothing counts", (10 * DAY, 10, 10), config={"tenure": 0, "tasks": 0, "donations": 0})
weigh("more than the electorate's largest", (10 * DAY, 11, 10), most=[10 * DAY, 10, 10], error="BadInput")
weigh("negative tasks", (10 * DAY, -1, 10), most=[10 * DAY, 10, 10], error="BadInput")
weigh("a negative largest", (0, 0, 0), statistics=[{"min": -2, "max": -1, "sum": -3, "count": 2}] * 3, error="BadInput")
weigh("two statistics for three features", (0, 0, 0), statistics=[{"min": 0, "max": 0, "sum": 0, "count": 0}] * 2, error="BadInput")
weigh("a rate over one", (0, 0, 0), config={"tasks": 1.1}, error="BadConfig")


def conclude(text, expected, *tallies, config=None, error=None):
    """Tallies of (totals, eligible, cast, closed); `expected` is the consensus of each, by hand."""
    end = {"error": error} if error else {"output": [
        {"consensus": e, "confidence": float(max(map(exact, t)) / sum(map(exact, t))) if sum(t) else 0}
        for e, (t, *_) in zip(expected, tallies, strict=True)]}
    FILES["conclude"].append({
        "case": text, "now": NOW, "config": config or {}, "call": "conclude",
        "input": [{"totals": list(t), "eligible": e, "cast": c, "closed": closed} for t, e, c, closed in tallies]} | end)


conclude("closed: exactly 60 per cent of the weight", [0], ((0.75, 0.5), 10, 4, True))
conclude("closed: just under 60 per cent", [None], ((7.375, 5.125), 10, 4, True))
conclude("closed: the weight decides, not the number of voters", [1], ((0.125, 1.125), 10, 9, True))
conclude("closed: a tie", [None], ((0.625, 0.625), 10, 4, True))
conclude("closed: five importances", [2], ((0.125, 0, 1.0, 0, 0.125), 10, 5, True))
conclude("closed: nobody cast", [None], ((0, 0), 10, 0, True))
conclude("closed: votes without weight decide nothing", [None], ((0, 0), 10, 3, True))
conclude("closed: no options", [None], ((), 10, 0, True))
conclude("open: what the voters still out weigh is unknown", [None], ((1.125, 0), 10, 9, False))
conclude("open: everyone has cast", [0], ((1.125, 0.125), 10, 10, False))
conclude("open: everyone has cast, no share", [None], ((0.625, 0.625), 10, 10, False))
conclude("open: nobody cast", [None], ((0, 0), 10, 0, False))
conclude("three tallies at once", [1, None, 0], ((0, 0.125), 2, 1, True), ((0, 0.125), 2, 1, False), ((0.125, 0), 1, 1, False))
conclude("no tallies", [])
conclude("another share", [None, 0], ((0.875, 0.375), 10, 4, True), ((1.0, 0.25), 10, 4, True), config={"decisive_share": 0.75})
conclude("more cast than may vote", None, ((0.125, 0), 2, 3, True), error="BadInput")
conclude("a negative total", None, ((0.125, -1), 2, 2, True), error="BadInput")
conclude("a share below zero", None, ((0.125, 0), 2, 2, True), error="BadConfig", config={"decisive_share": -0.1})


def lines(vector):
    """One vector with a line per field, so that a person can review it."""
    return "  {\n" + ",\n".join(f'    "{k}": {json.dumps(v)}' for k, v in vector.items()) + "\n  }"


for name, cases in FILES.items():
    pathlib.Path(__file__).with_name(name + ".json").write_text("[\n" + ",\n".join(map(lines, cases)) + "\n]\n")
