"""Entry point: run the page that was asked for, nothing else."""

from fer.app import common

common.run()
