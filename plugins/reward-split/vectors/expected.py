# Writes payouts.json: the cases below with what the rule in README.md gives, worked out here in exact fractions.
# Run: python3 expected.py
import json
from fractions import Fraction
from pathlib import Path

NOW = "@2026-06-01T12:00:00Z"
DEFAULTS = {
    "worker_percent": 70, "verifiers_percent": 20, "pool_percent": 10, "pay_verifiers_when_rejected": True,
    "slash_worker_percent": 10, "slash_wrong_percent": 5, "slash_missing_percent": 1,
}
NINETY = {"worker_percent": 90, "verifiers_percent": 0, "pool_percent": 10}
BILLION = 10**9


def v(reveal="Agrees", reputation=0.5, stake=100):
    return {"reveal": reveal, "reputation": reputation, "stake": stake}


def s(amount, *verifiers, accepted=True, quality=1.0, timeliness=1.0, worker_stake=100):
    return {
        "amount": amount, "accepted": accepted, "quality": quality, "timeliness": timeliness,
        "worker_stake": worker_stake, "verifiers": list(verifiers),
    }


def billionths(x):
    return (Fraction(x) * BILLION + Fraction(1, 2)).__floor__()


def of(amount, share):
    return (amount * Fraction(share)).__floor__()


def expected(c, x):
    right = "Agrees" if x["accepted"] else "Disagrees"
    winners = [i for i, w in enumerate(x["verifiers"]) if w["reveal"] == right]
    amount = x["amount"]
    pot = of(amount, Fraction(c["verifiers_percent"], 100))
    if not x["accepted"] and not c["pay_verifiers_when_rejected"]:
        pot = 0
    paid = [0] * len(x["verifiers"])
    weights = {i: billionths(x["verifiers"][i]["reputation"]) for i in winners}
    if winners and not any(weights.values()):
        weights = {i: 1 for i in winners}
    for i in winners:
        paid[i] = of(pot, Fraction(weights[i], sum(weights.values())))
    if x["accepted"]:
        pool = of(amount, Fraction(c["pool_percent"], 100))
        refund = 0 if winners else pot
        rest = amount - pool - refund - sum(paid)
        factor = Fraction(billionths(x["quality"]) * billionths(x["timeliness"]), BILLION**2)
        back = of(rest, 1 - factor)
        worker, refund = rest - back, refund + back
    else:
        worker, pool, refund = 0, 0, amount - sum(paid)
    slashes = []
    for w in x["verifiers"]:
        rate = c["slash_missing_percent"] if w["reveal"] == "Missing" else c["slash_wrong_percent"]
        slashes.append(0 if w["reveal"] == right else of(w["stake"], Fraction(rate, 100)))
    assert worker + sum(paid) + pool + refund == amount
    return {
        "worker": worker, "verifiers": paid, "pool": pool, "refund": refund,
        "slash_worker": 0 if x["accepted"] else of(x["worker_stake"], Fraction(c["slash_worker_percent"], 100)),
        "slash_verifiers": slashes,
    }


def case(name, *rows, config=None):
    c = {**DEFAULTS, **(config or {})}
    return {
        "case": name, "now": NOW, "config": config or {}, "input": list(rows), "output": [expected(c, x) for x in rows],
    }


def refused(name, error, *rows, config=None):
    return {"case": name, "now": NOW, "config": config or {}, "input": list(rows), "error": error}


MAX = 2**64 - 1
THREE = (v(reputation=0.5), v(reputation=0.3), v(reputation=0.2))
CASES = [
    case("no settlements"),
    case("the README's example: 63 to the worker, 10 6 4 to the verifiers, 10 to the pool, 7 back", s(100, *THREE, quality=0.9)),
    case("flawless and in time: 70 20 10", s(100, v())),
    case("quality and timeliness both count", s(1000, v(), quality=0.8, timeliness=0.5)),
    case("quality 0: the worker's share goes back", s(100, v(), quality=0.0)),
    case("not verified: the verifiers' share goes back", s(100)),
    case("accepted, but nobody who was assigned agreed", s(100, v("Missing"), v("Disagrees"))),
    case("who was wrong or missing gets nothing and is slashed", s(100, v(), v("Disagrees"), v("Missing"))),
    case("three alike share 20: 6 each, and the 2 left over go to the worker", s(100, v(), v(), v())),
    case("remainders of the percentages go to the worker", s(1), s(2), s(7), s(9), s(99, v()), s(101, v(), v(), v())),
    case("too little to share among the verifiers goes to the worker", s(10, *[v()] * 7)),
    case("no reputation at all: equal shares", s(100, v(reputation=0.0), v(reputation=0.0))),
    case("no reputation beside some: nothing", s(100, v(reputation=0.0), v(reputation=0.01))),
    case("an escrow of nothing", s(0, v())),
    case("rejected: refunded, verifiers who saw it are paid, the worker is slashed", s(100, v("Disagrees"), v("Disagrees"), v("Agrees"), accepted=False)),
    case("rejected: the remainder goes back", s(100, v("Disagrees"), v("Disagrees"), v("Disagrees"), accepted=False)),
    case("rejected without a verifier: all of it goes back", s(100, accepted=False)),
    case("rejected, verifiers unpaid by config", s(100, v("Disagrees"), v("Missing"), accepted=False), config={"pay_verifiers_when_rejected": False}),
    case("rejected, quality says nothing any more", s(100, v("Disagrees"), accepted=False, quality=1.0), s(100, v("Disagrees"), accepted=False, quality=0.0)),
    case("90/10", s(100), s(100, v(), v("Missing")), s(1005, v()), config=NINETY),
    case("90/10, rejected", s(100, v("Disagrees"), accepted=False), config=NINETY),
    case("all to the worker", s(100, v(), v()), config={"worker_percent": 100, "verifiers_percent": 0, "pool_percent": 0}),
    case("all to the verifiers: the odd credit goes to the worker", s(101, v(), v()), config={"worker_percent": 0, "verifiers_percent": 100, "pool_percent": 0}),
    case("all to the pool", s(101, v(), v()), config={"worker_percent": 0, "verifiers_percent": 0, "pool_percent": 100}),
    case("whole stakes by config", s(100, v("Agrees"), v("Missing"), accepted=False),
         config={"slash_worker_percent": 100, "slash_wrong_percent": 100, "slash_missing_percent": 100}),
    case("nothing from stakes by config", s(100, v("Agrees"), v("Missing"), accepted=False),
         config={"slash_worker_percent": 0, "slash_wrong_percent": 0, "slash_missing_percent": 0}),
    case("slashes are rounded down", s(100, v("Missing", stake=99), v("Disagrees", stake=19)), s(100, accepted=False, worker_stake=9)),
    case("the largest escrow and the largest stakes", s(MAX, v(stake=MAX), v(stake=MAX), v("Missing", stake=MAX), quality=0.5, worker_stake=MAX),
         s(MAX, v("Disagrees", stake=MAX), v(stake=MAX), accepted=False, worker_stake=MAX)),
    case("a third of a billionth is not seen", s(10**12, v(), quality=1 - 3e-10)),
    case("seven verifiers of all kinds", s(1000, v(reputation=1.0), v(reputation=0.9), v("Disagrees"), v(reputation=0.4), v("Missing"), v(reputation=0.05), v(reputation=0.0), timeliness=0.75)),
    refused("a quality above 1", "BadInput", s(100), s(100, quality=1.01)),
    refused("a timeliness below 0", "BadInput", s(100, timeliness=-0.5)),
    refused("a reputation above 1, even of one who is not paid", "BadInput", s(100, v("Missing", reputation=2.0))),
    refused("shares that don't add up", "BadConfig", s(100), config={"worker_percent": 80}),
    refused("a share above 100", "BadConfig", s(100), config={"pool_percent": 101}),
]


def text(case):
    return "  {\n" + ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in case.items()) + "\n  }"


Path(__file__).with_name("payouts.json").write_text("[\n" + ",\n".join(map(text, CASES)) + "\n]\n")
