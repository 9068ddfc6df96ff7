"""The version of the package: results and checkpoints say which one wrote them."""

__version__ = "0.2.0"
