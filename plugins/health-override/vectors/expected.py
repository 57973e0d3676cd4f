"""Writes words.json and use.json. Every expected answer below is by hand: the word that should be found, or none.
Run it from any folder: `python3 expected.py`."""

import json
import pathlib
from datetime import datetime, timedelta, timezone

NOW = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
FILES = {"words": [], "use": []}


def instant(t):
    return None if t is None else "@" + t.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def request(name, tags=(), standing="Member", used=0):
    return {"name": name, "tags": list(tags), "standing": standing, "used": used}


def yes(name, word, hours=24):
    until = instant(NOW + timedelta(hours=hours)) if hours else None
    return {"emergency": True, "word": word, "until": until, "reason": f"PUBLIC HEALTH OVERRIDE: {name}"}


def no(reason=""):
    return {"emergency": False, "word": None, "until": None, "reason": reason}


def used_up(word, used, allowed):
    return no(f"`{word}` makes it no emergency: {used} of {allowed} overrides of the last 24 h are used; "
              "wait or ask another member")


def too_low(word):
    return no(f"`{word}` makes it no emergency for a submitter of this standing; ask a member to submit it")


def vector(file, text, rows, config=None):
    FILES[file].append({"case": text, "now": instant(NOW), "config": config or {},
                        "input": [r for r, _ in rows], "output": [v for _, v in rows]})


def names(text, found, config=None):
    """`found`: name -> the word expected, or None."""
    rows = [(request(n), yes(n, w) if w else no()) for n, w in found.items()]
    vector("words", text, rows, config)


def tagged(text, *rows, config=None):
    """Rows of (name, tags, the word expected or None)."""
    vector("words", text, [(request(n, t), yes(n, w) if w else no()) for n, t, w in rows], config)


def fails(text, error, row, config=None):
    FILES["use"].append({"case": text, "now": instant(NOW), "config": config or {}, "input": [row], "error": error})


WORDS = ("hospital ambulance emergency medical vaccine drug oxygen blood fire police rescue disaster nuclear power-grid "
         "water-treatment sewage pandemic quarantine").split()

names("every word of the list by itself", {w: w for w in WORDS})
names("every word of the list in capitals", {w.upper(): w for w in WORDS})
names("regular plurals", {
    "hospitals": "hospital", "Ambulances": "ambulance", "emergencies": "emergency", "vaccines": "vaccine",
    "drugs": "drug", "fires": "fire", "rescues": "rescue", "disasters": "disaster", "power-grids": "power-grid",
    "water treatments": "water-treatment", "pandemics": "pandemic", "QUARANTINES": "quarantine",
})
names("no regular plurals", {"emergencys": None, "hospitales": None, "hospitalss": None, "hospitalies": None, "drugses": None})
names("words that only contain one", {
    "firewall": None, "hospitality": None, "hospitalised": None, "fireplace": None, "wildfire": None, "drugstore": None,
    "bloodline": None, "policeman": None, "biomedical": None, "nuclearfree": None, "firefox-update": None, "misfire": None,
})
names("split where it is not alphanumeric", {
    "hospital-backup": "hospital", "backup_hospital_records": "hospital", "ct/scan.hospital": "hospital",
    "records:hospital": "hospital", "a hospital, please": "hospital", "(fire)": "fire", "--fire--": "fire",
    "fire\talarm": "fire", "fire\u2013brigade": "fire",
})
names("split in camelCase", {
    "HospitalBackup": "hospital", "hospitalBackup": "hospital", "backupHospital": "hospital", "BackupHospitals": "hospital",
    "HOSPITALBackup": "hospital", "syncHOSPITALRecords": "hospital", "FireAlarm": "fire", "fireAlarm": "fire",
    "Firealarm": None, "hOspital": None,
})
names("split between letters and digits", {
    "hospital2": "hospital", "ward7fire": "fire", "2026Pandemic": "pandemic", "hospital2Backup": "hospital", "fire_911": "fire",
})
names("power-grid and water-treatment as two words", {
    "power grid": "power-grid", "power_grid_repair": "power-grid", "PowerGrid": "power-grid", "powerGridRepair": "power-grid",
    "water.treatment": "water-treatment", "WATER TREATMENT": "water-treatment", "powergrid": None, "power": None, "grid": None,
    "grid power": None, "power-the-grid": None, "powers grid": None, "water-treatment": "water-treatment",
})
names("ordinary tasks", {"image_resize": None, "ml_training": None, "": None, "\u00b7\u00b7\u00b7": None, "render-frames": None})
names("case is folded beyond ASCII", {"\u00dcBERSCHWEMMUNG": None, "H\u00d4PITAL": "h\u00f4pital", "\u00fcberschwemmung-hilfe": None},
      {"words": ["h\u00f4pital"]})
names("a sharp s equals two, and both small sigmas are one", {
    "STRASSENBRAND": "stra\u00dfenbrand", "stra\u00dfenbrand": "stra\u00dfenbrand", "\u03a0\u03cc\u03bd\u03bf\u03c2": "\u03a0\u039f\u039d\u039f\u03a3", "\u03c0\u03bf\u03bd\u03bf\u03c2": "\u03a0\u039f\u039d\u039f\u03a3",
} | {"\u03a0\u03cc\u03bd\u03bf\u03c2": None}, {"words": ["stra\u00dfenbrand", "\u03a0\u039f\u039d\u039f\u03a3"]})
names("plurals after a hiss and after y", {
    "viruses": "virus", "virus": "virus", "viruss": None, "foxes": "fox", "churches": "church", "crashes": "crash",
    "supplies": "supply", "supplys": None, "relays": "relay", "relaies": None,
}, {"words": ["virus", "fox", "church", "crash", "supply", "relay"]})
names("words with digits, and of three parts", {
    "covid-19 tests": "covid19", "COVID19": "covid19", "covid 19": "covid19", "covid": None, "covid 20": None,
    "searchAndRescue": "search-and-rescue", "search and rescues": "search-and-rescue", "search rescue": None,
}, {"words": ["covid19", "search-and-rescue"]})
names("the first word of the config is named", {"fire in the hospital": "hospital", "police and fire": "fire"})
names("the first word of the config is named, in another order", {"fire in the hospital": "fire"}, {"words": ["fire", "hospital"]})
names("no words: nothing is an emergency", {"hospital": None}, {"words": []})
tagged("tags count as the name does",
       ("nightly", ["hospital"], "hospital"), ("nightly", ["misc", "BloodBank"], "blood"), ("nightly", ["firewall"], None),
       ("nightly", [], None), ("nightly", [""], None))
tagged("the name comes before the tags", ("fire drill", ["hospital"], "fire"))
tagged("two words must stand in one text", ("power", ["grid"], None), ("x", ["power", "grid"], None), ("x", ["power grid"], "power-grid"))

H = "hospital"
vector("use", "each standing for the first time", [(request(H, standing=s), yes(H, H)) for s in ("Stranger", "Guest", "Member", "Admin")])
vector("use", "a stranger has three in 24 hours",
       [(request(H, standing="Stranger", used=2), yes(H, H)), (request(H, standing="Stranger", used=3), used_up(H, 3, 3))])
vector("use", "a guest has ten in 24 hours",
       [(request(H, standing="Guest", used=9), yes(H, H)), (request(H, standing="Guest", used=10), used_up(H, 10, 10))])
vector("use", "a member has a hundred in 24 hours",
       [(request(H, used=99), yes(H, H)), (request(H, used=100), used_up(H, 100, 100)), (request(H, used=4000), used_up(H, 4000, 100))])
vector("use", "an admin has any number", [(request(H, standing="Admin", used=4294967295), yes(H, H))])
vector("use", "an ordinary task is not counted", [(request("nightly", used=500), no())])
vector("use", "any number for members", [(request(H, used=4294967295), yes(H, H))], {"member_per_day": 0})
vector("use", "one for guests", [(request(H, standing="Guest"), yes(H, H)), (request(H, standing="Guest", used=1), used_up(H, 1, 1))],
       {"guest_per_day": 1})
vector("use", "members alone may override",
       [(request(H, standing="Stranger"), too_low(H)), (request(H, standing="Guest"), too_low(H)),
        (request(H), yes(H, H)), (request(H, standing="Admin"), yes(H, H))], {"at_least": "member"})
vector("use", "admins alone may override", [(request(H), too_low(H)), (request(H, standing="Admin"), yes(H, H))], {"at_least": "admin"})
vector("use", "guests and above may override",
       [(request(H, standing="Stranger"), too_low(H)), (request(H, standing="Guest"), yes(H, H))], {"at_least": "guest"})
vector("use", "it stands for two hours", [(request(H), yes(H, H, 2))], {"stands_hours": 2})
vector("use", "it stands for this decision only", [(request(H), yes(H, H, 0))], {"stands_hours": 0})
vector("use", "the reason names the task as it was given", [(request("Hospitals  \u00c4rzte!"), yes("Hospitals  \u00c4rzte!", H))])
vector("use", "a name of exactly 256 bytes", [(request("fire " + "x" * 251), yes("fire " + "x" * 251, "fire"))])
vector("use", "nothing asked", [])
fails("a name of 257 bytes", "BadInput", request("fire " + "x" * 252))
fails("a word without a letter", "BadConfig", request(H), {"words": ["hospital", "-"]})
fails("an empty word", "BadConfig", request("nightly"), {"words": [""]})
fails("an emergency that stands for more than 30 days", "BadConfig", request(H), {"stands_hours": 721})
fails("a standing that is none", "BadConfig", request(H), {"at_least": "king"})


def lines(vector):
    """One vector with a line per row, so that a person can review it."""
    rows = lambda v: "[\n" + ",\n".join("      " + json.dumps(r, ensure_ascii=False) for r in v) + "\n    ]"
    fields = (f'    "{k}": ' + (rows(v) if isinstance(v, list) and v else json.dumps(v, ensure_ascii=False)) for k, v in vector.items())
    return "  {\n" + ",\n".join(fields) + "\n  }"


for name, cases in FILES.items():
    pathlib.Path(__file__).with_name(name + ".json").write_text("[\n" + ",\n".join(map(lines, cases)) + "\n]\n")
