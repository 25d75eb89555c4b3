"""Records and outcomes to pictures. Nothing heavy is imported before a picture is made."""

from oaflib.plots.base import Plot
from oaflib.plots.picture import Picture, Style, Trouble
from oaflib.plots.room import default_plots, draw

__all__ = ["Picture", "Plot", "Style", "Trouble", "default_plots", "draw"]
