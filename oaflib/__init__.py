"""OAF: the words of a notebook.

Each is imported when it is first said, so ``import oaflib`` itself is quick. Some words are called
like the room that does the work (``oaf.compute``); in this module the word wins.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

_WORDS = {
    "open_study": "oaflib.study.study",
    "extract": "oaflib.study.words",
    "front": "oaflib.study.words",
    "compute": "oaflib.study.words",
    "statistics": "oaflib.study.words",
    "check": "oaflib.study.words",
    "draw": "oaflib.study.words",
    "family": "oaflib.study.families",
    "recall": "oaflib.study.recalled",
    "devices": "oaflib.study.years",
    "expert": "oaflib.study.words",
    "alarm": "oaflib.study.words",
    "conclude": "oaflib.study.words",
    "history": "oaflib.study.words",
    "replay": "oaflib.player.player",
    "watch": "oaflib.online.live",
    "launcher": "oaflib.launcher.panel",
    "Outcome": "oaflib.report",
    "Severity": "oaflib.report",
    "Fault": "oaflib.report",
    "Series": "oaflib.series",
    "Window": "oaflib.window",
}

if TYPE_CHECKING:
    from oaflib.launcher.panel import launcher as launcher
    from oaflib.online.live import watch as watch
    from oaflib.player.player import replay as replay
    from oaflib.report import Fault as Fault
    from oaflib.report import Outcome as Outcome
    from oaflib.report import Severity as Severity
    from oaflib.series import Series as Series
    from oaflib.study.families import family as family
    from oaflib.study.recalled import recall as recall
    from oaflib.study.study import open_study as open_study
    from oaflib.study.words import alarm as alarm
    from oaflib.study.words import check as check
    from oaflib.study.words import compute as compute
    from oaflib.study.words import conclude as conclude
    from oaflib.study.words import draw as draw
    from oaflib.study.words import expert as expert
    from oaflib.study.words import extract as extract
    from oaflib.study.words import front as front
    from oaflib.study.words import history as history
    from oaflib.study.words import statistics as statistics
    from oaflib.study.years import devices as devices
    from oaflib.window import Window as Window


def __getattr__(name: str) -> Any:
    if name not in _WORDS:
        raise AttributeError(f"oaflib has no '{name}'; its words are {', '.join(_WORDS)}")
    return getattr(import_module(_WORDS[name]), name)


def __dir__() -> list[str]:
    return sorted(_WORDS)


class _Face(ModuleType):
    """Importing ``oaflib.compute`` would put that room where the word ``compute`` is said."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _WORDS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
