"""PNG written directly: heat maps and images as palettes, one byte a pixel."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def encode(pixels: Bytes, palette: Bytes | None = None, transparent: int | None = None) -> bytes:
    """A PNG of `pixels`.

    Parameters
    ----------
    pixels : uint8[rows, columns] indices into `palette`, or uint8[rows, columns, 3] colours.
    palette : uint8[k, 3], k up to 256.
    transparent : the index that is not painted.
    """
    rows, columns = pixels.shape[:2]
    depth = 3 if palette is not None else 2
    flat = np.ascontiguousarray(pixels).reshape(rows, -1)
    # no filter: neighbouring indices of a palette are no closer than others
    raw = np.concatenate([np.zeros((rows, 1), np.uint8), flat], axis=1).tobytes()
    parts = [b"\x89PNG\r\n\x1a\n"]
    parts.append(_chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, depth, 0, 0, 0)))
    if palette is not None:
        parts.append(_chunk(b"PLTE", np.ascontiguousarray(palette, np.uint8).tobytes()))
        if transparent is not None:
            parts.append(_chunk(b"tRNS", b"\xff" * transparent + b"\x00"))
    parts.append(_chunk(b"IDAT", zlib.compress(raw, 6)))
    parts.append(_chunk(b"IEND", b""))
    return b"".join(parts)


def encode_few(colours: Bytes) -> bytes:
    """A PNG of uint8[rows, columns, 3] as a palette of its 256 most frequent colours.

    Colours are cut to 6 bits a channel first; the rare ones, of blurred edges, go to the nearest.
    """
    cut = (colours & 0xFC).astype(np.uint32)
    packed = (cut[..., 0] << 16) | (cut[..., 1] << 8) | cut[..., 2]
    found, index, count = np.unique(packed, return_inverse=True, return_counts=True)
    table = np.stack([found >> 16, found >> 8, found], axis=1).astype(np.uint8)
    table |= table >> 6  # white stays white
    if len(found) > 256:
        often = np.sort(np.argsort(-count, kind="stable")[:256])
        index = _nearest(table, often)[index]
        table = table[often]
    return encode(index.reshape(packed.shape).astype(np.uint8), table)


def _nearest(table: Bytes, kept: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each colour the place in `kept` of the one that is closest."""
    wide = table.astype(np.int32)
    nearest = np.empty(len(table), np.intp)
    for first in range(0, len(table), 4096):
        part = wide[first : first + 4096, None] - wide[kept]
        nearest[first : first + 4096] = (part**2).sum(axis=2).argmin(axis=1)
    return nearest


def _chunk(name: bytes, body: bytes) -> bytes:
    crc = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)
