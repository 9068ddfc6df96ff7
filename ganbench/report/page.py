"""The page of a run: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.core.errors import UsageError

if TYPE_CHECKING:
    from ganbench.tables.results import Results


def write_report(run_folder: Path, out: Path) -> Path:
    """Write the page of a run's folder to `out`, whole or not at all, and return `out`.

    Raises:
        UsageError: the folder holds no run that can be read, or `out` cannot be written.
    """
    from ganbench.tables.store import load

    text = render(load(run_folder))
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, out)
    except OSError as error:
        with contextlib.suppress(OSError):  # a file in the folder's place, a disk that went away
            temporary.unlink()
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{out}: cannot be written ({reason}); choose a --report folder that can") from error
    return out


def render(results: Results) -> str:
    """Return the page of these results; the same tables give the same text.

    It makes no request: the policy in its head forbids all but its own style, its own script and pictures inside it.
    """
    import jinja2
    from markupsafe import Markup

    from ganbench.report import strip
    from ganbench.report.numbers import count
    from ganbench.report.sections import page

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["count"] = count
    style, script = _read("style.css"), _read("sort.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return environment.get_template("template.html").render(
        page=page(results), strip=strip, style=Markup(style), script=Markup(script), policy=Markup(policy)
    )


def _read(name: str) -> str:
    return resources.files("ganbench.report").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
