"""The examples in the docstrings of base classes run, and each base class has one."""

from __future__ import annotations

import doctest
import importlib

import pytest

BASE_CLASSES = {
    "ganbench.datasets": ("Data", "Dataset"),
    "ganbench.extractors": ("Extractor",),
    "ganbench.metrics": ("Metric", "Sample"),
    "ganbench.networks": ("Net", "Network"),
    "ganbench.optimizers": ("Optimizer",),
}
CLASSES = [(module, name) for module, names in BASE_CLASSES.items() for name in names]


@pytest.mark.parametrize("module, name", CLASSES)
def test_the_example_runs(module, name):
    cls = getattr(importlib.import_module(module), name)
    examples = doctest.DocTestFinder(recurse=False).find(cls, name, globs=vars(importlib.import_module(module)).copy())
    assert sum(len(test.examples) for test in examples) > 0
    report: list[str] = []
    for test in examples:
        doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    assert not report, "".join(report)
