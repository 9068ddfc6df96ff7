"""Pages: one HTML file each that needs nothing else; of a run, or of what changed between runs."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.core.errors import UsageError
from ganbench.core.files import replaced

if TYPE_CHECKING:
    from markupsafe import Markup

    from ganbench.tables.results import Results


# A ring of samples: the data set that everybody tries first.
ICON = (
    "data:image/svg+xml;base64,"
    + base64.b64encode(
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="5.5" fill="none" '
        b'stroke="#0072b2" stroke-width="3" stroke-dasharray="2.3 2.02"/></svg>'
    ).decode()
)


def write_report(run_folder: Path, out: Path, under_way: str = "") -> Path:
    """Write the page of a run's folder to `out`, whole or not at all, and return `out`.

    Args:
        run_folder: with the tables.
        out: the file.
        under_way: says how far a run is that has not ended; such a page reloads itself.

    Raises:
        UsageError: the folder holds no run that can be read, or `out` cannot be written.
    """
    from ganbench.tables.results import load

    return _write(render(load(run_folder), under_way), out)


def write_changes(first: Path, others: Sequence[Path], out: Path) -> Path:
    """Write the page of what changed from the first run's folder to each of the others.

    Raises:
        UsageError: a folder holds no run that can be read, or `out` cannot be written.
        IncomparableError: they have no trial or metric in common, or measured differently.
    """
    from ganbench.tables.results import load

    return _write(render_changes(load(first), [load(other) for other in others]), out)


def write_page(template: str, out: Path, **values: object) -> Path:
    """Write a page of one of the templates to `out`, whole or not at all, and return `out`.

    Raises:
        UsageError: `out` cannot be written.
    """
    return _write(_fill(template, ("page.js",), **values), out)


def render(results: Results, under_way: str = "") -> str:
    """Return the page of these results; the same tables give the same text."""
    from ganbench.report import strips
    from ganbench.report.over_settings import ONE_SETTING
    from ganbench.report.sections import page

    texts = {"under_way": under_way, "one_setting": ONE_SETTING}
    return _fill("template.html", ("page.js", "tools.js", "pins.js"), page=page(results), strip=strips, **texts)


def render_changes(first: Results, others: Sequence[Results]) -> str:
    """Return the page of what changed from the first to each of the others."""
    from ganbench.report.changes import changes

    return _fill("changes.html", ("page.js",), page=changes(first, others))


def _fill(template: str, scripts: Sequence[str], **values: object) -> str:
    """Return a template filled in; the policy in its head forbids all but its own style, script and pictures."""
    import jinja2
    from markupsafe import Markup

    from ganbench.report.marks import family_of, shape
    from ganbench.report.wording import count

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"count": count, "family": family_of, "shape": shape, "code": _code, "plain": _plain}
    style, script = _lean_style(_read("style.css")), _lean("".join(map(_read, scripts)))
    texts = {"icon": ICON, "style": Markup(style), "script": Markup(script), "policy": Markup(_policy(style, script))}
    return environment.get_template(template).render(**texts, **values)


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _code(text: str) -> Markup:
    """Return a text as HTML, what stands between backticks as code; all else of it is escaped."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _plain(text: str) -> str:
    """Return a text without the backticks around code, for places that can show no other letters, such as titles."""
    return text.replace("`", "")


def _write(text: str, out: Path) -> Path:
    """Write a file whole or not at all."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with replaced(out) as file:
            file.write(text.encode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{out}: cannot be written ({reason}); choose a --report folder that can") from error
    return out


def _read(name: str) -> str:
    return resources.files("ganbench.report").joinpath(name).read_text(encoding="utf-8")


def _lean(text: str) -> str:
    """Return a style or script without indentation, blank lines and lines of comment: a sixth less of each page."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


def _lean_style(text: str) -> str:
    """Return a style without comments and the spaces that mean nothing."""
    return re.sub(r"\s*([{};,])\s*|(?<=:)\s+", r"\1", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
