"""Preference training against SFT alone, on five requests to each held-out tool."""
