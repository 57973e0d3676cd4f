# Writes scores.json: the cases below with what the rule in README.md gives, worked out here apart from the plugin:
# as amounts of good, bad and missing evidence.
# Run: python3 expected.py
import json
import math
from pathlib import Path

NOW = "@2026-06-01T12:00:00Z"
DAY = 86400000
DEFAULTS = {
    "execution": 0.6, "verification": 0.3, "penalty": 0.1, "decay_per_day": 0.05, "unknown": 0.5,
    "settled_after": 20.0, "same_counterparty": 0.5, "unpaid": 0.5, "usual_value": 10.0,
}


def r(correct=True, value=10, counterparty=0, role="Execution"):
    return {"role": role, "correct": correct, "value": value, "counterparty": counterparty}


def check(correct=True, value=10, counterparty=0):
    return r(correct, value, counterparty, "Verification")


def subject(*receipts, prior=None, days=0.0, elapsed=None):
    return {
        "prior": prior and {"value": prior[0], "uncertainty": prior[1]},
        "elapsed": round(days * DAY) if elapsed is None else elapsed, "receipts": list(receipts),
    }


def expected(c, x):
    weights = {"Execution": c["execution"], "Verification": c["verification"]}
    full = c["settled_after"] * max(weights.values())
    total = good = 0.0
    if x["prior"]:
        left = math.exp(-c["decay_per_day"] * x["elapsed"] / DAY)
        value, missing = x["prior"]["value"], x["prior"]["uncertainty"]
        before = full * (1 - missing)
        # value x full = good + missing x full x unknown
        good_before = min(max(full * (value - missing * c["unknown"]), 0), before)
        total, good = before * left, good_before * left
    for i, receipt in enumerate(x["receipts"]):
        # How many of the same sort come before this one when the most valuable stand first.
        rank = sum(
            1
            for j, other in enumerate(x["receipts"])
            if all(other[k] == receipt[k] for k in ("role", "correct", "counterparty"))
            and (other["value"] > receipt["value"] or (other["value"] == receipt["value"] and j < i))
        )
        paid = receipt["value"] / (receipt["value"] + c["usual_value"])
        piece = (c["unpaid"] + (1 - c["unpaid"]) * paid) * c["same_counterparty"] ** rank
        total += weights[receipt["role"]] * piece
        good += piece * (weights[receipt["role"]] if receipt["correct"] else -c["penalty"])
    good = min(max(good, 0), total)
    if total > full:
        good, total = good * full / total, full
    return {"value": (good + (full - total) * c["unknown"]) / full, "uncertainty": (full - total) / full}


def case(name, *rows, config=None):
    c = {**DEFAULTS, **(config or {})}
    return {
        "case": name, "now": NOW, "config": config or {}, "input": list(rows), "output": [expected(c, x) for x in rows],
    }


def refused(name, error, *rows, config=None):
    return {"case": name, "now": NOW, "config": config or {}, "input": list(rows), "error": error}


def many(n, **fields):
    return [r(counterparty=i, **fields) for i in range(n)]


CASES = [
    case("no subjects"),
    case("unknown: 0.5, nothing is sure", subject()),
    case("the README's example", subject(r(counterparty=1), r(counterparty=2), check(False, counterparty=3), prior=(0.8, 0.4), days=7)),
    case("a prior without time or work stays", subject(prior=(0.8, 0.2)), subject(prior=(0.1, 0.5)), subject(prior=(1.0, 0.0))),
    case("one right execution of the usual value", subject(r())),
    case("one wrong execution of the usual value", subject(r(False))),
    case("verification counts half as much", subject(check()), subject(check(False))),
    case("unpaid, the usual value, well paid, as much as there is",
         *[subject(r(value=n)) for n in (0, 10, 1000, 18446744073709551615)]),
    case("27 right executions of the usual value for as many: 1.0", subject(*many(27))),
    case("26 are not quite enough", subject(*many(26))),
    case("27 wrong ones: 0.0", subject(*many(27, correct=False))),
    case("100 right ones are no more than 27", subject(*many(100))),
    case("a newcomer who only verifies gets to 1.0 as well", subject(*[check(counterparty=i) for i in range(60)])),
    case("half right, half wrong is below the unknown", subject(*many(10), *[r(False, counterparty=50 + i) for i in range(10)])),
    case("one counterparty counts less each time", *[subject(*[r() for _ in range(n)]) for n in (1, 2, 3, 4, 60)]),
    case("the most valuable of one counterparty stands first, in any order",
         subject(r(value=1), r(value=1000)), subject(r(value=1000), r(value=1))),
    case("right work for one counterparty does not bury wrong work for it", subject(*[r() for _ in range(30)], r(False))),
    case("right and wrong, executed and verified for one counterparty", subject(r(), check(), r(False), check(False))),
    case("after a day, a week, a half-life of 13.86 days, a year",
         *[subject(prior=(1.0, 0.0), days=d) for d in (1, 7, math.log(2) / 0.05, 365)]),
    case("a bad score fades towards the unknown too", *[subject(prior=(0.0, 0.0), days=d) for d in (1, 7, 365)]),
    case("a millisecond", subject(prior=(0.9, 0.1), elapsed=1)),
    case("longer than anything: unknown again", subject(prior=(1.0, 0.0), elapsed=18446744073709551615)),
    case("an old score without certainty says nothing", subject(prior=(0.9, 1.0)), subject(r(), prior=(0.9, 1.0))),
    case("a prior that its uncertainty can't carry is taken as far as it can", subject(prior=(1.0, 0.9)), subject(prior=(0.0, 0.9))),
    case("new work moves a settled score by its share", subject(r(False), prior=(1.0, 0.0)), subject(r(), prior=(0.0, 0.0))),
    case("fading comes before the new work", subject(r(), prior=(0.9, 0.1), days=30)),
    case("no fading by config", subject(prior=(0.9, 0.1), days=100), config={"decay_per_day": 0.0}),
    case("no diminishing by config", subject(*[r() for _ in range(5)]), config={"same_counterparty": 1.0}),
    case("one piece per counterparty by config", subject(r(), r(value=5), r(value=500)), config={"same_counterparty": 0.0}),
    case("another unknown, settled sooner, no penalty", subject(), subject(r(), r(False)), subject(prior=(0.2, 0.5), days=7),
         config={"unknown": 0.3, "settled_after": 5.0, "penalty": 0.0}),
    case("verification alone counts", subject(r(), check()), config={"execution": 0.0, "verification": 1.0}),
    case("unpaid counts nothing by config", subject(r(value=0)), config={"unpaid": 0.0}),
    refused("a prior value above 1", "BadInput", subject(), subject(prior=(1.1, 0.5))),
    refused("a prior uncertainty below 0", "BadInput", subject(prior=(0.5, -0.1))),
    refused("nothing counts", "BadConfig", subject(), config={"execution": 0.0, "verification": 0.0}),
    refused("a config out of its range", "BadConfig", subject(), config={"unknown": 1.5}),
]


def text(case):
    return "  {\n" + ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in case.items()) + "\n  }"


Path(__file__).with_name("scores.json").write_text("[\n" + ",\n".join(map(text, CASES)) + "\n]\n")
