"""The launcher: one report by hand, and the rows of the task table, in a notebook or a browser."""
