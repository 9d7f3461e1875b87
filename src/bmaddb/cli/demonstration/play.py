"""The demo as a storyboard: each line is a scene, told as it goes, and proven at the end."""

from __future__ import annotations

import contextlib
import signal
import tempfile
from pathlib import Path

import psycopg

from bmaddb.cli.demonstration import proof, story
from bmaddb.cli.demonstration.stage import Stage, raised
from bmaddb.cli.demonstration.story import Device
from bmaddb.clock import Clock, SystemClock
from bmaddb.entropy import SystemEntropy, uuid7
from bmaddb.server.auth import TokenKeeper
from bmaddb.service.opening import open_database
from bmaddb.testing.proxy import Cut

TOKEN_SECONDS = 3600
PUSH, PULL = "bmad_push_v1", "bmad_pull_v1"


def play(*, keep: bool) -> bool:
    """Run the whole demo; True when every claim holds. With `keep` the server stays until Ctrl-C."""
    clock, entropy = _DemoClock(), SystemEntropy()
    secret = entropy.random_bytes(32).hex()
    with tempfile.TemporaryDirectory(prefix="bmaddb-demo-") as folder, contextlib.ExitStack() as opened:
        Path(folder).chmod(0o755)  # Postgres runs as a user of its own and must reach its data
        _tell(clock, "starting Postgres and the server (real processes)")
        with raised(Path(folder), secret) as stage:
            _tell(clock, f"the server is ready on {stage.server_url}")
            tokens = TokenKeeper(secret.encode(), clock)
            cast = _Cast.arrive(stage, tokens, opened, uuid7(entropy, clock.now_ms()), uuid7(entropy, clock.now_ms()))
            written = _play_scenes(cast, stage, clock)
            proven = _prove(cast, stage, clock, written)
            if keep:
                _stay(stage, cast, tokens)
            return proven


class _DemoClock(SystemClock):
    """Its monotonic time begins with the demo, so that what is told carries the time since then."""

    def __init__(self) -> None:
        self._began_ms = super().monotonic_ms()

    def monotonic_ms(self) -> float:
        return super().monotonic_ms() - self._began_ms


class _Cast:
    """Anna with a phone and a laptop, Ben with a tablet."""

    def __init__(self, phone: Device, laptop: Device, tablet: Device, anna: str, ben: str) -> None:
        self.phone, self.laptop, self.tablet = phone, laptop, tablet
        self.anna, self.ben = anna, ben

    @classmethod
    def arrive(cls, stage: Stage, tokens: TokenKeeper, opened: contextlib.ExitStack, anna: str, ben: str) -> _Cast:
        def device(name: str, user: str) -> Device:
            path = stage.folder / f"{name.replace(' ', '-').lower()}.db"
            token = tokens.mint(user, expires_in_s=TOKEN_SECONDS)
            return Device(name, opened.enter_context(open_database(path, user=user, url=stage.proxy.url, token=token)))

        return cls(device("Anna phone", anna), device("Anna laptop", anna), device("Ben tablet", ben), anna, ben)

    @property
    def everyone(self) -> tuple[Device, Device, Device]:
        return self.phone, self.laptop, self.tablet


def _play_scenes(cast: _Cast, stage: Stage, clock: Clock) -> int:
    """All scenes; answers how many different rows Anna wrote on her two devices."""
    stage.proxy.refuse()
    _tell(clock, "no network: everybody signs up, writes and plans on their own device")
    task_id = _work_offline(cast, clock)
    written = proof.different_rows(cast.phone.db, cast.laptop.db)
    report = cast.phone.db.sync()
    waiting = cast.phone.db.outbox.counts().total
    _tell(clock, f"{cast.phone.name} tries to sync: {report.result}; {waiting} transactions wait")
    stage.proxy.accept()
    _tell(clock, "the network is back, and is cut once between the server's commit and its answer")
    stage.proxy.cut_next(PUSH, Cut.AFTER_EFFECT)
    _sync(cast.phone, clock)
    _sync(cast.phone, clock)
    for device in (cast.laptop, cast.tablet, cast.phone):
        _sync(device, clock)
    stage.proxy.refuse()
    _tell(clock, "offline again: phone and laptop edit the same task, the same column and different ones")
    story.edit_task(cast.phone, task_id, title="Telefoon uit de slaapkamer (vanavond)", notes="oplader in de gang")
    _let_the_clock_move(clock)
    story.edit_task(cast.laptop, task_id, title="Telefoon beneden laten", priority=3)
    stage.proxy.accept()
    for device in (cast.phone, cast.laptop, cast.phone, cast.tablet):
        _sync(device, clock)
    _tell(clock, f"the task now: {story.merged_task(cast.phone, task_id)}")
    return written


def _let_the_clock_move(clock: Clock) -> None:
    """Of two edits within one millisecond either device may win, and the demo says beforehand which one does."""
    before_ms = clock.now_ms()
    while clock.now_ms() <= before_ms:
        pass


def _work_offline(cast: _Cast, clock: Clock) -> str:
    """Onboarding, life areas, journal, tasks, coaching, mood; answers the id of the task both will edit."""
    story.onboard(cast.phone, cast.anna, "Anna")
    story.choose_life_areas(cast.phone, "physical_health", "work", "leisure")
    story.keep_a_journal(cast.phone, "Slecht geslapen, vroeg licht.", "Wandeling om negen uur. Rustiger.")
    tasks = story.plan(cast.phone, "Beter slapen", "Telefoon uit de slaapkamer", "Om tien uur naar bed")
    story.talk_to_the_coach(cast.phone)
    _tell(clock, f"a failed transaction leaves no trace: {story.change_ones_mind(cast.phone)}")
    story.choose_life_areas(cast.laptop, "work", "growth")
    story.keep_a_journal(cast.laptop, "Laptop zonder internet in de trein.")
    story.onboard(cast.tablet, cast.ben, "Ben")
    story.keep_a_journal(cast.tablet, "Mijn eerste dag.")
    story.plan(cast.tablet, "Meer bewegen", "Fietsen naar het werk")
    for device in cast.everyone:
        _tell(clock, f"{device.name}: {device.db.outbox.counts().total} transactions wait in its file")
    return tasks[0].id


def _sync(device: Device, clock: Clock) -> None:
    report = device.db.sync()
    reason = f" ({report.failure.message})" if report.failure else ""
    _tell(
        clock,
        f"{device.name} syncs: {report.result}{reason}; {report.pushed_rows} rows up,"
        f" {report.pulled_rows} down, {report.conflicts} conflicts",
    )


def _prove(cast: _Cast, stage: Stage, clock: Clock, written: int) -> bool:
    with psycopg.connect(stage.conninfo, autocommit=True) as owner:
        findings = [
            proof.same_everywhere(owner, cast.anna, cast.phone.db, cast.laptop.db),
            proof.same_everywhere(owner, cast.ben, cast.tablet.db),
            proof.nothing_twice(owner, cast.anna, written, cast.phone.db),
            proof.verdicts(cast.phone.db, cast.laptop.db),
            proof.strangers(cast.tablet.db, cast.anna),
            proof.strangers(cast.phone.db, cast.ben),
        ]
    _tell(clock, "the proof")
    for finding in findings:
        print(f"  {'holds' if finding.holds else 'FAILS'}  {finding.claim}: {finding.detail}", flush=True)
    return all(finding.holds for finding in findings)


def _stay(stage: Stage, cast: _Cast, tokens: TokenKeeper) -> None:
    token = tokens.mint(cast.anna, expires_in_s=TOKEN_SECONDS)
    print(
        "\nThe server stays up until Ctrl-C. Look around:\n"
        f"  curl -s {stage.server_url}/rest/v1/rpc/{PULL} -H 'Authorization: Bearer {token}'"
        ' -H \'Content-Type: application/json\' -d \'{"schema_version": 14, "device_id": "curl"}\'\n'
        f"  psql '{stage.conninfo}' -c 'select title, state, server_seq from bmad.tasks'\n"
        f"  sqlite3 files: {stage.folder}/*.db",
        flush=True,
    )
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


def _tell(clock: Clock, what: str) -> None:
    print(f"{clock.monotonic_ms() / 1000:8.2f}s  {what}", flush=True)
