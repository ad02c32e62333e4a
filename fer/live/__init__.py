"""A camera's stream: from one frame to the summary of a session."""
