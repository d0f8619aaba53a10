"""Child processes that never outlive the process that started them.

Linux only in one respect: where `prctl` is missing, a killed parent leaves its children running.
"""

import ctypes
import gc
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1

# Loaded before any fork: between fork and exec the dynamic loader's locks may be held for ever.
LIBC = ctypes.CDLL(None, use_errno=True)

Output = int | IO[bytes] | None


def signal_me_when_parent_dies(wanted: signal.Signals) -> None:
    """Have the kernel send `wanted` to this process when the thread that started it ends.

    It is the *thread* that counts, not the process: whoever gets the signal compares `os.getppid()`
    with what it was before if that matters to him.
    """
    if hasattr(LIBC, "prctl"):
        LIBC.prctl(_PR_SET_PDEATHSIG, int(wanted), 0, 0, 0)


_USUAL_COLLECTING = gc.get_threshold()


def collect_rarely() -> None:
    """Let the garbage collector look less often from now on.

    What is loaded at a start is never garbage: looking through it over and over was a quarter of the start.
    """
    gc.set_threshold(100_000, 10, 10)


def keep_what_is_loaded() -> None:
    """Tell the garbage collector that what is there now stays as long as the process; it looks as often as usual again.

    That is some 170,000 objects of code and models: every full collection looked at them for 80 ms, while nobody was
    answered, and the end of a process for 0.7 s.
    """
    gc.freeze()
    gc.set_threshold(*_USUAL_COLLECTING)


def spawn(
    command: Sequence[str | Path],
    *,
    on_parent_death: signal.Signals = signal.SIGTERM,
    before_exec: Callable[[], None] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pass_fds: Collection[int] = (),
    stdin: Output = subprocess.DEVNULL,
    output: Output = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own that gets `on_parent_death` when this process dies.

    A session of its own keeps a terminal's Ctrl-C from the child: its parent stops it in order.

    Args:
        before_exec: runs in the child, between fork and exec; may drop privileges.
        output: where stdout and stderr go; the parent's when left out.
    Raises:
        RuntimeError: outside the main thread, since the child would die with the thread.
        OSError, subprocess.SubprocessError: it can't be started.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("Start child processes from the main thread: they end with the thread.")
    return subprocess.Popen(
        command,
        preexec_fn=_arrangement(before_exec, on_parent_death),  # noqa: PLW1509 - spawn runs in the main thread only
        start_new_session=True,
        env=None if env is None else dict(env),
        cwd=cwd,
        pass_fds=tuple(pass_fds),
        stdin=stdin,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
    )


def _arrangement(
    before_exec: Callable[[], None] | None, on_parent_death: signal.Signals
) -> Callable[[], None]:
    """What the child does between fork and exec."""
    parent = os.getpid()

    def arrange() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if before_exec:
            before_exec()
        # After the change of user, which clears it.
        signal_me_when_parent_dies(on_parent_death)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return arrange


def finish(child: subprocess.Popen[bytes], told: str = "") -> str:
    """Wait for a child with piped output and return what it said; it never outlives this call."""
    try:
        return child.communicate(told.encode() or None)[0].decode(errors="replace")
    except BaseException:
        end(child, signal.SIGKILL, 10)
        raise


def end(process: subprocess.Popen[bytes], wanted: signal.Signals, grace_s: float) -> bool:
    """Send `wanted` and wait; whether the process ended within `grace_s` seconds."""
    if process.poll() is None:
        process.send_signal(wanted)
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def children_of(pid: int) -> list[int]:
    """The processes whose parent is `pid`, as far as `/proc` shows them."""
    return [int(entry.name) for entry in _process_folders() if _stat(entry)[1:2] == [str(pid)]]


def is_alive(pid: int) -> bool:
    """Whether `pid` runs; one that has ended but was not yet waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _stat(Path(f"/proc/{pid}"))[:1] not in (["Z"], ["X"])


def _process_folders() -> list[Path]:
    try:
        return [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except FileNotFoundError:
        return []


def _stat(folder: Path) -> list[str]:
    """The fields of `/proc/<pid>/stat` after the name: state, parent, …; empty when it is gone."""
    try:
        # The name may hold blanks and parentheses: what counts begins after the last one.
        return (folder / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
