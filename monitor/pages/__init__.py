"""What every page that people read has in common: templates, look, headers. Status page and console build on it."""
