"""CERN's logging API in Java, through JPype: ``kind = "java"``; Java starts when a source opens."""

from oaflib.sources.java.answers import Header
from oaflib.sources.java.source import JavaSource

__all__ = ["Header", "JavaSource"]
