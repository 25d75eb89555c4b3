"""A dataset looked at while it is logged: from the command line, and in a notebook."""
