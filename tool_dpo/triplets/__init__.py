"""The data: make triplets, and check them."""
