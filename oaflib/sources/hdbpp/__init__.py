"""Tango's archive HDB++ on PostgreSQL or TimescaleDB: ``kind = "hdbpp"``."""

from oaflib.sources.hdbpp.source import HdbppSource

__all__ = ["HdbppSource"]
