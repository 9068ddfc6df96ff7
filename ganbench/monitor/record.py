"""What a monitor has written down so far, and where it goes; it knows no network, so that it outlives them."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ganbench.core.column import Column
from ganbench.core.component import Component
from ganbench.core.errors import UsageError, described
from ganbench.core.naming import DEFAULT_SCHEDULE, NO_TRICKS, run_name
from ganbench.monitor.alarm import Alarm
from ganbench.monitor.folder import Folder, only_claimed, resumable
from ganbench.monitor.guard import Guard
from ganbench.monitor.kept_state import PLACE, REMEDY, State, check_state
from ganbench.monitor.pictures import grid
from ganbench.monitor.resume import cut, history_state, run_of
from ganbench.monitor.rounds import COLUMNS as REGULARISERS
from ganbench.monitor.samples import Look, SampleView
from ganbench.monitor.scrutiny import Scrutiny
from ganbench.monitor.view import Place, View
from ganbench.sinks import Sink, Writers
from ganbench.tables.manifest import environment
from ganbench.training.history import History, ThinnedSnapshots
from ganbench.training.tables import TrialLog, made_on

log = logging.getLogger("ganbench.monitor")

CPU = torch.device("cpu")
ENOUGH = 8  # looks, below which no verdict about samples is given
WANTED = 60  # looks that verdicts are best with


class Record:
    """The rows, pictures and facts of one watched run.

    Args:
        path: of the tables.
        names: of the networks.
        view, samples: what is read of steps and of samples.
        sinks: where rows go besides.
        seed: of the run.
        device: where the networks are.
        guard: keeps what fails here from the training.
        resume: whether to go on with the run at the path; a number is the step that training goes on from.
        scrutiny: looks at how the loop is made.
    """

    def __init__(
        self,
        path: Path,
        names: str,
        view: View,
        samples: SampleView,
        sinks: Sequence[Sink],
        seed: int,
        device: torch.device,
        guard: Guard,
        resume: bool | int,
        scrutiny: Scrutiny,
    ) -> None:
        place, kept = (path, None) if resume is False else resumable(path)
        again = kept is not None or (resume is not False and only_claimed(place))
        self._asked = path.absolute()
        self.folder = folder = Folder(place, again=again, asked=self._asked.name)
        data, loss = samples.reference.label, "own loss" if view.loss is None else view.loss.label
        self.labels = {"dataset": data, "network": names, "loss": loss, "tricks": NO_TRICKS, "optimizer": "unknown"}
        self.labels["schedule"], self.guard = DEFAULT_SCHEDULE, guard
        self._view, self._samples = view, samples
        # The time tells the runs of one name apart, for whoever lays their tables side by side.
        self.trial = hashlib.sha256(f"{folder.path.name} {time.time_ns()}".encode()).hexdigest()[:12]
        self._seed = seed
        self.facts: dict[Hashable, float | str] = {} if view.loss is None else {"loss": view.loss.label}
        self.history, self.layers = History((), 1, CPU), dict[Place, History]()
        self._earlier: dict[str, Column] = {}  # of the run that this one goes on with; nothing may measure them now
        self.snapshots = ThinnedSnapshots()
        self.steps, self.looks = 0, 0
        self.optimizers: set[str] = set()
        self._n_fake, self._evaluated_at, self._diverged_at = 0, None, None
        self._environment, self._made_on = environment(torch.get_num_threads()), made_on(device)
        self._writers = Writers(sinks, _name_in_trackers(folder.path), self.labels, apart=True)
        self._scrutiny, self.alarm = scrutiny, Alarm(scrutiny.findings)
        self._before = 0.0  # seconds of the runs that this one goes on with
        self._began, self._process = time.perf_counter(), os.getpid()
        self.open, self.draws = True, bool(sinks)
        if kept is not None:
            self.load_state_dict(kept, None if resume is True else int(resume))

    def add(self, values: Mapping[str, float], layers: Mapping[Place, Mapping[str, float]] | None = None) -> None:
        """Add finite numbers of this step, and hand them on; write the tables where it is time to."""
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        for place, row in (layers or {}).items():
            self.layers.setdefault(place, History((), 1, CPU)).write(self.steps, row)
        self.history.write(self.steps, finite)
        self._writers.write(self.steps, finite)
        measured = frozenset(column.name for metric in self._samples.metrics for column in metric.columns)
        self.guard.run("the alarm", self.alarm.look, self.history, measured, self.facts)
        if self.folder.due:
            self.flush()

    def add_look(self, look: Look, values: Mapping[str, float]) -> None:
        """Add what samples measure, and their picture."""
        n = len(look.sample.features)
        if n != self._n_fake:
            self.facts |= self._samples.facts(n)
        self._n_fake, self._evaluated_at = n, self.steps
        self.looks += 1
        self.snapshots.add(self.steps, look.picture.unsqueeze(0))
        self.add_picture("samples", look.picture)
        self.add(values)

    def add_picture(self, name: str, picture: Tensor) -> None:
        """Hand a picture of images `[n, C, h, w]` on to trackers."""
        if self.draws and picture.dtype == torch.uint8 and picture.dim() == 4:
            self._writers.picture(self.steps, name, grid(picture))

    def diverged(self) -> None:
        """Note the end of a run whose numbers are not finite any more; nothing that comes has a meaning."""
        self._diverged_at, self._evaluated_at = self.steps, None

    def flush(self) -> None:
        """Write the tables, unless this is another process, whose memory is a copy."""
        if os.getpid() == self._process:
            self.guard.run("the writing of tables", self._flush)

    def close(self) -> None:
        """Write what is left; say what was too little."""
        if self.open and os.getpid() == self._process:
            self.open = False
            self.flush()
            self.guard.run("the end of trackers", self._writers.close)
            if self._diverged_at is None and self.steps and self.looks < WANTED:
                level = logging.WARNING if self.looks < ENOUGH else logging.INFO
                log.log(level, "%s", self._too_little())

    def state_dict(self) -> dict[str, object]:
        """Return all that a run goes on with, for `torch.save`."""
        return {
            "format": 1,
            "folder": str(self.folder.path),
            "trial": self.trial,
            "seed": self._seed,
            "steps": self.steps,
            "looks": self.looks,
            "seconds": self._seconds,
            "history": history_state(self.history),
            "columns": [asdict(column) for column in self._columns.values()],
            "layers": {"\n".join(place): history_state(history) for place, history in self.layers.items()},
            "snapshots": dict(self.snapshots.kept),
            **self._kept,
            "n_fake": self._n_fake,
            "evaluated_at": self._evaluated_at,
        }

    def load(self, state: State) -> None:
        """Go on with a state in its folder, where the tables of its run are; else in this one, or one beside it.

        Raises:
            UsageError: it is no state of a monitor, or not of one like this; everything stays as it was.
        """
        check_state(state)
        if self.history.row:
            self.flush()
        reference = self._samples.reference
        before = dict(vars(reference))
        try:
            self.load_state_dict(state)
        except Exception as error:
            vars(reference).update(before)
            raise UsageError(f"{PLACE} is of another monitor ({described(error)}); {REMEDY}") from error
        self._move(Path(state["folder"]))

    def _move(self, path: Path) -> None:
        """Write on where this run's tables are; those of another run stay as they are."""
        folder = self.folder
        # Whoever has moved the folder has asked for it where it is now.
        path = next((place for place in (path, self._asked) if run_of(place) == self.trial), path)
        if run_of(path) == self.trial:
            if path != folder.path:
                folder.leave()
            self.folder = Folder(path, again=True)
        elif run_of(folder.path) not in (None, self.trial):
            self.folder = Folder(folder.path)

    def load_state_dict(self, state: State, step: int | None = None) -> None:
        """Go on with a state, from a step; rows beyond it are cut, and those that a kill has cost stay away."""
        end = state["steps"] if step is None else step
        self._samples.reference.load_state_dict(state["reference"])  # first: this fails where it is of other samples
        facts = self._samples.facts(state["n_fake"]) if state["n_fake"] else {}
        self._earlier = {column["name"]: Column(**column) for column in state["columns"]}
        self.trial, self._seed, self.steps, self._before = state["trial"], state["seed"], end, state["seconds"]
        self.history, self.layers = History((), 1, CPU), {}
        self.history.restore(*cut(state["history"], end))
        for name, kept in state["layers"].items():
            network, _, layer = name.partition("\n")
            self.layers[network, layer] = History((), 1, CPU)
            self.layers[network, layer].restore(*cut(kept, end))
        self._scrutiny.load_state_dict(state["scrutiny"], end)
        evaluated = [at for at in self.history.row if at == state["evaluated_at"]]
        looked = self._looked()
        self._n_fake = state["n_fake"]
        self._evaluated_at = evaluated[0] if evaluated else looked[-1] if looked else None
        self.looks = state["looks"] if end >= state["steps"] else min(state["looks"], len(looked))
        snapshots = {at: picture for at, picture in state["snapshots"].items() if at <= end}
        self.snapshots.restore(snapshots, self.looks)
        self.facts |= facts

    def _looked(self) -> list[int]:
        """Return the steps whose samples were measured."""
        names = {column.name for metric in self._samples.metrics for column in metric.columns}
        columns = [values[:, 0] for name, values in self.history.arrays().items() if name in names]
        return [step for step, i in self.history.row.items() if any(values[i] == values[i] for values in columns)]

    @property
    def _seconds(self) -> float:
        return self._before + time.perf_counter() - self._began

    def _too_little(self) -> str:
        seen = f"ganbench.Monitor: {self.looks} looks at the samples in {self.steps} steps, and verdicts want {WANTED}"
        if self._samples.reference.wanting and self._samples.postponed:
            longer = "the features of real samples took longer than overhead= allows"
            return f"{seen}: {longer}; give a larger overhead=, fewer samples=, or faster features="
        if self._samples.reference.wanting:
            return f"{seen}: real samples were too few; give step(real=) or data="
        if self._samples.latents is None:
            return f"{seen}: a look waits until minibatches hold samples= of them; give latents=, or a smaller samples="
        return f"{seen}; give a smaller evaluate_every= or samples=, or a larger overhead="

    def _flush(self) -> None:
        self.labels["optimizer"] = "+".join(sorted(self.optimizers)) or "unknown"
        used: list[Component] = [*self._view.diagnostics, *self._samples.metrics]
        logged = TrialLog(
            trial=self.trial,
            runs=[run_name(self.trial, self._seed)],
            seeds=[self._seed],
            labels=self.labels,
            versions=dict(sorted((f"{c.kind}:{c.name}", c.version) for c in used)),
            environment=self._made_on,
            steps=self.steps,
            last_steps=[self.steps],
            diverged_at=[self._diverged_at],
            evaluated_at=self._evaluated_at,
            history=self.history,
            layers=self.layers,
            snapshots=self.snapshots.kept,
            diagnostics=self._view.diagnostics,
            metrics=self._samples.metrics,
            evaluator=self._samples.reference.evaluator,
            n_fake=self._n_fake,
            ms_per_step=1e3 * self._seconds / self.steps if self.steps else math.nan,
            seconds=self._seconds,
            fact_columns=tuple(self._columns.values()),
        )
        findings = tuple(self._scrutiny.findings.sentences.values())
        self.folder.write(logged, self._environment, self.open, self._kept, findings)

    @property
    def _columns(self) -> dict[str, Column]:
        """Return the declarations of all that rows hold, also of what an earlier part of the run was given."""
        measured = (column for metric in self._samples.metrics for column in metric.columns)
        read = (column for one in self._view.diagnostics for column in (*one.columns, *one.layer_columns))
        now = {column.name: column for column in (*measured, *read, *REGULARISERS)}
        return {**self._earlier, **now, **self._scrutiny.terms.columns}

    @property
    def _kept(self) -> dict[str, object]:
        """Return what the tables do not hold."""
        return {"reference": self._samples.reference.state_dict(), "scrutiny": self._scrutiny.state_dict()}


def _name_in_trackers(path: Path) -> str:
    """Return the path of a run from here, which tells runs of one name apart; its name where it lies elsewhere."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except (OSError, ValueError):
        return path.name
