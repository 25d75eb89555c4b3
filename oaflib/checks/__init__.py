"""Records (and the past) to outcomes; pure."""
