"""Three-way merge of texts: what is kept, what overlaps, and that no text is too long or too strange."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb.protocol.merge.text import UNITS_MAX, merge_text

POEM = "roses are red\nviolets are blue\n\nsugar is sweet\nand so are you\n"


@pytest.mark.parametrize(
    ("base", "older", "newer", "text"),
    [
        (POEM, POEM.replace("red", "white"), POEM.replace("sweet", "dear"),
         POEM.replace("red", "white").replace("sweet", "dear")),
        ("a\nb\nc", "a\nB\nc", "a\nb\nC", "a\nB\nC"),
        ("a\nb\nc", "a\nc", "a\nb\nC", "a\nC"),
        ("a\nb", "a\nb\nold", "a\nb\nnew", "a\nb\nold\nnew"),
        ("a\n", "a\nold\n", "a\nnew\n", "a\nold\nnew\n"),
        ("a\n", "a\nold", "a\nnew", "a\nold\nnew"),
        ("a\n", "a\nboth\nold\n", "a\nboth\nnew\n", "a\nboth\nold\nnew\n"),
        ("a", "top\na", "a\nend", "top\na\nend"),
        ("", "old", "new", "old\nnew"),
        ("", "same", "same", "same"),
        ("x", "", "", ""),
        ("I like tea", "I like green tea", "we like tea", "we like green tea"),
        ("one two three", "one three", "one two 3", "one 3"),
        ("buy milk, bread", "buy milk, eggs, bread", "buy oat milk, bread", "buy oat milk, eggs, bread"),
        ("a\r\nb\r\n", "a\r\nB\r\n", "A\r\nb\r\n", "A\r\nB\r\n"),
        ("a\nb\n", "a\r\nb\r\n", "a\nb\nc\n", "a\r\nb\r\nc\n"),
        ("cafe\u0301 x", "cafe\u0301 y", "the cafe\u0301 x", "the cafe\u0301 y"),
        ("\U0001f468\u200d\U0001f469 x", "\U0001f468\u200d\U0001f469 y", "so \U0001f468\u200d\U0001f469 x",
         "so \U0001f468\u200d\U0001f469 y"),
        ("a", "a\n", "b", "b\n"),
    ],
)  # fmt: skip
def test_edits_that_do_not_touch_are_all_made(base: str, older: str, newer: str, text: str) -> None:
    merged = merge_text(base, older, newer)
    assert (merged.text, merged.overlap) == (text, False)


@pytest.mark.parametrize(
    ("base", "older", "newer", "text"),
    [
        ("a", "b", "c", "c"),
        ("I like tea", "I like coffee", "I like water", "I like water"),
        ("I like tea", "I like green tea", "I like black tea", "I like black tea"),
        ("start\nkeep a\nend", "START\nkeep b\nend", "start\nkeep c\nEND", "START\nkeep c\nEND"),
        ("a\nb\nc", "a\nc", "a\nb!\nc", "a\nb!\nc"),
        ("a\nb\nc", "a\nb!\nc", "a\nc", "a\nc"),
    ],
)
def test_where_both_changed_the_same_words_the_newer_stand(base: str, older: str, newer: str, text: str) -> None:
    merged = merge_text(base, older, newer)
    assert (merged.text, merged.overlap) == (text, True)


LINES = st.lists(st.lists(st.sampled_from("abcdé"), max_size=4).map(" ".join), max_size=8).map("\n".join)


@given(base=LINES, older=LINES, newer=LINES)
def test_every_word_a_side_added_is_there_unless_they_overlap(base: str, older: str, newer: str) -> None:
    merged = merge_text(base, older, newer)
    if merged.overlap:
        return
    for side, other in ((older, newer), (newer, older)):
        added = Counter(side.split()) - Counter(base.split())
        removed = Counter(base.split()) - Counter(other.split())
        assert not set(added) - set(removed) - set(merged.text.split()), "a word that nobody removed is lost"


@given(base=st.text(max_size=60), side=st.text(max_size=60))
def test_one_side_alone_is_taken_as_it_is(base: str, side: str) -> None:
    for older, newer in ((base, side), (side, base), (side, side)):
        merged = merge_text(base, older, newer)
        assert (merged.text, merged.overlap) == (side, False)


@given(data=st.data())
def test_edits_in_different_paragraphs_never_overlap(data: st.DataObject) -> None:
    base = [f"line {number} of the text" for number in range(12)]
    words = st.lists(st.sampled_from(["x", "yy", "é"]), min_size=1).map(" ".join)
    old_at, new_at = data.draw(st.integers(0, 4)), data.draw(st.integers(6, 11))
    older, newer, both = base.copy(), base.copy(), base.copy()
    older[old_at] = both[old_at] = data.draw(words)
    newer[new_at] = both[new_at] = data.draw(words)
    merged = merge_text("\n".join(base), "\n".join(older), "\n".join(newer))
    assert (merged.text, merged.overlap) == ("\n".join(both), False)


def test_a_stretch_too_long_to_compare_counts_as_changed_as_a_whole() -> None:
    """Nothing in it occurs once, so nothing tells how it lines up."""
    base = ["x", "y"] * UNITS_MAX
    older, newer = ["x", "y", "y", *base[:-1], "z"], [*base, "end"]
    merged = merge_text("\n".join(base), "\n".join(older), "\n".join(newer))
    assert merged.text.split("\n") == [*older, "end"], "an addition behind the stretch is not part of it"
    assert not merged.overlap
    newer = [*base[:UNITS_MAX], "q", *base[UNITS_MAX + 1 :]]
    merged = merge_text("\n".join(base), "\n".join(older), "\n".join(newer))
    assert (merged.text.split("\n"), merged.overlap) == (newer, True)


@pytest.mark.parametrize("kind", ["prose", "every other line", "two lines only", "one line", "blank lines"])
def test_a_megabyte_is_merged(kind: str) -> None:
    chance = random.Random(5)
    words = [f"w{number}" for number in range(3000)]
    lines = {
        "prose": [" ".join(chance.choices(words, k=9)) for _ in range(22_000)],
        "every other line": [f"line {number} " + "x" * 30 for number in range(22_000)],
        "two lines only": chance.choices(["x" * 50, "y" * 50], k=20_000),
        "one line": [" ".join(chance.choices(words, k=180_000))],
        "blank lines": [""] * 1_000_000,
    }[kind]
    older, newer = lines.copy(), lines.copy()
    if kind == "every other line":
        older[::2] = [f"{line} older" for line in older[::2]]
        newer[1::4] = [f"{line} newer" for line in newer[1::4]]
    else:
        older[0] = f"older {older[0]}"
        newer[-1] = f"{newer[-1]} newer"
    merged = merge_text("\n".join(lines), "\n".join(older), "\n".join(newer))
    assert not merged.overlap
    assert merged.text.count("newer") == "\n".join(newer).count("newer")
    assert merged.text.count("older") == "\n".join(older).count("older")
