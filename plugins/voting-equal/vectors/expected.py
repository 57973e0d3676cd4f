"""Writes weigh.json and conclude.json. The expected consensus is by hand; the confidence and, for an open poll, the
worst case are calculated here with fractions. Run it from any folder: `python3 expected.py`."""

import json
import pathlib
from fractions import Fraction
from itertools import product

NOW = "@2026-06-01T12:00:00Z"
FILES = {"weigh": [], "conclude": []}


def weigh(text, rows, error=None, statistics=()):
    end = {"error": error} if error else {"output": [1] * rows}
    FILES["weigh"].append({"case": text, "now": NOW, "call": "weigh",
                           "input": {"voters": [{}] * rows, "statistics": list(statistics)}} | end)


def decided(totals, share):
    """The option with at least `share` of the votes, alone in the lead."""
    cast = sum(totals)
    won = [i for i, t in enumerate(totals) if cast and Fraction(t, cast) >= share and totals.count(t) == 1 and t == max(totals)]
    return won[0] if won else None


def final(totals, out, share):
    """What every way to spend the votes still out (or some of them) leads to; None where they differ."""
    results = {
        decided([t + a for t, a in zip(totals, add)], share)
        for add in product(range(out + 1), repeat=len(totals)) if sum(add) <= out
    }
    return results.pop() if len(results) == 1 else None


def conclude(text, expected, totals, eligible, cast=None, closed=True, config=None):
    cast = sum(totals) if cast is None else cast
    share = Fraction(str((config or {}).get("decisive_share", 0.6)))
    early = (config or {}).get("conclude_early", True)
    over = closed or cast == eligible
    rule = decided(totals, share) if over else final(totals, eligible - cast, share) if early else None
    assert rule == expected, (text, rule)
    confidence = float(Fraction(max(totals), sum(totals))) if sum(totals) else 0
    FILES["conclude"].append({
        "case": text, "now": NOW, "config": config or {}, "call": "conclude",
        "input": [{"totals": totals, "eligible": eligible, "cast": cast, "closed": closed}],
        "output": [{"consensus": expected, "confidence": confidence}]})


def fails(text, error, totals, eligible, cast, closed=True, config=None):
    FILES["conclude"].append({
        "case": text, "now": NOW, "config": config or {}, "call": "conclude",
        "input": [{"totals": totals, "eligible": eligible, "cast": cast, "closed": closed}], "error": error})


weigh("no voters", 0)
weigh("one voter", 1)
weigh("seventy voters, more than one presence word", 70)
weigh("a statistic for a feature that it does not read", 1, "BadInput", [{"min": 0, "max": 0, "sum": 0, "count": 0}])

conclude("all for one", 0, [5, 0, 0], 10)
conclude("exactly 60 per cent decides", 1, [2, 3], 10)
conclude("just under 60 per cent does not", None, [41, 59], 200)
conclude("just over 60 per cent", 1, [39, 61], 200)
conclude("a tie decides nothing", None, [5, 5], 10)
conclude("a tie of three", None, [2, 2, 2], 10)
conclude("most votes but no decisive share", None, [5, 4, 1], 10)
conclude("five importances", 3, [0, 1, 1, 7, 1], 10)
conclude("nobody cast: closed and undecided", None, [0, 0], 10, 0)
conclude("one voter is enough once the poll is closed", 0, [1, 0], 1000)
conclude("abstentions were cast and count for no option", 0, [3, 1], 10, 7)
conclude("nobody may vote", None, [0, 0], 0, 0)
conclude("open: nobody has cast yet", None, [0, 0], 10, 0, closed=False)
conclude("open: 3 of 4 for one, but 6 of 10 are out", None, [3, 1], 10, closed=False)
conclude("open: everyone has cast", 0, [3, 1], 4, closed=False)
conclude("open: everyone has cast, no share", None, [2, 2], 4, closed=False)
conclude("open: the votes out can't turn it", 0, [6, 0], 10, closed=False)
conclude("open: one vote less, and they could", None, [5, 0], 10, closed=False)
conclude("open: 6 against 3, the last vote does not matter", 0, [6, 3], 10, closed=False)
conclude("open: 5 against 3 of 10: two more against would", None, [5, 3], 10, closed=False)
conclude("open: three options, certain", 2, [1, 0, 7], 11, closed=False)
conclude("open: abstentions are not out any more", 0, [6, 0], 10, 9, closed=False)
conclude("open: early conclusions switched off", None, [9, 0], 10, closed=False, config={"conclude_early": False})
conclude("open: everyone has cast, early conclusions switched off", 0, [9, 1], 10, closed=False, config={"conclude_early": False})
conclude("closed: early conclusions switched off", 0, [9, 0], 10, config={"conclude_early": False})
conclude("another share: two thirds", None, [6, 4], 10, config={"decisive_share": 0.66})
conclude("another share: a plain majority", 0, [6, 5], 20, config={"decisive_share": 0.5})
conclude("another share: everyone", 0, [6, 0], 20, config={"decisive_share": 1.0})
conclude("another share: the largest number", 1, [2, 3, 2], 20, config={"decisive_share": 0.0})
conclude("the largest number, but tied", None, [3, 3, 2], 20, config={"decisive_share": 0.0})
conclude("open: a plain majority of all is certain", 0, [4, 0], 7, closed=False, config={"decisive_share": 0.5})
conclude("open: half of all is not yet alone in the lead", None, [4, 0], 8, closed=False, config={"decisive_share": 0.5})
FILES["conclude"].append({
    "case": "a poll without options", "now": NOW, "config": {}, "call": "conclude",
    "input": [{"totals": [], "eligible": 3, "cast": 0, "closed": True}], "output": [{"consensus": None, "confidence": 0}]})
FILES["conclude"].append({"case": "no tallies", "now": NOW, "config": {}, "call": "conclude", "input": [], "output": []})
fails("more cast than may vote", "BadInput", [3, 1], 3, 4)
fails("more votes than were cast", "BadInput", [3, 1], 10, 3)
fails("a negative total", "BadInput", [3, -1], 10, 4)
fails("a share over one", "BadConfig", [3, 1], 10, 4, config={"decisive_share": 1.5})
fails("a setting that is none", "BadConfig", [3, 1], 10, 4, config={"quorum": 0.5})


def lines(vector):
    """One vector with a line per field, so that a person can review it."""
    return "  {\n" + ",\n".join(f'    "{k}": {json.dumps(v)}' for k, v in vector.items()) + "\n  }"


for name, cases in FILES.items():
    pathlib.Path(__file__).with_name(name + ".json").write_text("[\n" + ",\n".join(map(lines, cases)) + "\n]\n")
