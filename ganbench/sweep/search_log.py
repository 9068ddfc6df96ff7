"""What a search that learns has tried: a line a configuration, beside the parts, so that it can go on after a stop."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.core import registry
from ganbench.core.files import storing
from ganbench.suite.space import Config, Sampler, Search
from ganbench.sweep.trial_runner import TrialJob


@dataclass(frozen=True)
class Adaptive:
    """A search whose trials are known only once they are tried.

    Attributes:
        sampler: makes trials of configurations. template: a work whose trial and key are replaced.
        path: the ledger, `results/<suite>/search-<run>.jsonl`. mode: min or max.
    """

    sampler: Sampler
    template: TrialJob
    path: Path
    mode: str

    @property
    def search(self) -> Search:
        """Return the suite's `search`."""
        return self.sampler.search

    def work(self, config: Mapping[str, Any]) -> TrialJob:
        """Return the work of a configuration."""
        for cls in self.template.own:
            registry.register(cls)
        return self.template.of(self.sampler.trial(config))

    def tried(self) -> list[tuple[Config, TrialJob]]:
        """Return the configurations so far, in order, each trial once; a broken last line is passed over."""
        found: dict[str, tuple[Config, TrialJob]] = {}
        for config in self._read():
            work = self.work(config)
            found.setdefault(work.key, (config, work))
        return list(found.values())

    def _read(self) -> Iterator[Config]:
        with storing(self.path.parent):
            text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        wanted = {*self.search.space, *(["cell"] if len(self.sampler.cells) > 1 else [])}
        for line in text.splitlines():
            try:
                config = json.loads(line)
            except ValueError:
                continue  # the process was killed while it wrote
            if isinstance(config, dict) and set(config) == wanted:
                yield config

    def note(self, config: Mapping[str, Any]) -> None:
        """Add a configuration.

        Raises:
            StoreError: the folder cannot be written.
        """
        with storing(self.path.parent), open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(dict(config), sort_keys=True) + "\n")

    def works(self) -> list[TrialJob]:
        """Return the works so far."""
        return [work for _, work in self.tried()]
