"""The models on other prompt styles, under sampling, and on ordinary chat."""
