"""An example plug-in for OAF: a check, a source and a plot."""
