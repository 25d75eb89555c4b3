"""Series to series and numbers; pure."""
