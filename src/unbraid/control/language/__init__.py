"""Requests in words: "small seven in the top rotated 30 degrees" as values of factors. No torch."""
