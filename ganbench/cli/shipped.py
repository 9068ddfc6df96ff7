"""The suites that come with the package, which commands take by name: `ganbench run smoke`."""

from __future__ import annotations

from pathlib import Path

from ganbench.core.errors import UsageError, unknown

SUFFIXES = (".yaml", ".yml")
PACKAGE = Path(__file__).parent.parent


def suite_names() -> dict[str, Path]:
    """Return name → file: `smoke`, `papers/dirac`. In a checkout they lie beside the package, in a wheel inside it."""
    for folder in (PACKAGE / "suites", PACKAGE.parent / "suites"):
        if (folder / "smoke.yaml").is_file():
            files = sorted(folder.rglob("*.yaml"))
            return {file.relative_to(folder).with_suffix("").as_posix(): file for file in files}
    return {}


def shipped(given: Path) -> Path | None:
    """Return the file of the shipped suite that is meant, or None; whatever exists under that path comes first."""
    return None if given.exists() else suite_names().get(given.as_posix())


def suite_file(given: Path, other: str = "") -> Path:
    """Return the suite file that a command's argument means: a path, or the name of a shipped suite.

    Args:
        given: the argument.
        other: what else the command takes, in words.

    Raises:
        UsageError: it is neither.
    """
    file = shipped(given)
    if file is None and not given.exists() and given.suffix not in SUFFIXES:
        known = f"{unknown('suite', str(given)[:60], suite_names())}; or give the path of a suite file{other}"
        # What is written like a folder is meant as one, and the names of suites are no answer.
        if other and len(given.parts) > 1 and "did you mean" not in known:
            known = f"{given}: no such folder; give the path of a suite file{other}"
        raise UsageError(known)
    if file is None and not given.exists() and (name := _named_as_file(given)):
        raise UsageError(f"{given}: no such file; the suite that comes with the package is {name}")
    return file or given


def _named_as_file(given: Path) -> str:
    """Return the shipped suite that is meant by a file's name, or by its path in the repository; else an empty text."""
    name = given.with_suffix("").as_posix()
    return next((one for one in (name, name.removeprefix("suites/")) if one in suite_names()), "")
