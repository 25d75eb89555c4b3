"""CERN's NXCALS, or a lake in its layout, read with Spark: ``kind = "nxcals"``."""

from oaflib.sources.nxcals.source import NxcalsSource

__all__ = ["NxcalsSource"]
