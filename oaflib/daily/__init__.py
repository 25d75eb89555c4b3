"""The morning: which reports are due, made in order, each fault kept to its task."""
