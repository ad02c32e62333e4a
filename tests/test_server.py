"""The running server, asked by a client that is not a browser and does not mean well."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from fer.app.http_guard import HEADERS
from fer.paths import PROJECT


@contextmanager
def running(script: str, folder: Path, log: Path) -> Iterator[int]:
    """A server of this folder's script; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", script, f"--server.port={port}"]
    command += ["--server.headless=true", "--server.address=127.0.0.1"]
    command += ["--server.fileWatcherType=none"]
    servers = '[{"urls": "turn:t.example:3478", "username": "u", "credential": "turn-canary"}]'
    environment = {**os.environ, "FER_ICE_SERVERS": servers, "PYTHONPATH": str(PROJECT)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    if ask(port, "/_stcore/health")[0] == 200:
                        break
                except OSError:
                    time.sleep(0.1)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def ask(
    port: int, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    said = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return said


def listen(port: int, path: str = "") -> bytes:
    """All that the server sends to a browser for a page, until a second after it is whole."""
    heard = b""
    with connect(
        f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=[Subprotocol("streamlit")]
    ) as line:
        message = BackMsg()
        message.rerun_script.page_name = path
        line.send(message.SerializeToString())
        complete = False
        while True:
            try:
                piece = line.recv(timeout=1 if complete else 30)
            except TimeoutError:
                assert complete, "the page was not sent to its end"
                break
            assert isinstance(piece, bytes)
            heard += piece
            told = ForwardMsg.FromString(piece)
            complete = complete or (
                told.WhichOneof("type") == "script_finished"
                and told.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
            )
    return heard


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "log"


@pytest.fixture(scope="module")
def server(log: Path) -> Iterator[int]:
    with running("server.py", PROJECT, log) as port:
        yield port


def test_the_headers_that_protect_are_there(server: int) -> None:
    for path in ("/", "/photo", "/_stcore/health", "/static/none.js"):
        _, headers, _ = ask(server, path)
        assert {k.lower(): v for k, v in HEADERS.items()}.items() <= headers.items()


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/app/static/",
            "/static/",
            "/media/",
            "/models/",
            "/fer/app/common.py",
            "/.streamlit/config.toml",
        ),
        *(
            "/../fer/app/common.py",
            "/static/../../fer/app/common.py",
            "/%2e%2e/fer/app/common.py",
            "/app/static/../app.py",
        ),
        *("/media/..%2f..%2fetc/passwd", "/component/x/../../../etc/passwd", "/operator.toml"),
    ],
)
def test_no_folder_is_listed_and_no_file_of_the_project_given_out(server: int, path: str) -> None:
    _, _, body = ask(server, path)
    for inside in (b"import ", b"[server]", b"root:", b"Index of", b"README", b"model.tflite"):
        assert inside not in body.replace(b"import(", b"").replace(b"import{", b"") or (
            b"<title>Streamlit</title>" in body  # the app's own page, whatever the address
        )


@pytest.fixture(scope="module", params=["server.py", "streamlit_app.py"])
def however(
    request: pytest.FixtureRequest, server: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The app in both ways in which it can be started: without ``server.py``, the settings hold."""
    if request.param == "server.py":
        yield server
        return
    log = tmp_path_factory.mktemp("alone") / "log"
    with running(request.param, PROJECT, log) as port:
        yield port


def test_an_upload_needs_the_token_of_the_page(however: int) -> None:
    path = "/_stcore/upload_file/none/1f"
    assert ask(however, path, "PUT", b"x")[0] in {400, 403}
    forged = ask(however, path, "PUT", b"x", X_Xsrftoken="forged", Cookie="_streamlit_xsrf=other")
    assert forged[0] == 403


def test_other_sites_may_not_read_nor_speak(however: int) -> None:
    _, headers, _ = ask(however, "/_stcore/health", Origin="https://evil.example")
    assert "access-control-allow-origin" not in headers
    address = f"ws://127.0.0.1:{however}/_stcore/stream"
    with pytest.raises(InvalidStatus) as refused:
        connect(address, origin=Origin("https://evil.example")).close()
    assert refused.value.response.status_code == 403


def test_too_large_an_upload_is_refused_before_it_is_read(server: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server, timeout=10)
    connection.putrequest("PUT", "/_stcore/upload_file/none/1f")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status in {400, 403, 413, 429}
    connection.close()


def test_what_tells_of_other_visitors_is_closed(server: int) -> None:
    assert ask(server, "/_stcore/metrics")[0] == 404
    assert ask(server, "/_stcore/agent/openapi.json")[0] == 404


def test_an_upload_without_a_length_is_refused(server: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server, timeout=10)
    connection.request("PUT", "/_stcore/upload_file/none/1f", iter([b"x" * 9]), encode_chunked=True)
    assert connection.getresponse().status == 411
    connection.close()


def test_the_settings_protect_however_the_app_is_started() -> None:
    settings = tomllib.loads((PROJECT / ".streamlit/config.toml").read_text(encoding="utf-8"))
    server, client = settings["server"], settings["client"]
    assert server["enableXsrfProtection"]
    assert server["enableCORS"]
    assert server["maxUploadSize"] <= 200
    assert server["disconnectedSessionTTL"] <= 120
    assert not server["enableStaticServing"]
    assert not server["enableAgentApi"]
    assert client["showErrorDetails"] == "type"
    assert not client["showErrorLinks"]
    assert client["toolbarMode"] == "viewer"
    assert client["disableDataExport"]
    assert not settings["browser"]["gatherUsageStats"]


def test_a_secret_of_the_turn_server_goes_to_no_page_that_needs_none(
    server: int, log: Path
) -> None:
    """Nor to the log. The Live page, once the visitor has agreed, cannot do without."""
    for page in ("", "photo", "video", "live"):
        heard = listen(server, page)
        assert len(heard) > 1000, page
        assert b"turn-canary" not in heard
    assert b"turn-canary" not in log.read_bytes()


def test_a_mistake_in_the_code_shows_visitors_no_trace(tmp_path: Path) -> None:
    """The app's own settings around a page that fails."""
    (tmp_path / "boom.py").write_text(
        "import streamlit as st\n"
        "st.title('before')\n"
        "def inner_function(): raise RuntimeError('canary-of-the-server')\n"
        "inner_function()\n"
    )
    shutil.copytree(PROJECT / ".streamlit", tmp_path / ".streamlit")
    with running("boom.py", tmp_path, tmp_path / "log") as port:
        heard = listen(port)
    assert b"before" in heard
    assert b"RuntimeError" in heard
    for inside in (b"canary-of-the-server", b"inner_function", b"Traceback"):
        assert inside not in heard
    assert b"canary-of-the-server" in (tmp_path / "log").read_bytes()  # whoever runs it sees it
