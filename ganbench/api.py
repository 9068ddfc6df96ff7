"""Suites from Python: the keys of a suite file, with objects wherever a file has names."""

from __future__ import annotations

import json
import numbers
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from ganbench.core import arguments, registry
from ganbench.core.component import Component
from ganbench.core.errors import GanbenchError, UsageError
from ganbench.on_trial import FinishedTrial, OnTrial
from ganbench.own_classes import is_installed, require_importable
from ganbench.sweep.executors import EXECUTORS, ExecutorName

if TYPE_CHECKING:
    from ganbench.cures.search import Cure
    from ganbench.datasets import Dataset
    from ganbench.diagnostics import Diagnostic
    from ganbench.loaded import Results
    from ganbench.losses import Loss
    from ganbench.networks import Network
    from ganbench.optimizers import Optimizer
    from ganbench.suite.plan import Plan
    from ganbench.tricks import Trick

Named = str | Mapping[str, object]  # a component as a file names it: `"r1"`, or `{"r1": {"gamma": 0.1}}`
DEEPEST = 50  # of lists and mappings; the keys of suites need six
Section = Mapping[str, object]  # the keys of a part of the suite that has keys of its own


class Keys(TypedDict, total=False):
    """The keys of a suite beside its name, for type checkers and editors; `docs/suites.md` says what each means."""

    description: str
    datasets: Sequence[Dataset | Named]
    networks: Sequence[Network | Named]
    losses: Sequence[Loss | Named]
    tricks: Sequence[Trick | Named | Sequence[Trick | Named] | None]
    optimizers: Sequence[Optimizer | Named]
    seeds: int | Sequence[int]
    steps: int
    batch: int
    log_every: int
    evaluate: Section
    diagnostics: Sequence[Diagnostic | Named]
    training: Section
    stop: Section
    vary: Section
    include: Sequence[Section]
    exclude: Sequence[Section]
    search: Section
    resources: Section


class Suite:
    """A suite made in Python: `Suite(name="mine", datasets=["ring", MyData()], tricks=[None, R1(gamma=0.1)])`.

    The keys are those of a suite file (`docs/suites.md`), checked just as strictly. Wherever a file names a component
    there may be an instance of one, yours or a built-in one; `None` is `none` in `tricks`, a list in it a combination.
    Own classes are registered in this process alone. Finished trials are found again by the names, versions and
    parameters of their components, not by their code: raise a class's `version` when its numbers change.

    Args:
        name: names the folder of the results.
        **keys: the other keys of a suite file; type checkers know them (`Keys`).

    Raises:
        UsageError: a key or a value is wrong; an own class is incomplete.
        GanbenchError: an own class has the name of another component.
    """

    def __init__(self, name: str, **keys: Unpack[Keys]) -> None:
        from ganbench.suite.schema import suite_of
        from ganbench.suite.yaml import Document

        self._own: dict[tuple[str, str], type[Component]] = {}
        data = {key: self._plain(value, key) for key, value in {"name": name, **keys}.items()}
        self._register()
        self._suite = suite_of(
            Document("ganbench.Suite", data, sources={(): f"ganbench.Suite(name={arguments.shown(name)})"})
        )

    def __repr__(self) -> str:
        """Return the suite's name and what its axes hold, by name."""
        suite = self._suite
        axes = {
            "datasets": [choice.label for choice in suite.datasets],
            "losses": [choice.label for choice in suite.losses],
            "tricks": ["+".join(choice.label for choice in cell) or "none" for cell in suite.tricks],
        }
        texts = ", ".join(f"{name}=[{', '.join(labels)}]" for name, labels in axes.items())
        return f"<ganbench.Suite {suite.name}: {texts}>"

    def plan(self, only: str | None = None) -> Plan:
        """Return what would run: `.trials`, and `.skipped` with reasons. `only` filters as `ganbench plan --only`.

        Raises:
            UsageError: there is nothing to run.
        """
        from ganbench.suite.plan import make_plan

        self._register()  # again: another suite may have brought a newer class of the same name since
        return make_plan(self._suite, arguments.optional_text("ganbench.Suite.plan: only", only))

    def run(
        self,
        results: str | Path = "results",
        *,
        executor: ExecutorName = "ray",
        only: str | None = None,
        address: str | None = None,
        jobs: int | None = None,
        progress: bool = True,
        on_trial: Callable[[FinishedTrial], object] | None = None,
    ) -> Results:
        """Train what is missing and return all the tables; trials that failed are rows with their error.

        Args:
            results: the folder of all suites' results.
            executor: `"ray"`, side by side; or `"local"`, one after the other in this process. Classes that a new
                process could not import (of a notebook, a function, or from `ganbench.modules`) need `"local"`.
            only: a filter as `ganbench run --only`.
            address: of a Ray cluster to attach to.
            jobs: trials at a time under Ray.
            progress: show on stderr what happens.
            on_trial: is called in this process for each trial that ends in this call. What it raises ends the run;
                finished trials are kept.

        Example:
            >>> suite.run(progress=False, on_trial=lambda trial: print(trial.name, trial.status))  # doctest: +SKIP

        Raises:
            UsageError: nothing to run, a folder that cannot be written, or own classes that Ray's workers cannot have.
            KeyboardInterrupt: a signal ended it; finished trials are kept.
        """
        from ganbench.loaded import load
        from ganbench.sweep.run import run_plan

        folder = arguments.path("ganbench.Suite.run: results", results)
        _require_run("ganbench.Suite.run", only, address, jobs, on_trial)
        components = self._components("ganbench.Suite.run", executor)
        plan = self.plan(only)
        outcome = run_plan(
            plan,
            folder,
            executor=executor,
            address=address,
            jobs=jobs,
            quiet=not progress,
            components=components,
            listeners=[OnTrial(plan, on_trial)] if on_trial else [],
        )
        outcome.require_uninterrupted()
        return load(outcome.folder)

    def _components(self, caller: str, executor: ExecutorName) -> tuple[type[Component], ...]:
        """Return the suite's own classes, registered, where this executor can have them."""
        _require_executor(caller, executor)
        classes = tuple(self._own.values())
        if not EXECUTORS[executor].in_process:
            for cls in classes:
                require_importable(cls)
        self._register()
        return classes

    def _plain(self, value: object, key: str = "", depth: int = 0) -> object:
        """Return what a file would say, and remember the classes of the components in it."""
        if depth > DEEPEST:
            raise UsageError(f"ganbench.Suite: {key}: more than {DEEPEST} lists in each other; write them flat")
        if isinstance(value, Component):
            return self._named(value)
        if isinstance(value, type) and issubclass(value, Component):
            raise UsageError(
                f"ganbench.Suite: {value.__name__} is a class; write {value.__name__}() with its parameters"
            )
        if isinstance(value, Mapping):
            wrong = next((name for name in value if not isinstance(name, str)), None)
            if wrong is not None:
                raise UsageError(f"ganbench.Suite: {key}: the key {arguments.shown(wrong)} is no text; write it as one")
            return {str(name): self._plain(inner, str(name), depth + 1) for name, inner in value.items()}
        if isinstance(value, (list, tuple, range)):
            # Only a list of tricks, or a combination in it, means `none` by None.
            inner = [self._plain(one, "" if key == "tricks" else key, depth + 1) for one in value]
            return ["none" if one is None else one for one in inner] if key == "tricks" else inner
        if isinstance(value, str):
            return str(value)
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, numbers.Real):  # NumPy's
            return int(value) if isinstance(value, numbers.Integral) else float(value)
        raise UsageError(
            f"ganbench.Suite: {key} is {arguments.shown(value)}; give what a suite file can say, or a component"
        )

    def _named(self, component: Component) -> dict[str, object]:
        cls = type(component)
        registry.require_component(cls)
        known = self._own.setdefault((cls.kind, cls.name), cls) if not is_installed(cls) else cls
        if known is not cls:
            raise GanbenchError(f"ganbench.Suite: two classes are the {cls.kind} {cls.name!r}; rename one")
        try:
            json.dumps(component.parameters, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise UsageError(
                f"ganbench.Suite: a parameter of {component.name} is not plain data ({error}); keep it in the class"
            ) from None
        return {component.name: component.parameters}

    def _register(self) -> None:
        for cls in self._own.values():
            registry.register(cls)


def cure(
    suite: Suite | str | Path,
    only: str | None = None,
    seeds: int = 16,
    results: str | Path = "results",
    *,
    executor: ExecutorName = "ray",
    address: str | None = None,
    jobs: int | None = None,
) -> list[Cure]:
    """Return what cures each failing trial of a suite: base and remedies on the same fresh seeds (`docs/cure.md`).

    Args:
        suite: a `Suite` (own modules and classes included), a suite's file, or the folder of a run.
        only: a trial's name in the tables, or a filter as `ganbench run --only`; every failing trial by default.
        seeds: of base and remedies, at most; they follow the suite's largest.
        results: the folder of all suites' results; the cures' lie in `<suite>-cure`.
        executor: as `Suite.run`.
        address: as there.
        jobs: as there.

    Raises:
        UsageError: no trial fails, `only` names none, or the suite has `vary` or `search`.
        IncompleteError: a trial that fails has no results on the fresh seeds.
        KeyboardInterrupt: a signal ended it; finished trials are kept.

    Example:
        >>> (cure,) = ganbench.cure("results/smoke", only="loss=hinge,tricks=none")  # doctest: +SKIP
        >>> cure.best.arm.title, cure.best.judged.healthy, cure.best.judged.base  # doctest: +SKIP
    """
    from ganbench.cures.run import Settings, cures_of, cures_of_suite

    folder = arguments.path("ganbench.cure: results", results)
    seeds = arguments.whole("ganbench.cure: seeds", seeds, least=1, most=256)
    _require_run("ganbench.cure", only, address, jobs)
    if isinstance(suite, Suite):
        components = suite._components("ganbench.cure", executor)
        return cures_of_suite(suite._suite, only, seeds, Settings(folder, executor, address, jobs, components))
    _require_executor("ganbench.cure", executor)
    target = arguments.path("ganbench.cure: suite", suite)
    return cures_of(target, only, seeds, Settings(folder, executor, address, jobs))


def _require_run(caller: str, only: object, address: object, jobs: object, on_trial: object = None) -> None:
    arguments.optional_text(f"{caller}: only", only)
    arguments.optional_text(f"{caller}: address", address)
    if jobs is not None:
        arguments.whole(f"{caller}: jobs", jobs, least=1, most=4096)
    if on_trial is not None and not callable(on_trial):
        raise UsageError(f"{caller}: on_trial is {arguments.shown(on_trial)}; give a function")


def _require_executor(caller: str, executor: str) -> None:
    if not isinstance(executor, str) or executor not in EXECUTORS:
        known = " or ".join(map(repr, EXECUTORS))
        raise UsageError(f"{caller}: unknown executor {arguments.shown(executor)}; take {known}")
