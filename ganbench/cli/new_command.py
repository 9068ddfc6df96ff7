"""`ganbench new`: a component to fill in, with its test, both of which pass as they stand."""

from __future__ import annotations

import importlib.util
import keyword
import os
import re
from pathlib import Path
from string import Template

import click

from ganbench.cli.describe import PLURALS
from ganbench.cli.paths import PATH

EPILOG = """\b
Examples:
  ganbench new trick my_trick                     my_trick.py and test_my_trick.py, here
  ganbench new loss my_loss --into my_package --tests tests
"""
SKELETONS = Path(__file__).parent / "skeletons"
PACKAGE_ROOT = Path(__file__).parent.parent


@click.command("new", epilog=EPILOG)
@click.argument("kind")
@click.argument("name")
@click.option("--into", default=".", show_default=True, type=PATH, help="Folder of the component.")
@click.option("--tests", type=PATH, help="Folder of its test; by default beside it.")
def command(kind: str, name: str, into: Path, tests: Path | None) -> None:
    """Write the skeleton of a component of KIND called NAME, and its test; nothing is overwritten."""
    from ganbench.core.errors import UsageError, unknown

    kinds = [k for k, plural in PLURALS.items() if kind in (k, plural)]
    if not kinds:
        raise UsageError(unknown("kind", kind[:60], PLURALS))
    target, test = into / f"{name}.py", (tests or into) / f"test_{name}.py"
    _require_name(kinds[0], name)
    for path in (target, test):
        if os.path.lexists(path):
            raise UsageError(f"{path}: is there already; take another name or folder")
    _require_no_shadow(name, into)
    inside = into.resolve().is_relative_to(PACKAGE_ROOT)
    words = {
        "name": name,
        "Class": "".join(part.capitalize() for part in name.split("_")),
        "Words": name.replace("_", " ").capitalize(),
        "module": module_name(target),
        # The order of imports that ruff wants: here ganbench is the project itself, elsewhere a package like others.
        "gap": "\n" if inside else "",
    }
    for path, skeleton in ((target, kinds[0]), (test, _test_skeleton(kinds[0], inside))):
        text = (SKELETONS / f"{skeleton}.txt").read_text(encoding="utf-8").replace("\n$gap\n", "\n${gap}")
        try:
            write_new(path, Template(text).substitute(words))
        except UsageError:
            if path is test:
                target.unlink()  # half of what was asked for is in the way of the next try
            raise
    click.echo(f"{target}\n{test}")
    if not words["gap"]:
        if into.resolve() != Path.cwd() and "." not in words["module"]:
            click.echo(f"{into} has no __init__.py, so it is a folder of modules and no package: this one is {name!r}")
        click.echo(f"suites can name it with: ganbench run my_suite.yaml --import {target}")
        click.echo("or, for all that use your package, name it in your pyproject.toml and install the package:")
        click.echo('  [project.entry-points."ganbench.components"]')
        click.echo(f'  {name} = "{words["module"]}"')


def _test_skeleton(kind: str, inside: bool) -> str:
    """Return the skeleton of the test; inside this repository the contracts want an oracle of a loss and of a trick."""
    return f"{kind}_oracle_test" if inside and (SKELETONS / f"{kind}_oracle_test.txt").exists() else f"{kind}_test"


def module_name(file: Path) -> str:
    """Return the dotted name that a file is imported by: from the first folder that is not a package."""
    file = Path(os.path.realpath(file))  # a link that leads to itself is no error here
    parts, folder = [file.stem], file.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


def _require_name(kind: str, name: str) -> None:
    """Raise where a component cannot be called so."""
    from ganbench.core.errors import UsageError
    from ganbench.core.registry import components

    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name) or len(name) > 60:
        raise UsageError(f"{name[:60]!r} cannot name a component; use a-z, 0-9 and single _, such as my_{kind}")
    if name in components(kind):
        raise UsageError(f"the {kind} {name!r} is there already; take another name")


def _require_no_shadow(name: str, into: Path) -> None:
    """Raise where a file outside of packages would hide an installed module."""
    from ganbench.core.errors import UsageError

    if not (into / "__init__.py").exists() and importlib.util.find_spec(name) is not None:
        raise UsageError(f"{name}.py would hide the module {name!r}; take another name, or a package with --into")


def write_new(path: Path, text: str) -> None:
    """Write a text file, and the folders above it.

    Raises:
        UsageError: the file exists, or cannot be written.
    """
    from ganbench.core.errors import UsageError

    above = next(one for one in path.absolute().parents if os.path.lexists(one))
    if not above.is_dir():
        raise UsageError(f"{above}: is no folder; choose another one")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("x", encoding="utf-8")
        try:
            with file:
                file.write(text)
        except BaseException:  # half of it would stand in the way of the next try
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        taken = "is there already; take another name or folder"
        problem = taken if os.path.lexists(path) else f"cannot be written ({error.strerror}); choose another folder"
        raise UsageError(f"{path}: {problem}") from None
