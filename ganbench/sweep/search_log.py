"""What an adaptive search has tried, one line per configuration, so that it can go on after a stop."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ganbench.core import registry
from ganbench.core.errors import UsageError
from ganbench.core.files import replaced, storing
from ganbench.core.results_files import BrokenFileError, json_bytes, kind_of, parse_json, read_bytes, require_file
from ganbench.suite.space import Config, Sampler, Search
from ganbench.sweep.jobs import TrialJob

log = logging.getLogger("ganbench.sweep")


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
    def adaptive(self) -> AdaptiveSearch:
        """Return itself."""
        return self

    @property
    def exhausted(self) -> bool:
        """Return True: a searcher suggests what to try."""
        return True

    def known(self) -> list[TrialJob]:
        """Return the jobs that were tried so far."""
        return [job for _, job in self.tried()]

    def name(self, job: TrialJob) -> str:
        """Return a job's name in full, since nobody knows which others will come."""
        return job.trial.name

    def job(self, config: Mapping[str, object]) -> TrialJob:
        """Return the job of a configuration."""
        for cls in self.template.components:
            registry.register(cls)
        return self.template.of(self.sampler.trial(config))

    def begin(self, config: Mapping[str, object]) -> None:
        """Add a configuration to the log, whose file is written anew: a copy with hard links keeps the old one.

        Raises:
            StoreError: the folder cannot be written.
            UsageError: what has its name is no log.
        """
        with storing(self.path.parent):
            before = self._content()
            if before and not before.endswith(b"\n"):  # of an earlier version that was killed while it wrote
                before += b"\n"
            with replaced(self.path) as file:
                file.write(before + json_bytes({"config": dict(config), "log": self.path.name}))

    def resume(self) -> set[str]:
        """Return the keys of the jobs that have results; the searcher is told them."""
        return {job.key for job in self.known() if job.done}

    def next(self) -> None:
        """Return None: a searcher suggests what to try."""

    def end(self, key: str) -> int:
        """Return 0: as many jobs as ever are tried."""
        return 0

    def tried(self) -> list[tuple[Config, TrialJob]]:
        """Return the configurations so far, in order, each trial once; a broken line is passed over."""
        jobs: dict[str, tuple[Config, TrialJob]] = {}
        for config in self._read():
            job = self.job(config)
            jobs.setdefault(job.key, (config, job))
        return list(jobs.values())

    def _content(self) -> bytes:
        """Return what the file holds; nothing where there is none.

        Raises:
            UsageError: it is no file, or larger than a search can have made it.
        """
        require_file(self.path)
        try:
            return b"" if kind_of(self.path) is None else read_bytes(self.path)
        except BrokenFileError as problem:
            raise UsageError(f"{self.path}: {problem}; move it away, and the search begins anew") from None

    def _read(self) -> Iterator[Config]:
        with storing(self.path.parent):
            lines = self._content().splitlines()
        for number, line in enumerate(lines, 1):
            try:
                entry = parse_json(line)
                config = entry.get("config")
                if entry.get("log", self.path.name) != self.path.name:  # earlier versions did not write it
                    raise BrokenFileError("it is of another search")
                if not isinstance(config, dict) or not self.sampler.holds(config):
                    raise BrokenFileError("its configuration does not lie in this search's space")
            except BrokenFileError as problem:
                log.warning("%s:%d: passed over (%s)", self.path, number, problem)
                continue
            yield config
