"""Entry point: run the page that was asked for, nothing else."""

from fer import app

app.run()
