"""Series to series and numbers; pure."""

from oaflib.compute.room import Trouble, run_computations

__all__ = ["Trouble", "run_computations"]
