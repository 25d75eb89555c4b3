"""The report repository: a static site of every report, and the views upon it."""

from oaflib.publish.online import Online
from oaflib.publish.repository import Shelved, place, place_online, put_away, rebuild, show
from oaflib.publish.site import Site, site_of

__all__ = [
    "Online",
    "Shelved",
    "Site",
    "place",
    "place_online",
    "put_away",
    "rebuild",
    "show",
    "site_of",
]
