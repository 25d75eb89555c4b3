"""What may be asked of a source that scales, checked once for all of them."""

from __future__ import annotations

from datetime import timedelta

ALGORITHMS = ("AVG", "MIN", "MAX", "COUNT", "SUM")
_SECOND = timedelta(seconds=1)


def seconds_of(bucket: timedelta, algorithm: str, allowed: tuple[str, ...] = ALGORITHMS) -> int:
    """The bucket's length in seconds; see `Scales.scaled`.

    Raises
    ------
    ValueError
        It is not whole seconds, or no such algorithm.
    """
    if bucket < _SECOND or bucket % _SECOND:
        raise ValueError(f"a bucket is whole seconds, not {bucket}")
    if algorithm not in allowed:
        raise ValueError(f"'{algorithm}' is no algorithm. Allowed: {', '.join(allowed)}")
    return bucket // _SECOND
