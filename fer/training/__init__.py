"""Recipes, networks and the loop that trains them, up to a finished run. TensorFlow lives here."""
