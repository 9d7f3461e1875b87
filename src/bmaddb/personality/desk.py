"""One database's adapting, switched on and off by what its user said: everything of this room behind one object.

Rules of this room: off means a plain read of the file, and nothing of it on the disk. What was said on another device
counts here as soon as it arrives.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from bmaddb import errors as e
from bmaddb.device.query import Query
from bmaddb.device.store import Store
from bmaddb.device.store.hooks import CommitFact
from bmaddb.personality import consent, state
from bmaddb.personality.adaptive import BUDGET_ROWS, CACHE_ROWS, AdaptiveCache
from bmaddb.personality.consent import Optimisation, Standing
from bmaddb.personality.guard import Guard
from bmaddb.personality.hints import table_wishes
from bmaddb.personality.indexes import Indexes, Measured
from bmaddb.personality.memory import Fetched, Memory
from bmaddb.personality.model import UseModel, prior_shares
from bmaddb.personality.optimiser import Optimised, Rule, optimise
from bmaddb.personality.patterns import patterns_of, run_pattern
from bmaddb.personality.presentation import Presentation, Reason, of_profile, suggested_order, why
from bmaddb.personality.profile import INFLUENCE_MAX, NOBODY, Profile, answered, declared, from_axes
from bmaddb.personality.tables import BASE_SHARES, VIEWS, index_wishes
from bmaddb.personality.views import Views
from bmaddb.schema import Record

R = TypeVar("R", bound=Record)
NOTHING: Final = Fetched(rows=0, by_view={}, worth=0.0)


class Personality:
    """What `db.personality` is. Usable from any thread.

    `wish_tables` is told the order of tables that a first sync should bring them in.
    """

    def __init__(self, store: Store, wish_tables: Callable[[Sequence[str]], None] | None = None) -> None:
        self._store = store
        self._wish_tables = wish_tables
        self._lock = threading.RLock()
        self._memory: Memory | None = None
        self._unclean = False
        self.indexes = Indexes(store)
        self.views = Views(store)
        self._standing = consent.standing(store)
        store.after_commit.append(self._heard)
        if self._standing.mode != "off":
            self._switched(self._standing)
        elif state.is_there(store) or self.indexes.built():
            self._unclean = True  # it was switched off while nobody here listened
            self._clean_up()

    # -- what the user says --------------------------------------------------------------------------------

    @property
    def standing(self) -> Standing:
        """Consent, mode, profile and influence, as they are in force."""
        return self._standing

    def consent(self, *, text: str, version: str, locale: str = "nl-NL", granted: bool = True) -> None:
        """Write down that the user agreed to the `text` they were shown, or refused: that ends as `withdraw` does."""
        consent.say(self._store, "granted" if granted else "refused", text=text, version=version, locale=locale)
        if not granted:
            self._erase()

    def withdraw(self) -> None:
        """Consent is withdrawn: off, the determinations of type and the insights that rest on one deleted, and all that
        was derived gone from the disk. Where there was a type, one row of the history is left that declines.

        StoreBusy when a snapshot keeps the log from being emptied; call it again then.
        """
        consent.withdraw(self._store)
        self._erase()

    def switch(self, mode: Optimisation) -> None:
        """`prior`: adapt to use, with the type as a guarded prior; `adaptive`: to use alone; `off`: not at all.

        ConsentMissing unless consent is in force, RecordInvalid (P5) while the type is declined. `off` leaves the
        profile and nothing else; StoreBusy as `withdraw`.
        """
        consent.switch(self._store, mode)
        if mode == "off":
            self._erase()

    def declare(self, code: str, *, influence: float = INFLUENCE_MAX) -> Profile:
        """The user names a type; RecordInvalid for what is none, ConsentMissing without consent."""
        return self._determine(declared(code), influence)

    def answer(self, answers: Mapping[int, int], *, influence: float = INFLUENCE_MAX) -> Profile:
        """The user answered `questions()`: number -> 1 to 5. RecordInvalid (M5: too few), ConsentMissing."""
        return self._determine(answered(answers), influence)

    def bring_in(self, axes: Mapping[str, float], *, influence: float = INFLUENCE_MAX) -> Profile:
        """A determination made elsewhere: ei, sn, tf, jp from -1 to 1. RecordInvalid, ConsentMissing.

        Nobody here saw how it came about, so its confidence is at most 0.6.
        """
        return self._determine(from_axes(axes, source="imported"), influence)

    def decline(self) -> Profile:
        """The user wants no type: they are treated as everybody, and it is off; that needs no consent.

        What was determined before stays in the history; StoreBusy as `withdraw`.
        """
        declined = self._determine(declared("", source="declined"), 0.0)
        self._erase()
        return declined

    def history(self) -> list[Any]:
        """Every determination, the newest first, as rows of `mbti_profiles`; at most 200."""
        return consent.history(self._store)

    # -- reading -------------------------------------------------------------------------------------------

    def get(self, record: type[R], row_id: str) -> R | None:
        """The row with this id, as the store gives it."""
        memory = self._memory
        return self._store.get(record, row_id) if memory is None else memory.get(record, row_id)

    def read(self, query: Query[R]) -> list[R]:
        """The rows of the query in its order, as `query.all()` gives them."""
        memory = self._memory
        if memory is None:
            return query.all()
        rows = query.all()
        self.indexes.asked(*query.statement(None))
        return rows

    def open(self, view: str) -> list[Any]:
        """The first rows of a view, at most 48; SettingsError for one that is not there."""
        memory = self._memory
        return self.views.query(view).all() if memory is None else memory.open(view)

    def begin_session(self, *, sparing: bool = False) -> Fetched:
        """Somebody begins: fetch ahead. `sparing` (battery saver, metered link): fetch nothing."""
        memory = self._memory
        if memory is None:
            self._clean_up()
        return NOTHING if memory is None or sparing else memory.begin_session()

    def idle(self, *, sparing: bool = False) -> Fetched:
        """Nothing is opened just now: fetch what may follow, as far as the session's budget goes."""
        memory = self._memory
        return NOTHING if memory is None or sparing else memory.idle()

    def plan(self, query: Query[R], *, rule: Rule = "adaptive") -> Optimised:
        """The same query, and a plan beside it."""
        return optimise(query, self._standing, self._model(), budget=BUDGET_ROWS, rule=rule)

    # -- showing -------------------------------------------------------------------------------------------

    def presentation(self) -> Presentation:
        """What may be suggested first, how much of it, in which tone; everybody's unless the mode is `prior`."""
        return of_profile(self._standing.profile if self._standing.mode == "prior" else NOBODY)

    def suggested(self, sections: Sequence[str]) -> list[str]:
        """The same sections, those expected next first. For a suggestion; never for an order somebody asked for."""
        return suggested_order(sections, self._shares()) if self._memory is not None else list(sections)

    def why(self, view: str) -> Reason:
        """Why a view is suggested where it is, in one sentence and in shares."""
        code = self._standing.profile.code if self._standing.mode == "prior" else None
        return why(view, self._model(), code, self._standing.weight)

    def patterns(self) -> tuple[str, ...]:
        """The names of queries that may be suggested; none unless the mode is `prior`."""
        code = self._standing.profile.code
        return () if code is None or self._standing.mode != "prior" else patterns_of(code)

    def run_pattern(self, pattern: str, **values: Any) -> list[dict[str, Any]]:
        """The rows of a pattern, the same for everybody. SettingsError for a name or a parameter that is not one."""
        return run_pattern(self._store, pattern, values)

    # -- idle time -----------------------------------------------------------------------------------------

    def try_indexes(self) -> list[Measured]:
        """Build the optional indexes the type would gain of, and keep those that help; only in mode `prior`."""
        code = self._standing.profile.code
        if code is None or self._standing.mode != "prior":
            return []
        return self.indexes.try_out(index_wishes(code))

    def table_wishes(self) -> tuple[str, ...]:
        """The tables a first sync should bring first; by what everybody opens unless something is switched on."""
        return table_wishes(self._store.catalog, self._shares())

    def save(self) -> int:
        """Write down what is known of use, for the next opening; the answer is how many rows that is.

        It is done anyway when the database closes, and every so many accesses in between.
        """
        memory = self._memory
        if memory is None:
            return 0
        return state.keep(self._store, memory.rows_to_keep(self._prior()), lambda: self._is_on(memory))

    def stop(self) -> None:
        """Save, and hold nothing any more; again is fine."""
        with self._lock:
            if self._heard in self._store.after_commit:
                self._store.after_commit.remove(self._heard)
            if self._memory is not None:
                self._save_quietly()
                self._memory.stop()
                self._memory = None
            self._clean_up()

    # -- inside --------------------------------------------------------------------------------------------

    def _determine(self, profile: Profile, influence: float) -> Profile:
        if not 0 <= influence <= 1:
            raise e.RecordInvalid(f"an influence of {influence} makes no sense", hint="0 to 1; more than 0.25 is 0.25")
        consent.determine(self._store, profile, influence)
        return profile

    def _heard(self, fact: CommitFact) -> None:
        """Somebody, here or on another device, said something."""
        if fact.tables & consent.TABLES:
            with self._lock:
                now = consent.standing(self._store)
                if now != self._standing:
                    self._switched(now)

    def _switched(self, now: Standing) -> None:
        before, self._standing = self._standing, now
        if now.mode == "off":
            if before.mode != "off" or before.consented:
                self._unclean = True  # whoever asked is told by their own call; else the next session tries again
                self._clean_up()
            return
        self._clean_up()  # what was to be gone when it was off is not begun with
        model, guard = UseModel(len(VIEWS)), Guard()
        if self._memory is not None:
            model, guard = self._memory.cache.model, self._memory.cache.guard
            self._memory.stop()
        elif not self._unclean:
            state.recall(self._store, model, guard)
        self._unclean = False  # what is saved from now on takes its place
        if now.mode != "prior":
            self.indexes.drop_all()
        cache = AdaptiveCache(
            now_ms=self._store.clock.now_ms,
            size=CACHE_ROWS,
            budget=BUDGET_ROWS,
            mode="guarded" if now.weight > 0 else "neutral",
            typed_prior=self._prior(),
            model=model,
            guard=guard,
        )
        self._memory = Memory(self._store, cache, self.views, self._save_quietly)
        if self._wish_tables is not None:
            self._wish_tables(self.table_wishes())

    def _save_quietly(self) -> None:
        """What was learnt is not worth a read that fails, or a database that does not close."""
        with contextlib.suppress(e.StoreError):
            self.save()

    def _is_on(self, memory: Memory) -> bool:
        """Is this still what counts, and does the file, which another process may have written, say so too?"""
        return self._memory is memory and consent.standing(self._store).mode != "off"

    def _erase(self) -> None:
        with self._lock:
            if self._memory is not None:
                self._memory.stop()
                self._memory = None
            self.indexes.drop_all()
            if self._wish_tables is not None:
                self._wish_tables(())
            state.forget(self._store)
            self._unclean = False

    def _clean_up(self) -> None:
        """Erase what somebody was in the way of when it was switched off: who writes, or a snapshot."""
        with self._lock:
            if self._unclean:
                with contextlib.suppress(e.StoreBusy):
                    self._erase()

    def _model(self) -> UseModel:
        return UseModel(len(VIEWS)) if self._memory is None else self._memory.cache.model

    def _prior(self) -> tuple[float, ...]:
        return prior_shares(self._standing.profile.code, self._standing.weight)

    def _shares(self) -> Sequence[float]:
        return BASE_SHARES if self._memory is None else self._model().shares(self._prior())
