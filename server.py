"""The app as a server should run it: ``streamlit run server.py``.

The same app as ``streamlit_app.py``, which also runs by itself, within headers that protect its
visitors and limits on what they may send.
"""

from starlette.middleware import Middleware
from streamlit.starlette import App

from fer.app.http_guard import Closed, Headers, UploadLimits
from fer.app.uploads import SessionUploads

app = App(
    "streamlit_app.py",
    middleware=[
        Middleware(Headers),
        Middleware(Closed),
        Middleware(UploadLimits, uploads=SessionUploads()),
    ],
)
