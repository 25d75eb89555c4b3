"""For authors of plug-ins: contract suites to inherit, and series made up for tests."""

from oaflib.testing.made import gathered, made, same
from oaflib.testing.source_contract import SourceContract

__all__ = ["SourceContract", "gathered", "made", "same"]
