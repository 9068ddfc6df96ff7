import pytest

from ganbench.core import registry
from tests.helpers import fake_components


@pytest.fixture
def suite_of(tmp_path, monkeypatch):
    """Return `suite_of(text, *overrides)`, which reads a suite from `x.yaml` in the current folder."""
    from ganbench.suite.schema import read_suite

    fake_components.install(monkeypatch)
    monkeypatch.chdir(tmp_path)

    def read(text: str, *overrides: str):
        (tmp_path / "x.yaml").write_text(text)
        return read_suite("x.yaml", overrides)

    return read


@pytest.fixture
def clean_registry():
    """Forget what a test registers."""
    table = registry._all_components()
    before, own = {kind: dict(found) for kind, found in table.items()}, dict(registry._own)
    yield
    for kind, found in before.items():
        table[kind].clear()
        table[kind].update(found)
    registry._own.clear()
    registry._own.update(own)
