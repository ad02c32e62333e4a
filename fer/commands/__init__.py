"""Commands of ``python -m fer`` that are more than a call."""
