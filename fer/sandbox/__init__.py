"""Uploads are decoded in processes that can reach nothing else."""
