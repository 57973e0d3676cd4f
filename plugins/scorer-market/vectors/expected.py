# Writes ranking.json: the cases below with what the rule in README.md gives, worked out here apart from the plugin.
# Run: python3 expected.py
import json
from pathlib import Path

NOW = "@2026-06-01T12:00:00Z"
TASK = {"critical": False, "duration": 60000, "cores": 1.0, "memory_mb": 100, "fee": 0}
GOOD = {
    "peer.online": 1, "path.class": 1, "capacity.cpu_free": 4, "capacity.memory_free_mb": 4000, "offer.cost": 25,
    "energy.plugged_in": 1, "peer.reputation": 0.9, "offer.eta_ms": 60000,
}
DEFAULTS = {
    "price": 0.4, "reputation": 0.3, "resources": 0.2, "timeliness": 0.1, "neutral_price": 0.5,
    "neutral_timeliness": 0.5, "unknown_reputation": 0.5, "min_reputation": 0, "ample": 2,
    "min_battery": 20, "min_thermal_headroom": 0.1, "least_cpu_share": 1, "queue_limit": 256,
}


def reputation(c, p):
    value = p.get("peer.reputation", c["unknown_reputation"])
    return value if 0 <= value <= 1 else c["unknown_reputation"]


def excluded(c, task, p):
    """The hard filters of the README's list, in its order."""
    if p.get("peer.online") == 0:
        return "Offline"
    if p.get("path.class") == 3:
        return "Unreachable"
    if p.get("capacity.cpu_free", 1e99) < task["cores"] * c["least_cpu_share"]:
        return "TooLittleCpu"
    if p.get("capacity.memory_free_mb", 1e99) < task["memory_mb"]:
        return "TooLittleMemory"
    if p.get("peer.queue_depth", 0) >= c["queue_limit"]:
        return "NotFree"
    if p.get("energy.plugged_in") != 1 and p.get("energy.battery_percent", 100) < c["min_battery"]:
        return "BatteryLow"
    if p.get("capacity.thermal_headroom", 1) < c["min_thermal_headroom"]:
        return "TooHot"
    if task["fee"] > 0 and p.get("offer.cost", 0) > task["fee"]:
        return "TooDear"
    if reputation(c, p) < c["min_reputation"]:
        return "NotTrusted"
    return None


def score(c, task, p):
    if task["fee"] == 0:
        price = c["neutral_price"]
    elif p.get("offer.cost", -1) < 0:
        price = 0
    else:
        price = (task["fee"] - p["offer.cost"]) / task["fee"]
    room = [1]
    if task["cores"]:
        room.append(p.get("capacity.cpu_free", 0) / task["cores"] / c["ample"])
    if task["memory_mb"]:
        room.append(p.get("capacity.memory_free_mb", 0) / task["memory_mb"] / c["ample"])
    if task["duration"] == 0:
        timely = c["neutral_timeliness"]
    elif p.get("offer.eta_ms", -1) < 0:
        timely = 0
    elif p["offer.eta_ms"] <= task["duration"]:
        timely = 1
    else:
        timely = task["duration"] / p["offer.eta_ms"]
    return c["price"] * price + c["reputation"] * reputation(c, p) + c["resources"] * min(room) + c["timeliness"] * timely


def case(name, candidates, task=None, config=None, now=NOW, tie_seed=1):
    task = {**TASK, **(task or {})}
    c = {**DEFAULTS, **(config or {})}
    output = []
    for peer in candidates:
        why = excluded(c, task, peer)
        output.append({"Excluded": why} if why else {"Score": score(c, task, peer)})
    return {
        "case": name, "now": now, "config": config or {}, "call": "rank",
        "input": {"task": task, "candidates": candidates, "tie_seed": tie_seed},
        "output": output,
    }


def refused(name, error, candidates, task=None, config=None):
    task = {**TASK, **(task or {})}
    return {
        "case": name, "now": NOW, "config": config or {}, "call": "rank",
        "input": {"task": task, "candidates": candidates, "tie_seed": 1},
        "error": error,
    }


def without(*features):
    return {k: v for k, v in GOOD.items() if k not in features}


FEE = {"fee": 100}
CASES = [
    case("the README's example: 0.3 + 0.27 + 0.2 + 0.1", [GOOD], FEE),
    case("prices of 0, half and all of the fee", [{**GOOD, "offer.cost": cost} for cost in (0, 50, 100)], FEE),
    case("an unknown price counts nothing, one below 0 too", [without("offer.cost"), {**GOOD, "offer.cost": -1}], FEE),
    case("without a fee every price is neutral", [{**GOOD, "offer.cost": cost} for cost in (0, 50, 100)] + [without("offer.cost")]),
    case("reputations of 0, 0.5 and 1, and an unknown one",
         [{**GOOD, "peer.reputation": r} for r in (0, 0.5, 1)] + [without("peer.reputation")], FEE),
    case("a reputation out of its range counts as unknown", [{**GOOD, "peer.reputation": 1.5}], FEE),
    case("just enough room counts half, twice as much in full, more no more",
         [{**GOOD, "capacity.cpu_free": cores} for cores in (2, 3, 4, 64)], {**FEE, "cores": 2.0}),
    case("the scarcer of cores and memory counts", [{**GOOD, "capacity.cpu_free": 8, "capacity.memory_free_mb": 1500}],
         {**FEE, "cores": 2.0, "memory_mb": 1000}),
    case("unknown room counts nothing", [without("capacity.cpu_free"), without("capacity.memory_free_mb")], FEE),
    case("done at once, as soon as the work takes, twice and ten times as late, and unknown",
         [{**GOOD, "offer.eta_ms": ms} for ms in (0, 60000, 120000, 600000)] + [without("offer.eta_ms")], FEE),
    case("a task that does not say how long it takes", [GOOD, without("offer.eta_ms")], {**FEE, "duration": 0}),
    case("cheap and unknown against dear and trusted", [
        {**without("peer.reputation"), "offer.cost": 10}, {**GOOD, "offer.cost": 60, "peer.reputation": 1},
    ], FEE),
    case("a reputation exactly met, missed, and unknown", [
        {**GOOD, "peer.reputation": 0.7}, {**GOOD, "peer.reputation": 0.69}, without("peer.reputation"),
    ], FEE, {"min_reputation": 0.7}),
    case("weights and neutral values set by config", [GOOD], None,
         {"price": 1.0, "reputation": 0.0, "resources": 0.0, "timeliness": 0.0, "neutral_price": 0.25}),
    case("ample set by config", [{**GOOD, "capacity.cpu_free": 4}], FEE, {"ample": 8.0}),
    case("a large fee and a price of one credit", [{**GOOD, "offer.cost": 1}], {"fee": 9007199254740992}),
    case("no candidates", []),
    case("offline is out, whatever else it offers", [{**GOOD, "peer.online": 0}, GOOD]),
    case("unreachable is out, relayed is not", [{**GOOD, "path.class": 3}, {**GOOD, "path.class": 2}]),
    case("cores exactly met, and just missed", [{**GOOD, "capacity.cpu_free": 2}, {**GOOD, "capacity.cpu_free": 1.999}],
         {"cores": 2.0}),
    case("memory exactly met, and just missed",
         [{**GOOD, "capacity.memory_free_mb": 512}, {**GOOD, "capacity.memory_free_mb": 511}], {"memory_mb": 512}),
    case("a queue with one place, and a full one", [{**GOOD, "peer.queue_depth": 255}, {**GOOD, "peer.queue_depth": 256}]),
    case("battery at 20, below it, below it on mains, below it and mains unknown", [
        {**GOOD, "energy.battery_percent": 20, "energy.plugged_in": 0},
        {**GOOD, "energy.battery_percent": 19.9, "energy.plugged_in": 0},
        {**GOOD, "energy.battery_percent": 5, "energy.plugged_in": 1},
        {k: v for k, v in {**GOOD, "energy.battery_percent": 5}.items() if k != "energy.plugged_in"},
    ]),
    case("thermal headroom exactly met, missed, throttling", [
        {**GOOD, "capacity.thermal_headroom": 0.1},
        {**GOOD, "capacity.thermal_headroom": 0.09},
        {**GOOD, "capacity.thermal_headroom": 0},
    ]),
    case("an offer at the fee, above it, and none", [
        {**GOOD, "offer.cost": 50}, {**GOOD, "offer.cost": 51}, {k: v for k, v in GOOD.items() if k != "offer.cost"},
    ], {"fee": 50}),
    case("without a fee no price is too dear", [{**GOOD, "offer.cost": 1000000}]),
    case("the first filter that applies is named", [
        {"peer.online": 0, "path.class": 3, "capacity.cpu_free": 0, "capacity.memory_free_mb": 0},
        {"peer.online": 1, "path.class": 3, "capacity.cpu_free": 0, "capacity.memory_free_mb": 0},
        {"peer.online": 1, "path.class": 1, "capacity.cpu_free": 0, "capacity.memory_free_mb": 0},
        {"peer.online": 1, "path.class": 1, "capacity.cpu_free": 4, "capacity.memory_free_mb": 0},
    ]),
    case("nothing is known of it", [{}]),
    case("nothing is needed and nothing is known", [{}], {"cores": 0.0, "memory_mb": 0}),
    case("two alike score alike, whatever the seed", [GOOD, GOOD], tie_seed=18446744073709551615),
    case("seventy rows, more than one word of presence bits",
         [{**GOOD, "capacity.cpu_free": r / 10} if r % 3 else {} for r in range(70)], {"cores": 4.0}),
    case("a busy peer is let in by config", [{**GOOD, "capacity.cpu_free": 1}, {**GOOD, "capacity.cpu_free": 0.9}],
         {"cores": 2.0}, {"least_cpu_share": 0.5}),
    case("filters set by config", [
        {**GOOD, "energy.battery_percent": 50, "energy.plugged_in": 0},
        {**GOOD, "capacity.thermal_headroom": 0.4},
        {**GOOD, "peer.queue_depth": 2},
    ], None, {"min_battery": 60.0, "min_thermal_headroom": 0.5, "queue_limit": 2.0}),
    case("a critical task is filtered all the same", [{**GOOD, "peer.online": 0}, GOOD], {"critical": True}),
    refused("a need for cores that is negative", "BadInput", [GOOD], {"cores": -1.0}),
    refused("a config out of its range", "BadConfig", [GOOD], None, {"min_battery": 101.0}),
    refused("a config with a field that is not known", "BadConfig", [GOOD], None, {"enregy": 1.0}),
]


def text(case):
    return "  {\n" + ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in case.items()) + "\n  }"


Path(__file__).with_name("ranking.json").write_text("[\n" + ",\n".join(map(text, CASES)) + "\n]\n")
