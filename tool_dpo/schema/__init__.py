"""Check tool calls against JSON Schemas."""
