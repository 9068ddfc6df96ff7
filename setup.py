"""Puts the suites, which lie at the top of the repository, into the package; the rest is in pyproject.toml."""

from setuptools import find_namespace_packages, setup

packages = find_namespace_packages(include=["ganbench*"])
suites = [name.replace("suites", "ganbench.suites", 1) for name in find_namespace_packages(include=["suites*"])]
setup(packages=packages + suites, package_dir={"ganbench.suites": "suites"})
