"""Read tool definitions, and write requests for them."""
