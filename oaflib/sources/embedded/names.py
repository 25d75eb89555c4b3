"""Names that a variable of the store can have."""

from __future__ import annotations

from oaflib.config.patterns import fault_of_variable


def fault_of_name(name: str) -> str:
    """What is wrong with the name of a logged variable; nothing when it is right."""
    if "%" in name:
        return f"'{name[:60]}' holds '%', which stands for any characters when it is asked for"
    return fault_of_variable(name)
