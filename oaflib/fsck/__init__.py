"""Whether all that OAF keeps holds together: looked at from outside, nothing is changed."""

from oaflib.fsck.checker import Checked, fsck
from oaflib.fsck.finding import Finding

__all__ = ["Checked", "Finding", "fsck"]
