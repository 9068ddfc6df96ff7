import pytest

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
