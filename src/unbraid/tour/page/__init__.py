"""The report's page: HTML, references, style sheet and scripts."""
