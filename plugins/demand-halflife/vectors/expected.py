# Writes verdicts.json: the cases below with what the rule in README.md gives, worked out here apart from the plugin.
# Run: python3 expected.py
import json
import math
from pathlib import Path

NOW = "@2026-06-01T12:00:00Z"
DAY = 86400000
MB = 1000000
DEFAULTS = {
    "per_use": 0.1, "half_life_days": 7.0, "replicate_above": 0.7, "at_once_above": 0.8, "drop_below": 0.1, "replicas": 3,
}


def item(prior=0.0, uses=0, seeders=1, days=0.0, effectiveness=1.0, size=100 * MB, free=1000 * MB, elapsed=None):
    return {
        "prior": prior, "elapsed": round(days * DAY) if elapsed is None else elapsed, "uses": uses,
        "effectiveness": effectiveness, "seeders": seeders, "size_bytes": size, "free_bytes": free,
    }


def expected(c, x):
    fading = math.log(2) / (c["half_life_days"] * DAY)
    demand = x["prior"] * math.exp(-fading * x["elapsed"]) + c["per_use"] * x["effectiveness"] * x["uses"]
    demand = min(demand, 1.0)
    if x["seeders"] == 0:
        urgency = 1.0 if demand > 0 else 0.0
    else:
        urgency = min(demand / x["seeders"], 1.0)
    fits = x["free_bytes"] >= x["size_bytes"]
    advice = "Keep"
    if urgency < c["drop_below"]:
        advice = "Drop"
    elif fits and urgency > c["at_once_above"]:
        advice = "ReplicateNow"
    elif fits and urgency > c["replicate_above"]:
        advice = "Replicate"
    replicas = 0
    while replicas < c["replicas"] and demand / (replicas + 1) >= c["drop_below"]:
        replicas += 1
    return {"demand": demand, "urgency": urgency, "replicas": replicas, "advice": advice}


def case(name, *rows, config=None):
    c = {**DEFAULTS, **(config or {})}
    return {
        "case": name, "now": NOW, "config": config or {}, "input": list(rows), "output": [expected(c, x) for x in rows],
    }


def refused(name, error, *rows, config=None):
    return {"case": name, "now": NOW, "config": config or {}, "input": list(rows), "error": error}


CASES = [
    case("no items"),
    case("the README's example", item(0.6, uses=5, days=7, effectiveness=0.9)),
    case("never used", item()),
    case("one use of a perfect skill", item(uses=1)),
    case("five uses at effectiveness 0.5", item(uses=5, effectiveness=0.5)),
    case("uses of a skill that does nothing well", item(uses=100, effectiveness=0.0)),
    case("demand is at most 1", item(0.95, uses=1), item(uses=10), item(uses=11), item(uses=4294967295)),
    case("a week halves, two quarter", item(0.8, days=7), item(0.8, days=14), item(0.8, days=21)),
    case("a day, an hour, a millisecond, no time", item(0.5, days=1), item(0.5, days=1 / 24), item(0.5, elapsed=1), item(0.5)),
    case("longer than anything", item(1.0, elapsed=18446744073709551615)),
    case("one, two, three, ten, eleven seeders", *[item(1.0, seeders=n) for n in (1, 2, 3, 10, 11)]),
    case("wanted and served by nobody", item(0.5, seeders=0), item(0.01, seeders=0)),
    case("unwanted and served by nobody", item(seeders=0)),
    case("exactly 0.7 is kept, more is replicated", item(0.7), item(0.71)),
    case("exactly 0.8 is replicated, more at once", item(0.8), item(0.81)),
    case("exactly 0.1 is kept, less is dropped", item(0.1), item(0.0999)),
    case("the free storage exactly met, and just missed", item(0.9, size=500, free=500), item(0.9, size=500, free=499),
         item(0.75, size=500, free=499)),
    case("too small a storage drops nothing that is wanted, and keeps nothing that is not",
         item(0.5, size=500, free=0), item(0.05, size=500, free=0)),
    case("an empty skill fits anywhere", item(0.9, size=0, free=0)),
    case("the largest sizes", item(0.9, size=18446744073709551615, free=18446744073709551615),
         item(0.9, size=18446744073709551615, free=18446744073709551614)),
    case("fewer seeders for what is less wanted", *[item(d) for d in (0.05, 0.1, 0.15, 0.25, 0.35, 1.0)]),
    case("three seeders of little demand: one has to go", item(0.25, seeders=3), item(0.25, seeders=2)),
    case("fading comes before the new uses", item(1.0, uses=2, days=7)),
    case("so many seeders that nothing is urgent", item(1.0, seeders=4294967295)),
    case("a shorter half-life by config", item(0.8, days=1), config={"half_life_days": 1.0}),
    case("more per use by config", item(uses=2), config={"per_use": 0.4}),
    case("thresholds and replicas by config", item(0.5), item(0.6), item(0.25), item(1.0, seeders=2),
         config={"replicate_above": 0.45, "at_once_above": 0.55, "drop_below": 0.3, "replicas": 5}),
    case("never dropped by config", item(0.0), item(0.0, seeders=9), config={"drop_below": 0.0}),
    refused("a prior above 1", "BadInput", item(), item(1.5)),
    refused("a negative effectiveness", "BadInput", item(effectiveness=-0.1)),
    refused("thresholds in the wrong order", "BadConfig", item(), config={"drop_below": 0.75}),
    refused("a half-life of nothing", "BadConfig", item(), config={"half_life_days": 0.0}),
]


def text(case):
    return "  {\n" + ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in case.items()) + "\n  }"


Path(__file__).with_name("verdicts.json").write_text("[\n" + ",\n".join(map(text, CASES)) + "\n]\n")
