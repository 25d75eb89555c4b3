"""The logging systems, one file each, and `extract`."""
