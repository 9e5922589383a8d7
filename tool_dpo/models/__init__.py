"""Models: load, answer, save."""
