"""The columns of the table of runs that say which setting of a suite's `vary` a run has."""

from __future__ import annotations

from ganbench.core.column import Column
from ganbench.core.trial import Trial


def varied(trial: Trial) -> dict[str, list[object] | str]:
    """Return the setting of each lane of a trial, with a column for each number that varies; empty without `vary`."""
    settings = [lane.setting for lane in trial.lanes if lane.setting is not None]
    if not settings:
        return {}
    values: dict[str, list[object] | str] = {
        address: [_plain(setting.values[address]) for setting in settings] for address in settings[0].values
    }
    return {
        "setting": [setting.number for setting in settings],
        "method": trial.method,
        "stage": trial.stage or "vary",
        **values,
    }


def varied_columns(trial: Trial) -> list[Column]:
    """Return the declarations of the numbers that vary, named by their addresses in the suite."""
    values = trial.settings[0].values if trial.settings else {}
    return [
        Column(address, f"{address} of the run's setting", dtype=_dtype([s.values[address] for s in trial.settings]))
        for address in values
    ]


def _dtype(values: list[object]) -> str:
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return "float64" if numbers else "string"


def _plain(value: object) -> object:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
