"""Writes admit.json and tiers.json: the cases below with the outputs that the rule of the README gives.
Run it from any folder: `python3 expected.py`."""

import json
import math
import pathlib
from datetime import datetime, timedelta, timezone

NOW = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
RESET = datetime(2026, 6, 2, tzinfo=timezone.utc)
# tasks a day, minutes, MB, how it is earned
LIMITS = {
    "free": (10, 10, 100, None),
    "supporter": (50, 30, 500, "with a donation in the last 31 days, or 50 tasks, or 50 votes"),
    "contributor": (200, 60, 2000, "with 100 tasks and 50 votes and 90 days as a member"),
}
ORDER = list(LIMITS)


def instant(t):
    return None if t is None else "@" + t.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def admit(r, limits=LIMITS):
    tier, duration = r["tier"], timedelta(milliseconds=r["duration"])
    tasks, minutes, megabytes, _ = limits[tier]
    too = []
    if duration > timedelta(minutes=minutes):
        m, s = divmod(math.ceil(duration / timedelta(seconds=1)), 60)
        too.append(f"{m} min{f' {s} s' if s else ''} is longer than {minutes} min")
    if r["memory_mb"] > megabytes:
        too.append(f"{r['memory_mb']} MB is more than {megabytes} MB")
    if too:
        order = list(limits)
        fits = [t for t in order[order.index(tier) + 1:]
                if duration <= timedelta(minutes=limits[t][1]) and r["memory_mb"] <= limits[t][2]]
        help_ = f"tier {fits[0]} would take it, earned {limits[fits[0]][3]}" if fits else "no higher tier takes it, split the task"
        return {"Deny": f"Quota: {' and '.join(too)} ({tier} tier); {help_}"}
    if r["used"] >= tasks:
        return {"Wait": {"until": r["reset"], "reason": f"Quota exceeded: {r['used']} of {tasks} tasks today ({tier} tier)"}}
    return {"Admit": {"tasks": 1, "duration": r["duration"], "memory_mb": r["memory_mb"]}}


def tier(m):
    """By DESIGN's words, not by the config's shape."""
    months = (NOW - m["since"]) / timedelta(days=30)
    gave = m["donated"] is not None and timedelta(0) <= NOW - m["donated"] < timedelta(days=31)
    earned = "free"
    if gave or m["tasks"] >= 50 or m["votes"] >= 50:
        earned = "supporter"
    if m["tasks"] >= 100 and m["votes"] >= 50 and months >= 3:
        earned = "contributor"
    return max(earned, m["granted"] or "free", key=ORDER.index)


FILES = {"admit": [], "tiers": []}


def request(tier="free", used=0, minutes=1, mb=10, in_flight=0, reset=RESET, ms=0):
    return {"tier": tier, "used": used, "in_flight": in_flight, "duration": minutes * 60000 + ms, "memory_mb": mb,
            "reset": instant(reset)}


def asks(text, *requests, config=None, limits=LIMITS, error=None, now=NOW):
    end = {"error": error} if error else {"output": [admit(r, limits) for r in requests]}
    FILES["admit"].append({"case": text, "now": instant(now), "config": config or {}, "call": "admit",
                           "input": list(requests)} | end)


def member(tasks=0, votes=0, days=0, donated=None, granted=None, ms=0):
    """`days` a member (and `ms` milliseconds), the last donation `donated` ago (a timedelta or days)."""
    ago = donated if donated is None or isinstance(donated, timedelta) else timedelta(days=donated)
    return {"tasks": tasks, "votes": votes, "since": NOW - timedelta(days=days, milliseconds=ms),
            "donated": ago if ago is None else NOW - ago, "granted": granted}


def member_is(text, expected, *members, config=None, error=None, rule=True):
    """`expected` is by hand; the script's own rule must agree unless the config changes it (`rule=False`)."""
    if not error and rule:
        assert [tier(m) for m in members] == [expected] * len(members), (text, [tier(m) for m in members])
    end = {"error": error} if error else {"output": [expected] * len(members)}
    rows = [m | {"since": instant(m["since"]), "donated": instant(m["donated"])} for m in members]
    FILES["tiers"].append({"case": text, "now": instant(NOW), "config": config or {}, "call": "tiers", "input": rows} | end)


asks("a first task in each tier", *(request(t) for t in ORDER))
asks("free: the tenth task is admitted, the eleventh waits", request(used=9), request(used=10), request(used=11))
asks("supporter: the fiftieth and the next", request("supporter", 49), request("supporter", 50))
asks("contributor: the two hundredth and the next", request("contributor", 199), request("contributor", 200))
asks("free: exactly ten minutes and 100 MB", request(minutes=10, mb=100))
asks("supporter: exactly thirty minutes and 500 MB", request("supporter", minutes=30, mb=500))
asks("contributor: exactly an hour and 2000 MB", request("contributor", minutes=60, mb=2000))
asks("free: a millisecond over ten minutes", request(minutes=10, ms=1))
asks("free: one MB over", request(mb=101))
asks("free: too long and too large", request(minutes=25, mb=400))
asks("free: only contributors run so long", request(minutes=45))
asks("free: longer than any tier", request(minutes=61))
asks("supporter: too large, contributor takes it", request("supporter", mb=501))
asks("contributor: too large for all", request("contributor", mb=2001))
asks("a task that never fits is refused, even when the count is reached too", request(used=10, minutes=11))
asks("tasks that still run count once, as used", request(used=9, in_flight=9), request(used=10, in_flight=10))
asks("nothing asked for: the task still counts", request(minutes=0, mb=0))
asks("a limit that was lowered below what is used", request("supporter", 60))
asks("nothing asked")
asks("a reset that is over, where the count is reached", request(used=10, reset=NOW), error="BadInput")
asks("a reset that is over does not matter below the limit", request(used=3, reset=NOW))
asks("an unknown tier is not judged", request(), request("gold"), error="Unsupported")
asks("a tier is compared as it is written", request("Free"), error="Unsupported")
SMALL = [{"name": "all", "tasks_per_day": 2, "max_minutes": 5, "max_memory_mb": 64, "earned_by": []}]
asks("a community with one tier", request("all", 1), request("all", 2), request("all", minutes=6),
     config={"tiers": SMALL}, limits={"all": (2, 5, 64, None)})
CLOSED = SMALL + [{"name": "crew", "tasks_per_day": 9, "max_minutes": 50, "max_memory_mb": 64, "earned_by": []}]
asks("a tier that only a grant gives", request("all", minutes=6), config={"tiers": CLOSED},
     limits={"all": (2, 5, 64, None), "crew": (9, 50, 64, "by an admin's grant")})
asks("a tier that admits nothing", request("all", 0), config={"tiers": [SMALL[0] | {"tasks_per_day": 0}]},
     limits={"all": (0, 5, 64, None)})
asks("no tiers", request(), config={"tiers": []}, error="BadConfig")
asks("two tiers of one name", request("all"), config={"tiers": SMALL * 2}, error="BadConfig")
asks("a tier without a name", request("all"), config={"tiers": SMALL + [SMALL[0] | {"name": ""}]}, error="BadConfig")
asks("a way to earn a tier without a condition", request("all"), config={"tiers": [SMALL[0] | {"earned_by": [{}]}]}, error="BadConfig")
asks("a tier without its limits", request("all"), config={"tiers": [{"name": "all"}]}, error="BadConfig")

member_is("someone new is free", "free", member())
member_is("49 tasks and 49 votes are not yet enough", "free", member(49, 49, 400))
member_is("50 tasks", "supporter", member(tasks=50))
member_is("50 votes", "supporter", member(votes=50))
member_is("a donation today", "supporter", member(donated=0))
member_is("a donation 30 days ago", "supporter", member(donated=30))
member_is("a donation a millisecond less than 31 days ago", "supporter", member(donated=timedelta(days=31, milliseconds=-1)))
member_is("a donation lapses 31 days after it", "free", member(donated=31), member(donated=365))
member_is("a donation dated after now has not begun", "free", member(donated=-1))
member_is("a lapsed donation does not take away what tasks earned", "supporter", member(tasks=50, donated=40))
member_is("100 tasks, 50 votes and 90 days, all exactly met", "contributor", member(100, 50, 90))
member_is("99 tasks are not enough for contributor", "supporter", member(99, 50, 90))
member_is("49 votes are not enough for contributor", "supporter", member(100, 49, 90))
member_is("a millisecond short of three months", "supporter", member(100, 50, 90, ms=-1))
member_is("a donation does not shorten the way to contributor", "supporter", member(100, 50, 30, donated=1))
member_is("far more than enough", "contributor", member(10**12, 10**9, 5000, 1))
member_is("a member who joined after now", "supporter", member(100, 50, -1))
member_is("a higher grant wins", "contributor", member(granted="contributor"))
member_is("a lower grant changes nothing", "contributor", member(100, 50, 90, granted="supporter"))
member_is("a grant of the first tier changes nothing", "supporter", member(50, granted="free"))
member_is("an equal grant changes nothing", "supporter", member(50, granted="supporter"))
member_is("no members", "free")
member_is("an unknown grant is not judged", None, member(granted="gold"), error="Unsupported")
WAYS = [SMALL[0], SMALL[0] | {"name": "crew", "earned_by": [{"tasks": 5, "donated_within_days": 7}, {"member_days": 365}]},
        SMALL[0] | {"name": "board"}]
member_is("own tiers: both conditions of one way", "crew", member(5, donated=6), config={"tiers": WAYS}, rule=False)
member_is("own tiers: another way", "crew", member(days=365), config={"tiers": WAYS}, rule=False)
member_is("own tiers: half of a way is not enough", "all", member(5), member(donated=6), config={"tiers": WAYS}, rule=False)
member_is("own tiers: a tier without a way is never earned", "crew", member(10**6, 10**6, 4000, 1), config={"tiers": WAYS}, rule=False)
member_is("own tiers: and can be granted", "board", member(granted="board"), config={"tiers": WAYS}, rule=False)


def lines(vector):
    """One vector with a line per row, so that a person can review it."""
    rows = lambda v: "[\n" + ",\n".join("      " + json.dumps(r) for r in v) + "\n    ]"
    fields = (f'    "{k}": ' + (rows(v) if isinstance(v, list) and v else json.dumps(v)) for k, v in vector.items())
    return "  {\n" + ",\n".join(fields) + "\n  }"


for name, cases in FILES.items():
    pathlib.Path(__file__).with_name(name + ".json").write_text("[\n" + ",\n".join(map(lines, cases)) + "\n]\n")
