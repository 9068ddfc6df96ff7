"""The verdicts as a decision table over the whole space of features: every cell has one name, and the rules give it.

A row says which levels of which features get a name; `a|b` is one of them, `!a` anything else; what is not mentioned
may be anything. The order of rows means nothing: rows that share a cell must agree, and no cell is without a row.
"""

from __future__ import annotations

import itertools

from ganbench.analysis.verdict_rules import RULES
from ganbench.analysis.verdict_statistics import Statistic
from tests.analysis.test_verdicts import first_match

FEATURES = {
    "gradient": {
        "normal": {},
        "saturated": {"push_g": 1e-9, "loss_share": 1e-5},
        "flat": {"push_g": 1e-3, "critic_rise": 1e-4},
        "dead": {"push_g": 0.0},
        "exploded": {"push_g": 1e6},
        "exploded D": {"push_d": 1e6},
    },
    "discriminator": {
        "ok": {},
        "frozen": {"step_d": 1e-7, "most_step_d": 1e-7},
        "stopped": {"step_d": 1e-7},
        "memorises": {"overfit_ratio": 0.6, "auc_gap": 0.2},
        "blind": {"advantage": 0.05},
        "random": {"advantage": 0.05, "auc": 0.5},
        "tells nothing": {"auc_alone": 0.5},
        "wins": {"won": 0.98, "auc": 1.0},
    },
    "quality": {
        "poor": {"quality": 0.1},
        "some": {"quality": 0.4},
        "fair": {"quality": 0.55},
        "high": {"quality": 0.9},
    },
    "cover": {
        "full": {"modes_lost": 0.0, "used_share": 1.0, "rise": 0.0},
        "rising": {"modes_lost": 3.0, "used_share": 0.6, "rise": 0.5},
        "lost": {"modes_lost": 3.0, "used_share": 0.6, "rise": 0.0},
        "few": {"modes_lost": 5.0, "used_share": 0.3, "rise": 0.0},
        "one": {"modes_lost": 7.0, "used_share": 0.13, "rise": 0.0},
    },
    "motion": {
        "none": {"displacement": 0.01},
        "rest": {},
        "straight": {"net_path": 0.7, "net": 0.3, "oscillation": 0.05},
        "travels": {"net_path": 0.3, "net": 0.3},
        "swings": {"oscillation": 0.3, "move": 0.1},
        "hops": {"oscillation": 1.0, "move": 1.0},
        "drifts": {"oscillation": 0.3, "net_path": 0.7, "net": 1.0},
    },
    "spread": {
        "point": {"spread": 0.1},
        "small": {"spread": 0.4},
        "shrunk": {"spread": 0.7},
        "right": {"spread": 1.0},
        "swollen": {"spread": 1.4},
        "scattered": {"spread": 2.0},
    },
    "modes": {"one": {"more_modes": 0.0}, "several": {"more_modes": 1.0}},
}
USUAL = {"diverged": 0.0, "push_g": 5.0, "push_d": 5.0, "growth_g": 1.0, "growth_d": 1.0, "loss_share": 0.7}
USUAL |= {
    "critic_rise": 0.7,
    "step_d": 1e-3,
    "most_step_d": 1e-2,
    "overfit_ratio": 0.0,
    "auc_gap": 0.0,
    "advantage": 0.5,
}
USUAL |= {"won": 0.5, "auc": 0.8, "auc_alone": 0.8}
USUAL |= {"displacement": 1.0, "oscillation": 0.02, "move": 0.02, "net": 0.02, "net_path": 0.05}

TABLE = """
good no,  discriminator frozen                                                           : no signal
good no,  gradient saturated|flat|dead, discriminator !frozen                            : vanishing gradient
good no,  gradient normal|exploded|exploded D, discriminator stopped                     : no signal
good yes, gradient exploded|exploded D                                                   : exploding gradient
gradient exploded|exploded D, discriminator !frozen, discriminator !stopped              : exploding gradient
gradient normal, discriminator memorises                                                 : discriminator overfit
good yes, gradient saturated|flat|dead, discriminator memorises                          : discriminator overfit
gradient normal, discriminator wins, good no                                             : discriminator wins
deaf early|late, way none                                                                : under-trained
deaf early, way !none                                                                    : no signal
deaf late, way !none, way !hops                                                          : no signal
deaf late, way hops, modes several, spread point|small                                   : mode hopping
deaf late, way hops, spread !point, spread !small                                        : no signal
deaf late, way hops, modes one                                                           : no signal
calm, good yes, way settled|none, spread right                                           : healthy
calm, good no,  way none                                                                 : under-trained
calm, good yes, way none, spread !right                                                  : under-trained
calm, way on its way                                                                     : under-trained
calm, way swings|hops|drifts, discriminator blind                                        : no signal
calm, way drifts                                                                         : no signal
calm, way swings|hops, spread scattered                                                  : no signal
calm, way hops, discriminator !blind, modes several, spread point|small                  : mode hopping
calm, way swings, discriminator !blind, modes several, spread point                      : total collapse
calm, way swings, discriminator !blind, modes several, spread small, cover one           : total collapse
calm, way swings, discriminator !blind, modes several, spread small, cover !one          : oscillation
calm, way swings|hops, discriminator !blind, modes one, spread point|small               : oscillation
calm, way swings|hops, discriminator !blind, spread shrunk|right|swollen                 : oscillation
calm, way settled, modes several, spread point                                           : total collapse
calm, way settled, modes several, spread small, cover one                                : total collapse
calm, way settled, quality fair|high, cover rising, spread !point                        : under-trained
calm, way settled, quality fair|high, cover lost|few, spread !point                      : partial collapse
calm, way settled, quality fair|high, cover one, spread !point, spread !small            : partial collapse
calm, way settled, quality poor|some, cover few, spread !point                           : partial collapse
calm, way settled, quality poor|some, cover one, spread !point, spread !small            : partial collapse
calm, way settled, quality fair|high, cover full, spread small|shrunk                    : partial collapse
calm, way settled, quality fair|high, cover full, modes one, spread point                : partial collapse
calm, way settled, quality fair, cover full, spread right                                : low quality
calm, way settled, quality fair|high, cover full, spread swollen|scattered               : low quality
calm, way settled, quality poor|some, cover full|rising|lost, spread !point              : low quality
calm, way settled, quality poor|some, cover full|rising|lost, spread point, modes one    : low quality
"""


def features(cell):
    """Return a cell with what follows from it: whether it is good, calm (no trouble of a network), and on which way."""
    good = cell["quality"] == "high" and cell["cover"] == "full"
    quiet = cell["gradient"] == "normal" or (good and cell["gradient"] in ("saturated", "flat", "dead"))
    # What cannot tell bad samples from real ones is deaf: before samples that hop are looked at, or after.
    kinds = {"random": ("blind", "early"), "tells nothing": ("ok", "late")}
    discriminator, deaf = kinds.get(cell["discriminator"], (cell["discriminator"], "no"))
    if good and discriminator in ("blind", "frozen", "stopped", "wins"):
        discriminator = "ok"  # as it should be: nothing is left to learn or to tell apart
    heard = discriminator in ("ok", "blind")
    way, poor = cell["motion"], cell["quality"] == "poor"
    if way in ("rest", "straight", "travels"):
        leads = way == "straight" or (way == "travels" and cell["spread"] in ("point", "small"))
        way = "on its way" if poor and leads else "settled"
    deaf = deaf if poor and quiet else "no"
    calm = quiet and heard and deaf == "no"
    derived = {"good": "yes" if good else "no", "calm": "yes" if calm else "no", "way": way, "deaf": deaf}
    return cell | {"discriminator": discriminator} | derived


def rows():
    for line in TABLE.strip().splitlines():
        conditions, _, verdict = line.partition(":")
        pairs = [one.strip().partition(" ") for one in conditions.split(",")]
        yield [(name, level.strip() or "yes") for name, _, level in pairs], verdict.strip()


def fits(level, allowed):
    return level != allowed[1:] if allowed.startswith("!") else level in allowed.split("|")


def cells():
    for levels in itertools.product(*FEATURES.values()):
        cell = dict(zip(FEATURES, levels, strict=True))
        if cell["modes"] == "one" and (
            cell["cover"] in ("rising", "few", "one")
            or (cell["cover"] == "lost" and cell["quality"] in ("fair", "high"))
        ):
            continue  # there is only one mode to have, and good samples are in it
        yield cell


def test_every_cell_has_the_name_of_the_table():
    table, seen = list(rows()), set()
    for cell in cells():
        known = features(cell)
        names = {verdict for pairs, verdict in table if all(fits(known[name], level) for name, level in pairs)}
        assert len(names) == 1, (cell, names)
        values = dict(USUAL) | {"good": float(known["good"] == "yes")}
        for feature, level in cell.items():
            values |= FEATURES[feature][level]
        values["modes_used"] = 8 * values["used_share"] if cell["modes"] == "several" else 1.0
        statistics = {name: Statistic(value, name) for name, value in values.items()}
        verdict, cause = first_match(RULES, statistics)
        assert verdict in names, (cell, cause)
        seen |= names
    assert seen == {rule.verdict for rule in RULES} - {"diverged"} | {"low quality"}
