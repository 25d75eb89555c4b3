"""The report repository: a static site of every report, and the views upon it."""

from oaflib.publish.repository import place, rebuild
from oaflib.publish.site import Site

__all__ = ["Site", "place", "rebuild"]
