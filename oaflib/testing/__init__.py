"""For authors of plug-ins: contract suites to inherit, and series made up for tests."""

from oaflib.testing.check_contract import CheckContract
from oaflib.testing.made import gathered, made, same
from oaflib.testing.plot_contract import PlotContract
from oaflib.testing.source_contract import SourceContract

__all__ = ["CheckContract", "PlotContract", "SourceContract", "gathered", "made", "same"]
