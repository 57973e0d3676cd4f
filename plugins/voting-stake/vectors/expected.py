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


def weigh(text, *voters, config=None, error=None, statistics=None):
    """Voters of (donations, contribution); None: unknown."""
    config = config or {}
    per = [exact(config.get("donations", 1)), exact(config.get("contribution", 1))]
    names = ["voter.donations", "voter.contribution"]
    columns = [[v[f] for v in voters if v[f] is not None] for f in range(2)]
    stats = [{"min": min(c, default=0), "max": max(c, default=0), "sum": sum(c), "count": len(c)} for c in columns]
    end = {"error": error} if error else {
        "output": [float(sum(p * exact(x) for p, x in zip(per, v) if x is not None)) for v in voters]}
    FILES["weigh"].append({
        "case": text, "now": NOW, "config": config, "call": "weigh",
        "input": {"voters": [{n: x for n, x in zip(names, v) if x is not None} for v in voters],
                  "statistics": stats if statistics is None else statistics}} | end)


weigh("no voters")
weigh("donations and contribution add up", (100, 250))
weigh("only donations, only contribution", (100, 0), (0, 250))
weigh("someone who gave nothing", (0, 0), (5, 5))
weigh("what is not recorded was not given", (None, 250), (100, None), (None, None))
weigh("nobody gave anything", (0, 0), (None, None))
weigh("fractions of a credit", (0.1, 0.2), (12.34, 56.78))
weigh("as much as there can be", (2**53, 2**53))
weigh("the electorate does not matter", (3, 4), statistics=[{"min": 0, "max": 9e9, "sum": 9e12, "count": 90}] * 2)
weigh("seventy voters, more than one presence word", *((i, 2 * i) for i in range(70)))
weigh("work counts double", (100, 250), config={"contribution": 2})
weigh("donations don't count", (100, 250), (100, None), config={"donations": 0})
weigh("a negative donation", (1, 1), (-1, 1), error="BadInput")
weigh("a negative contribution", (1, -0.5), error="BadInput")
weigh("a missing statistic", (1, 1), statistics=[{"min": 1, "max": 1, "sum": 1, "count": 1}], error="BadInput")
weigh("a negative rate", (1, 1), config={"donations": -1}, error="BadConfig")


def conclude(text, expected, *tallies, config=None, error=None):
    """Tallies of (totals, eligible, cast, closed); `expected` is the consensus of each, by hand."""
    end = {"error": error} if error else {"output": [
        {"consensus": e, "confidence": float(max(map(exact, t)) / sum(map(exact, t))) if sum(t) else 0}
        for e, (t, *_) in zip(expected, tallies, strict=True)]}
    FILES["conclude"].append({
        "case": text, "now": NOW, "config": config or {}, "call": "conclude",
        "input": [{"totals": list(t), "eligible": e, "cast": c, "closed": closed} for t, e, c, closed in tallies]} | end)


conclude("closed: exactly 60 per cent of the weight", [0], ((150, 100), 10, 4, True))
conclude("closed: just under 60 per cent", [None], ((1475, 1025), 10, 4, True))
conclude("closed: the weight decides, not the number of voters", [1], ((25, 225), 10, 9, True))
conclude("closed: a tie", [None], ((125, 125), 10, 4, True))
conclude("closed: five importances", [2], ((25, 0, 200, 0, 25), 10, 5, True))
conclude("closed: nobody cast", [None], ((0, 0), 10, 0, True))
conclude("closed: votes without weight decide nothing", [None], ((0, 0), 10, 3, True))
conclude("closed: no options", [None], ((), 10, 0, True))
conclude("open: what the voters still out weigh is unknown", [None], ((225, 0), 10, 9, False))
conclude("open: everyone has cast", [0], ((225, 25), 10, 10, False))
conclude("open: everyone has cast, no share", [None], ((125, 125), 10, 10, False))
conclude("open: nobody cast", [None], ((0, 0), 10, 0, False))
conclude("three tallies at once", [1, None, 0], ((0, 25), 2, 1, True), ((0, 25), 2, 1, False), ((25, 0), 1, 1, False))
conclude("no tallies", [])
conclude("another share", [None, 0], ((175, 75), 10, 4, True), ((200, 50), 10, 4, True), config={"decisive_share": 0.75})
conclude("more cast than may vote", None, ((25, 0), 2, 3, True), error="BadInput")
conclude("a negative total", None, ((25, -1), 2, 2, True), error="BadInput")
conclude("a share below zero", None, ((25, 0), 2, 2, True), error="BadConfig", config={"decisive_share": -0.1})


def lines(vector):
    """One vector with a line per field, so that a person can review it."""
    return "  {\n" + ",\n".join(f'    "{k}": {json.dumps(v)}' for k, v in vector.items()) + "\n  }"


for name, cases in FILES.items():
    pathlib.Path(__file__).with_name(name + ".json").write_text("[\n" + ",\n".join(map(lines, cases)) + "\n]\n")
