"""Numbers as people write them, the same in reasons, tables, pages, plots and mails."""

from __future__ import annotations

import math

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_GROUPED = 10_000_000
"""Up to here a number is written out, its thousands set apart."""


def spelt(value: float, digits: int = 6) -> str:
    """`value` to `digits` figures: ``62,183``, ``0.98``, ``−4.136 × 10¹²``.

    Whole numbers below ten million have all their figures.
    """
    if isinstance(value, int) and abs(value) < _GROUPED:
        text = f"{value:,}"
    elif math.isnan(value):
        return "NaN"
    elif math.isinf(value):
        text = "∞" if value > 0 else "-∞"
    else:
        mantissa, _, power = f"{value:.{digits}g}".partition("e")
        rounded = float(f"{mantissa}e{power}" if power else mantissa)
        if 1000 <= abs(rounded) < _GROUPED:
            _, _, decimals = ("", "", "") if power else mantissa.partition(".")
            text = f"{rounded:,.{len(decimals)}f}"
        else:
            text = (
                f"{mantissa} × 10{str(int(power)).translate(_SUPERSCRIPTS)}" if power else mantissa
            )
    return text.replace("-", "\N{MINUS SIGN}")


def compact(value: float, digits: int = 5) -> str:
    """The same without blanks, for the little room of a plot: ``3.3×10¹⁴``."""
    return spelt(value, digits).replace(" ", "")
