"""The data: triplets, and their proof."""
