"""Pages about people, teams, tokens and one's own settings."""
