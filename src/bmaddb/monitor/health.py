"""Health: named checks by component, each healthy, degraded or failing, with a reason and a remedy.

Rules of this room: a check looks and changes nothing; one that cannot look is failing, and says why; a component that
is expected and registers nothing is not installed, which is no illness.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from bmaddb import errors as e

CHECKS_MAX: Final = 256
NOT_INSTALLED: Final = "not installed"


class State(enum.StrEnum):
    """How well it is, the best first."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    """It works, and somebody should look."""
    FAILING = "failing"
    """It does not do its work, or what it keeps is damaged."""


_ORDER: Final = {state: place for place, state in enumerate(State)}


def worst(states: Iterable[State]) -> State:
    """The worst of them; healthy when there are none."""
    return max(states, key=_ORDER.__getitem__, default=State.HEALTHY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check says: the reason also when it is healthy and there is something to say."""

    state: State = State.HEALTHY
    reason: str = ""
    remedy: str = ""


WELL: Final = Finding()
Check: TypeAlias = Callable[[], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckHealth:
    """One check and what it said."""

    name: str
    state: State
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentHealth:
    """A component is as well as its worst check; `installed` is False when it has none."""

    component: str
    checks: tuple[CheckHealth, ...]

    @property
    def installed(self) -> bool:
        return bool(self.checks)

    @property
    def state(self) -> State:
        return worst(check.state for check in self.checks)


class HealthRegistry:
    """The checks of every component, run in the order they came. `expected` components are told also without any."""

    def __init__(self, expected: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._checks: dict[str, dict[str, Check]] = {component: {} for component in expected}

    def register(self, component: str, name: str, check: Check) -> None:
        """Add a check; it is called at every look, on the thread that looks. SettingsError when the name is taken."""
        with self._lock:
            if sum(map(len, self._checks.values())) >= CHECKS_MAX:
                raise e.SettingsError(f"there are {CHECKS_MAX} health checks already", hint="join some of them")
            checks = self._checks.setdefault(component, {})
            if name in checks:
                raise e.SettingsError(f"{component} has a health check '{name}' already", hint="take another name")
            checks[name] = check

    def look(self) -> tuple[ComponentHealth, ...]:
        """Run every check."""
        with self._lock:
            found = {component: dict(checks) for component, checks in self._checks.items()}
        return tuple(
            ComponentHealth(component=component, checks=tuple(_run(name, check) for name, check in checks.items()))
            for component, checks in found.items()
        )


def _run(name: str, check: Check) -> CheckHealth:
    try:
        finding = check()
    except e.BmadError as error:
        finding = Finding(state=State.FAILING, reason=str(error), remedy=error.hint or "")
    except Exception as error:
        reason = f"the check itself failed: {type(error).__name__}"
        finding = Finding(state=State.FAILING, reason=reason, remedy="tell whoever wrote it")
    return CheckHealth(name=name, state=finding.state, reason=finding.reason, remedy=finding.remedy)
