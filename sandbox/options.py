"""What `make run` can be told by the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class OptionError(Exception):
    """A variable has no usable value; one line for each, with what is needed."""


@dataclass(frozen=True)
class Options:
    """Where to serve and where the data is; a URL that is set means: start no such server here."""

    host: str
    port: int
    workers: int
    data_dir: Path
    database_url: str
    redis_url: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Options":
        """Read HOST, PORT, WORKERS, DATA_DIR, DATABASE_URL and REDIS_URL.

        Raises:
            OptionError: a value is out of its range.
        """
        problems: list[str] = []
        options = cls(
            host=environ.get("HOST") or "127.0.0.1",
            port=_number(environ, "PORT", 8000, 65535, problems),
            workers=_number(environ, "WORKERS", 2, 256, problems),
            data_dir=Path(environ.get("DATA_DIR") or ".data").expanduser().resolve(),
            database_url=environ.get("DATABASE_URL", ""),
            redis_url=environ.get("REDIS_URL", ""),
        )
        if problems:
            raise OptionError("\n".join(problems))
        return options

    @property
    def reached_at(self) -> str:
        """The host to ask from this machine: "all addresses" is none to connect to."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - only compared

    @property
    def is_for_this_machine_only(self) -> bool:
        """Whether nobody on another machine can reach it."""
        return self.host == "localhost" or self.host == "::1" or self.host.startswith("127.")

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the service."""
        host = f"[{self.reached_at}]" if ":" in self.reached_at else self.reached_at
        return f"http://{host}:{self.port}"


def _number(environ: Mapping[str, str], name: str, default: int, largest: int, problems: list[str]) -> int:
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= largest:
        problems.append(f"{name}={text[:20]}: a whole number from 1 to {largest} is needed.")
        return default
    return int(text)


OPEN_TO_OTHERS = """注意：HOST={host}，别的机器也能访问，而沙盒的账号和密码人人都知道。
Mind: with HOST={host} other machines can reach this sandbox, whose accounts and passwords everybody knows.
"""

WELCOME = """
信惠联已经启动，用时 {seconds:.1f} 秒。按 Ctrl-C 停止。
  首页        {url}/
  市民手机页  {url}/m/
  店员扫码页  {url}/m/#/pages/staff/sign-in
  联盟控制台  {url}/console/
  接口文档    {url}/api/docs
  运行状态    {url}/readyz
  市民登录    渠道 sandbox，登录码：demo-excellent、demo-good、demo-fair、demo-poor、demo-unrated，load-<n> 是任意多的人
  店员登录    demo-cashier、demo-cashier-2（同一商户的两家门店）、demo-other（另一商户）；密码与登录名相同
  管理员登录  demo-admin（全省）、demo-admin-hz（杭州）；密码与登录名相同
  数据目录    {data_dir}

Xinyi Alliance is up after {seconds:.1f} s. Ctrl-C stops it.
  Start       {url}/
  Phone page  {url}/m/
  Clerk page  {url}/m/#/pages/staff/sign-in
  Console     {url}/console/
  API docs    {url}/api/docs
  State       {url}/readyz
  Citizens    channel sandbox, codes: demo-excellent, demo-good, demo-fair, demo-poor, demo-unrated;
              load-<n> is as many people as you like
  Staff       demo-cashier, demo-cashier-2 (two stores of one member), demo-other (another member);
              the password is the login
  Admins      demo-admin (province), demo-admin-hz (Hangzhou); the password is the login
  Data        {data_dir}
"""
