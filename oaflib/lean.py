"""Imports that cost more than they give, left out. Import this before nbformat.

nbformat loads jsonschema, which loads ``rfc3987_syntax`` where some other package brought it along:
1.5 s of processor time, in each process, to compile 38 grammars of internationalised addresses that
no notebook's schema asks for. jsonschema does without when the import fails.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

_ABSENT = (
    "fqdn",
    "idna",
    "isoduration",
    "jsonpointer",
    "nbconvert.postprocessors.serve",
    "rfc3339_validator",
    "rfc3986_validator",
    "rfc3987",
    "uri_template",
    "webcolors",
)
_CALLED = ("bleach", "bs4", "click", "nbconvert.preprocessors.sanitize", "requests", "tenacity")
_LEXERS = ("Bash", "Html", "Javascript", "Perl", "Ruby", "Tex")  # of cells like ``%%bash``
_REFERENCE = "#/definitions/"
_JSON = re.compile(r"application/(.*\+)?json$")


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


class Outlines:
    """nbformat's way to check by a schema, for notebooks and cells that OAF and papermill make.

    What a kernel put out is known by its outline if it is texts and JSON; of all else jsonschema is
    asked, and imported then. Whole notebooks pass: of those nbformat would only log what is odd.
    """

    name = "jsonschema"

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    def iter_errors(
        self, data: Mapping[str, Any], schema: Mapping[str, Any] | None = None
    ) -> Iterator[Any]:
        """What is wrong with `data`, by the part of the schema that `schema` refers to."""
        kind = (schema or {"$ref": ""})["$ref"].removeprefix(_REFERENCE)
        if not kind or kind.endswith("_cell") or _has_outline(kind, data):
            return iter(())
        whole: Any = import_module("jsonschema").Draft4Validator(self._schema)
        found: Iterator[Any] = whole.evolve(schema=schema).iter_errors(data)
        return found


def leave_out() -> None:
    """Leave out or put off what papermill and nbconvert import and no report asks for.

    Only where nobody's code runs: it would lack jsonschema's formats without a word.
    """
    for name in _ABSENT:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    for name in _CALLED:
        sys.modules.setdefault(name, Later(name))
    # of papermill: a run has OAF's engine and reads local files
    _stand_in("entrypoints", get_group_all=lambda _group: [])
    _stand_in(
        "nbformat.json_compat",
        ValidationError=type("ValidationError", (Exception,), {}),
        get_current_validator=lambda: Outlines,
        _validator_for_name=lambda _name: Outlines,
    )


def undocumented() -> None:
    """Have NumPy without the texts that it adds to its compiled functions: 20 ms for `help`."""
    for name in ("numpy._core._add_newdocs", "numpy._core._add_newdocs_scalars"):
        _stand_in(name)


def eventloops() -> None:
    """Import ipykernel's without what compares versions, of which it asks that of a Mac.

    Whoever else asks for that gets it.
    """
    name = "packaging.version"
    later = sys.modules.setdefault(name, Later(name))
    import_module("ipykernel.eventloops")
    if isinstance(later, Later) and sys.modules.get(name) is later:
        del sys.modules[name]


def lexers() -> None:
    """Import IPython's, which colours code, without other languages' until a cell is in one."""
    name = "pygments.lexers"
    known, later = vars(import_module(name)), Later(name)
    put_off = [f"{each}Lexer" for each in _LEXERS if f"{each}Lexer" not in known]
    known.update({each: getattr(later, each) for each in put_off})
    import_module("IPython.lib.lexers")
    for each in put_off:
        del known[each]


def papermill() -> None:
    """Import papermill without YAML, of which it reads parameters that nobody gives it here.

    Whoever else asks for YAML gets it.
    """
    loader = type("SafeLoader", (), {"yaml_implicit_resolvers": {}})
    yaml = _stand_in("yaml", SafeLoader=loader)
    import_module("papermill")
    if sys.modules["yaml"] is yaml:
        del sys.modules["yaml"]


def _stand_in(name: str, **what: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(what)
    sys.modules.setdefault(name, module)
    return module


def _has_outline(kind: str, output: Mapping[str, Any]) -> bool:
    """Whether an output has the outline of its kind, and nothing but texts and JSON in it."""
    if kind == "stream":
        return isinstance(output.get("name"), str) and isinstance(output.get("text"), str)
    if kind not in ("display_data", "execute_result"):
        return False
    data, count = output.get("data"), output.get("execution_count")
    return (
        isinstance(data, dict)
        and all(isinstance(said, str) or _JSON.match(kind) for kind, said in data.items())
        and isinstance(output.get("metadata"), dict)
        and (count is None or isinstance(count, int))
    )
