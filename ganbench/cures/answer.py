"""What a search for cures says: a sentence, a table, a line for the suite and lines of plain PyTorch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from ganbench.analysis.cure_statistics import AIM, ALPHA, STOPPED, Outcome, least_seeds
from ganbench.cures.search import Cure, Remedied
from ganbench.cures.snippets import snippet

NAMED = 4  # remedies in a sentence
METHOD = (
    f"Healthy is the verdict of a run. p is McNemar's exact one-sided test on common seeds, after Holm over all "
    f"remedies of a trial (the chance of any false one is {ALPHA}). A remedy cures where it is below {ALPHA} and "
    f"{100 * AIM:.0f} % of the seeds are healthy. One that does keep {100 * AIM:.0f} % healthy is stopped early with a "
    f"chance of {STOPPED} at most."
)


def failure(cure: Cure) -> str:
    """Return "total collapse in 7 of 8 runs, oscillation in 1"."""
    runs = len(cure.base.seeds)
    named = [f"{verdict} in {count}" for verdict, count in cure.verdicts.items()]
    return ", ".join([f"{named[0]} of {runs} runs", *named[1:]])


def sentence(cure: Cure) -> str:
    """Return the answer: what cures the trial, how sure that is, at what cost, and what does not."""
    if not cure.remedies:
        return "No remedy that ganbench knows fits this trial."
    best, first = cure.best, cure.remedies[0]
    if best is not None:
        return f"{_named(best)} cures it: {_counts(best)}{_cost(best)}{_others(cure, best)}."
    judged = first.judged
    least = f"none of {len(cure.remedies)} remedies keeps {100 * AIM:.0f} % of the seeds healthy"
    if judged.outcome == Outcome.HELPS:
        return f"No cure found: {least}. {_named(first)} helps: {_counts(first)}{_cost(first)}."
    if judged.outcome == Outcome.MISSING:
        return "No cure found: no remedy has a result."
    top = max(cure.remedies, key=lambda one: one.judged.healthy / max(1, one.judged.seeds))
    closest = top.judged
    if 2 * sum(cure.healthy) >= len(cure.healthy):
        return (
            f"No cure shown: on these seeds the trial itself is healthy in {sum(cure.healthy)} of {len(cure.healthy)}, "
            f"the best remedy in {closest.healthy} of {closest.seeds}."
        )
    if closest.healthy >= AIM * closest.seeds:
        return f"No cure shown, for want of seeds: {_named(top)} is {_counts(top)}."
    if closest.healthy == 0:
        return f"No cure found: no seed is healthy with any of {len(cure.remedies)} remedies."
    return (
        f"No cure found: {least}. {_named(top)} came closest, healthy in {closest.healthy} of {closest.seeds} seeds "
        f"against {closest.base}."
    )


def worth_adding(cure: Cure) -> Remedied | None:
    """Return the best remedy that is shown to cure the trial, or else to help."""
    first = next(iter(cure.remedies), None)
    return first if first is not None and first.judged.outcome in (Outcome.CURES, Outcome.HELPS) else None


def next_step(cure: Cure) -> str:
    """Return what to do where nothing is shown to cure the trial; empty where something does."""
    if cure.best is not None or not cure.remedies:
        return ""
    outcome = cure.remedies[0].judged.outcome
    if outcome == Outcome.HELPS:
        return "add what helps to the suite and cure that trial: remedies may work together"
    if any(one.judged.seeds and one.judged.healthy >= AIM * one.judged.seeds for one in cure.remedies):
        seeds, least = len(cure.seeds), least_seeds(len(cure.remedies))
        few = f"among {len(cure.remedies)} remedies fewer than {least} seeds can show none; " if seeds < least else ""
        return f"{few}try more: --seeds {max(16, 2 * seeds)}"
    return "settings of your own: `vary` trains many at once (docs/settings.md), and tells which numbers matter"


def rows(cure: Cure) -> Iterator[tuple[str, ...]]:
    """Yield a row a remedy: what it came to, healthy seeds with it and of the base, p, cost, and what it is."""
    for one in cure.remedies:
        judged = one.judged
        p = "" if math.isnan(judged.p) else f"{judged.p_holm:.2g}"
        counts = f"{judged.healthy} of {judged.seeds}" if judged.seeds else "none"
        yield str(judged.outcome), counts, f"{judged.base} of {judged.seeds}", p, f"{one.cost:.1f} ×", one.arm.title


HEADS = ("outcome", "healthy", "without", "p (Holm)", "cost", "remedy")


def left_out(cure: Cure) -> list[str]:
    """Return "packing: the trial has it already" for each remedy that was not trained; equal reasons together."""
    reasons: dict[str, list[str]] = {}
    for one in cure.left_out:
        reasons.setdefault(one.reason, []).append(one.title)
    return [f"{', '.join(titles)}: {reason}" for reason, titles in reasons.items()]


def code(one: Remedied) -> str:
    """Return a remedy's lines of PyTorch, empty where there are none."""
    return snippet(one.arm).rstrip("\n")


def _named(one: Remedied) -> str:
    """Return a remedy's title as a sentence begins; identifiers such as `training.ema` stay as they are written."""
    title = one.arm.title
    return title if {*"_."} & {*title.split("(")[0].split()[0]} else title[0].upper() + title[1:]


def _counts(one: Remedied) -> str:
    judged = one.judged
    return (
        f"healthy in {judged.healthy} of {judged.seeds} seeds against {judged.base} of {judged.seeds} "
        f"(exact p {judged.p_holm:.2g} after Holm)"
    )


def _cost(one: Remedied) -> str:
    return f", at about {one.cost:.1f} × the cost"


def _others(cure: Cure, best: Remedied) -> str:
    """Return "; so do a and b; c helps; d, e and 2 more do not"."""
    groups: dict[str, list[str]] = {"so do": [], "less so": [], "not": []}
    kinds = Counter(one.judged.outcome for one in cure.remedies)
    for one in cure.remedies:
        if one is best:
            continue
        outcome = one.judged.outcome
        group = "so do" if outcome == Outcome.CURES else "less so" if outcome == Outcome.HELPS else "not"
        groups[group].append(one.arm.title)
    text = ""
    if groups["so do"]:
        text += f"; {_list(groups['so do'])} {'does' if kinds[Outcome.CURES] == 2 else 'do'} so too"
    if groups["less so"]:
        text += f"; {_list(groups['less so'])} help{'s' if len(groups['less so']) == 1 else ''}"
    if groups["not"]:
        text += f"; {_list(groups['not'])} {'does' if len(groups['not']) == 1 else 'do'} not"
    return text


def _list(names: list[str]) -> str:
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
