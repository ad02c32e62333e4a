"""FER2013 and the votes of FER+: read from the user's copy, checked, divided, counted."""
