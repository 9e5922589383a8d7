"""Metrics, comparisons, tables."""
