"""Components from a Python file that a user names with `--import`: its classes are registered, its content is identity.

The file runs because the user asked for it by name. Nothing that lies in a results folder is ever run.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ganbench.core.component import Component
from ganbench.core.errors import UsageError, described, is_interrupt
from ganbench.core.given_files import read_given
from ganbench.core.registry import defined_in, register

MOST_BYTES = 2**20
_registered: dict[str, ImportedFile] = {}  # path → what runs in this process


@dataclass(frozen=True)
class ImportedFile:
    """A file as it was read. It goes to worker processes whole: what they run is what the trials' keys are made of.

    Attributes:
        path: where it was. source: its bytes.
    """

    path: str
    source: bytes

    @property
    def digest(self) -> str:
        """Return the first twelve hex digits of the content's SHA-256."""
        return hashlib.sha256(self.source).hexdigest()[:12]

    def register(self) -> list[type[Component]]:
        """Run the file in this process, unless it ran, and register the components that it defines.

        Raises:
            UsageError: it raises, defines no component, or one that is incomplete.
            GanbenchError: a component has the name of another one.
        """
        name = f"ganbench_import_{Path(self.path).stem}_{hashlib.sha256(self.path.encode()).hexdigest()[:8]}"
        if _registered.get(self.path) == self and name in sys.modules:
            return [register(cls) for cls in defined_in(sys.modules[name])]
        classes = defined_in(self._run_as(name))
        if not classes:
            raise UsageError(
                f"{self.path}: defines no component; `ganbench new trick my_trick` writes one to start from"
            )
        for cls in classes:
            cls.source_hash = self.digest
            register(cls)
        _registered[self.path] = self
        return classes

    def _run_as(self, name: str) -> ModuleType:
        """Return the module that the file makes under that name."""
        module = ModuleType(name)
        module.__file__ = self.path
        sys.modules[name] = module  # dataclasses look their module up
        try:
            exec(compile(self.source, self.path, "exec"), module.__dict__)  # noqa: S102 - the user named the file
        except BaseException as error:  # noqa: BLE001 - a file may raise anything, SystemExit too
            del sys.modules[name]
            if is_interrupt(error):
                raise
            raise UsageError(f"{self._place(error)}: {_described(error)}; correct it") from error
        return module

    def _place(self, error: BaseException) -> str:
        """Return the file with the last of its lines that the error went through."""
        if isinstance(error, SyntaxError):
            return f"{self.path}:{error.lineno}"
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == self.path]
        return f"{self.path}:{lines[-1]}" if lines else self.path


def import_file(path: Path) -> ImportedFile:
    """Read a file, register its components in this process, and return what worker processes need to do the same.

    Raises:
        UsageError: it cannot be read or run, or defines no complete component.
        GanbenchError: a component has the name of another one.
    """
    if path.suffix != ".py":
        raise UsageError(f"--import {path}: is no Python file; name a .py file that defines a component")
    try:
        source = read_given(path, MOST_BYTES)
    except OSError as error:
        raise UsageError(f"--import {path}: cannot be read ({error.strerror}); name a Python file") from None
    if len(source) > MOST_BYTES:
        raise UsageError(f"--import {path}: is larger than {MOST_BYTES // 2**20} MiB; name a file of components alone")
    file = ImportedFile(str(path.absolute()), source)
    file.register()
    return file


def imported() -> tuple[ImportedFile, ...]:
    """Return the files whose components this process knows by `import_file`."""
    return tuple(_registered.values())


def _described(error: BaseException) -> str:
    """Return an error in one line, without the place that a syntax error has in its text."""
    return (f"{type(error).__name__}: {error.msg}" if isinstance(error, SyntaxError) else described(error))[:200]
