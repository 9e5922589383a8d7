"""How a request and its tools are put to a model: all prompt text."""
