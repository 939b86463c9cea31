import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from unbraid.core.errors import UnbraidError
from unbraid.datasets import _download
from unbraid.datasets._download import RemoteFile, fetch, locate

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT; ``dies`` connections are cut after a third of what they should bring."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.dies = 0
        self.ranges = True
        self.content = CONTENT
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        content, start = self.server.content, 0
        if self.path == "/gone":
            self.send_error(404)
            return
        if self.path == "/sick":
            self.send_error(503)
            return
        if asked and self.server.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.dies:
            self.server.dies -= 1
            body = body[: len(body) // 3]
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(_download, "PAUSE", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def remote(*urls: str, sha256: str | None = SHA256, **rest: object) -> RemoteFile:
    return RemoteFile("file.bin", urls, sha256=sha256, **rest)  # type: ignore[arg-type]


def test_a_file_comes_whole_with_progress_on_stderr(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = fetch(remote(server.url, size=len(CONTENT)), tmp_path / "new")
    assert path == tmp_path / "new" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert [p.name for p in path.parent.iterdir()] == ["file.bin"]
    out, err = capsys.readouterr()
    assert out == ""
    assert "file.bin" in err


def test_a_dying_connection_is_resumed_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.dies = 5  # more than TRIES: as long as bytes come, it goes on
    assert fetch(remote(server.url), tmp_path).read_bytes() == CONTENT
    starts = [int(asked[6:-1]) if asked else 0 for asked in server.asked]
    assert len(starts) == 6
    assert starts == sorted(set(starts))


def test_the_next_run_resumes_the_part(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    assert fetch(remote(server.url), tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-"]


def test_a_complete_part_is_only_checked(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    assert fetch(remote(server.url), tmp_path).read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("stale", [b"other bytes", CONTENT + b"and more"])
def test_a_part_of_another_file_is_dropped(server: Server, tmp_path: Path, stale: bytes) -> None:
    (tmp_path / "file.bin.part").write_bytes(stale)
    assert fetch(remote(server.url), tmp_path).read_bytes() == CONTENT


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    assert fetch(remote(server.url), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("dead", ["gone", "sick", "no server"])
def test_a_dead_first_mirror_is_passed_over(server: Server, tmp_path: Path, dead: str) -> None:
    base = server.url.removesuffix("file.bin")
    first = "http://127.0.0.1:9/file.bin" if dead == "no server" else base + dead
    assert fetch(remote(first, server.url), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("checks", "named"),
    [
        ({"sha256": "0" * 64}, f"its SHA-256 is {SHA256}, expected {'0' * 64}"),
        ({"sha256": None, "md5": "0" * 32}, f"its MD5 is {MD5}, expected {'0' * 32}"),
        ({"sha256": None, "size": 7}, f"it has {len(CONTENT)} bytes, expected 7"),
    ],
)
def test_a_wrong_file_is_refused_and_dropped(
    server: Server, tmp_path: Path, checks: dict[str, object], named: str
) -> None:
    with pytest.raises(UnbraidError) as error:
        fetch(remote(server.url, **checks), tmp_path)  # type: ignore[arg-type]
    assert named in str(error.value)
    assert server.url in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_checksum_is_printed(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(remote(server.url, sha256=None, md5=MD5), tmp_path)
    assert f"SHA-256 {SHA256}" in capsys.readouterr().err


def test_offline_the_sentence_tells_address_and_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_download, "PAUSE", 0.0)
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:10])
    url = "http://127.0.0.1:9/file.bin"
    with pytest.raises(UnbraidError) as error:
        fetch(remote(url), tmp_path)
    assert f"download {url} by hand and put it in {tmp_path}" in str(error.value)
    assert (tmp_path / "file.bin.part").read_bytes() == CONTENT[:10]


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UnbraidError, match="cannot write"):
        fetch(remote(server.url), tmp_path / "taken")
    (tmp_path / "file.bin.part").mkdir()
    with pytest.raises(UnbraidError, match="cannot write"):
        fetch(remote(server.url), tmp_path)


def test_where_a_file_is_looked_for(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, mine = tmp_path / "data", tmp_path / "mine"
    monkeypatch.setenv("UNBRAID_DATA", str(data))
    file = remote(server.url)
    with pytest.raises(UnbraidError) as error:
        locate(file, None, download=False)
    assert "download=True" in str(error.value)
    assert f"{server.url} by hand and put it in {data}" in str(error.value)
    assert server.asked == []
    assert locate(file, None, download=True) == data / "file.bin"
    assert locate(file, None, download=False) == data / "file.bin"
    with pytest.raises(UnbraidError, match="there is no file"):
        locate(file, str(mine), download=True)
    mine.mkdir()
    (mine / "file.bin").write_bytes(b"mine")
    assert locate(file, str(mine), download=False) == mine / "file.bin"
    assert locate(file, str(mine / "file.bin"), download=False) == mine / "file.bin"


def test_the_data_folder_is_in_the_cache_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNBRAID_DATA", raising=False)
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path))
    assert _download.data_folder() == tmp_path / "data"


def test_a_file_without_mirrors_names_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNBRAID_DATA", str(tmp_path))
    by_hand = RemoteFile("file.bin", (), page="https://example.org/page")
    with pytest.raises(UnbraidError, match=r"download https://example.org/page by hand") as error:
        locate(by_hand, None, download=True)
    assert "download=True" not in str(error.value)
