"""Load models, let them answer, and save them."""
