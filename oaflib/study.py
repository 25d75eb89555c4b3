"""A study: one dataset over one window, from extraction to conclusion."""
