"""Tool definitions come in here, with requests for them."""
