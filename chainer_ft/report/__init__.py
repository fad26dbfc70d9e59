"""Plans and listings as text and JSON."""
