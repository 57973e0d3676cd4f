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


def weigh(text, *points, config=None, error=None, statistics=None):
    """One voter per entry; None: unknown."""
    unknown = exact((config or {}).get("unknown_points", 50))
    known = [p for p in points if p is not None]
    stats = [{"min": min(known, default=0), "max": max(known, default=0), "sum": sum(known), "count": len(known)}]
    end = {"error": error} if error else {"output": [float(unknown if p is None else exact(p)) for p in points]}
    FILES["weigh"].append({
        "case": text, "now": NOW, "config": config or {}, "call": "weigh",
        "input": {"voters": [{} if p is None else {"voter.reputation": p} for p in points],
                  "statistics": stats if statistics is None else statistics}} | end)


weigh("no voters")
weigh("the least and the most", 0, 100)
weigh("points between", 12.5, 50, 99.9)
weigh("an unknown voter has 50 points", None, 80)
weigh("nobody is known", None, None, None)
weigh("a vote of no weight", 0)
weigh("unknown voters count nothing", None, 80, config={"unknown_points": 0})
weigh("unknown voters count in full", None, 80, config={"unknown_points": 100})
weigh("seventy voters, more than one presence word", *range(70))
weigh("the electorate does not matter", 30, statistics=[{"min": 0, "max": 100, "sum": 5000, "count": 90}])
weigh("more than 100 points", 100.5, error="BadInput")
weigh("fewer than no points", 50, -1, error="BadInput")
weigh("a missing statistic", 50, statistics=[], error="BadInput")
weigh("unknown voters above the range", None, config={"unknown_points": 101}, error="BadConfig")


def conclude(text, expected, *tallies, config=None, error=None):
    """Tallies of (totals, eligible, cast, closed); `expected` is the consensus of each, by hand."""
    end = {"error": error} if error else {"output": [
        {"consensus": e, "confidence": float(max(map(exact, t)) / sum(map(exact, t))) if sum(t) else 0}
        for e, (t, *_) in zip(expected, tallies, strict=True)]}
    FILES["conclude"].append({
        "case": text, "now": NOW, "config": config or {}, "call": "conclude",
        "input": [{"totals": list(t), "eligible": e, "cast": c, "closed": closed} for t, e, c, closed in tallies]} | end)


conclude("closed: exactly 60 per cent of the weight", [0], ((60, 40), 10, 4, True))
conclude("closed: just under 60 per cent", [None], ((590, 410), 10, 4, True))
conclude("closed: the weight decides, not the number of voters", [1], ((10, 90), 10, 9, True))
conclude("closed: a tie", [None], ((50, 50), 10, 4, True))
conclude("closed: five importances", [2], ((10, 0, 80, 0, 10), 10, 5, True))
conclude("closed: nobody cast", [None], ((0, 0), 10, 0, True))
conclude("closed: votes without weight decide nothing", [None], ((0, 0), 10, 3, True))
conclude("closed: no options", [None], ((), 10, 0, True))
conclude("open: what the voters still out weigh is unknown", [None], ((90, 0), 10, 9, False))
conclude("open: everyone has cast", [0], ((90, 10), 10, 10, False))
conclude("open: everyone has cast, no share", [None], ((50, 50), 10, 10, False))
conclude("open: nobody cast", [None], ((0, 0), 10, 0, False))
conclude("three tallies at once", [1, None, 0], ((0, 10), 2, 1, True), ((0, 10), 2, 1, False), ((10, 0), 1, 1, False))
conclude("no tallies", [])
conclude("another share", [None, 0], ((70, 30), 10, 4, True), ((80, 20), 10, 4, True), config={"decisive_share": 0.75})
conclude("more cast than may vote", None, ((10, 0), 2, 3, True), error="BadInput")
conclude("a negative total", None, ((10, -1), 2, 2, True), error="BadInput")
conclude("a share below zero", None, ((10, 0), 2, 2, True), error="BadConfig", config={"decisive_share": -0.1})


def lines(vector):
    """One vector with a line per field, so that a person can review it."""
    return "  {\n" + ",\n".join(f'    "{k}": {json.dumps(v)}' for k, v in vector.items()) + "\n  }"


for name, cases in FILES.items():
    pathlib.Path(__file__).with_name(name + ".json").write_text("[\n" + ",\n".join(map(lines, cases)) + "\n]\n")
