"""What drawing costs: `python benchmarks/plots.py`. CPU time of one process, the best of three."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

import numpy as np

from oaflib.plots import Picture, Style, draw
from oaflib.plots.envelope import envelope
from oaflib.plots.images import Image
from oaflib.plots.strips import SmallMultiples
from oaflib.plots.trend import Trend
from oaflib.plots.waterfall import Waterfall
from oaflib.records import Records, records_of
from oaflib.series import Kind, Series
from oaflib.window import calendar_day

DAY = calendar_day(date(2026, 11, 22), "Europe/Zurich")


def best(what: str, work: Callable[[], object], note: str = "") -> None:
    """Say the least CPU time of three runs."""
    times = []
    for _ in range(3):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    print(f"{what:<66}{min(times) * 1000:9.1f} ms   {note}")


def seconds(n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """n times, one a second."""
    return DAY.start_ns + np.arange(n, dtype=np.int64) * 10**9


def pictures(plots: list[object], records: Records, style: Style) -> int:
    """Bytes of the pictures."""
    made = list(draw(plots, records, [], style))  # type: ignore[arg-type]
    assert all(isinstance(picture, Picture) for picture in made), made
    return sum(picture.nbytes for picture in made if isinstance(picture, Picture))


def main() -> None:
    """Measure and print."""
    rng = np.random.default_rng(0)
    time_, value = np.arange(10_000_000, dtype=np.int64), rng.normal(size=10_000_000)
    best("envelope of 10 million points", lambda: envelope(time_, value, 0, len(time_), 640))
    value[::7] = np.nan
    best("the same, every seventh NaN", lambda: envelope(time_, value, 0, len(time_), 640))

    units = [f"u{i}" for i in range(12)]
    series = [
        Series(f"D{i}:V", Kind.NUMERIC, units[i % 12], seconds(86_400), rng.normal(size=86_400))
        for i in range(40)
    ]
    records = records_of(series, DAY)
    trends: list[object] = [
        Trend(tuple(s.name for s in series if s.unit == unit), title=unit) for unit in units
    ]
    for style in (Style(), Style(low_res=True), Style(interactive=True), Style(png=True)):
        size = pictures(trends, records, style)
        best(
            f"12 trends of 40 noisy variables × 86,400, {style}"[:64],
            lambda style=style: pictures(trends, records, style),
            f"{size / 1e3:,.0f} kB",
        )
    strips: list[object] = [SmallMultiples()]
    size = pictures(strips, records, Style())
    best("40 strips", lambda: pictures(strips, records, Style()), f"{size / 1e3:,.0f} kB")

    vector = Series(
        *("V:V", Kind.VECTORNUMERIC, "um", seconds(3600), rng.normal(size=(3600, 1000)))
    )
    falls: list[object] = [Waterfall()]
    hour = records_of([vector], DAY)
    size = pictures(falls, hour, Style())
    best(
        "a waterfall of 3,600 × 1,000",
        lambda: pictures(falls, hour, Style()),
        f"{size / 1e3:,.0f} kB",
    )

    frames = rng.integers(0, 4096, (100, 300, 400), dtype=np.uint16)
    camera = records_of([Series("C:I", Kind.MATRIXNUMERIC, "", seconds(100), frames)], DAY)
    images: list[object] = [Image()]
    size = pictures(images, camera, Style())
    best(
        "100 images of 300 × 400",
        lambda: pictures(images, camera, Style()),
        f"{size / 1e3:,.0f} kB",
    )


if __name__ == "__main__":
    main()
