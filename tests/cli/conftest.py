import pytest

from tests.helpers import fake_components


@pytest.fixture
def fakes(tmp_path, monkeypatch):
    """Install components that compute nothing, in an empty current folder with one suite in it."""
    fake_components.install(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "dumb")
    (tmp_path / "small.yaml").write_text(
        "datasets: [ring, grid]\nlosses: [hinge]\nnetworks: [mlp, dcgan]\nseeds: 2\nsteps: 5\n"
    )
    return tmp_path
