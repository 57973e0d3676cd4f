"""Writes hours.json: the cases below with the outputs that the rule of the README gives. The earliest start is found
by trying every instant at which something changes (now, the end of the rest, each window's start).
Run it from any folder: `python3 expected.py`."""

import json
import pathlib
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

HOURS = [("01 09:00", "01 17:00"), ("02 09:00", "02 17:00"), ("03 09:00", "03 17:00")]
NIGHT = [("01 22:00", "02 06:00"), ("02 22:00", "03 06:00")]
# Saturday night: 6 June 2026 is a Saturday.
WEEKEND = [("06 22:00", "07 06:00"), ("13 22:00", "14 06:00")]
ALLOW = "Allow"


def berlin(text, fold=0):
    """`03-29 02:30` of 2026 as clocks in Berlin show it; `fold` 1: the second time that they do."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=fold).astimezone(timezone.utc)


# One to four in the night, in Berlin: two hours long when clocks go forward, four when they go back.
FORWARD = [(berlin("03-29 01:00"), berlin("03-29 04:00")), (berlin("03-30 01:00"), berlin("03-30 04:00"))]
BACK = [(berlin("10-25 01:00"), berlin("10-25 04:00")), (berlin("10-26 01:00"), berlin("10-26 04:00"))]


def at(text):
    """`02 08:30` of June 2026, or an instant."""
    if isinstance(text, datetime):
        return text
    day, clock = text.split()
    return datetime.fromisoformat(f"2026-06-{day}T{clock}").replace(tzinfo=timezone.utc)


def instant(t):
    return None if t is None else "@" + t.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def millis(delta):
    return round(delta / timedelta(milliseconds=1))


def verdict(now, r, inside):
    critical = r["urgency"] == "Critical"
    by_hours = r["hours_set"] and not (critical and r["critical_any_hour"])
    by_idle = r["last_run"] is not None and not (critical and r["critical_any_idle"])
    rest_ends = r["last_run"] + r["idle"] if by_idle else now

    def open_until(end):
        return next((open_until(u) for f, u in r["windows"] if f == end), end)

    def in_hours(t, length=timedelta(0)):
        return not by_hours or any(f <= t < u and t + length <= open_until(u) for f, u in r["windows"])

    def allowed(t):
        return in_hours(t, r["duration"] if inside else timedelta(0)) and t >= rest_ends

    tries = [t for t in [now, rest_ends] + [f for f, _ in r["windows"]] if t >= now]
    until = min(filter(allowed, tries), default=None)
    if until == now:
        return ALLOW
    resting = max(rest_ends - now, timedelta(0))
    if not in_hours(now):
        reason, left = "Outside delegation hours", timedelta(0)
    elif resting:
        reason, left = "System idle period active", resting
    else:
        reason, left = "Outside delegation hours: it would not finish inside the window", timedelta(0)
    return {"Defer": {"until": instant(until), "reason": reason, "idle_left": millis(left)}}


CASES = []


def request(windows=None, last_run=None, idle=5, minutes=30, urgency="Normal", role="Executor", any_hour=True,
            any_idle=False):
    return {
        "role": role, "hours_set": windows is not None, "windows": [(at(f), at(u)) for f, u in windows or []],
        "last_run": last_run and at(last_run), "idle": timedelta(minutes=idle), "duration": timedelta(minutes=minutes),
        "urgency": urgency, "critical_any_hour": any_hour, "critical_any_idle": any_idle,
    }


def case(text, now, *requests, inside=None, error=None, hand=None):
    """`hand` is a verdict calculated by hand, which the script must find as well."""
    now = at(now)
    vector = {
        "case": text, "now": instant(now), "config": {} if inside is None else {"must_finish_inside": inside},
        "input": [
            r | {
                "windows": [{"from": instant(f), "until": instant(u)} for f, u in r["windows"]],
                "last_run": instant(r["last_run"]), "idle": millis(r["idle"]), "duration": millis(r["duration"]),
            }
            for r in requests
        ],
    }
    if error:
        vector["error"] = error
    else:
        vector["output"] = [verdict(now, r, bool(inside)) for r in requests]
        assert hand is None or vector["output"] == [hand] * len(requests), (text, vector["output"])
    CASES.append(vector)


def outside(until):
    return {"Defer": {"until": until and instant(at(until)), "reason": "Outside delegation hours", "idle_left": 0}}


def resting(until, minutes):
    return {"Defer": {"until": until and instant(at(until)), "reason": "System idle period active",
                      "idle_left": round(minutes * 60000)}}


def too_long(until):
    return {"Defer": {"until": until and instant(at(until)), "idle_left": 0,
                      "reason": "Outside delegation hours: it would not finish inside the window"}}


case("no hours and never run: any time", "01 03:00", request(), hand=ALLOW)
case("inside the hours", "01 12:00", request(HOURS), hand=ALLOW)
case("before the hours: the same day's window", "01 08:59", request(HOURS), hand=outside("01 09:00"))
case("the first millisecond of a window is inside", "01 09:00:00.000", request(HOURS), hand=ALLOW)
case("the last millisecond of a window is inside", "01 16:59:59.999", request(HOURS), hand=ALLOW)
case("the end of a window is outside", "01 17:00", request(HOURS), hand=outside("02 09:00"))
case("a millisecond before a window is outside", "01 08:59:59.999", request(HOURS), hand=outside("01 09:00"))
case("after the last known window nothing is known", "03 17:00", request(HOURS), hand=outside(None))
case("hours set and no window: never", "01 12:00", request([]), hand=outside(None))
case("a window across midnight, before it", "01 23:30", request(NIGHT), hand=ALLOW)
case("a window across midnight, after it", "02 05:59", request(NIGHT), hand=ALLOW)
case("a window across midnight, its end", "02 06:00", request(NIGHT), hand=outside("02 22:00"))
case("windows that touch are one", "02 00:00", request([("01 22:00", "02 00:00"), ("02 00:00", "02 06:00")]), hand=ALLOW)
case("windows that are over are passed by", "03 08:00", request(HOURS), hand=outside("03 09:00"))
case("resting: one minute after a task", "01 12:00", request(last_run="01 11:59"), hand=resting("01 12:04", 4))
case("resting: the last millisecond", "01 12:03:59.999", request(last_run="01 11:59"), hand=resting("01 12:04", 1 / 60000))
case("rested: exactly five minutes after a task", "01 12:04", request(last_run="01 11:59"), hand=ALLOW)
case("no rest wanted", "01 12:00", request(last_run="01 12:00", idle=0), hand=ALLOW)
case("a rest of an hour", "01 12:00", request(last_run="01 11:30", idle=60), hand=resting("01 12:30", 30))
case("a last run after now still counts", "01 12:00", request(last_run="01 12:01"), hand=resting("01 12:06", 6))
case("resting inside the hours", "01 12:00", request(HOURS, last_run="01 11:59"), hand=resting("01 12:04", 4))
case("the rest ends with the window: the next window", "01 16:58", request(HOURS, last_run="01 16:55"), hand=resting("02 09:00", 2))
case("the rest ends a millisecond before the window does", "01 16:58",
     request(HOURS, last_run="01 16:54:59.999"), hand=resting("01 16:59:59.999", 119999 / 60000))
case("outside and resting: the hours are named, the instant obeys both", "01 08:58", request(HOURS, last_run="01 08:57"),
     hand=outside("01 09:02"))
case("outside, the rest ends before the window", "01 07:00", request(HOURS, last_run="01 06:59"), hand=outside("01 09:00"))
case("a rest longer than all known windows", "01 12:00", request(HOURS, last_run="01 11:00", idle=10000), hand=resting(None, 9940))
case("critical passes the hours", "01 20:00", request(HOURS, urgency="Critical"), hand=ALLOW)
case("critical where the owner opted out", "01 20:00", request(HOURS, urgency="Critical", any_hour=False), hand=outside("02 09:00"))
case("critical passes even an owner without any window", "01 20:00", request([], urgency="Critical"), hand=ALLOW)
case("critical does not pass the rest", "01 20:00", request(HOURS, urgency="Critical", last_run="01 19:58"), hand=resting("01 20:03", 3))
case("critical passes the rest where the owner says so", "01 20:00",
     request(HOURS, urgency="Critical", last_run="01 19:58", any_idle=True), hand=ALLOW)
case("critical passes the rest alone, not the hours", "01 20:00",
     request(HOURS, urgency="Critical", last_run="01 19:58", any_hour=False, any_idle=True), hand=outside("02 09:00"))
case("no other urgency passes anything", "01 20:00", *(request(HOURS, urgency=u, any_idle=True) for u in ("Low", "Normal", "High")),
     hand=outside("02 09:00"))
case("the submitter's own rules are judged alike", "01 20:00", request(HOURS, role="Submitter"), hand=outside("02 09:00"))
case("the submitter's own device rests as well", "01 12:00", request(last_run="01 11:59", role="Submitter"), hand=resting("01 12:04", 4))
case("a task may end outside by default", "01 16:50", request(HOURS, minutes=60), hand=ALLOW)
case("must finish inside: exactly at the end is inside", "01 16:30", request(HOURS), inside=True, hand=ALLOW)
case("must finish inside: a millisecond too late", "01 16:30:00.001", request(HOURS), inside=True, hand=too_long("02 09:00"))
case("must finish inside: longer than any window", "01 12:00", request(HOURS, minutes=481), inside=True, hand=too_long(None))
case("must finish inside: across windows that touch", "01 23:50",
     request([("01 22:00", "02 00:00"), ("02 00:00", "02 06:00")]), inside=True, hand=ALLOW)
case("must finish inside: short windows are passed by", "01 08:00",
     request([("01 09:00", "01 09:20"), ("01 10:00", "01 10:30")]), inside=True, hand=outside("01 10:00"))
case("must finish inside: resting, and then too late", "01 16:28", request(HOURS, last_run="01 16:27"), inside=True,
     hand=resting("02 09:00", 4))
case("must finish inside means nothing without hours", "01 12:00", request(minutes=100000), inside=True, hand=ALLOW)
case("Saturday to Sunday: inside on Sunday morning", "07 05:59", request(WEEKEND), hand=ALLOW)
case("Saturday to Sunday: the end on Sunday, until next Saturday", "07 06:00", request(WEEKEND), hand=outside("13 22:00"))
case("Saturday to Sunday: midnight", "07 00:00", request(WEEKEND), hand=ALLOW)
case("Saturday to Sunday: a rest that ends on Sunday", "06 23:58", request(WEEKEND, last_run="06 23:57"), hand=resting("07 00:02", 4))
case("clocks go forward: the hour after the gap is inside", berlin("03-29 03:00"), request(FORWARD), hand=ALLOW)
case("clocks go forward: what ends the two hours exactly", berlin("03-29 01:00"), request(FORWARD, minutes=120), inside=True,
     hand=ALLOW)
case("clocks go forward: three hours do not fit, they do a day later", berlin("03-29 01:00"), request(FORWARD, minutes=180),
     inside=True, hand=too_long(berlin("03-30 01:00")))
case("clocks go forward: the end of the short night", berlin("03-29 04:00"), request(FORWARD), hand=outside(berlin("03-30 01:00")))
case("clocks go back: the hour that comes twice is inside both times", berlin("10-25 02:30"), request(BACK), hand=ALLOW)
case("clocks go back: the second time", berlin("10-25 02:30", fold=1), request(BACK), hand=ALLOW)
case("clocks go back: four hours fit", berlin("10-25 01:00"), request(BACK, minutes=240), inside=True, hand=ALLOW)
case("clocks go back: a rest across the hour that comes twice", berlin("10-25 02:30"),
     request(BACK, last_run=berlin("10-25 02:29"), idle=60), hand=resting(berlin("10-25 02:29", fold=1), 59))
case("nothing asked", "01 12:00")
case("windows without hours", "01 12:00", request() | {"windows": [(at("01 09:00"), at("01 17:00"))]}, error="BadInput")
case("a window of no length", "01 12:00", request([("01 09:00", "01 09:00")]), error="BadInput")
case("windows that are not sorted", "01 12:00", request([HOURS[1], HOURS[0]]), error="BadInput")
case("windows that overlap", "01 12:00", request([("01 09:00", "01 12:00"), ("01 11:00", "01 13:00")]), error="BadInput")


def lines(vector):
    """One vector with a line per row, so that a person can review it."""
    rows = lambda v: "[\n" + ",\n".join("      " + json.dumps(r) for r in v) + "\n    ]"
    fields = (f'    "{k}": ' + (rows(v) if isinstance(v, list) and v else json.dumps(v)) for k, v in vector.items())
    return "  {\n" + ",\n".join(fields) + "\n  }"


pathlib.Path(__file__).with_name("hours.json").write_text("[\n" + ",\n".join(map(lines, CASES)) + "\n]\n")
