"""Photos: read, drawn, put into files."""
