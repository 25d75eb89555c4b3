"""Whether the names that computations, checks and plots speak of exist, and are told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from oaflib.config.document import Document
from oaflib.config.patterns import known_among, overlap
from oaflib.config.words import listed, near, quoted
from oaflib.errors import ExpressionError

Parts = Mapping[str, Sequence[Any]]
_DEVICE = "{device}"


def check_names(document: Document, parts: Parts, variables: Sequence[str]) -> None:
    """Note in `document` what is named twice, and what is named nowhere.

    `parts` are the computations, checks and plots made (None where one is wrong); `variables` what
    is asked of the source: empty when that is left to a snapshot, and every name may exist.
    """
    computed = _computed(document, parts["compute"], variables)
    _check_labels(document, parts["check"])
    if not variables or None in parts["compute"]:
        return
    every = [*variables, *(name for names in computed for name in names)]
    for part, entries in parts.items():
        for i, made in enumerate(entries):
            earlier = [name for names in computed[:i] for name in names]
            known = [*variables, *earlier] if part == "compute" else every
            unknown = [(path, name) for path, name in _wanted(made) if not _known(name, known)]
            for path, name in unknown:
                if _known(name, every):
                    message = f"{quoted(name)} is computed here or further down; move it above"
                else:
                    hint = f"{near(name, known)} There are: {listed(known)}"
                    message = f"nothing here is called {quoted(name)}.{hint}"
                document.at((part, i, *path), message)
            if not unknown and not any("%" in name for name in known):
                _check_expressions(document, (part, i), made, known)


def _known(name: str, names: Sequence[str]) -> bool:
    return known_among(name.replace(_DEVICE, "%"), names)


def _wanted(made: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each variable that a check, plot or computation names, and the key that does."""
    variables = getattr(made, "variables", ())
    if isinstance(variables, tuple):
        for j, name in enumerate(variables):
            if isinstance(name, str):
                yield ("variables", j), name
    inputs = getattr(made, "inputs", None)
    if isinstance(inputs, Mapping):
        for key, name in inputs.items():
            yield ("inputs", key), name
    for key in ("variable", "by", "each", "reference"):
        name = getattr(made, key, "")
        if isinstance(name, str) and name:
            yield (key,), name


def _computed(document: Document, made: Sequence[Any], variables: Sequence[str]) -> list[list[str]]:
    """The names that each computation makes; patterns where they hold ``{device}``."""
    seen: set[str] = set()
    computed: list[list[str]] = []
    for i, computation in enumerate(made):
        outputs = getattr(computation, "made_names", None)
        if not isinstance(outputs, tuple):
            outputs = (getattr(computation, "name", ""),) if computation is not None else ()
        names = [str(output).replace(_DEVICE, "%") for output in outputs]
        for name in names:
            if name in seen:
                document.at(("compute", i), f"{quoted(name)} is computed twice")
            elif name in variables:
                document.at(("compute", i), f"{quoted(name)} is the name of a variable already")
        seen.update(names)
        computed.append(names)
    return computed


def _check_labels(document: Document, made: Sequence[Any]) -> None:
    """Outcomes are told apart by the check's label and the variable, today and tomorrow."""
    seen: dict[str, list[tuple[str, int]]] = {}
    for i, check in enumerate(made):
        if check is None:
            continue
        label = getattr(check, "name", "") or getattr(check, "kind", "")
        every = seen.setdefault(label, [])
        subjects = _subjects(check)
        for subject in subjects:
            first = next((j for other, j in every if _meet(subject, other)), None)
            if first is not None:
                what = "all variables" if subject == "%" else quoted(subject)
                document.at(
                    ("check", i),
                    f"is called {quoted(label)} and judges {what}, as [[check]] {first + 1} does; "
                    "give one of them another name",
                )
                break
        every += [(subject, i) for subject in subjects]


def _subjects(check: Any) -> tuple[str, ...]:
    """What a check's outcomes are about: variables, patterns, an expression, or everything."""
    variables = getattr(check, "variables", ())
    if isinstance(variables, tuple) and variables:
        return tuple(map(str, variables))
    return (getattr(check, "expression", "") or "%",)


def _meet(one: str, other: str) -> bool:
    """Whether two checks judge the same; of two patterns only when they are the same."""
    if "%" in one and "%" in other and "%" not in (one, other):
        return one == other
    return overlap(one, other)


def _check_expressions(
    document: Document, path: tuple[str, int], made: Any, known: Sequence[str]
) -> None:
    """Refuse a name in an expression that is no variable's, when all are known.

    A gate may name what the dataset does not list: extraction looks for it in the source.
    """
    inputs = getattr(made, "inputs", None)
    for key in ("gate", "expression"):
        text = getattr(made, key, "")
        if not isinstance(text, str) or not text.strip():
            continue
        from oaflib.expression import compile_expression, resolve  # only where there is one

        try:
            bound = inputs if key == "expression" and isinstance(inputs, Mapping) else None
            compiled = compile_expression(text)
            if key == "expression":
                resolve(compiled, known, bound)
        except ExpressionError as error:
            document.at((*path, key), str(error))
