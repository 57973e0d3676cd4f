# Writes violations.json. What each task breaks is stated by hand below: (rule, observed, limit); this script only
# writes it out in full.
# Run: python3 expected.py
import json
from pathlib import Path

NOW = "@2026-06-01T12:00:00Z"


def rule(kind, value="", level="Strict", id=None):
    return {"id": id or "rule-1", "kind": kind, "value": value, "level": level}


def task(name, *tags, watts=None, known="Declared"):
    return {
        "name": name, "tags": list(tags), "watts": 0 if watts is None else watts,
        "watts_known": "Unknown" if watts is None else known, "duration": 60000, "memory_mb": 100,
    }


def case(name, rules, *tasks, config=None):
    """Each of `tasks` is (task, violations), a violation (observed, limit) of the only rule or (rule id, observed, limit)."""
    by_id = {r["id"]: r for r in rules}
    output = []
    for _, violations in tasks:
        row = []
        for violation in violations:
            *which, observed, limit = violation
            broken = by_id[which[0]] if which else rules[0]
            row.append({
                "rule": broken["id"], "kind": broken["kind"], "observed": observed, "limit": limit,
                "hard": broken["level"] == "Strict",
            })
        output.append(row)
    return {
        "case": name, "now": NOW, "config": config or {},
        "input": {"rules": rules, "tasks": [t for t, _ in tasks]}, "output": output,
    }


def refused(name, error, rules, *tasks, config=None):
    return {
        "case": name, "now": NOW, "config": config or {}, "input": {"rules": rules, "tasks": list(tasks)}, "error": error,
    }


HEAVY = [rule("no_heavy_computation")]
DATA = [rule("no_data_intensive", "true")]
ML, RENDER, ANALY = "no `ml`", "no `render`", "no `analy`"
WATTS_100 = [rule("max_power_watts", "100")]
VIDEO = [rule("task_type_blacklist", "video", id="rule-video")]
LIST = [rule("task_type_whitelist", "ocr, embeddings,chat")]


def is_(word, *names):
    return [(task(name), [(name, word)]) for name in names]


def fine(*names):
    return [(task(name), []) for name in names]


CASES = [
    case("no rules, any task", [], *fine("render-video"), (task("x", watts=5000), [])),
    case("rules and no tasks", VIDEO),
    case("power below, exactly at and above the limit", WATTS_100,
         (task("a", watts=99.5), []), (task("a", watts=100), []),
         (task("a", watts=100.5), [("100.5 W declared", "at most 100 W")])),
    case("how power is known is told", WATTS_100,
         (task("a", watts=150, known="Measured"), [("150 W measured", "at most 100 W")]),
         (task("a", watts=150, known="Modelled"), [("150 W modelled", "at most 100 W")])),
    case("power that nobody declared blocks under a strict limit", WATTS_100, (task("a"), [("power not declared", "at most 100 W")])),
    case("power that nobody declared warns under a limit that warns", [rule("max_power_watts", "100", "Warn")],
         (task("a"), [("power not declared", "at most 100 W")]), (task("a", watts=100), [])),
    case("a limit of 0", [rule("max_power_watts", "0")],
         (task("a", watts=0), []), (task("a", watts=0.5), [("0.5 W declared", "at most 0 W")])),
    case("blanks around the number", [rule("max_power_watts", " 62.5 ")],
         (task("a", watts=62.5), []), (task("a", watts=63), [("63 W declared", "at most 62.5 W")])),
    case("blacklist: any part of the name, any case", VIDEO,
         *[(task(n), [("rule-video", n, "nothing with `video`")]) for n in ("video", "VIDEO-encode", "myVideos", "xvideox")],
         *fine("vide o", "v-ideo", "")),
    case("blacklist: any part of a tag", VIDEO,
         (task("encode", "cat", "Home-Video"), [("rule-video", "Home-Video", "nothing with `video`")]), (task("encode", "cat"), [])),
    case("blacklist: the rule's case says nothing", [rule("task_type_blacklist", "ViDeO")],
         (task("a video"), [("a video", "nothing with `video`")])),
    case("blacklist: letters beyond ASCII", [rule("task_type_blacklist", "ÜBERTRAGUNG")],
         (task("Videoübertragung"), [("Videoübertragung", "nothing with `übertragung`")]), (task("ubertragung"), [])),
    case("blacklist: a comma list forbids each", [rule("task_type_blacklist", "crypto, mining ,")],
         (task("bitcoin-mining"), [("bitcoin-mining", "nothing with `mining`")]),
         (task("CryptoHash"), [("CryptoHash", "nothing with `crypto`")]), *fine("determine", "a,b")),
    case("whitelist: exactly one of the names", LIST, *fine("ocr", "embeddings", "chat"),
         *[(task(n), [(n, "only ocr, embeddings, chat")]) for n in ("OCR", "ocr2", "chatty", "ocr, embeddings,chat", "")]),
    case("whitelist: no tag gets a task onto it", LIST, (task("mining", "ocr"), [("mining", "only ocr, embeddings, chat")])),
    case("heavy: ml as a whole word", HEAVY,
         *is_(ML, "ml", "ML", "ml-training", "train_ml", "mlTraining", "MLTraining", "trainML", "a ml job", "ml.2"),
         *fine("html", "email", "xml-parse", "HTMLExport", "mlops", "small", "ml2", "m-l")),
    case("heavy: words that begin with render", HEAVY,
         *is_(RENDER, "render", "Rendering", "video-render", "videoRenderer", "RENDER_FRAME", "prerender render"),
         *fine("prerender", "surrender", "re-nder", "rendition")),
    case("heavy: words that begin with analy", HEAVY,
         *is_(ANALY, "analysis", "Analyse", "dataAnalytics", "log-analyzer", "ANALYZE"), *fine("psychoanalysis", "anal", "canaly")),
    case("heavy: tags count as names do", HEAVY, (task("job", "nightly", "ml"), [("ml", ML)])),
    case("heavy: data words are fine", HEAVY, *fine("backup", "sync", "transfer")),
    case("data: words that begin with backup, sync or transfer", DATA,
         *is_("no `backup`", "backup", "dailyBackups", "BACKUP-2"), *is_("no `sync`", "sync", "photo_sync", "Synchronise"),
         *is_("no `transfer`", "transfer", "fileTransfer", "transferring data"),
         *fine("async", "asyncTask", "rsync", "webbackup", "back-up", "ml", "render")),
    case("words are split where a capital follows a digit", DATA, *is_("no `sync`", "step2Sync"), *fine("step2sync")),
    case("a word beside letters beyond ASCII", HEAVY, *is_(ML, "für-ml"), *fine("ümlaut", "éml")),
    case("the first word that is found is named", [rule("no_data_intensive")], *is_("no `transfer`", "transferBackup")),
    case("on by every word for it", [rule("no_heavy_computation", v, id=f"r{i}") for i, v in enumerate(("", " true ", "YES", "on", "1"))],
         (task("ml"), [(f"r{i}", "ml", ML) for i in range(5)])),
    case("off by every word for it", [rule("no_heavy_computation", v, id=f"r{i}") for i, v in enumerate(("false", "No", "off", "0"))],
         *fine("ml", "render")),
    case("a soft violation", [rule("no_heavy_computation", "", "Warn")], *is_(ML, "ml")),
    case("several rules, each by itself, in their order",
         [rule("no_data_intensive", "", "Warn", "soft"), rule("max_power_watts", "50", "Strict", "watts"),
          rule("task_type_blacklist", "photo", "Strict", "photo"), rule("task_type_whitelist", "photo-backup", "Strict", "list")],
         (task("photo-backup", watts=60), [
             ("soft", "photo-backup", "no `backup`"), ("watts", "60 W declared", "at most 50 W"),
             ("photo", "photo-backup", "nothing with `photo`")]),
         (task("ocr", watts=50), [("list", "ocr", "only photo-backup")])),
    case("two rules of one kind", [rule("max_power_watts", "100", "Strict", "hard"), rule("max_power_watts", "50", "Warn", "soft")],
         (task("a", watts=75), [("soft", "75 W declared", "at most 50 W")]),
         (task("a", watts=101), [("hard", "101 W declared", "at most 100 W"), ("soft", "101 W declared", "at most 50 W")])),
    case("other words by config", HEAVY, *is_("no `Train`", "training", "modelTraining"), *is_("no `GPU`", "gpu-job"),
         *fine("ml", "render", "gpus"), config={"heavy_words": ["GPU"], "heavy_beginnings": ["Train"]}),
    refused("a kind that is not known", "BadInput", [rule("max_power_wats", "100")], task("a")),
    refused("a kind in another case", "BadInput", [rule("Max_Power_Watts", "100")], task("a", watts=1)),
    refused("a broken rule beside a good one", "BadInput", [rule("max_power_watts", "100"), rule("no_fun")], task("a", watts=1)),
    refused("a broken rule that only warns", "BadInput", [rule("no_fun", "", "Warn")], task("a")),
    refused("watts that are no number", "BadInput", [rule("max_power_watts", "100 W")], task("a", watts=1)),
    refused("watts that are empty", "BadInput", [rule("max_power_watts", "")], task("a", watts=1)),
    refused("watts below 0", "BadInput", [rule("max_power_watts", "-1")], task("a", watts=1)),
    refused("watts without end", "BadInput", [rule("max_power_watts", "inf")], task("a", watts=1)),
    refused("watts that are not a number by name", "BadInput", [rule("max_power_watts", "NaN")], task("a", watts=1)),
    refused("an empty blacklist, which every name would match", "BadInput", [rule("task_type_blacklist", "  ")], task("a")),
    refused("an empty whitelist", "BadInput", [rule("task_type_whitelist", " , ,")], task("a")),
    refused("a switch that is neither on nor off", "BadInput", [rule("no_data_intensive", "maybe")], task("a")),
    refused("a task with negative power", "BadInput", WATTS_100, task("a", watts=1), task("b", watts=-1)),
    refused("a config with an empty beginning, which every word would match", "BadConfig", HEAVY, task("a"), config={"heavy_beginnings": [""]}),
    refused("a config with two words in one", "BadConfig", DATA, task("a"), config={"data_words": ["big data"]}),
]


def text(case):
    return "  {\n" + ",\n".join(f"    {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in case.items()) + "\n  }"


Path(__file__).with_name("violations.json").write_text("[\n" + ",\n".join(map(text, CASES)) + "\n]\n")
