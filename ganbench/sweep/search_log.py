"""What an adaptive search has tried, one line per configuration, so that it can go on after a stop."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganbench.core import registry
from ganbench.core.files import storing
from ganbench.suite.space import Config, Sampler, Search
from ganbench.sweep.jobs import TrialJob


@dataclass(frozen=True)
class AdaptiveSearch:
    """The jobs of a search whose trials are known only once they are tried (a `JobSource`).

    Attributes:
        sampler: makes trials of configurations. template: a job whose trial and key are replaced.
        path: the log, `results/<suite>/search-<run>.jsonl`. mode: `"min"` or `"max"`.
    """

    sampler: Sampler
    template: TrialJob
    path: Path
    mode: str

    @property
    def search(self) -> Search:
        """Return the suite's `search`."""
        return self.sampler.search

    @property
    def limit(self) -> int:
        """Return how many trials the search may try."""
        return self.search.trials

    @property
    def grid(self) -> Mapping[str, Sequence[int]]:
        """Return nothing: a searcher suggests what to try."""
        return {}

    @property
    def adaptive(self) -> AdaptiveSearch:
        """Return itself."""
        return self

    def known(self) -> list[TrialJob]:
        """Return the jobs that were tried so far."""
        return [job for _, job in self.tried()]

    def job(self, config: Mapping[str, object]) -> TrialJob:
        """Return the job of a configuration."""
        for cls in self.template.components:
            registry.register(cls)
        return self.template.of(self.sampler.trial(config))

    def begin(self, config: Mapping[str, object]) -> None:
        """Add a configuration to the log.

        Raises:
            StoreError: the folder cannot be written.
        """
        with storing(self.path.parent), open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(dict(config), sort_keys=True) + "\n")

    def without(self, keys: set[str]) -> AdaptiveSearch:
        """Return the search itself: its searcher is told what is finished."""
        return self

    def tried(self) -> list[tuple[Config, TrialJob]]:
        """Return the configurations so far, in order, each trial once; a broken last line is passed over."""
        jobs: dict[str, tuple[Config, TrialJob]] = {}
        for config in self._read():
            job = self.job(config)
            jobs.setdefault(job.key, (config, job))
        return list(jobs.values())

    def _read(self) -> Iterator[Config]:
        with storing(self.path.parent):
            text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        names = {*self.search.space, *(["cell"] if len(self.sampler.cells) > 1 else [])}
        for line in text.splitlines():
            try:
                config = json.loads(line)
            except ValueError:
                continue  # the process was killed while it wrote
            if isinstance(config, dict) and set(config) == names:
                yield config
