"""What the web app needs beside its pages; with them the only code that imports Streamlit."""
