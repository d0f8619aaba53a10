"""The command line: `python -m server <command> --help`."""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from common.processes import collect_rarely, keep_what_is_loaded
from server.config import ConfigError, Settings, database_url, load

EX_CONFIG = 78
EX_UNAVAILABLE = 69
EX_TEMPFAIL = 75


class OperatorError(Exception):
    """Something that the operator can mend: a sentence and an exit code."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit codes follow sysexits.h (78: the configuration is no good)."""
    options = _parser().parse_args(arguments)
    collect_rarely()
    needs_settings: bool = getattr(options, "needs_settings", True)
    command: Callable[[argparse.Namespace, Settings | None], int] = options.command
    try:
        return command(options, load(os.environ) if needs_settings else None)
    except ConfigError as error:
        print(f"The configuration is not usable; nothing was started.\n{error}", file=sys.stderr)
        return EX_CONFIG
    except OperatorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if error.filename is None:
            raise
        print(f"{error.filename}: {error.strerror}. Check its path and who may write there.", file=sys.stderr)
        return os.EX_IOERR
    finally:
        keep_what_is_loaded()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m server", description="信惠联 Xinyi Alliance: the service."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="command")

    def add(name: str, command: Callable[..., int], text: str, **defaults: object) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command, **defaults)
        return sub

    add(
        "web",
        _web,
        "serve HTTP at HOST:PORT with WORKERS processes until SIGTERM; SIGHUP restarts them in turn",
    )
    add("worker", _worker, "run the background process until SIGTERM")
    migrate = add(
        "migrate", _migrate, "bring the database to the newest migration; safe to start several times"
    )
    migrate.add_argument("--dry-run", action="store_true", help="only say what would be applied")
    migrate.add_argument(
        "--check-drift", action="store_true", help="fail if the models say more than the migrations"
    )
    add(
        "make-migration",
        _make_migration,
        "write the migration that brings the tables to the models (for developers)",
    )
    export = add(
        "export-ledger",
        _export_ledger,
        "write roots.jsonl and ledger.txt for docs/verify_ledger.py; needs nothing but DATABASE_URL",
        needs_settings=False,
    )
    export.add_argument("folder", help="where to; made if it is not there")
    add(
        "witness-root",
        _witness_root,
        "print the newest seal, which is signed, to be kept by somebody else; needs nothing but DATABASE_URL",
        needs_settings=False,
    )
    recount = add(
        "recount-numbers",
        _recount_numbers,
        "count the kept sums anew from the ledger and say where they differ; changes nothing; needs nothing but"
        " DATABASE_URL",
        needs_settings=False,
    )
    recount.add_argument(
        "--from", dest="first", type=date.fromisoformat, help="first day (default: a month ago)"
    )
    recount.add_argument("--to", dest="last", type=date.fromisoformat, help="last day (default: today)")
    again = add(
        "reapply-erasures",
        _reapply_erasures,
        "after a restore and before the service starts: erase whom the journal names and the backup still knows",
    )
    again.add_argument("--journal", help="the folder of erasures.jsonl (default: FILES_DIR)")
    retention = add(
        "retention",
        _retention,
        "say what is kept how long and how much of it is over; the worker deletes it by and by",
    )
    retention.add_argument("--delete", action="store_true", help="delete it now, a batch at a time")
    rotation = add(
        "rotate-keys",
        _rotate_keys,
        "seal all personal data anew with the first of DATA_KEYS while the service runs; safe to stop and start again",
    )
    rotation.add_argument("--dry-run", action="store_true", help="only count what would be sealed anew")
    add("check", _check, "check the configuration, the database and Redis; say what is wrong and what to do")
    add("config", _config, "show the effective configuration with secrets masked")
    document = add(
        "openapi",
        _openapi,
        "print the OpenAPI document; needs neither a database nor any setting",
        needs_settings=False,
    )
    document.add_argument(
        "--out", type=Path, help="write it to this file instead; left alone if it is the same"
    )
    add("new-secrets", _new_secrets, "print fresh secrets for a new installation", needs_settings=False)
    importing = add(
        "import-credit",
        _import_credit,
        "take in one signed batch of a credit source; the same again changes nothing, one that was cut off goes on",
    )
    importing.add_argument("folder", help="where its manifest.json, manifest.sig and files are")
    importing.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
    admin = add(
        "create-admin",
        _create_admin,
        "create an admin; asks for the password, prints the one-time-code secret",
    )
    admin.add_argument("--login", required=True, help="1 to 64 characters")
    admin.add_argument(
        "--region", default="330000", help="GB/T 2260 code that bounds the admin (default: %(default)s)"
    )
    admin.add_argument("--role", action="append", choices=["reviewer", "operator", "auditor", "head"],
                       help="may be given several times (default: all of them)")  # fmt: skip
    admin.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    child = add("web-worker", _web_worker, "one web process; started by `web`")
    child.add_argument("--listen-fd", type=int, required=True, help="the listening socket")
    child.add_argument("--ready-fd", type=int, required=True, help="told one byte when serving")
    child.add_argument(
        "--replaces", action="store_true", help="refuse while the schema is older than the code"
    )
    return parser


def _web(_: argparse.Namespace, settings: Settings) -> int:
    from prometheus_client.multiprocess import mark_process_dead

    from common.metrics import prepared_folder
    from server import supervisor

    command = [sys.executable, "-m", "server", "web-worker"]
    with prepared_folder():
        return supervisor.run(
            settings.workers, settings.host, settings.port, command=command, on_exit=mark_process_dead
        )


def _web_worker(options: argparse.Namespace, settings: Settings) -> int:
    from server.web_worker import serve

    serve(settings, options.listen_fd, options.ready_fd, replaces=options.replaces)
    return 0


def _worker(_: argparse.Namespace, settings: Settings) -> int:
    from server import worker
    from server.request_log import configure_logging

    if settings.ledger_signing_key is None:
        raise ConfigError("LEDGER_SIGNING_KEY: is not set; `python -m server new-secrets` prints a fresh one")
    configure_logging()
    keep_what_is_loaded()
    with _told_in_a_sentence():
        asyncio.run(worker.run(settings))
    return 0


@contextmanager
def _told_in_a_sentence() -> Iterator[None]:
    """Faults that an operator can mend end a command with a sentence instead of a traceback.

    Raises:
        OperatorError: what it is and what to do.
    """
    from server.checks import sentence_of
    from server.migrate import TablesHeld, WrongInstallation

    try:
        yield
    except WrongInstallation as error:
        raise OperatorError(str(error), EX_CONFIG) from error
    except TablesHeld as error:
        raise OperatorError(str(error), EX_TEMPFAIL) from error
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        raise OperatorError(f"database: {sentence}. Nothing was changed.", EX_UNAVAILABLE) from error


def _migrate(options: argparse.Namespace, settings: Settings) -> int:
    from server.migrate import drift, migrate

    if options.check_drift:
        found = asyncio.run(drift(settings.database_url))
        print("\n".join(found) or "models and migrations agree")
        return 1 if found else 0
    with _told_in_a_sentence():
        asyncio.run(migrate(settings.database_url, dry_run=options.dry_run, is_sandbox=settings.sandbox))
    return 0


def _make_migration(options: argparse.Namespace, settings: Settings) -> int:
    from server.migrate import write

    print(
        "\n".join(asyncio.run(write(settings.database_url)))
        or "nothing to write: models and migrations agree"
    )
    return 0


def _export_ledger(options: argparse.Namespace, _: None) -> int:
    from server.ledger_files import export

    with _told_in_a_sentence():
        print(asyncio.run(export(database_url(os.environ), Path(options.folder))))
    return 0


def _witness_root(_: argparse.Namespace, __: None) -> int:
    from server.ledger_files import witness

    with _told_in_a_sentence():
        text = asyncio.run(witness(database_url(os.environ)))
    print(text or "Nothing is sealed yet.", file=sys.stdout if text else sys.stderr)
    return 0 if text else 1


def _recount_numbers(options: argparse.Namespace, _: None) -> int:
    from server.recounts import recount

    with _told_in_a_sentence():
        found = asyncio.run(recount(database_url(os.environ), options.first, options.last))
    print("\n".join(found) or "the sums are what a recount gives")
    return 1 if found else 0


def _reapply_erasures(options: argparse.Namespace, settings: Settings) -> int:
    from server.erasures import JournalBroken, reapply

    folder = Path(options.journal) if options.journal else settings.files_folder
    try:
        with _told_in_a_sentence():
            print(asyncio.run(reapply(settings, folder)))
    except JournalBroken as error:
        raise OperatorError(
            f"{error} Nobody was erased. Mend or delete the line, then run this again.", os.EX_DATAERR
        ) from error
    return 0


def _retention(options: argparse.Namespace, settings: Settings) -> int:
    from server.retention import keep

    with _told_in_a_sentence():
        asyncio.run(keep(settings, print, is_dry_run=not options.delete))
    return 0


def _rotate_keys(options: argparse.Namespace, settings: Settings) -> int:
    from server.key_rotation import rotate
    from server.request_log import configure_logging

    configure_logging()
    with _told_in_a_sentence():
        is_done = asyncio.run(rotate(settings, print, is_dry_run=options.dry_run))
    return 0 if is_done else 1


def _import_credit(options: argparse.Namespace, settings: Settings) -> int:
    from server import batches

    with _told_in_a_sentence():
        said = asyncio.run(batches.import_credit(settings, Path(options.folder), is_dry_run=options.dry_run))
    print(said.text, file=sys.stdout if said.is_good else sys.stderr)
    return 0 if said.is_good else 1


def _check(_: argparse.Namespace, settings: Settings) -> int:
    from server.checks import check

    return 0 if asyncio.run(check(settings)) else EX_UNAVAILABLE


def _config(_: argparse.Namespace, settings: Settings) -> int:
    from server.config import shown

    for name, value in shown(settings).items():
        print(f"{name}={value}")
    return 0


def _openapi(options: argparse.Namespace, _: None) -> int:
    from pydantic_core import to_json

    from server.app import create_app
    from server.openapi import build_document

    # The routes alone are read; nothing is connected to.
    nowhere = {
        "SANDBOX": "1",
        "DATABASE_URL": "postgres://nobody@localhost/none",
        "REDIS_URL": "redis://localhost",
    }
    text = to_json(build_document(create_app(load(nowhere))), indent=1).decode() + "\n"
    out: Path | None = options.out
    if out is None:
        sys.stdout.write(text)
    elif not out.exists() or out.read_text(encoding="utf-8") != text:
        out.write_text(text, encoding="utf-8")
    return 0


def _new_secrets(_: argparse.Namespace, __: None) -> int:
    from server.config import new_secrets

    for name, value in new_secrets().items():
        print(f"{name}={value}")
    return 0


def _create_admin(options: argparse.Namespace, settings: Settings) -> int:
    from server.checks import create_admin

    try:
        typed = sys.stdin.readline().rstrip("\n") if options.password_stdin else getpass.getpass("Password: ")
    except EOFError:
        print("There is no terminal to ask for the password; use --password-stdin.", file=sys.stderr)
        return 1
    with _told_in_a_sentence():
        said = asyncio.run(create_admin(settings, options.login, typed, options.region, options.role))
    print(said.text, file=sys.stdout if said.is_good else sys.stderr)
    return 0 if said.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
