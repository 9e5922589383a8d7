"""What a strict call is."""
