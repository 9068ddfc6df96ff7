"""What Ray is started with."""

import os
import shutil

import pytest

from ganbench.core.errors import UsageError
from ganbench.sweep.executors.ray_session import ray_environment


@pytest.mark.parametrize("path", ["", "/nowhere", "/nowhere::/usr/bin"])
def test_the_systems_own_commands_are_found_whatever_path_says(monkeypatch, path):
    monkeypatch.setenv("PATH", path)
    with ray_environment():
        assert shutil.which("bash") and shutil.which("sleep")
        assert os.environ["PATH"].startswith("/nowhere" if path else "/")
    assert os.environ["PATH"] == path


def test_a_system_without_bash_is_said(monkeypatch):
    monkeypatch.setattr(os, "defpath", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="bash.*--executor local"), ray_environment():
        pass
    with ray_environment("127.0.0.1:1"):  # a cluster's workers are started elsewhere
        pass
