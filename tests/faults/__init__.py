"""The fault campaign: OAF broken on purpose, in families, and what was lost. ``make faults``."""
