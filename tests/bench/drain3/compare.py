#!/usr/bin/env python3
"""How far log-digest's templates agree with those of drain3, the Python implementation of Drain.

    cargo run --release -p log-digest --example digest -- '{"assignments":true}' < some.log > digest.json
    tests/bench/drain3/compare.py some.log digest.json

drain3 gets the same lines, the same depth, similarity and number of children (read from the digest's `params`), and
masking by the regular expressions below. They say what log-digest's README says, and share nothing with its code.
Drain itself, its tree and its templates are drain3's, unchanged. Its caps are not applied to drain3.

Measures, over the lines that are not blank:
  pairs      two lines in one group. recall: of drain3's pairs, those that log-digest also puts together; precision:
             of log-digest's pairs, those that drain3 also puts together.
  templates  a template is found when a template of the other side covers exactly the same set of lines. recall: of
             drain3's, those found in log-digest's; precision: the other way round.
  lines      share of the lines whose template covers exactly the same lines on both sides (grouping accuracy).

Prints JSON; exits with 1 when a recall or precision is below --at-least. Lines without room for their template
(overflow) count as a template of their own each, so they lower the recall.

Needs drain3: uses it if it can be imported, else makes a virtual environment in .venv beside this file.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent

# A word is a run of ASCII letters, digits and anything beyond ASCII.
WORD = r"A-Za-z0-9\u0080-\U0010ffff"
BEGIN = f"(?<![{WORD}])"
END = f"(?![{WORD}])"

MONTH = r"(?:0[1-9]|1[0-2])"
DAY = r"(?:0[1-9]|[12]\d|3[01])"
NAME = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
MINUTE = r"(?:[01]\d|2[0-3]):[0-5]\d"
CLOCK = MINUTE + r":(?:[0-5]\d|60)(?:[.,]\d+)?"
ZONE = rf"(?:Z| UTC| GMT| ?[+-](?:0\d|1[0-4]):?[0-5]\d{END})?"
DATE = rf"\d{{4}}(?:-{MONTH}-{DAY}|/{MONTH}/{DAY})"
TIME = (
    rf"(?:{DATE}(?:(?:T| {{1,2}})(?:{CLOCK}|{MINUTE}){ZONE}{END})?"
    rf"|{DAY}/{NAME}/\d{{4}}:{CLOCK}{ZONE}"
    rf"|{DAY}/{MONTH}/\d{{4}}"
    rf"|{NAME}  ?\d{{1,2}} {CLOCK}"
    rf"|{CLOCK}){END}"
)

HEX = "[0-9A-Fa-f]"
GROUPS = rf"{HEX}{{1,4}}(?::{HEX}{{1,4}})*"
IPV6 = (
    rf"(?<!:)(?=[0-9A-Fa-f:]*\d)"
    rf"(?:(?:{HEX}{{1,4}}:){{7}}{HEX}{{1,4}}(?!:{HEX}|::)|(?:{GROUPS})?::(?:{GROUPS})?(?!:{HEX}|::)){END}"
)

P = rf"{WORD}_.+@%~\-"
LETTER = r"A-Za-z\u0080-\U0010ffff"
PATH_BEGIN = rf"(?:(?<![{P}/])|(?<=-)(?<![^-]-)(?![A-Za-z]/)|(?<=--)|(?<=-[A-Za-z])(?=/))"
PATH = (
    rf"{PATH_BEGIN}(?!-)(?=[{P}/]*[{LETTER}])"
    rf"(?:(?:/|\./|\.\./|~/)[{P}/]*|[{P}]*/[{P}]*/[{P}/]*|[{P}]*/[{P}]*\.[{LETTER}][{P}]*)(?![{P}/])"
)

UNIT = (
    r"(?:[kKMGT]?B|[KMGT]iB|[kKMG]?b|[kKMGT]|ns|us|µs|ms|s|secs?|mins?|[mhd]|[kMG]?Hz|x|px)?" + END
)
RULES = [
    ("TIME", BEGIN + TIME),
    ("UUID", BEGIN + "-".join(rf"{HEX}{{{n}}}" for n in (8, 4, 4, 4, 12)) + END),
    ("MAC", rf"{BEGIN}(?<!:){HEX}{{2}}(?::{HEX}{{2}}){{5}}(?!:{HEX}|::){END}"),
    ("IP6", BEGIN + IPV6),
    ("URL", rf"{BEGIN}[A-Za-z]+://[^\s\"'<>()\[\]{{}},;|\\]+"),
    ("PATH", PATH),
    ("IP", rf"{BEGIN}\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?!\.\d){END}"),
    ("HEX", rf"{BEGIN}(?:0x{HEX}+|(?=[a-fA-F]*\d)(?=\d*[a-fA-F]){HEX}{{7,}}){END}"),
    ("NUM", rf"{BEGIN}\d+(?:[.,]\d+)*(?={UNIT})"),
]
# A sign belongs to a number, and to nothing else that begins with a digit.
OTHERS = "|".join(rule for _, rule in RULES[:-1])
RULES[-1] = ("NUM", rf"(?:(?<![{WORD}])[-+](?!{OTHERS}))?{RULES[-1][1]}")
OWN = re.compile("|".join(f"(?P<{name}>{rule})" for name, rule in RULES))
LEADING = re.compile(rf"\A\s*(?:\[(?:{TIME}|\s*\d+\.\d+)\]|{TIME})[:,]?(?=\s+\S)")

# drain3's own example configuration (its examples/drain3.ini), one rule after the other, for --masking example.
EDGE = ("((?<=[^A-Za-z0-9])|^)", "((?=[^A-Za-z0-9])|$)")
EXAMPLE = [
    ("ID", r"(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))"),
    ("IP", r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})"),
    ("SEQ", r"([0-9a-f]{6,} ?){3,}"),
    ("SEQ", r"([0-9A-F]{4} ?){4,}"),
    ("HEX", r"(0x[a-f0-9A-F]+)"),
    ("NUM", r"([\-\+]?\d+)"),
]
EXAMPLE = [(name, re.compile(EDGE[0] + rule + EDGE[1])) for name, rule in EXAMPLE]


def mask_own(line: str) -> str:
    """The line as log-digest's README says that it is compared."""
    line = LEADING.sub("", line, count=1)
    return OWN.sub(lambda m: "<IP>" if m.lastgroup == "IP6" else f"<{m.lastgroup}>", line)


def mask_example(line: str) -> str:
    """The line as drain3's example configuration masks it, its leading timestamp cut as drain3's README advises."""
    line = LEADING.sub("", line, count=1)
    for name, rule in EXAMPLE:
        line = rule.sub(f"<:{name}:>", line)
    return line


def mask_none(line: str) -> str:
    """The line without its leading timestamp."""
    return LEADING.sub("", line, count=1)


def drain_class():
    """drain3's Drain; starts this script again in a virtual environment if drain3 is not installed."""
    try:
        from drain3.drain import Drain

        return Drain
    except ImportError:
        pass
    venv = HERE / ".venv"
    python = venv / "bin" / "python"
    if Path(sys.prefix) == venv:
        sys.exit(f"drain3 can't be imported from {venv}: remove that folder and try again")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, stdout=sys.stderr)
        pip = [str(python), "-m", "pip", "install", "--quiet", "-r", str(HERE / "requirements.txt")]
        subprocess.run(pip, check=True, stdout=sys.stderr)
    os.execv(python, [str(python), *sys.argv])


def read_lines(path: Path) -> list[str]:
    """The log's lines without their endings; bytes that are not UTF-8 stay distinct."""
    data = path.read_bytes()
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return [line.removesuffix(b"\r").decode("utf-8", "surrogateescape") for line in lines]


def agreement(ours: list[int], theirs: list[int]) -> dict:
    """Pairwise, template and line agreement of two groupings of the same lines."""

    def pairs(counts) -> int:
        return sum(n * (n - 1) // 2 for n in counts)

    def ratio(part: int, whole: int) -> float:
        return 1.0 if whole == 0 else part / whole

    both = Counter(zip(ours, theirs))
    in_ours, in_theirs = Counter(ours), Counter(theirs)
    same = [(a, b) for (a, b), n in both.items() if n == in_ours[a] == in_theirs[b]]
    together = pairs(both.values())
    return {
        "pairs": {
            "recall": ratio(together, pairs(in_theirs.values())),
            "precision": ratio(together, pairs(in_ours.values())),
        },
        "templates": {
            "recall": ratio(len(same), len(in_theirs)),
            "precision": ratio(len(same), len(in_ours)),
            "drain3": len(in_theirs),
            "log_digest": len(in_ours),
            "same": len(same),
        },
        "lines": {"same": ratio(sum(in_ours[a] for a, _ in same), len(ours)), "compared": len(ours)},
    }


def examples_of_difference(numbers, ours, theirs, digest, clusters, most: int) -> list[dict]:
    """Where the groupings part: for drain3's largest clusters without a counterpart, what log-digest made of them."""
    split = defaultdict(Counter)
    first = {}
    for number, a, b in zip(numbers, ours, theirs):
        split[b][a] += 1
        first.setdefault((a, b), number)
    size = Counter(ours)
    texts = {t["id"]: t["template"] for t in digest["templates"]}
    differing = [b for b, parts in split.items() if len(parts) > 1 or size[next(iter(parts))] != sum(parts.values())]
    differing.sort(key=lambda b: -sum(split[b].values()))
    return [
        {
            "drain3": clusters[b],
            "log_digest": [
                {"template": texts.get(a, "(overflow)"), "lines": n, "of": size[a], "first_line": first[a, b]}
                for a, n in split[b].most_common(3)
            ],
        }
        for b in differing[:most]
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("digest", type=Path, help="log-digest's output with assignments")
    parser.add_argument("--masking", choices=["own", "example", "none"], default="own")
    parser.add_argument("--at-least", type=float, default=0.0, help="lowest recall and precision that pass, 0 to 1")
    parser.add_argument("--differences", type=int, default=0, help="show so many of drain3's clusters that differ")
    arguments = parser.parse_args()
    drain_type = drain_class()

    digest = json.loads(arguments.digest.read_text())
    if "assignments" not in digest:
        sys.exit(f"{arguments.digest} has no assignments: run log-digest with {{\"assignments\":true}}")
    lines = read_lines(arguments.log)
    assignments = digest["assignments"]
    if len(lines) != len(assignments):
        sys.exit(f"{arguments.log} has {len(lines)} lines, {arguments.digest} {len(assignments)}: not the same log")

    params = digest["params"]
    drain = drain_type(depth=params["depth"], sim_th=params["similarity"], max_children=params["max_children"])
    mask = {"own": mask_own, "example": mask_example, "none": mask_none}[arguments.masking]
    numbers, ours, theirs = [], [], []
    begun = time.monotonic()
    for number, (line, assigned) in enumerate(zip(lines, assignments), 1):
        if not line.strip():
            continue
        cluster, _ = drain.add_log_message(mask(line))
        numbers.append(number)
        ours.append(assigned or -number)
        theirs.append(cluster.cluster_id)
    result = {
        "log": str(arguments.log),
        "masking": arguments.masking,
        "drain3_seconds": round(time.monotonic() - begun, 2),
        **agreement(ours, theirs),
    }
    if arguments.differences:
        clusters = {c.cluster_id: c.get_template() for c in drain.clusters}
        result["differences"] = examples_of_difference(numbers, ours, theirs, digest, clusters, arguments.differences)
    print(json.dumps(result, indent=2))
    measures = [result[kind][which] for kind in ("pairs", "templates") for which in ("recall", "precision")]
    return 0 if min(measures) >= arguments.at_least else 1


if __name__ == "__main__":
    sys.exit(main())
