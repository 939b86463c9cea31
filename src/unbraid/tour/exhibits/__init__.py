"""What chapters show: figures with their files, tables and interactive parts."""
