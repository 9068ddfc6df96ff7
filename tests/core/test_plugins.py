"""Broken plugins are left out with one warning each; everything that does not use them works."""

# ruff: noqa: E501 - what is declared stands side by side

import logging
import sys
import types
from importlib.metadata import EntryPoint

import pytest

from ganbench.cli.main import main
from ganbench.core import registry
from ganbench.core.errors import Interrupted
from ganbench.losses import Loss
from tests.engine import Interrupts

RAISING = {
    "exception": "raise ValueError('broken')",
    "exit": "raise SystemExit(3)",
    "generator": "raise GeneratorExit",
    "memory": "raise MemoryError",
    "syntax": "this is no python",
    "import": "import no_such_package_anywhere",
    "surrogate": "raise ValueError('\\udcff')",
    "not_a_component": "class Other: pass\nthing = Other",
    "not_a_class": "thing = 3",
    "incomplete": "from ganbench.losses import Loss\nclass thing(Loss):\n    name = 'half'",
    "taken": (
        "from dataclasses import dataclass\nfrom ganbench.losses.hinge import Hinge\n"
        "@dataclass(frozen=True)\nclass thing(Hinge):\n    name = 'hinge'"
    ),
    "no_attribute": "other = 1",
    "interrupt": "raise KeyboardInterrupt",
    "speechless": "class Error(Exception):\n    def __str__(self): raise RuntimeError\nraise Error",
    "several": "raise BaseExceptionGroup('several', [SystemExit(3)])",
}
COMPONENT = """
from dataclasses import dataclass
from ganbench.core.column import Column
from ganbench.losses import Loss
@dataclass(frozen=True)
class thing(Loss):
    name = 'half'
    optimum = 0.0
    {declared}
    def discriminator(self, real, fake, targets=None): return fake.mean(-1) - real.mean(-1)
    def generator(self, fake, real=None): return -fake.mean(-1)
"""
DECLARED = {  # what is declared, and a word of the reason why it is left out
    "aliases = ((),)": "aliases", "aliases = 'wgan'": "aliases", "version = '1'": "version", "version = True": "version",
    "group = b'x'": "group", "source = '\\udcff'": "source", "addresses = ['x']": "addresses", "__doc__ = 3": "docstring",
    "traits = None": "traits", "traits = 'images'": "traits", "conflicts = ['images']": "conflicts", "requires = {'images': 1}": "requires",
    "strength = 'nosuch'": "strength", "lanes = 3": "lanes", "optimum = None": "optimum", "name = 'x' * 300": "name",
    "x: Nowhere = 3": "Nowhere", "x: object = None": "type object", "x: float = float('nan')": "default of x", "x: int = 'text'": "default of x",
    "x: complex = 1j": "complex", "label: float = 1.0": "label", "_x: float = 1.0": "_x", "model_config: float = 1.0": "model_config",
    "columns = 3": "int", "columns = (Column('fid', 'x'), Column('fid', 'y'))": "fid", "columns = (Column(3, 'x'),)": "",
    "summary = 3": "int", "label = 3": "label", "parameters = property(lambda self: 1 / 0)": "ZeroDivisionError",
    "midpoint = property(lambda self: 'x')": "midpoint", "def __hash__(self): raise SystemExit(3)": "SystemExit",
    "def __post_init__(self): raise GeneratorExit": "GeneratorExit", "def parameter_traits(self): return None": "NoneType",
}  # fmt: skip


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """Return a function that installs entry points, name → value, beside files of plugin modules."""
    for name, text in RAISING.items():
        (tmp_path / f"plugin_{name}.py").write_text(text + "\n")
    monkeypatch.syspath_prepend(tmp_path)

    def install(**entries):
        points = [EntryPoint(name, value, registry.ENTRY_POINT_GROUP) for name, value in entries.items()]
        metadata = types.SimpleNamespace(entry_points=lambda group: points, EntryPoint=EntryPoint)
        monkeypatch.setattr(registry.importlib, "metadata", metadata)
        registry._all_components.cache_clear()

    yield install
    registry._all_components.cache_clear()
    for name in (*RAISING, "declared"):
        sys.modules.pop(f"plugin_{name}", None)


@pytest.mark.parametrize("name", RAISING)
def test_a_broken_plugin_is_named_once_and_left_out(plugins, caplog, name):
    with Interrupts():  # as in a command: a ^C is an error of its own
        look_at(plugins, caplog, name)


def look_at(plugins, caplog, name):
    plugins(**{name: f"plugin_{name}:thing"}, gone="no_such_module:thing")
    with caplog.at_level(logging.WARNING, "ganbench.registry"):
        losses = registry.components(Loss)
        registry.components(Loss)
    assert "hinge" in losses and "half" not in losses
    assert len(caplog.messages) == 2
    first = caplog.messages[0]
    assert f"the plugin {name} = plugin_{name}:thing is left out" in first and "\n" not in first
    first.encode()


@pytest.mark.parametrize("declared", DECLARED)
def test_what_is_declared_wrongly_is_left_out(plugins, tmp_path, caplog, declared):
    (tmp_path / "plugin_declared.py").write_text(COMPONENT.format(declared=declared))
    plugins(mine="plugin_declared:thing")
    with caplog.at_level(logging.WARNING, "ganbench.registry"):
        assert "half" not in registry.components(Loss)
    assert len(caplog.messages) == 1
    assert "the plugin mine = plugin_declared:thing is left out" in caplog.messages[0]
    assert DECLARED[declared] in caplog.messages[0]


@pytest.mark.parametrize(
    "declared",
    [
        "",
        "x: float | None = None",
        "x: tuple[float, ...] = (1,)",
        "version = 10**400",
        "copy: int = 3",
        "what: float = 1.0",
        "later: int = 3",
        "schema: float = 1.0",
    ],
)
def test_what_is_declared_rightly_is_taken(plugins, tmp_path, caplog, declared):
    (tmp_path / "plugin_declared.py").write_text(COMPONENT.format(declared=declared))
    plugins(mine="plugin_declared:thing")
    with caplog.at_level(logging.WARNING, "ganbench.registry"):
        assert "half" in registry.components(Loss)
    assert not caplog.messages
    for command in (["list", "losses"], ["list", "--json"], ["schema"], ["explain", "half"]):
        assert main(command) == 0


def test_a_plugin_that_hangs_is_named(plugins, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(registry, "SLOW_S", 0.05)
    (tmp_path / "plugin_declared.py").write_text("import time\ntime.sleep(0.5)\n" + COMPONENT.format(declared=""))
    plugins(mine="plugin_declared:thing")
    with caplog.at_level(logging.WARNING, "ganbench.registry"):
        assert "half" in registry.components(Loss)
    assert [
        "the plugin mine = plugin_declared:thing has been importing for 0.05 s" in one for one in caplog.messages
    ] == [True]


def test_the_users_own_interrupt_is_no_plugins_error(plugins, monkeypatch):
    def interrupted(self):
        raise Interrupted

    monkeypatch.setattr(EntryPoint, "load", interrupted)
    plugins(mine="plugin_declared:thing")
    with pytest.raises(Interrupted):
        registry.components(Loss)


@pytest.mark.parametrize("place", ["def skip(self, trial): {}", "def __post_init__(self): self.x == 2.0 and throws()"])
@pytest.mark.parametrize(
    "error", ["SystemExit(0)", "KeyError()", "BrokenPipeError()", "GeneratorExit()", "StopIteration()"]
)
def test_what_a_plugin_raises_in_a_plan_is_one_line(plugins, tmp_path, capsys, place, error):
    thrown = f"raise {error}"
    text = COMPONENT.format(declared=f"x: float = 1.0\n    {place.replace('{}', thrown)}")
    (tmp_path / "plugin_declared.py").write_text(f"def throws():\n    {thrown}\n{text}")
    plugins(mine="plugin_declared:thing")
    suite = tmp_path / "mine.yaml"
    suite.write_text("datasets: [ring]\nsteps: 20\nlosses: [{half: {x: 2.0}}]\n")
    assert main(["plan", str(suite)]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "half: raised" in line and error.partition("(")[0] in line


@pytest.mark.parametrize("command", [["list"], ["list", "losses"], ["schema"], ["plan", "smoke"], ["explain", "hinge"]])
def test_commands_do_without_it(plugins, capsys, command):
    plugins(exit="plugin_exit:thing", exception="plugin_exception:thing")
    assert main(command) == 0
    assert ("wasserstein" if "smoke" in command else "hinge") in capsys.readouterr().out


@pytest.mark.parametrize(
    "kind, name, meant",
    [
        ("loss", "wgan", "wasserstein"),
        ("loss", "wgann", "wasserstein"),
        ("loss", "LSGAN", "least_squares"),
        ("loss", "ns", "non_saturating"),
        ("loss", "vanilla", "non_saturating"),
        ("trick", "WGAN-GP", "gradient_penalty"),
        ("trick", "sngan", "spectral_norm"),
        ("trick", "label smoothing", "one_sided_label_smoothing"),
    ],
)
def test_the_names_of_papers_are_suggested(kind, name, meant):
    with pytest.raises(registry.UnknownComponentError, match=f"did you mean '{meant}'"):
        registry.find(kind, name)


def test_no_other_name_is_anybodys_name():
    for kind in registry.PACKAGES:
        table = registry.components(kind)
        others = [alias for cls in table.values() for alias in cls.aliases]
        assert len(others) == len(set(others)) and not set(others) & set(table)
        assert all(alias == alias.lower() and "-" not in alias for alias in others)
