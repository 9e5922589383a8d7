"""SFT and preference training."""
