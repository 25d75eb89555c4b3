"""Records and outcomes to figures; pure. The only door to matplotlib."""
