"""The EPICS Archiver Appliance as a source: ``kind = "archiver"``."""

from oaflib.sources.archiver.source import ArchiverSource

__all__ = ["ArchiverSource"]
