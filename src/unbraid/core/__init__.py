"""What every package may import: errors, files, limits, factors, signals and the registry."""
