from __future__ import annotations

import io
import threading

from fer.media.views import SharedFile


def test_every_view_has_a_position_of_its_own() -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(7)
    shared = SharedFile(file)
    one, other = shared.view(), shared.view()
    assert (one.read(3), other.read(2), one.read(2)) == (b"012", b"01", b"34")
    assert (one.seek(-2, io.SEEK_END), one.read()) == (8, b"89")
    assert (other.seek(3, io.SEEK_CUR), other.tell(), other.read(1)) == (5, 5, b"5")
    assert file.tell() == 7


def test_threads_do_not_disturb_each_other() -> None:
    content = bytes(range(256)) * 200
    shared = SharedFile(io.BytesIO(content))
    found: list[bytes] = []

    def read_all() -> None:
        view = shared.view()
        found.append(b"".join(iter(lambda: view.read(97), b"")))

    threads = [threading.Thread(target=read_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [content] * 4
