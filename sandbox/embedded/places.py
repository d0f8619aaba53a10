"""The folder of an embedded server: who owns it, where its socket is, and who holds it now."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.embedded.accounts import Account, account_for

# sun_path holds 108 bytes with its final zero.
_SOCKET_PATH_BYTES = 107
_LONGEST_SOCKET_NAME = ".s.PGSQL.65535.lock"
# What a connection URL carries as it is, in every client.
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
_LOG_BYTES = 8 << 20


class EmbeddedServerError(RuntimeError):
    """An embedded server can't be started; the sentence says why and what to do."""


@dataclass(frozen=True)
class Place:
    """A prepared folder: `sockets` and all that the server writes belong to `account`."""

    folder: Path
    sockets: Path
    account: Account

    @classmethod
    def prepare(cls, folder: Path) -> "Place":
        """Make the folder ready for its server; refuses one that the server can't be let into."""
        folder = folder.expanduser().resolve()
        account = account_for(folder)
        try:
            _own(folder, account)
            if account.is_other and not account.can_enter(folder):
                account = _let_through(account, folder)
            sockets = _socket_folder(folder, account)
            if account.is_other and account.capability is None and not account.can_enter(sockets):
                account = _let_through(account, sockets)
        except OSError as problem:
            raise EmbeddedServerError(f"The folder {folder} can't be used: {problem}.") from problem
        return cls(folder, sockets, account)

    def claim(self, name: str, is_leaving: Callable[[], bool], patience_s: float = 1.5) -> int:
        """The lock of the folder, as a file descriptor for the server to inherit.

        The server itself holds it, with all its processes, so it tells the truth even when the
        process that started the server was killed.

        Args:
            is_leaving: whether who holds it is on his way out, and worth a minute's wait.
        Raises:
            EmbeddedServerError: another server runs in this folder.
        """
        lock = self._open("lock", os.O_RDWR)
        begun = time.monotonic()
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = time.monotonic() - begun
                if waited > 60 or (waited > patience_s and not is_leaving()):
                    os.close(lock)
                    raise EmbeddedServerError(
                        f"Another {name} is already running in {self.folder}: stop it first, "
                        "or choose another DATA_DIR."
                    ) from None
                time.sleep(0.02)
            else:
                return lock

    def open_log(self, name: str) -> int:
        """A file descriptor that appends to the log; beyond 8 MB the old one is put aside."""
        path = self.folder / name
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return self._open(name, os.O_WRONLY | os.O_APPEND)

    def tail(self, name: str, lines: int = 15) -> str:
        """The last lines of the log, for an error's sentence."""
        try:
            with (self.folder / name).open("rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - 8000))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def within_reach(self, root: Path, parts: tuple[str, ...]) -> Path:
        """`root`, or a copy of its `parts` that the account can reach.

        PostgreSQL asks access(2) for its own programs, which ignores a kept capability: letting
        the account through is not enough here.
        """
        root = root.resolve()
        if not self.account.is_other or all(self.account.can_enter(root / part) for part in parts):
            return root
        seen = [f"{part} {(root / part).stat().st_mtime_ns}" for part in parts]
        copy = _short_folder("\n".join([str(root), *seen]))
        if not self.account.can_enter(copy.parent):
            raise EmbeddedServerError(
                f"User {self.account.uid}, who runs the server, can enter neither {root} nor {copy.parent}: "
                "point TMPDIR to a folder that he can enter."
            )
        _refuse_foreign(copy, os.geteuid())
        if not copy.exists():
            fresh = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
            for part in parts:
                shutil.copytree(root / part, fresh / part)
            for path in (fresh, *fresh.rglob("*")):
                path.chmod(0o755)
            try:
                fresh.rename(copy)
            except OSError:  # somebody else was faster, with the same content
                shutil.rmtree(fresh)
        return copy

    def leave(self) -> None:
        """Remove the socket's folder where it is not inside our own."""
        if not self.sockets.is_relative_to(self.folder):
            with contextlib.suppress(OSError):  # somebody has started again, or left a file there
                self.sockets.rmdir()

    def _open(self, name: str, flags: int) -> int:
        # Never through a link: the folder belongs to somebody who may be less than we are.
        opened = os.open(self.folder / name, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if self.account.is_other:
            os.fchown(opened, self.account.uid, self.account.gid)
        return opened


def _own(folder: Path, account: Account) -> None:
    """Create a folder that only the account can enter; what root left inside changes hands too."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account.is_other:
        for entry in folder.iterdir():
            _hand_over(entry, account)
        _hand_over(folder, account)
    owner = folder.stat().st_uid
    if owner != account.uid:
        raise PermissionError(f"it belongs to user {owner}, not to user {account.uid}")
    folder.chmod(0o700)


def _hand_over(path: Path, account: Account) -> None:
    found = path.lstat()
    if found.st_uid != 0:
        return
    os.chown(path, account.uid, account.gid, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode):
        for entry in path.iterdir():
            _hand_over(entry, account)


def _let_through(account: Account, folder: Path) -> Account:
    allowed = account.let_through()
    if allowed is None:
        raise EmbeddedServerError(
            f"The server runs as user {account.uid}, who can't enter {folder}: a parent folder is closed to "
            "him. Choose a DATA_DIR that he can reach, or start as the owner of that folder instead of root."
        )
    return allowed


def _socket_folder(folder: Path, account: Account) -> Path:
    wanted = folder / "run"
    if not _is_fit(wanted):
        wanted = _short_folder(str(folder))
        if not _is_fit(wanted):
            raise EmbeddedServerError(
                f"The path of a unix socket in {wanted} is too long or unusual: point TMPDIR to a short path."
            )
        _refuse_foreign(wanted, account.uid)
    _own(wanted, account)
    return wanted


def _is_fit(folder: Path) -> bool:
    longest = os.fsencode(folder / _LONGEST_SOCKET_NAME)
    return len(longest) <= _SOCKET_PATH_BYTES and bool(_PLAIN.fullmatch(str(folder)))


def _short_folder(meaning: str) -> Path:
    digest = hashlib.sha256(os.fsencode(meaning)).hexdigest()[:16]
    return Path(tempfile.gettempdir()).resolve() / f"xinyi-{digest}"


def _refuse_foreign(path: Path, uid: int) -> None:
    """A known name under a folder that all may write to: somebody may have been there first."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    is_ours = found.st_uid in (uid, os.geteuid()) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISDIR(found.st_mode) or not is_ours:
        raise EmbeddedServerError(f"{path} is not ours: remove it, or point TMPDIR to another folder.")
