"""Whether the names that computations, checks and plots speak of exist, and are told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oaflib.config.document import Document
from oaflib.config.patterns import known_among
from oaflib.config.words import listed, near, quoted

Parts = Mapping[str, Sequence[Any]]


def check_names(document: Document, parts: Parts, variables: Sequence[str]) -> None:
    """Note in `document` what is named twice, and what is named nowhere.

    `parts` are the computations, checks and plots made (None where one is wrong); `variables` what
    is asked of the source: empty when that is left to a snapshot, and every name may exist.
    """
    computed, certain = _computed(document, parts["compute"], variables)
    _check_labels(document, parts["check"])
    if not variables or not certain:
        return
    known = [*variables, *computed]
    for part in ("check", "plot"):
        for i, made in enumerate(parts[part]):
            wanted = getattr(made, "variables", ())
            for j, name in enumerate(wanted if isinstance(wanted, tuple) else ()):
                if isinstance(name, str) and not known_among(name, known):
                    message = (
                        f"nothing here is called {quoted(name)}.{near(name, known)} "
                        f"There are: {listed(known)}"
                    )
                    document.at((part, i, "variables", j), message)


def _computed(
    document: Document, made: Sequence[Any], variables: Sequence[str]
) -> tuple[list[str], bool]:
    """The names of what is computed, and whether these are all."""
    names: list[str] = []
    certain = True
    for i, computation in enumerate(made):
        outputs = getattr(computation, "outputs", None)
        name = getattr(computation, "name", "")
        if not isinstance(outputs, tuple):
            outputs = (name,) if isinstance(name, str) and name else ()
        certain = certain and bool(outputs)
        for output in outputs:
            if output in names:
                document.at(("compute", i), f"{quoted(output)} is computed twice")
            elif output in variables:
                document.at(("compute", i), f"{quoted(output)} is the name of a variable already")
            names.append(output)
    return names, certain


def _check_labels(document: Document, made: Sequence[Any]) -> None:
    """Outcomes are told apart by the check's label and the variable, today and tomorrow."""
    seen: dict[tuple[str, str], int] = {}
    for i, check in enumerate(made):
        if check is None:
            continue
        label = getattr(check, "name", "") or getattr(check, "kind", "")
        wanted = getattr(check, "variables", ())
        for name in wanted if isinstance(wanted, tuple) and wanted else ("",):
            first = seen.setdefault((label, str(name)), i)
            if first != i:
                what = f"judges {quoted(name)}" if name else "judges all variables"
                document.at(
                    ("check", i),
                    f"is called {quoted(label)} and {what}, as [[check]] {first + 1} does; "
                    "give one of them another name",
                )
                break
