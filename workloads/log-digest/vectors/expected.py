"""Writes reports.json beside it: what the README says of some small logs, worked out by hand.

    python3 expected.py
"""

import json
from pathlib import Path

DEFAULTS = {
    "depth": 4,
    "similarity": 0.4,
    "max_children": 100,
    "max_templates": 10_000,
    "max_memory_bytes": 64 * 2**20,
    "max_line_bytes": 16 * 2**10,
    "max_tokens": 512,
    "max_example_bytes": 512,
    "outlier_share": 0.001,
    "assignments": False,
}
RULE = (
    "count is at most share x lines that are not blank, rounded down, and 1 at least; "
    "below 20 lines there are no outliers"
)


def template(id, text, example, *lines, seen=(None, None)):
    return {
        "id": id,
        "template": text,
        "count": len(lines),
        "first_line": lines[0],
        "last_line": lines[-1],
        "first_seen": seen[0],
        "last_seen": seen[1],
        "example": example,
    }


def case(what, log, templates, params=None, levels=None, blank=0, most=0, outliers=(), assigned=None):
    """`templates` in the order of the report; `most`: the count up to which one is rare."""
    report = {"assignments": assigned} if assigned is not None else {}
    report |= {
        "lines": log.count("\n") + (not log.endswith("\n") and log != ""),
        "bytes": len(log.encode()),
        "blank_lines": blank,
        "truncated_lines": 0,
        "token_capped_lines": 0,
        "invalid_utf8_lines": 0,
        "levels": levels,
        "overflow": None,
        "outlier_rule": {"rule": RULE, "share": 0.001, "max_count": most},
        "template_count": len(templates),
        "templates": templates,
        "outliers": [
            {key: t[key] for key in ("id", "template", "count", "first_line")}
            for t in templates
            if t["id"] in outliers
        ],
        "params": DEFAULTS | (params or {}),
    }
    text = json.dumps(report, separators=(",", ":"), ensure_ascii=False) + "\n"
    found = {"case": what, "input": log, "output": text}
    return found | ({"params": params} if params else {})


def refused(what, **params):
    return {"case": what, "params": params, "error": "bad-params"}


DISKS = "disk sda1 is full\ndisk sdb2 is full\n\nERROR lost\n"
FULL = template(1, "disk <*> is full", "disk sda1 is full", 1, 2)
LOST = template(2, "ERROR lost", "ERROR lost", 4)
MANY = "all is well\n" * 19 + "all is lost indeed"

CASES = [
    case("an empty log", "", []),
    case("blank lines have no template", "\n\n", [], blank=2),
    case("lines of one kind share a template", DISKS, [FULL, LOST], levels={"error": 1}, blank=1),
    case(
        "each line's template, on request",
        DISKS,
        [FULL, LOST],
        params={"assignments": True},
        levels={"error": 1},
        blank=1,
        assigned=[1, 1, 0, 2],
    ),
    case(
        "a line without an end is one, and of 20 lines the rare are told",
        MANY,
        [
            template(1, "all is well", "all is well", *range(1, 20)),
            template(2, "all is lost indeed", "all is lost indeed", 20),
        ],
        most=1,
        outliers=(2,),
    ),
    refused("an unknown param is refused", folder="/"),
    refused("a tree of two levels tells nothing apart", depth=2),
    refused("a share is at most 1", similarity=1.5),
    refused("a line has 64 bytes at least", max_line_bytes=63),
]

Path(__file__).with_name("reports.json").write_text(
    json.dumps(CASES, indent=2, ensure_ascii=False) + "\n"
)
