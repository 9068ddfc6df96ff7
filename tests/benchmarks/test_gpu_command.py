"""`make gpu` where there is no GPU: it says so; and its comparison sees what differs."""

import sys

import pytest
import torch

from tests.benchmarks import gpu

CPU = torch.device("cpu")


def test_it_names_every_loss_trick_optimizer_and_network():
    from ganbench.core import registry

    kinds = ("loss", "trick", "optimizer", "network")
    names = {f"{kind} {name}" for kind in kinds for name in registry.components(kind)}
    assert names == set(gpu.cases())


@pytest.mark.parametrize("label", ["loss hinge", "trick dragan", "network dcgan"])
def test_the_cpu_agrees_with_itself_and_not_with_other_numbers(label, monkeypatch):
    trial = gpu.cases()[label]
    assert gpu.difference(trial, CPU) == 0.0
    draw = gpu.RepeatedNoise.draw
    monkeypatch.setattr(gpu.RepeatedNoise, "draw", lambda *given: draw(*given).flip(0))  # another seed's numbers
    assert gpu.difference(trial, CPU) > gpu.TOLERANCE


def test_tables_of_steps_on_the_cpu():
    lines = gpu.speed(CPU, (1, 2), steps=1)
    assert [line.split(" | ")[:2] for line in lines[2:]] == [
        [f"| {net}", n] for net in ("mlp", "dcgan") for n in ("1", "2")
    ]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, and it would be measured")
def test_without_cuda_one_line_says_so(monkeypatch, capsys):
    page = gpu.PAGE.read_text()
    monkeypatch.setattr(sys, "argv", ["gpu"])
    gpu.main()
    assert capsys.readouterr().out.startswith("no CUDA device here") and gpu.PAGE.read_text() == page
