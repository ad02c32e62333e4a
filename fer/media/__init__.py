"""Photos, videos and sound: into pictures, and back into files."""
