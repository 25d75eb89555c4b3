"""Units carried through an expression: texts multiplied, divided and compared, never converted.

A unit is the powers of the texts that were logged: ``charges/s`` out of ``charges`` and ``s``.
None means that nobody stated one (a constant, a variable logged without unit): it agrees with
every other. The empty unit is dimensionless, as the ratio of two equal units is.
"""

from __future__ import annotations

from fractions import Fraction

Unit = tuple[tuple[str, Fraction], ...]
DIMENSIONLESS: Unit = ()
SECOND: Unit = (("s", Fraction(1)),)


def unit_of(text: str) -> Unit | None:
    """The unit that a series' text states; None for an empty text."""
    text = text.strip()
    if not text:
        return None
    return DIMENSIONLESS if text == "1" else ((text, Fraction(1)),)


def spell_unit(unit: Unit | None) -> str:
    """A unit as people write it: ``charges/s``, ``mm^2``, ``(A s)/(m K)``."""
    if not unit:
        return ""
    above = [_power(text, power) for text, power in unit if power > 0]
    below = [_power(text, -power) for text, power in unit if power < 0]
    top = " ".join(above) or "1"
    if not below:
        return top
    top = f"({top})" if len(above) > 1 else top
    return f"{top}/({' '.join(below)})" if len(below) > 1 else f"{top}/{below[0]}"


def times(left: Unit | None, right: Unit | None) -> Unit | None:
    """The unit of a product."""
    if left is None and right is None:
        return None
    powers: dict[str, Fraction] = {}
    for text, power in (left or ()) + (right or ()):
        powers[text] = powers.get(text, Fraction(0)) + power
    return tuple((text, power) for text, power in powers.items() if power)


def raised(unit: Unit | None, exponent: Fraction) -> Unit | None:
    """The unit of a power."""
    if unit is None:
        return None
    return tuple((text, power * exponent) for text, power in unit if power * exponent)


def agree(left: Unit | None, right: Unit | None) -> bool:
    """Whether two values may be added or compared."""
    return left is None or right is None or dict(left) == dict(right)


def _power(text: str, power: Fraction) -> str:
    # A logged unit of several words is one thing: bracket it where a power or a quotient follows.
    text = f"({text})" if " " in text or "/" in text else text
    if power == 1:
        return text
    return f"{text}^{power.numerator if power.denominator == 1 else float(power):g}"
