"""What a notebook works on, and the words it says."""
