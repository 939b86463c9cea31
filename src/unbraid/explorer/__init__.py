"""The explorer: any trained model as one page, opened from disk, that computes in the browser."""
