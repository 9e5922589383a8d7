"""Evaluations and measurements outside the pipeline."""
