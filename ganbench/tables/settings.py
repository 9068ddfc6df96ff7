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
    return [_column(address, span, trial) for address, span in (trial.space if trial.settings else {}).items()]


def _column(address: str, span: dict[str, list[object]], trial: Trial) -> Column:
    ((kind, values),) = span.items()
    text = f"one of {', '.join(map(str, values))}" if kind == "choice" else f"{kind} from {values[0]} to {values[-1]}"
    return Column(
        address,
        f"{address} of the run's setting, {text}",
        dtype=_dtype([setting.values[address] for setting in trial.settings]),
        scale="log" if kind == "log_uniform" else "linear",
        varied=True,
    )


def _dtype(values: list[object]) -> str:
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return "float64" if numbers else "string"


def _plain(value: object) -> object:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
