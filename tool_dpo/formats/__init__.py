"""All prompt text: how a request and its tools are written for a model."""
