"""Frames out of a stream, however its pieces fall."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.protocol.frames import FrameReader

TEXTS = st.lists(st.binary(max_size=40).filter(lambda text: not {0x1E, 0x0A} & set(text)), max_size=8)


@given(texts=TEXTS, cuts=st.lists(st.integers(min_value=0, max_value=400), max_size=12))
def test_frames_come_whole_wherever_the_stream_is_cut(texts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(b"\x1e%s\n" % text for text in texts)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    reader = FrameReader(1_000)
    got = [frame for a, b in itertools.pairwise(places) for frame in reader.feed(stream[a:b])]
    reader.end()
    assert got == texts


def test_a_stream_cut_in_a_frame_is_no_whole_stream() -> None:
    reader = FrameReader(1_000)
    assert reader.feed(b"\x1eone\n\x1etw") == [b"one"]
    with pytest.raises(e.RemoteProtocolError):
        reader.end()


@pytest.mark.parametrize("stream", [b"one\n", b"\x1eone\x1etwo\n", b'{"a": 1}\n'])
def test_what_is_no_stream_of_frames_is_refused(stream: bytes) -> None:
    with pytest.raises(e.RemoteProtocolError):
        FrameReader(1_000).feed(stream)


def test_a_frame_has_an_end() -> None:
    with pytest.raises(e.RemoteProtocolError):
        FrameReader(10).feed(b"\x1e" + b"x" * 11)
