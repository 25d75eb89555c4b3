"""What is refused before a kernel starts: papermill would run it, and report the wrong day."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from oaflib.errors import TemplateError


def check_template(template: Path, parameters: Mapping[str, Any]) -> None:
    """Refuse a template that cannot take exactly these parameters.

    Raises
    ------
    TemplateError
        No notebook there; no cell tagged ``parameters``, or several; a parameter the cell does not
        define; a name that is no identifier; a value JSON has no type for.
    """
    known = parameters_of(template)
    for name, value in parameters.items():
        if not name.isidentifier():
            raise TemplateError(f"{template.name}: parameter name {name!r} is no identifier")
        if name not in known:
            raise TemplateError(
                f"{template.name} has no parameter '{name}': its cell tagged 'parameters' defines "
                f"{', '.join(sorted(known)) or 'nothing'}"
            )
        if not isinstance(value, (str, int, float, bool, type(None))):
            raise TemplateError(
                f"{template.name}: parameter '{name}' is a {type(value).__name__}; "
                "only text, numbers, true, false and null can be passed"
            )


def parameters_of(template: Path) -> set[str]:
    """The names that the template's cell tagged ``parameters`` assigns.

    Raises
    ------
    TemplateError
        As `check_template`.
    """
    import ast

    cells = read_notebook(template).cells
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1 or tagged[0].cell_type != "code":
        raise TemplateError(
            f"{template.name} has {len(tagged) or 'no'} code cell{'s' * (len(tagged) > 1)} tagged "
            "'parameters'; it needs exactly one, or it would run with its own values and report "
            "the wrong day. In JupyterLab: Property Inspector → Cell Tags"
        )
    for cell in cells:
        hidden = {"skip-execution", "raises-exception"} & set(cell.metadata.get("tags", []))
        if hidden:
            raise TemplateError(
                f"{template.name}: a cell tagged '{hidden.pop()}' would hide that it did not run"
            )
    try:
        tree = ast.parse(tagged[0].source)
    except SyntaxError as error:
        raise TemplateError(
            f"{template.name}: the parameters cell is not Python: line {error.lineno}: {error.msg}"
        ) from error
    names = set()
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def read_notebook(path: Path) -> Any:
    """The notebook at `path`, in version 4.

    Raises
    ------
    TemplateError
        Not there, or not a notebook.
    """
    try:
        with warnings.catch_warnings():  # a missing cell id is no fault of a template
            warnings.simplefilter("ignore")
            return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise TemplateError(f"there is no notebook {path}") from None
    except Exception as error:  # nbformat raises whatever its converters do
        raise TemplateError(f"{path} is not a notebook: {error}") from error
