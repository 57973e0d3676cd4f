#!/usr/bin/env python3
"""Compares log-digest's masking with compare.py's regular expressions on random lines made of the rules' own pieces.

    tests/bench/drain3/masking.py PATH_OF_THE_DIGEST_EXAMPLE [--seed N] [--lines N]

With `similarity` 1 log-digest has one template for each different masked line, so its templates are its masks. Such
lines are far odder than any log: masks run into each other. The two differ in under 1 in 100 of them (the regular
expressions can't look back over dashes of any number, and take half of a timestamp that runs into a word), which is
what it checks. Prints the seed and the differences; exits with 1 beyond that.
"""

import argparse
import json
import random
import subprocess
import sys

import compare

PIECES = [
    " ", " ", ":", "/", "-", "[", "]", ".", "_", "+", "@", "~", ",", "=", "-I", "--", "a", "abc", "é", "<*>", "error:",
    "7", "12", "1.5ms", "0x1f", "deadbeef1", "a/b.c", "/x", "::", "fe80::1", "10.0.0.1", "00:1a:2b:3c:4d:5e",
    "550e8400-e29b-41d4-a716-446655440000", "http://", "2026-01-01", "T12:00:00", " 12:00:00", "Z", " +0100",
    "Jan  1 ", "31/Jan/2026:10:00:00",
]
PIECES_OF_A_LINE = 7
MOST_DIFFERENT = 0.01
SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("digest", help="the example `digest` of log-digest, built")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--lines", type=int, default=9000)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    source = random.Random(arguments.seed)
    lines = ["".join(source.choices(PIECES, k=source.randint(1, PIECES_OF_A_LINE))) for _ in range(arguments.lines)]
    params = {"assignments": True, "similarity": 1, "depth": 3, "max_templates": 1000000}
    run = subprocess.run(
        [arguments.digest, json.dumps(params)], input="\n".join(lines).encode(), stdout=subprocess.PIPE, check=True
    )
    report = json.loads(run.stdout)
    texts = {t["id"]: t["template"] for t in report["templates"]}
    different = 0
    for line, assigned in zip(lines, report["assignments"], strict=True):
        expected = " ".join(compare.mask_own(line).split())
        if texts.get(assigned, "") != expected:
            different += 1
            if different <= SHOWN:
                print(f"{line!r}\n  log-digest {texts.get(assigned, '')!r}\n  expected   {expected!r}")
    print(f"{different} of {len(lines)} differ")
    return 0 if different <= MOST_DIFFERENT * len(lines) else 1


if __name__ == "__main__":
    sys.exit(main())
