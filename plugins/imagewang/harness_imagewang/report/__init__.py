"""What a run and a board of pretext tasks show."""
