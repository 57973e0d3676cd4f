# Writes ranking.json: the cases below with what the rule in README.md gives, worked out here apart from the plugin.
# Run: python3 expected.py
import json
from pathlib import Path

NOW = "@2026-06-01T12:00:00Z"
TASK = {"critical": False, "duration": 60000, "cores": 1.0, "memory_mb": 100, "fee": 0}
GOOD = {
    "peer.online": 1, "path.class": 0, "energy.percent_clean": 95, "energy.source": 0, "capacity.cpu_free": 4,
    "capacity.memory_free_mb": 4000, "peer.local_minute": 720, "energy.plugged_in": 1,
}
DEFAULTS = {
    "energy": 0.5, "capacity": 0.4, "hour_points": 10, "hour_fade_minutes": 720, "unknown_clean": 50,
    "solar_from": 540, "solar_until": 900, "wind_from": 0, "wind_until": 360,
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


def hour_points(c, source, minute):
    """The minutes to the nearest minute of the peak, looked for one by one over the day before, the day and the next."""
    if source not in (0, 1) or minute is None or not 0 <= minute <= 1440:
        return 0
    name = {0: "solar", 1: "wind"}[source]
    start, end = c[name + "_from"], c[name + "_until"]
    if end < start:
        end += 1440
    nearest = min(
        max(start + day - minute, minute - (end + day), 0) for day in (-2880, -1440, 0, 1440, 2880)
    )
    return max(c["hour_points"] * (1 - nearest / c["hour_fade_minutes"]), 0)


def score(c, task, p):
    clean = p.get("energy.percent_clean")
    if clean is None or not 0 <= clean <= 100:
        clean = c["unknown_clean"]
    if task["critical"]:
        clean = 100
    shares = [1]
    if task["cores"]:
        shares.append(p.get("capacity.cpu_free", 0) / task["cores"])
    if task["memory_mb"]:
        shares.append(p.get("capacity.memory_free_mb", 0) / task["memory_mb"])
    hour = hour_points(c, p.get("energy.source"), p.get("peer.local_minute"))
    return c["energy"] * clean + c["capacity"] * 100 * min(shares) + hour


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


def at(source, *times):
    return [{**GOOD, "energy.source": source, "peer.local_minute": 60 * h + m} for h, m in times]


CASES = [
    case("solar at noon with room to spare: 47.5 + 40 + 10", [GOOD]),
    case("clean share 0, 70 and 100", [{**GOOD, "energy.percent_clean": share} for share in (0, 70, 100)]),
    case("an unknown clean share counts 50, one out of range too", [
        {k: v for k, v in GOOD.items() if k != "energy.percent_clean"},
        {**GOOD, "energy.percent_clean": 101}, {**GOOD, "energy.percent_clean": -1},
    ]),
    case("critical counts any energy as 100",
         [{**GOOD, "energy.percent_clean": 0}, {**GOOD, "energy.percent_clean": 100}, {}], {"critical": True, "cores": 0.0, "memory_mb": 0}),
    case("the sun's peak begins at 9 and ends at 15", at(0, (8, 59), (9, 0), (14, 59), (15, 0), (15, 1))),
    case("the sun at 18, at midnight, before midnight and at 3", at(0, (18, 0), (0, 0), (23, 59), (3, 0))),
    case("the wind's peak begins at midnight and ends at 6", at(1, (23, 59), (0, 0), (5, 59), (6, 0), (6, 1))),
    case("the wind at noon, at 15 and at 18", at(1, (12, 0), (15, 0), (18, 0))),
    case("other sources have no peak", at(2, (12, 0)) + at(5, (0, 0)) + at(9, (12, 0)) + at(8, (3, 0))),
    case("an unknown source, an unknown hour", [
        {k: v for k, v in GOOD.items() if k != "energy.source"},
        {k: v for k, v in GOOD.items() if k != "peer.local_minute"},
        {**GOOD, "peer.local_minute": 5000},
    ]),
    case("a solar peak over midnight", at(0, (22, 0), (23, 0), (0, 30), (2, 0), (4, 0), (12, 30)), None,
         {"solar_from": 1380.0, "solar_until": 120.0}),
    case("points that fade within six hours", at(0, (15, 0), (18, 0), (21, 0), (22, 0), (3, 0), (2, 0)), None,
         {"hour_fade_minutes": 360.0}),
    case("a peak of a whole day", at(1, (0, 0), (12, 0), (23, 59)), None, {"wind_from": 0.0, "wind_until": 1440.0}),
    case("half the cores where a busy peer is let in: 20 instead of 40", [{**GOOD, "capacity.cpu_free": 1}],
         {"cores": 2.0}, {"least_cpu_share": 0.25}),
    case("unknown capacity is worth nothing where something is needed", [
        {k: v for k, v in GOOD.items() if k != "capacity.cpu_free"},
        {k: v for k, v in GOOD.items() if k != "capacity.memory_free_mb"},
    ]),
    case("only memory is needed", [{**GOOD, "capacity.cpu_free": 0}], {"cores": 0.0}),
    case("coal with room against sun that is busy", [
        {**GOOD, "energy.percent_clean": 10, "energy.source": 7}, {**GOOD, "capacity.cpu_free": 0.5},
    ], {"cores": 2.0}, {"least_cpu_share": 0.1}),
    case("weights set by config", [GOOD], None, {"energy": 1.0, "capacity": 0.0, "hour_points": 0.0}),
    case("an assumed clean share set by config", [{"peer.online": 1}], {"cores": 0.0, "memory_mb": 0}, {"unknown_clean": 20.0}),
    case("the day that clocks change: only the minute at the peer counts", at(1, (2, 30)), now="@2026-03-29T01:30:00Z"),
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
