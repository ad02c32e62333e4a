"""Charts made with altair from tidy tables; no Streamlit."""
