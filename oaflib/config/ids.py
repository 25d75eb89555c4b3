"""Names that become paths: instruments, datasets, notebooks. Nothing in one leaves its folder."""

from __future__ import annotations

import re
from collections.abc import Iterable

from oaflib.config.words import listed, near, quoted

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")
_NOTEBOOK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# Windows keeps these for devices, with any extension.
_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\..*)?", re.IGNORECASE)


def fault_of_id(text: str, noun: str) -> str:
    """What is wrong with an instrument's or dataset's ID; nothing when it is right."""
    if not text:
        return "is empty"
    if not _ID.fullmatch(text):
        better = re.sub(r"[_\s]+", "-", text)
        hint = f"; write {quoted(better)}" if _ID.fullmatch(better) else ""
        if "_" in text:
            return f"{quoted(text)} holds '_', which divides instrument and dataset{hint}"
        if hint:
            return f"{quoted(text)} holds a blank{hint}"
        return (
            f"{quoted(text)} cannot be the ID of {noun}{_strange(text)}; allowed are letters, "
            "digits, '.' and '-', at most 64, the first a letter or a digit"
        )
    return _fault_of_path(text)


def fault_of_notebook(text: str) -> str:
    """What is wrong with a notebook's name (with or without ``.ipynb``); nothing when right."""
    if "/" in text or "\\" in text:
        return f"{quoted(text)} is a path; write the notebook's name alone"
    if not _NOTEBOOK.fullmatch(text):
        return (
            f"{quoted(text)} is not the name of a notebook; allowed are letters, digits, "
            "'.', '_' and '-', at most 100, the first a letter or a digit"
        )
    return _fault_of_path(text)


def split_id(text: str) -> tuple[str, str]:
    """``<INST>_<dataset>`` in its two parts; the dataset is empty when there is no ``_``."""
    instrument, _, dataset = text.partition("_")
    return instrument, dataset


def fault_of_dataset_id(text: str, instruments: Iterable[str] | None) -> str:
    """What is wrong with ``<INST>_<dataset>``; nothing when it is right."""
    instrument, dataset = split_id(text)
    if "_" not in text:
        return f"{quoted(text)} names no dataset; write <INST>_<dataset>, as in BCT_LHC-B1-cmp"
    return fault_of_instrument(instrument, instruments) or fault_of_id(dataset, "a dataset")


def fault_of_instrument(text: str, instruments: Iterable[str] | None) -> str:
    """What is wrong with the name of a known instrument; nothing when it is right.

    None for `instruments`: it is not known which there are.
    """
    known = list(instruments or ())
    if text in known or instruments is None:
        return fault_of_id(text, "an instrument")
    return f"no instrument is called {quoted(text)}.{near(text, known)} There are: {listed(known)}"


def _strange(text: str) -> str:
    """The character that is not allowed: it may look like one that is."""
    for char in text:
        if not re.fullmatch(r"[A-Za-z0-9.-]", char):
            return f": it holds {quoted(char)} (U+{ord(char):04X})"
    return f": it has {len(text)} characters" if len(text) > 64 else ""


def _fault_of_path(text: str) -> str:
    if _RESERVED.fullmatch(text):
        return f"{quoted(text)} is a name that Windows keeps for itself"
    if text.endswith("."):
        return f"{quoted(text)} ends in '.', which Windows drops"
    return ""
