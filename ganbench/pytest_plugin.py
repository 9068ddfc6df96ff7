"""The fixture `gan_stability`: trains a GAN of one's own over seeds in a test, and asserts that it is well.

    def test_my_gan_is_stable(gan_stability):
        trained = gan_stability(MyGenerator, MyDiscriminator, seeds=16, steps=2000)
        trained.assert_no_verdict("total collapse", "diverged")
        trained.assert_metric("modes_captured", at_least=7)
        trained.assert_no_regression("my_gan")

`pytest --ganbench-save` writes the baselines that `assert_no_regression` names, to be committed, instead of judging.
Nothing heavy is imported before a test asks for the fixture.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import pytest

if TYPE_CHECKING:
    import torch

    from ganbench.api import Keys
    from ganbench.loaded import Results


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("ganbench", "stability of GANs")
    group.addoption(
        "--ganbench-save",
        action="store_true",
        help="Write the baselines that tests name, instead of comparing with them.",
    )
    group.addoption(
        "--ganbench-baselines",
        default="results/baselines",
        metavar="FOLDER",
        help="Folder of baselines, from the root of the tests (results/baselines).",
    )


@dataclass(frozen=True)
class Trained:
    """What the fixture returns: the tables of all seeds, and what may be asserted of them.

    Attributes:
        results: as `ganbench.load` returns them.
        baselines: folder of baselines. save: whether they are written instead of held against.
    """

    results: Results
    baselines: Path
    save: bool

    @property
    def verdicts(self) -> Counter[str]:
        """Return how many runs have each verdict."""
        return Counter(str(name) for name in self.results.verdicts()["verdict"])

    def assert_no_verdict(self, *unwanted: str, at_most: float = 0.0) -> None:
        """Fail where more than a share of the runs has one of these verdicts.

        Raises:
            UsageError: a verdict that does not exist, such as a misspelt one; none at all; or a share that is none.
        """
        from ganbench.analysis.verdict_rules import RULES
        from ganbench.core.errors import UsageError, unknown

        if not unwanted:
            raise UsageError('assert_no_verdict: names no verdict, so it never fails; name one, such as "diverged"')
        if not 0 <= at_most < 1:  # NaN neither
            raise UsageError(f"assert_no_verdict: at_most={at_most} would let every run pass; give a share such as 0.1")
        known = {rule.verdict for rule in RULES} | {"low quality", "unclear"}
        for name in unwanted:
            if name not in known:
                raise UsageError(unknown("verdict", name, known))
        counts, runs = self.verdicts, len(self.results.runs)
        bad = {name: counts[name] for name in unwanted if counts[name]}
        if sum(bad.values()) > at_most * runs:
            names = ", ".join(f"{count} × {name}" for name, count in bad.items())
            pytest.fail(f"{names} in {runs} runs, more than {at_most:.0%}", pytrace=False)

    def assert_metric(self, metric: str, *, at_least: float | None = None, at_most: float | None = None) -> None:
        """Fail where the mean over seeds is outside; a run without a value counts as the worst, NaN never passes.

        Raises:
            UsageError: no such metric, one without a direction, or no bound.
        """
        import math

        from ganbench.analysis.comparison_results import judged_metrics
        from ganbench.analysis.comparison_rules import Rules
        from ganbench.analysis.statistics import mean, scored, worst
        from ganbench.core.errors import UsageError

        if at_least is None and at_most is None:
            raise UsageError(f"assert_metric: {metric} has no bound, so it never fails; give at_least= or at_most=")
        judged = judged_metrics(self.results.tables, Rules(metrics=(metric,)))
        if metric not in judged:
            raise UsageError(f"assert_metric: {metric!r} is a pattern; name one of {', '.join(judged)}")
        column = judged[metric]
        runs = self.results.runs
        lost = (runs["status"] == "DIVERGED") if metric == "diverged" else runs[metric]
        values = lost.astype("float64").to_numpy()
        middle = mean(scored(values, worst(values, column.direction)))
        low, high = (-math.inf if at_least is None else at_least), (math.inf if at_most is None else at_most)
        if not low <= middle <= high:
            bounds = (("at least", at_least), ("at most", at_most))
            limits = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
            pytest.fail(f"{metric} is {middle:.4g} over {len(values)} seeds, wanted {limits}", pytrace=False)

    def assert_no_regression(self, baseline: str, **rules: Any) -> None:  # noqa: ANN401 - the fields of Rules
        """Fail where `ganbench check` would not exit with 0; with `--ganbench-save` write the baseline instead.

        Args:
            baseline: its name.
            **rules: alpha, tolerances, margins, metrics, seeds, worst: the fields of
                `ganbench.analysis.comparison_rules.Rules`.

        Raises:
            IncomparableError: there is no such baseline, or another suite or component version made it.
        """
        from ganbench.analysis.comparison_results import compare_results
        from ganbench.analysis.comparison_rules import Rules
        from ganbench.check import baselines, comparable
        from ganbench.check.verdict import cells, exit_code, headline, visible
        from ganbench.core.errors import IncomparableError

        if self.save:
            baselines.save(self.results.path, self.baselines, baseline, replace=True)
            return
        try:
            old = baselines.find(baseline, self.baselines)
        except IncomparableError as error:
            raise IncomparableError(f"{error}; in tests `pytest --ganbench-save` makes it") from None
        comparable.require_same(old.manifest, self.results.manifest)
        comparison = compare_results(old.results, self.results.tables, Rules(**rules), old.fingerprints)
        if exit_code(comparison):
            lines = [headline(comparison), *("  ".join(cells(row)) for row in visible(comparison))]
            pytest.fail("\n".join(lines), pytrace=False)


@pytest.fixture
def gan_stability(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Trained]:
    """Return a function that trains a GAN over seeds in this process and returns what came of it.

    Its arguments: two factories of modules, `generator` and `discriminator` (as for `ganbench.modules`, with `latent`),
    or neither, for the network of `networks=[…]`; then any key of a suite (`datasets`, ring by default; `losses`,
    `tricks`, `seeds`, `steps`, …).
    """

    def train(
        generator: Callable[[], torch.nn.Module] | None = None,
        discriminator: Callable[[], torch.nn.Module] | None = None,
        *,
        latent: int = 8,
        name: str | None = None,
        **keys: Unpack[Keys],
    ) -> Trained:
        import ganbench

        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name or request.node.name).strip("-")[:60]
        if generator is not None and discriminator is not None:
            keys["networks"] = [ganbench.modules(generator, discriminator, latent=latent)]
        elif generator is not None or discriminator is not None:
            from ganbench.core.errors import UsageError

            raise UsageError("gan_stability: give both a generator and a discriminator, or networks=[…]")
        keys.setdefault("datasets", ["ring"])
        suite = ganbench.Suite(plain, **keys)
        results = suite.run(tmp_path / "results", executor="local")
        folder = request.config.rootpath / str(request.config.getoption("--ganbench-baselines"))
        return Trained(results, folder, bool(request.config.getoption("--ganbench-save")))

    return train
