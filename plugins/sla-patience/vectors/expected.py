"""Writes patience.json: the cases below with the outputs that the rule of the README gives, by this script's own
calculation on calendar times. Run it from any folder: `python3 expected.py`."""

import json
import math
import pathlib
from datetime import datetime, timedelta, timezone

ENERGY = {  # clean share, source, peak in minutes
    "any": (0, None, None),
    "prefer-clean": (70, None, None),
    "clean-only": (90, None, None),
    "solar-peak": (0, "Solar", (9 * 60, 15 * 60)),
    "wind-peak": (0, "Wind", (0, 6 * 60)),
}
CLASSES = {  # max wait in hours, energy, delegate, interrupt
    "urgent": (0.5, "any", True, False),
    "high": (24, "prefer-clean", True, False),
    "normal": (48, "prefer-clean", True, True),
    "eco": (None, "clean-only", True, True),
    "solar_only": (None, "solar-peak", False, True),
    "wind_only": (None, "wind-peak", False, True),
}


def at(text):
    """`02 08:30` of June 2026, or a full time of that month's first day: `08:30`."""
    day, clock = text.split() if " " in text else ("01", text)
    return datetime.fromisoformat(f"2026-06-{day}T{clock}").replace(tzinfo=timezone.utc)


def instant(t):
    return None if t is None else "@" + t.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(delta):
    minutes = math.ceil(delta / timedelta(minutes=1))
    h, m = divmod(minutes, 60)
    return " ".join(([f"{h} h"] if h else []) + ([f"{m} min"] if m or not h else []))


def percent(x):
    return f"{x:g} %"


def plan(now, r, classes, energy):
    wait, kind, delegate, interrupt = classes[r["class"]]
    clean, source, peak = energy[kind]
    ends = [] if wait is None else [r["submitted"] + timedelta(hours=wait)]
    ends += [r["deadline"]] if r["deadline"] else []
    latest = max(r["submitted"], min(ends) - r["duration"]) if ends else None
    over = latest is not None and now >= latest
    name = f"class `{r['class']}`"
    if over:
        clean, source, peak = 0, None, None
        late = r["deadline"] and now + r["duration"] - r["deadline"]
        if late and late > timedelta(0):
            reason = f"{name} starts at once on any energy, and ends {span(late)} after its deadline"
        else:
            reason = f"the wait of {name} is over, it starts on any energy"
    elif clean == 0 and source is None:
        reason = f"{name} starts on any energy"
    else:
        what = f"{source.lower()} energy at its peak" if source else f"energy that is {percent(clean)} clean"
        how_long = "as long as it takes" if latest is None else f"at most {span(latest - now)} more"
        reason = f"{name} waits for {what}, {how_long}"
        if not source:
            ahead = [max(f - now, timedelta(0)) for f, u, c in r["forecast"] if u > now and c >= clean]
            if r["grid"] is not None and r["grid"] >= clean:
                reason += "; the energy here is clean enough now"
            elif ahead and (latest is None or now + ahead[0] < latest):
                reason += f"; expected here in {span(ahead[0])}"
    return {
        "latest_start": instant(latest), "clean": clean, "source": source,
        "peak": peak and {"from": peak[0], "until": peak[1]},
        "delegate": delegate, "interrupt": interrupt, "waiting_breaks": over, "reason": reason,
    }


CASES = []


def request(cls="normal", submitted="08:00", deadline=None, minutes=60, grid=None, forecast=()):
    return {
        "class": cls, "submitted": at(submitted), "deadline": deadline and at(deadline),
        "duration": timedelta(minutes=minutes), "grid": grid,
        "forecast": [(at(f), at(u), c) for f, u, c in forecast],
    }


def case(text, now, *requests, config=None, classes=None, energy=None, error=None):
    now = at(now)
    vector = {"case": text, "now": instant(now), "config": config or {}, "input": [
        {
            "class": r["class"], "submitted": instant(r["submitted"]), "deadline": instant(r["deadline"]),
            "duration": round(r["duration"] / timedelta(milliseconds=1)), "grid": r["grid"],
            "forecast": [{"from": instant(f), "until": instant(u), "clean": c} for f, u, c in r["forecast"]],
        }
        for r in requests
    ]}
    if error:
        vector["error"] = error
    else:
        vector["output"] = [plan(now, r, CLASSES | (classes or {}), ENERGY | (energy or {})) for r in requests]
    CASES.append(vector)


case("all six classes just submitted", "08:00", *(request(c) for c in CLASSES if c != "urgent"), request("urgent", minutes=10))
case("urgent: a task of ten minutes may start twenty minutes after its submission", "08:05", request("urgent", minutes=10))
case("urgent: a task longer than the patience starts at once", "08:00", request("urgent", minutes=45))
case("urgent: a task exactly as long as the patience starts at once", "08:00", request("urgent", minutes=30))
case("high: one millisecond before the latest start it waits", "02 06:59:59.999", request("high"))
case("high: at the latest start it runs anyway", "02 07:00", request("high"))
case("high: after the latest start it runs anyway", "03 07:00", request("high"))
case("normal: 48 hours less the duration", "02 12:00", request("normal", minutes=90))
case("normal: a deadline before the end of the patience shortens the wait", "09:00", request("normal", deadline="20:00"))
case("normal: a deadline after the end of the patience changes nothing", "09:00", request("normal", deadline="09 20:00"))
case("normal: the grid is exactly clean enough", "09:00", request("normal", grid=70))
case("normal: the grid is nearly clean enough, no forecast", "09:00", request("normal", grid=69.9))
case("normal: the forecast shows a clean hour", "09:00", request("normal", grid=40, forecast=[("09:00", "11:30", 50), ("11:30", "13:00", 82)]))
case("normal: the clean hour has begun already", "09:00", request("normal", forecast=[("08:00", "10:00", 75)]))
case("normal: a clean hour that is over does not count", "09:00", request("normal", grid=10, forecast=[("07:00", "09:00", 95)]))
case("normal: a clean hour after the latest start comes too late", "09:00", request("normal", deadline="12:00", forecast=[("11:00", "13:00", 95)]))
case("eco waits without end", "09 09:00", request("eco", grid=89))
case("eco: only a deadline ends the wait", "09:00", request("eco", deadline="20:00", grid=95))
case("eco: the deadline has come too near", "19:00", request("eco", deadline="20:00"))
case("solar_only waits for its own sun, never elsewhere", "20:00", request("solar_only", grid=100))
case("wind_only with a deadline", "20:00", request("wind_only", deadline="02 08:00"))
case("solar_only runs anyway where a deadline would be missed", "02 07:30", request("solar_only", deadline="02 08:30"))
case("a deadline that is missed already is said so", "12:00", request("high", deadline="12:30"))
case("a deadline before the submission: the latest start is the submission", "08:00", request("high", deadline="07:00"))
case("no duration: the whole patience may pass", "08:00", request("high", minutes=0))
case("a clock behind the submitter's: the wait has not begun", "07:30", request("urgent", minutes=30))
case("another share for prefer-clean", "09:00", request("high", grid=75), config={"prefer_clean_percent": 80},
     energy={"prefer-clean": (80, None, None)})
case("another solar peak", "09:00", request("solar_only"), config={"solar_from_minute": 600, "solar_until_minute": 840},
     energy={"solar-peak": (0, "Solar", (600, 840))})
case("a shorter patience for normal", "09:00", request("normal"),
     config={"normal": {"max_wait_minutes": 360, "energy": "prefer-clean", "delegate": True, "interrupt": True}},
     classes={"normal": (6, "prefer-clean", True, True)})
case("a class that the config adds", "09:00", request("overnight"),
     config={"classes": {"overnight": {"max_wait_minutes": 840, "energy": "wind-peak", "delegate": True, "interrupt": False}}},
     classes={"overnight": (14, "wind-peak", True, False)})
case("an added class without an end", "09:00", request("someday"),
     config={"classes": {"someday": {"energy": "any", "delegate": False, "interrupt": True}}},
     classes={"someday": (None, "any", False, True)})
case("nothing asked", "08:00")
case("an unknown class is not judged", "08:00", request("normal"), request("whenever"), error="Unsupported")
case("a class is compared as it is written", "08:00", request("Normal"), error="Unsupported")
case("an added class can't take a known name", "08:00", request("normal"), error="BadConfig",
     config={"classes": {"normal": {"energy": "any", "delegate": True, "interrupt": True}}})
case("a class without its energy", "08:00", request("normal"), config={"normal": {"delegate": True, "interrupt": True}}, error="BadConfig")
case("a peak that is empty", "08:00", request("normal"), config={"wind_until_minute": 0}, error="BadConfig")
case("a share over 100", "08:00", request("normal"), config={"clean_only_percent": 101}, error="BadConfig")
case("a grid over 100 per cent", "08:00", request("normal", grid=101), error="BadInput")
case("a forecast that is not sorted", "08:00", request("normal", forecast=[("10:00", "11:00", 5), ("09:00", "10:00", 5)]), error="BadInput")
case("a forecast that overlaps", "08:00", request("normal", forecast=[("09:00", "11:00", 5), ("10:59", "12:00", 5)]), error="BadInput")
case("a forecast of no length", "08:00", request("normal", forecast=[("09:00", "09:00", 5)]), error="BadInput")
case("a forecast below 0 per cent", "08:00", request("normal", forecast=[("09:00", "10:00", -1)]), error="BadInput")


def lines(vector):
    """One vector with a line per row, so that a person can review it."""
    rows = lambda v: "[\n" + ",\n".join("      " + json.dumps(r) for r in v) + "\n    ]"
    fields = (f'    "{k}": ' + (rows(v) if isinstance(v, list) and v else json.dumps(v)) for k, v in vector.items())
    return "  {\n" + ",\n".join(fields) + "\n  }"


pathlib.Path(__file__).with_name("patience.json").write_text("[\n" + ",\n".join(map(lines, CASES)) + "\n]\n")
