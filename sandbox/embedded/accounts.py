"""The user that an embedded server runs as: PostgreSQL refuses root, and Valkey needs no more."""

import ctypes
import os
import pwd
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from common.processes import LIBC

_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@dataclass(frozen=True)
class Account:
    """A user and group; `capability` is the one privilege it keeps, to get past closed parents."""

    uid: int
    gid: int
    capability: int | None = None

    @property
    def is_other(self) -> bool:
        """Whether it is somebody else than the user of this process."""
        return self.uid != os.geteuid()

    def can_enter(self, folder: Path) -> bool:
        """Whether the mode bits let it through every folder down to and including this one."""
        return all(self._may_search(step) for step in (folder, *folder.parents))

    def _may_search(self, folder: Path) -> bool:
        found = folder.stat()
        if self.uid == found.st_uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if self.gid == found.st_gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)

    def let_through(self) -> "Account | None":
        """The same account with the right to search any folder, where this process may give it."""
        for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
            if _permitted() & 1 << capability:
                return replace(self, capability=capability)
        return None

    def become(self) -> None:
        """Make this process run as the account, for good; for a child between fork and exec."""
        if not self.is_other:
            return
        os.setgroups([])
        os.setresgid(self.gid, self.gid, self.gid)
        if self.capability is not None:
            _must(LIBC.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
        os.setresuid(self.uid, self.uid, self.uid)
        if self.capability is not None:
            _keep_only(self.capability)


def account_for(folder: Path) -> Account:
    """Who is to run a server whose files are in `folder`: ourselves, or for root somebody harmless.

    For root that is the owner of the folder (of the nearest parent while it does not exist), or
    `nobody` where that is root again or has no entry in the user database, which initdb needs.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    found = next(path for path in (folder, *folder.parents) if path.exists()).stat()
    if found.st_uid != 0 and is_known(found.st_uid):
        return Account(found.st_uid, found.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Account(65534, 65534)
    return Account(nobody.pw_uid, nobody.pw_gid)


def is_known(uid: int) -> bool:
    """Whether a user has an entry in the user database, which initdb needs."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _permitted() -> int:
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        return 0
    return next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapPrm:"))


def _keep_only(capability: int) -> None:
    wanted = (_Capabilities * 2)()
    wanted[0].effective = wanted[0].permitted = wanted[0].inheritable = 1 << capability
    _must(LIBC.capset(ctypes.byref(_Header(_CAPABILITY_VERSION_3, 0)), wanted))
    # Ambient, else exec would take it from a program that is neither root nor marked.
    _must(LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def _must(answer: int) -> None:
    if answer != 0:
        raise OSError(ctypes.get_errno(), "The capability could not be kept")
