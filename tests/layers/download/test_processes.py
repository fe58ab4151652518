"""Several processes, one cache."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from layers.errors import LayerError
from layers.sources.download.cache import Cache
from layers.sources.download.transfer import fetch
from tests.layers.download.conftest import Fetch
from tests.layers.download.server import Answer, Server, pbf

SPAWN = multiprocessing.get_context("spawn")
PATH = "/land.osm.pbf"
BODY = pbf()
PATIENCE_S = 60


def fetch_in_process(url: str, folder: Path, answers: Queue[str]) -> None:
    answers.put("ready")
    try:
        entry = fetch(url, Cache(folder), checksum_url="md5", timeout=20, attempts=2)
        answers.put(f"{entry.sha256} {entry.fetched.isoformat()}")
    except LayerError as error:
        answers.put(str(error))


def add_in_process(folder: Path, source: Path, name: str, count: int, together: Barrier) -> None:
    cache = Cache(folder)
    together.wait(PATIENCE_S)
    for i in range(count):
        file = source / f"{name}-{i}"
        file.write_text(f"{name} {i}")
        cache.add(file, f"http://x.org/{name}/{i}")
        if i % 3 == 2:
            cache.remove(f"http://x.org/{name}/{i}")


def run(*processes: multiprocessing.process.BaseProcess) -> None:
    for process in processes:
        process.start()


def end(*processes: multiprocessing.process.BaseProcess) -> list[int | None]:
    for process in processes:
        process.join(PATIENCE_S)
        if process.is_alive():
            process.kill()
            process.join()
    return [process.exitcode for process in processes]


def test_two_processes_download_a_file_once(server: Server, cache: Cache) -> None:
    # The first answer stops in the middle until both processes are known to be there.
    url = server.put(PATH, Answer(BODY, hang_at=150_000), Answer(BODY))
    server.put_md5(PATH, BODY)
    answers: Queue[str] = SPAWN.Queue()
    both = [SPAWN.Process(target=fetch_in_process, args=(url, cache.folder, answers)) for _ in range(2)]
    run(*both)
    try:
        assert [answers.get(timeout=PATIENCE_S) for _ in both] == ["ready", "ready"]
        deadline = time.monotonic() + PATIENCE_S
        while not server.asked(PATH) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        assert len(server.asked(PATH)) == 1
        server.released.set()
        first, second = (answers.get(timeout=PATIENCE_S) for _ in both)
    finally:
        codes = end(*both)
    assert codes == [0, 0]
    entry = cache.get(url, verify=True)
    assert entry is not None
    assert first == second == f"{entry.sha256} {entry.fetched.isoformat()}"
    # Once cut, once gone on with: a second download would have begun without Range.
    assert ["Range" in headers for headers in server.asked(PATH)] == [False, True]
    assert len(server.asked(f"{PATH}.md5")) == 1


def test_what_another_brought_meanwhile_needs_no_second_refresh(
    server: Server, cache: Cache, bring: Fetch, tmp_path: Path
) -> None:
    url = server.put(PATH, BODY)
    old = bring(url)
    fresh = tmp_path / "fresh"
    fresh.write_bytes(pbf(2))
    with ThreadPoolExecutor(1) as pool:
        with cache.lock(url):
            waiting = pool.submit(bring, url, refresh=True)
            time.sleep(0.3)
            assert not waiting.done()
            new = cache.add(fresh, url)
        assert waiting.result(PATIENCE_S) == new != old
    assert len(server.asked(PATH)) == 1


def test_a_killed_process_leaves_nothing_good_and_no_lock(server: Server, cache: Cache, bring: Fetch) -> None:
    url = server.put(PATH, Answer(BODY, hang_at=200_000), Answer(BODY))
    answers: Queue[str] = SPAWN.Queue()
    process = SPAWN.Process(target=fetch_in_process, args=(url, cache.folder, answers))
    run(process)
    try:
        assert answers.get(timeout=PATIENCE_S) == "ready"
        part, deadline = cache.part(url), time.monotonic() + PATIENCE_S
        while not (part.is_file() and part.stat().st_size > 100_000) and time.monotonic() < deadline:
            time.sleep(0.02)
        # What another process is writing is not cleared from under it.
        assert cache.clear() == 0
        assert part.is_file()
    finally:
        process.kill()
        end(process)
    assert cache.get(url) is None
    entry = bring(url)
    assert entry.path.read_bytes() == BODY
    assert "Range" in server.asked(PATH)[-1]


def test_two_processes_that_write_the_index_keep_each_others_rows(cache: Cache, tmp_path: Path) -> None:
    count, together = 30, SPAWN.Barrier(2)
    shared = (count, together)
    both = [SPAWN.Process(target=add_in_process, args=(cache.folder, tmp_path, n, *shared)) for n in ("a", "b")]
    run(*both)
    assert end(*both) == [0, 0]
    kept = [f"http://x.org/{name}/{i}" for name in ("a", "b") for i in range(count) if i % 3 != 2]
    assert [e.url for e in cache.entries()] == sorted(kept)
    assert cache.check() == []
