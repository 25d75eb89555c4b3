"""What the files under ``config/`` say, checked in one pass before anything runs."""
