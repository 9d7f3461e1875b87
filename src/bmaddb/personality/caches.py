"""Which of a few hundred keys to keep: segmented LRU, and SIEVE. Keys only; whoever asks holds the values."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Final, Protocol, Self, TypeAlias

Key: TypeAlias = Hashable
PROTECTED_SHARE: Final = 0.8


class Cache(Protocol):
    """At most `size` keys. `hit` counts a use of a key that is held; `add` takes one in, and says what went for it."""

    size: int

    def __contains__(self, key: Key) -> bool: ...

    def __len__(self) -> int: ...

    def hit(self, key: Key) -> bool: ...

    def add(self, key: Key) -> Key | None: ...

    def drop(self, key: Key) -> None: ...

    def held(self) -> Iterable[Key]: ...

    def copy(self) -> Self:
        """Another that holds the same and will do the same."""
        ...

    def victim(self) -> Key | None:
        """What would go next; None while there is room."""
        ...


class SegmentedLru:
    """New keys are on probation; one that is used again is protected, until protected ones push it back.

    A scan of many keys, each used once, leaves the protected ones alone.
    """

    __slots__ = ("_probation", "_protected", "_protected_max", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._protected_max = max(1, int(size * PROTECTED_SHARE))
        self._probation: OrderedDict[Key, None] = OrderedDict()
        self._protected: OrderedDict[Key, None] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._protected or key in self._probation

    def __len__(self) -> int:
        return len(self._probation) + len(self._protected)

    def hit(self, key: Key) -> bool:
        """A use of `key`; False when it is not held."""
        if key in self._protected:
            self._protected.move_to_end(key)
            return True
        if key not in self._probation:
            return False
        del self._probation[key]
        self._protected[key] = None
        if len(self._protected) > self._protected_max:
            self._probation[self._protected.popitem(last=False)[0]] = None
        return True

    def add(self, key: Key) -> Key | None:
        """Take `key` in, if it is new; the answer is the key that went for it."""
        probation, protected = self._probation, self._protected
        if key in probation or key in protected:
            return None
        gone = None
        if len(probation) + len(protected) >= self.size:
            gone = (probation or protected).popitem(last=False)[0]
        probation[key] = None
        return gone

    def held(self) -> list[Key]:
        return [*self._probation, *self._protected]

    def copy(self) -> SegmentedLru:
        other = SegmentedLru(self.size)
        other._probation, other._protected = self._probation.copy(), self._protected.copy()
        return other

    def drop(self, key: Key) -> None:
        self._probation.pop(key, None)
        self._protected.pop(key, None)

    def victim(self) -> Key | None:
        probation, protected = self._probation, self._protected
        if len(probation) + len(protected) < self.size:
            return None
        return next(iter(probation or protected), None)


class _Node:
    __slots__ = ("key", "newer", "older", "used")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.used = False
        self.newer: _Node | None = None
        self.older: _Node | None = None


class Sieve:
    """First in, first out, but a hand that walks from the oldest to the newest spares what was used since (NSDI 2024).

    What is spared stays where it is, so new keys are sifted out quickly; that is what makes it another than CLOCK.
    """

    __slots__ = ("_hand", "_newest", "_nodes", "_oldest", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._nodes: dict[Key, _Node] = {}
        self._hand: _Node | None = None
        self._newest: _Node | None = None
        self._oldest: _Node | None = None

    def __contains__(self, key: Key) -> bool:
        return key in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def hit(self, key: Key) -> bool:
        """A use of `key`; False when it is not held."""
        node = self._nodes.get(key)
        if node is None:
            return False
        node.used = True
        return True

    def add(self, key: Key) -> Key | None:
        """Take `key` in, if it is new; the answer is the key that went for it."""
        if key in self._nodes:
            return None
        gone = self.victim()
        if gone is not None:
            self.drop(gone)
        node = self._nodes[key] = _Node(key)
        node.older = self._newest
        if self._newest is not None:
            self._newest.newer = node
        self._newest = node
        self._oldest = self._oldest or node
        return gone

    def held(self) -> list[Key]:
        return list(self._nodes)

    def copy(self) -> Sieve:
        other = Sieve(self.size)
        node = self._oldest
        while node is not None:
            other.add(node.key)
            other._nodes[node.key].used = node.used
            node = node.newer
        other._hand = None if self._hand is None else other._nodes[self._hand.key]
        return other

    def drop(self, key: Key) -> None:
        node = self._nodes.pop(key, None)
        if node is None:
            return
        if node is self._hand:
            self._hand = node.newer
        if node.older is None:
            self._oldest = node.newer
        else:
            node.older.newer = node.newer
        if node.newer is None:
            self._newest = node.older
        else:
            node.newer.older = node.older

    def victim(self) -> Key | None:
        if len(self._nodes) < self.size:
            return None
        node = self._hand or self._oldest
        while node is not None and node.used:
            node.used = False
            node = node.newer or self._oldest
        self._hand = node
        return None if node is None else node.key
