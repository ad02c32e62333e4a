"""What a finished run reaches, how fast, how it holds up, and what is written about it."""
