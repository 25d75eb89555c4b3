"""OAF: the words of a notebook."""
