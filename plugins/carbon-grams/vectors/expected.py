# Writes footprint.json: the cases below with what the rule in README.md gives, worked out here in exact fractions.
# Run: python3 expected.py
import json
from fractions import Fraction
from pathlib import Path

NOW = "@2026-06-01T12:00:00Z"
LIFECYCLE = {
    "solar": 45, "wind": 11, "hydro": 24, "nuclear": 12, "biomass": 230, "gas": 490, "oil": 650, "coal": 820,
    "battery": 301, "unknown": 700, "transfer": 700,
}
QUALITIES = ["Measured", "Modelled", "Declared", "Unknown"]
MOST = 2**63 - 1


def seg(wh, source, grid=None, wh_quality="Measured", grid_quality="Measured", start=0, end=60000):
    return {
        "from": start, "until": end, "wh": wh, "wh_quality": wh_quality, "source": source, "grid": grid,
        "grid_quality": grid_quality,
    }


def job(*actors, transfer=0.0, home_source=None, home_grid=None):
    return {
        "actors": [{"segments": list(segments)} for segments in actors], "transfer_wh": transfer,
        "home_source": home_source, "home_grid": home_grid,
    }


def half_away(mg):
    whole = (abs(mg) + Fraction(1, 2)).__floor__()
    return max(-MOST - 1, min(MOST, whole if mg >= 0 else -whole))


def grid(c, source, figure):
    return Fraction(figure) if figure is not None else Fraction(c[source.lower()])


def expected(c, j):
    """Totals from one list of (Wh, grid) per actor: emitted is everything, avoided is home's figure less everything."""
    spent = [
        sum((Fraction(s["wh"]) * grid(c, s["source"], s["grid"]) for s in a["segments"]), Fraction(0))
        for a in j["actors"]
    ]
    emitted = sum(spent) + Fraction(j["transfer_wh"]) * Fraction(c["transfer"])
    known = [0]
    away = j["home_grid"] is not None or j["home_source"] is not None
    avoided = Fraction(0)
    if away:
        home = grid(c, j["home_source"] or "", j["home_grid"])
        avoided = home * sum(Fraction(s["wh"]) for s in j["actors"][0]["segments"]) - emitted
        known.append(3 if j["home_grid"] is None and j["home_source"] == "Unknown" else 1)
    if j["transfer_wh"] > 0:
        known.append(1)
    for a in j["actors"]:
        if not a["segments"]:
            known.append(3)
        for s in a["segments"]:
            known.append(QUALITIES.index(s["wh_quality"]))
            if s["grid"] is not None:
                known.append(QUALITIES.index(s["grid_quality"]))
            elif s["source"] == "Unknown":
                known.append(3)
            else:
                known.append(2 if s["grid_quality"] == "Declared" else 1)
    return {
        "emitted_mg": half_away(emitted), "avoided_mg": half_away(avoided), "quality": QUALITIES[max(known)],
    }


def case(name, *jobs, config=None):
    c = {**LIFECYCLE, **(config or {})}
    return {
        "case": name, "now": NOW, "config": config or {}, "input": list(jobs), "output": [expected(c, j) for j in jobs],
    }


def refused(name, error, *jobs, config=None):
    return {"case": name, "now": NOW, "config": config or {}, "input": list(jobs), "error": error}


SUN = seg(10.0, "Solar", 45.0)
CASES = [
    case("no jobs"),
    case("10 Wh of sun instead of coal: 0.45 g emitted, 7.75 g avoided", job([SUN], home_source="Coal", home_grid=820.0)),
    case("the README's example", job(
        [SUN], [seg(2.0, "Wind", 11.0)], [seg(2.0, "Gas", 490.0)], transfer=0.5, home_source="Coal", home_grid=820.0)),
    case("at home nothing is avoided, and all may be measured", job([seg(10.0, "Gas", 400.0)])),
    case("at home the verifiers are emitted all the same", job([SUN], [seg(5.0, "Coal", 820.0)], transfer=0.25)),
    case("delegating to a dirtier grid avoids less than nothing", job([seg(10.0, "Coal", 820.0)], home_source="Wind", home_grid=11.0)),
    case("the same grid avoids nothing but costs the transfer", job([seg(10.0, "Gas", 490.0)], transfer=1.0, home_grid=490.0)),
    case("verification costs more than the sun saves",
         job([seg(1.0, "Solar", 45.0)], [seg(1.0, "Coal", 820.0)], [seg(1.0, "Coal", 820.0)], home_grid=820.0)),
    case("every source's lifecycle figure, one job each",
         *[job([seg(1000.0, s)], home_source="Unknown", home_grid=700.0) for s in
           ("Solar", "Wind", "Hydro", "Nuclear", "Biomass", "Gas", "Oil", "Coal", "Battery", "Unknown")]),
    case("every source as a home without a figure",
         *[job([seg(1000.0, "Wind", 11.0)], home_source=s) for s in
           ("Solar", "Wind", "Hydro", "Nuclear", "Biomass", "Gas", "Oil", "Coal", "Battery", "Unknown")]),
    case("a home grid is enough without its source", job([SUN], home_grid=300.0)),
    case("a given grid beats the source's figure, also when it is 0", job([seg(10.0, "Coal", 0.0)], home_source="Coal", home_grid=0.0)),
    case("a sunset in the middle: two segments, two grids",
         job([seg(6.0, "Solar", 45.0, start=0, end=30000), seg(4.0, "Gas", 490.0, start=30000, end=60000)], home_grid=500.0)),
    case("half a milligram is rounded away from zero, both ways",
         job([seg(0.5, "Wind", 1.0)], home_grid=0.0), job([seg(0.5, "Wind", 1.0)], home_grid=2.0),
         job([seg(0.25, "Wind", 1.0)], home_grid=0.0), job([seg(1.5, "Wind", 1.0)], home_grid=0.0)),
    case("rounded once, not per segment", job([seg(0.25, "Wind", 1.0), seg(0.25, "Wind", 1.0)])),
    case("nothing was used", job([seg(0.0, "Coal", 820.0)], home_grid=820.0)),
    case("a worker whose energy nobody knows", job([], home_grid=820.0)),
    case("a verifier whose energy nobody knows", job([SUN], [], home_grid=820.0)),
    case("the worst quality counts: of energy, of grid, of a verifier", *[
        job([seg(1.0, "Solar", 45.0, wh_quality=a, grid_quality=b)], [seg(1.0, "Solar", 45.0, wh_quality=c)])
        for a, b, c in (("Measured", "Measured", "Measured"), ("Modelled", "Measured", "Measured"),
                        ("Measured", "Declared", "Measured"), ("Measured", "Measured", "Unknown"),
                        ("Declared", "Modelled", "Measured"), ("Unknown", "Measured", "Declared"))]),
    case("a transfer and a home are at best modelled", job([SUN], transfer=0.001), job([SUN], home_grid=45.0)),
    case("without a grid the quality is the lifecycle figure's, or worse when the source is declared",
         job([seg(1.0, "Solar", None, grid_quality="Measured")]), job([seg(1.0, "Solar", None, grid_quality="Unknown")]),
         job([seg(1.0, "Solar", None, grid_quality="Declared")]), job([seg(1.0, "Unknown", None, grid_quality="Measured")])),
    case("an empty span and one across midnight",
         job([seg(1.0, "Wind", 11.0, start=5, end=5), seg(1.0, "Wind", 11.0, start=-60000, end=60000)])),
    case("figures set by config", job([seg(10.0, "Battery")], transfer=1.0, home_source="Hydro"),
         config={"battery": 100.0, "hydro": 4.0, "transfer": 50.0}),
    case("a figure of 0 by config", job([seg(10.0, "Solar")], home_source="Gas"), config={"solar": 0.0}),
    case("more than fits is the largest that does", job([seg(1e18, "Coal", 820.0)], home_grid=0.0),
         job([seg(1e18, "Wind", 0.0)], home_grid=820.0)),
    refused("no actors", "BadInput", job()),
    refused("negative energy", "BadInput", job([SUN]), job([seg(-1.0, "Solar", 45.0)])),
    refused("a negative grid", "BadInput", job([seg(1.0, "Solar", -1.0)])),
    refused("a negative home grid", "BadInput", job([SUN], home_grid=-1.0)),
    refused("a negative transfer", "BadInput", job([SUN], transfer=-0.1)),
    refused("a segment that ends before it begins", "BadInput", job([seg(1.0, "Wind", 11.0, start=10, end=9)])),
    refused("a config out of its range", "BadConfig", job([SUN]), config={"coal": -1.0}),
    refused("a config with a field that is not known", "BadConfig", job([SUN]), config={"peat": 1100.0}),
]


def text(case):
    return "  {\n" + ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in case.items()) + "\n  }"


Path(__file__).with_name("footprint.json").write_text("[\n" + ",\n".join(map(text, CASES)) + "\n]\n")
