"""Pages that need nothing beside them: their HTML, style sheet and scripts."""
