"""Imports that cost more than they give, left out. Import this before nbformat.

nbformat loads jsonschema, which loads ``rfc3987_syntax`` where some other package brought it along:
1.5 s of processor time, in each process, to compile 38 grammars of internationalised addresses that
no notebook's schema asks for. jsonschema does without when the import fails.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

_FORMATS = (
    "fqdn",
    "idna",
    "isoduration",
    "jsonpointer",
    "rfc3339_validator",
    "rfc3986_validator",
    "rfc3987",
    "uri_template",
    "webcolors",
)
_CALLED = ("bs4", "requests")


class Later(ModuleType):
    """Stands for a module of which only functions are called, until one is."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **named: getattr(self._module(), name)(*args, **named)

    def _module(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return import_module(self.__name__)


def leave_out() -> None:
    """Leave out or put off what papermill and nbconvert import and no report asks for.

    Only where nobody's code runs: it would lack jsonschema's formats without a word.
    """
    for name in _FORMATS:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    for name in _CALLED:
        sys.modules.setdefault(name, Later(name))
    plugins = ModuleType(
        "entrypoints"
    )  # of papermill: a run has OAF's engine and reads local files
    plugins.get_group_all = lambda _group: []  # type: ignore[attr-defined]
    sys.modules.setdefault("entrypoints", plugins)
