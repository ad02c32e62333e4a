"""A video from frames to statements: analysed, smoothed, summed up, written."""
