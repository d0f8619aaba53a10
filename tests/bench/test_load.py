"""The load client: whole answers only, closed and open loop, latencies from when a request was due."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.load import Figures, LoadFailed, drive, drive_at

ANSWER = b"HTTP/1.1 201 Created\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n12345"
REQUEST = b"GET / HTTP/1.1\r\n\r\n"


@contextmanager
def answering(pieces: list[bytes], pause_s: float = 0.0) -> Iterator[tuple[str, int]]:
    """A server for one connection at a time that answers each request with these pieces, a pause before each."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(peer,), daemon=True).start()

        def talk(peer: socket.socket) -> None:
            with peer:
                while peer.recv(4096):
                    for piece in pieces:
                        time.sleep(pause_s)
                        peer.sendall(piece)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_every_request_is_answered_once() -> None:
    with answering([ANSWER]) as address:
        figures = drive(address, 3, 30, [REQUEST] * 50)
    assert figures.count == 50 and figures.statuses == {201: 50} and figures.cpu_s > 0
    figures.must_be(201)


def test_an_answer_in_pieces_counts_when_it_is_whole() -> None:
    with answering([ANSWER[:10], ANSWER[10:-2], ANSWER[-2:]], pause_s=0.02) as address:
        figures = drive(address, 1, 30, [REQUEST] * 2)
    assert figures.statuses == {201: 2}
    assert min(figures.latencies) >= 0.06


def test_more_connections_than_requests_end_too() -> None:
    with answering([ANSWER]) as address:
        assert drive(address, 8, 30, [REQUEST] * 2).count == 2


def test_in_an_open_loop_a_latency_counts_from_when_the_request_was_due() -> None:
    """One connection that takes 0.1 s: the third of three that are due at once waits for the two before it."""
    with answering([ANSWER], pause_s=0.1) as address:
        figures = drive_at(address, 1, 1e6, [REQUEST] * 3)
    assert figures.statuses == {201: 3}
    assert [
        latency >= least for latency, least in zip(figures.latencies, (0.099, 0.199, 0.299), strict=True)
    ] == [True] * 3


def test_in_an_open_loop_nothing_is_sent_before_it_is_due() -> None:
    with answering([ANSWER]) as address:
        figures = drive_at(address, 4, 100, [REQUEST] * 30)
    # The moments are always the same: thirty gaps of 10 ms on average.
    assert figures.count == 30 and figures.seconds > 0.15


def test_a_connection_that_is_closed_ends_the_run() -> None:
    def hang_up() -> None:
        with listener.accept()[0] as peer:
            peer.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(LoadFailed, match="closed"):
            drive(listener.getsockname(), 1, 5, [REQUEST])


def test_a_wrong_status_is_no_figure() -> None:
    figures = Figures()
    with pytest.raises(LoadFailed, match="none"):
        figures.must_be(200)
    figures.latencies.append(0.1)
    figures.statuses[503] += 1
    with pytest.raises(LoadFailed, match="503"):
        figures.must_be(200)
