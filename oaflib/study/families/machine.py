"""One machine of a day: the worst of each family of devices, and what the beam did."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from oaflib.records import Records
from oaflib.report import Outcome, Severity
from oaflib.series import Kind, Series, device_of
from oaflib.study.families.found import (
    NOTHING,
    clock,
    finite,
    lasted,
    modes_of,
    names_of,
    states,
)
from oaflib.study.families.sheet import DASH, FamilyTable, figure, share
from oaflib.window import INSTANT, nanoseconds, parse_instant

# The first that fits; what follows a name's family word varies: BCTDC, BCTFR, BPMALPS, BLMTI.
_FAMILIES = (
    ("BCT", "beam current transformers"),
    ("BWS", "wire scanners"),
    ("BSRA", "abort gap monitors"),
    ("BSRT", "synchrotron light telescopes"),
    ("BLM", "beam loss monitors"),
    ("BPM", "beam position monitors"),
    ("BOFSU", "beam position monitors"),
    ("BTV", "screens"),
    ("BBQ", "tune meters"),
    ("BQBBQ", "tune meters"),
    ("BQM", "bunch quality monitors"),
    ("LBDS", "beam dumps"),
)
_OTHERS = "machine and timing"
_CYCLES = 12


def tables(records: Records, outcomes: Sequence[Outcome] = ()) -> list[FamilyTable]:
    """Families, the worst first; then fills and modes, or the cycles played."""
    return [_families(records, outcomes), *_fills(records), *_cycles(records)]


def family_of(device: str) -> str:
    """What family a device is of, by the words of its name."""
    for word in re.split(r"[.:/_-]", device.upper()):
        for begin, name in _FAMILIES:
            if word.startswith(begin):
                return name
    return _OTHERS


def _families(records: Records, outcomes: Sequence[Outcome]) -> FamilyTable:
    """Every outcome under the families of its devices; a family nobody judged is said to be so."""
    judged: dict[str, list[Outcome]] = {}
    devices: dict[str, set[str]] = {}
    for name, entry in records.entries.items():
        if not entry.computed:
            devices.setdefault(family_of(device_of(name)), set()).add(device_of(name))
            judged.setdefault(family_of(device_of(name)), [])
    for outcome in outcomes:
        members = outcome.members or (outcome.variable or outcome.device,)
        entry_of = records.entries.get(outcome.variable)
        if entry_of is not None and entry_of.computed:
            members = (outcome.device,)
        for family in dict.fromkeys(family_of(member) for member in members):
            judged.setdefault(family, []).append(outcome)
    severities = [s for s in reversed(Severity) if s is not Severity.NOT_APPLICABLE]
    rows = []
    for family, told in judged.items():
        worst = max(told, key=lambda outcome: outcome.severity.rank, default=None)
        rank = worst.severity.rank if worst else -1
        counts = [sum(o.severity is severity for o in told) for severity in severities]
        bad = worst is not None and worst.severity.rank > Severity.OK.rank
        said = "not judged" if worst is None else str(worst.severity).replace("_", " ")
        rows.append(
            (
                -rank,
                -counts[0] - counts[1],
                (
                    family,
                    said,
                    *(str(count) if count else DASH for count in counts),
                    str(len(devices.get(family, ()))),
                    _told(records, worst) if worst and bad else "",
                ),
            )
        )
    head = ("family", "worst", *(str(s) for s in severities), "devices", "the worst of it")
    return FamilyTable("Families", head, tuple(row for _, _, row in sorted(rows)))


def _fills(records: Records) -> list[FamilyTable]:
    """Each fill of the day: when, how long in stable beams, its highest intensities."""
    modes = modes_of(records).spans(records.window.end_ns)
    if not modes:
        return []
    numbers = names_of(records, r".*FILLN.*", Kind.NUMERIC)
    fills = states(records, numbers[0]) if numbers else NOTHING
    by_fill: dict[str, list[tuple[int, int, str]]] = {}
    for start, stop, mode in modes:
        edges = [edge for edge, _, _ in fills.spans(stop) if start < edge < stop]
        for first, last in zip([start, *edges], [*edges, stop], strict=True):
            number = str(fills.at(np.array([first]))[0]) or DASH
            by_fill.setdefault(number, []).append((first, last, mode))
    beams = _one_a_beam(names_of(records, r".*BEAM_INTENSITY", Kind.NUMERIC))
    rows = []
    for number, spans in by_fill.items():
        stable = sum(stop - start for start, stop, mode in spans if mode.startswith("STABLE"))
        whole = (spans[0][0], spans[-1][1])
        path: list[str] = []
        for start, stop, mode in spans:
            path.append(f"{mode} {lasted(stop - start)}".replace(" ", "\N{NO-BREAK SPACE}"))
        rows.append(
            (
                number,
                clock(records, whole[0]),
                lasted(whole[1] - whole[0]),
                lasted(stable) if stable else DASH,
                *(_highest(records[name], *whole) for name in beams),
                ", ".join(path),
            )
        )
    head = ("fill", "from", "on this day", "stable", *(f"highest {device_of(n)}" for n in beams))
    return [FamilyTable("Fills", (*head, "beam modes"), tuple(rows))]


def _told(records: Records, outcome: Outcome) -> str:
    """Device and reason, instants as people of the site say them."""
    reason = INSTANT.sub(
        lambda found: clock(records, nanoseconds(parse_instant(found[0]))), outcome.reason
    )
    return f"{outcome.device or outcome.variable}: {reason}"


def _one_a_beam(names: Sequence[str]) -> list[str]:
    """The first intensity of each beam."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(device_of(name).rpartition(".")[2], name)
    return list(first.values())[:4]


def _highest(series: Series, start: int, stop: int) -> str:
    inside = finite(series.value[(series.time >= start) & (series.time < stop)])
    return figure(float(inside.max()), series.unit, 3) if inside.size else DASH


def _cycles(records: Records) -> list[FamilyTable]:
    """How often each cycle, user or destination was played."""
    found = []
    for name in names_of(records, r".*(CYCLE|USER|DEST).*", Kind.TEXTUAL):
        texts, counts = np.unique([str(text) for text in records[name].value], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        rows = tuple(
            (str(texts[i]) or "(empty)", f"{counts[i]:,}", share(int(counts[i]), int(counts.sum())))
            for i in order[:_CYCLES]
        )
        note = f"{len(texts) - _CYCLES} more." if len(texts) > _CYCLES else ""
        found.append(FamilyTable(name, ("played", "times", "share"), rows, note))
    return found
