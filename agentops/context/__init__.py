"""What fits into a request to a model: counting it, shortening it, and results that are read by reference."""
