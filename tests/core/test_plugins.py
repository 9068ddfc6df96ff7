"""Broken plugins are left out with one warning each; everything that does not use them works."""

import logging
import sys
import types
from importlib.metadata import EntryPoint

import pytest

from ganbench.cli.main import main
from ganbench.core import registry
from ganbench.losses import Loss

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
}


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
    for name in RAISING:
        sys.modules.pop(f"plugin_{name}", None)


@pytest.mark.parametrize("name", RAISING)
def test_a_broken_plugin_is_named_once_and_left_out(plugins, caplog, name):
    plugins(**{name: f"plugin_{name}:thing"}, gone="no_such_module:thing")
    with caplog.at_level(logging.WARNING, "ganbench.registry"):
        losses = registry.components(Loss)
        registry.components(Loss)
    assert "hinge" in losses and "half" not in losses
    assert len(caplog.messages) == 2
    first = caplog.messages[0]
    assert f"the plugin {name} = plugin_{name}:thing is left out" in first and "\n" not in first
    first.encode()


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
