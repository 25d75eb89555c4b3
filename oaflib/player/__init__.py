"""Replay and online views: what the checks say as a window goes by."""
