"""The checker of the campaign's invariants: each kind of damage, done by hand, is seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from faults.invariants import look
from faults.scene import Scene, days, scene

pytestmark = [pytest.mark.kernel, pytest.mark.smtp, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("faults") / "site", 2) as made:
        assert made.morning(days(2)[1]) == 0
        yield made


def changed(place: Scene, *statements: str) -> None:
    with sqlite3.connect(place.state) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def test_each_damage_is_seen(place: Scene) -> None:
    made = days(2)[1:]
    assert look(place, made).violations == ()
    assert look(place, days(2)).lost  # the first day was never made
    page = place.made.report("BCT", "B1", str(made[0])) / "index.html"
    whole = page.read_bytes()
    page.write_bytes(whole[:100])
    (place.publish / "virus.exe").write_bytes(b"")
    link = place.publish / "RECENT_WITH_ALM/BCT_B2"
    target = link.readlink()
    link.unlink()
    link.symlink_to("nowhere")
    seen = " ".join(look(place, made).violations)
    for words in ("index.html is cut", "virus.exe: is of no kind", "leads nowhere"):
        assert words in seen
    page.write_bytes(whole)
    (place.publish / "virus.exe").unlink()
    link.unlink()
    link.symlink_to(target)
    taken = list(place.mailbox.taken)
    place.mailbox.taken.pop(0)
    assert "did not arrive" in " ".join(look(place, made).violations)
    place.mailbox.taken[:] = [*taken, taken[0]]
    found = look(place, made)
    assert found.copies == 1
    assert "unmarked" in " ".join(found.violations)
    place.mailbox.taken[:] = taken
    changed(place, "DELETE FROM outbox WHERE subject LIKE '%B2%'", "DELETE FROM run")
    seen = " ".join(look(place, made).violations)
    assert "I2: 0 mails on B2" in seen
    assert "I1: " in seen
