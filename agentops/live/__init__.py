"""What changed, and text as it streams, from workers to browsers. The database stays the truth."""
