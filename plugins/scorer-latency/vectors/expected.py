# Writes ranking.json: the cases below with what the rule in README.md gives, worked out here apart from the plugin.
# Run: python3 expected.py
import json
from pathlib import Path

NOW = "@2026-06-01T12:00:00Z"
TASK = {"critical": False, "duration": 60000, "cores": 1.0, "memory_mb": 100, "fee": 0}
GOOD = {
    "peer.online": 1, "path.class": 1, "capacity.cpu_free": 4, "capacity.memory_free_mb": 4000, "path.rtt_ms": 50,
    "energy.plugged_in": 1, "capacity.thermal_headroom": 0.8, "capacity.idle": 0.6, "offer.credit_efficiency": 0.4,
}
DEFAULTS = {
    "rtt": 0.30, "plugged_in": 0.20, "thermal": 0.20, "idle": 0.15, "credit_efficiency": 0.15, "rtt_ceiling_ms": 500,
    "min_battery": 20, "min_thermal_headroom": 0.1, "least_cpu_share": 1, "queue_limit": 256,
}


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
    return None


def score(c, task, p):
    def part(feature):
        value = p.get(feature, 0)
        return value if 0 <= value <= 1 else 0

    if p.get("peer.is_self") == 1:
        slow = 0
    elif p.get("path.rtt_ms", -1) < 0:
        slow = 1
    else:
        slow = min(p["path.rtt_ms"], c["rtt_ceiling_ms"]) / c["rtt_ceiling_ms"]
    return (
        -c["rtt"] * slow
        + c["plugged_in"] * part("energy.plugged_in")
        + c["thermal"] * part("capacity.thermal_headroom")
        + c["idle"] * part("capacity.idle")
        + c["credit_efficiency"] * part("offer.credit_efficiency")
    )


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


CASES = [
    case("the README's example: -0.03 + 0.20 + 0.16 + 0.09 + 0.06", [GOOD]),
    case("round trips of 0, 250, 500, 501 and 60000 ms", [{**GOOD, "path.rtt_ms": ms} for ms in (0, 250, 500, 501, 60000)]),
    case("an unknown round trip counts like the ceiling", [without("path.rtt_ms"), {**GOOD, "path.rtt_ms": 500}]),
    case("to itself a device has no round trip", [{**without("path.rtt_ms"), "peer.is_self": 1}, {**GOOD, "peer.is_self": 0}]),
    case("the best there is", [{**GOOD, "path.rtt_ms": 0, "capacity.thermal_headroom": 1, "capacity.idle": 1, "offer.credit_efficiency": 1}]),
    case("the worst there is", [{"peer.online": 1, "path.class": 1, "capacity.cpu_free": 1, "capacity.memory_free_mb": 100,
                                 "path.rtt_ms": 500, "energy.plugged_in": 0, "capacity.thermal_headroom": 0.1,
                                 "capacity.idle": 0, "offer.credit_efficiency": 0}]),
    case("on a charged battery", [{**GOOD, "energy.plugged_in": 0, "energy.battery_percent": 100}]),
    case("each thing unknown in turn", [without(f) for f in
         ("energy.plugged_in", "capacity.thermal_headroom", "capacity.idle", "offer.credit_efficiency")]),
    case("a share out of its range counts as unknown", [{**GOOD, "capacity.idle": 1.5}, {**GOOD, "offer.credit_efficiency": -0.5}]),
    case("near and hot against far and cool", [
        {**GOOD, "path.rtt_ms": 5, "capacity.thermal_headroom": 0.2}, {**GOOD, "path.rtt_ms": 200, "capacity.thermal_headroom": 1},
    ]),
    case("a ceiling set by config", [{**GOOD, "path.rtt_ms": 50}, {**GOOD, "path.rtt_ms": 100}], None, {"rtt_ceiling_ms": 100.0}),
    case("weights set by config", [GOOD], None, {"rtt": 1.0, "plugged_in": 0.0, "thermal": 0.0, "idle": 0.0, "credit_efficiency": 0.0}),
    case("energy and task's importance count nothing", [GOOD], {"critical": True}),
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
