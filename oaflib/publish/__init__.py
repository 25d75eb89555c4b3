"""The report repository: a static site of every report, and the views upon it."""

from oaflib.publish.online import Online
from oaflib.publish.repository import place, place_online, rebuild
from oaflib.publish.site import Site, site_of

__all__ = ["Online", "Site", "place", "place_online", "rebuild", "site_of"]
