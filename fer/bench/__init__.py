"""Measurements of speed and size on this machine: ``python -m fer bench``."""
