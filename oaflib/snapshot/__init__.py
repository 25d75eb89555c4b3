"""Snapshots: what, when and the data, as one folder or .zip that opens without the database."""

from oaflib.snapshot.archive import pack, unpack
from oaflib.snapshot.manifest import FILE, Manifest
from oaflib.snapshot.save import Wanted, save
from oaflib.snapshot.shelf import Shelf
from oaflib.snapshot.snapshot import Snapshot

__all__ = ["FILE", "Manifest", "Shelf", "Snapshot", "Wanted", "pack", "save", "unpack"]
