"""How a file is encrypted: from a secret and the first bytes of the file to the key, or to a clear refusal.

An encrypted file begins with 16 bytes that stand there in plain. SQLite3 Multiple Ciphers keeps a salt in them and
does not look at it when it is given the key itself, so they are ours to fill:

    3 bytes  "BMD", what an encrypted file of ours begins with
    1 byte   how the secret becomes the key: 1 it is the key, 2 a passphrase through scrypt
    4 bytes  a check of the key: tells a wrong key from a damaged file
    8 bytes  by chance, the salt of all this

Rules of this room: nothing lies beside the file, so a file that is moved, copied or restored opens with its secret
alone; the bytes are read through SQLite, since closing a handle of our own would drop the locks it holds.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

import apsw

from bmaddb import errors as e
from bmaddb.entropy import Entropy

CIPHER: Final = "aegis"
KEY_BYTES: Final = 32
HEAD_BYTES: Final = 16
MAGIC: Final = b"BMD"
PLAIN_HEAD: Final = b"SQLite format 3\0"
PASSPHRASE_BYTES_MAX: Final = 1024
_HALF_A_LETTER: Final = re.compile("[\ud800-\udfff]")
_IS_THE_KEY: Final = 1
_SCRYPT: Final = 2
_SALT_BYTES: Final = 8
_CHECK_BYTES: Final = 4
_SCRYPT_COST: Final = {"n": 1 << 17, "r": 8, "p": 1, "maxmem": 192 << 20}
"""128 MiB and a few tenths of a second for each guess. Another cost is another kind of head."""


class Passphrase:
    """Words a person knows. The same words are the same passphrase, on whatever keyboard they are typed."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise e.StoreError(f"a passphrase is text, not {type(text).__name__}", hint="bytes are a `key`")
        if _HALF_A_LETTER.search(text):  # not left to encode(): its error holds the whole text
            raise e.StoreError("a passphrase may not hold an unpaired surrogate", hint="was it read as UTF-8?")
        self.text: Final = text

    def key(self, salt: bytes) -> bytes:
        """The key that belongs to a file with this salt."""
        import hashlib
        import unicodedata

        words = unicodedata.normalize("NFKC", self.text).encode()
        if not words or len(words) > PASSPHRASE_BYTES_MAX:
            raise e.StoreError(f"a passphrase has 1 to {PASSPHRASE_BYTES_MAX} bytes")
        return hashlib.scrypt(words, salt=salt, dklen=KEY_BYTES, **_SCRYPT_COST)


Secret: TypeAlias = bytes | Passphrase
"""What opens an encrypted file: the 32 bytes of its key, or a passphrase."""


class FileKey:
    """The key of one file, and the first bytes of that file; None for one whose first bytes say nothing to us."""

    __slots__ = ("head", "key")

    def __init__(self, key: bytes, head: bytes | None) -> None:
        self.key: Final = key
        self.head: Final = head

    @property
    def words(self) -> str:
        """As SQLite's `key` takes it."""
        return f"raw:{self.key.hex()}{(self.head or b'').hex()}"


def new_file_key(secret: Secret, entropy: Entropy) -> FileKey:
    """The key and the first bytes of a file that is about to be made."""
    salt = entropy.random_bytes(_SALT_BYTES)
    kind = _SCRYPT if isinstance(secret, Passphrase) else _IS_THE_KEY
    key = secret.key(salt) if isinstance(secret, Passphrase) else _checked(secret)
    return FileKey(key, MAGIC + bytes([kind]) + _check(key, salt) + salt)


def key_of_file(head: bytes, secret: Secret | None) -> FileKey | None:
    """What opens a file that begins with `head`; None for a plain one. WrongKey when `secret` does not."""
    if secret is None:
        if head.startswith(MAGIC):
            raise e.WrongKey("the file is encrypted", hint="open it with its key or its passphrase")
        return None
    if head == PLAIN_HEAD:
        raise e.WrongKey("the file is not encrypted", hint="open it without a key; db.rekey() encrypts it")
    if not head.startswith(MAGIC):
        if isinstance(secret, Passphrase):
            raise e.StoreCorrupt(
                "the file does not begin as an encrypted one does: it is damaged, or another program's",
                hint="restore a backup",
            )
        return FileKey(_checked(secret), None)
    kind, check, salt = head[3], head[4 : 4 + _CHECK_BYTES], head[-_SALT_BYTES:]
    if kind not in (_IS_THE_KEY, _SCRYPT):
        raise e.StoreError("a newer program encrypted this file", hint="update the program; the file is untouched")
    if isinstance(secret, Passphrase):
        if kind != _SCRYPT:
            raise e.WrongKey("the file is encrypted with a key, not with a passphrase", hint="give the key")
        key = secret.key(salt)
    else:
        key = _checked(secret)
    if _check(key, salt) != check:
        word = "passphrase" if isinstance(secret, Passphrase) else "key"
        raise e.WrongKey(f"the {word} is wrong", hint="the file itself is untouched and can be whole")
    return FileKey(key, head)


def read_head(path: str, vfs: str | None) -> bytes:
    """The first bytes of the file; empty when there is no file yet, or nothing in it."""
    flags = [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READONLY, 0]
    try:
        file = apsw.VFSFile(vfs or "", path, flags)
    except apsw.CantOpenError:
        return b""
    try:
        return file.xRead(HEAD_BYTES, 0) if file.xFileSize() >= HEAD_BYTES else b""
    finally:
        file.xClose()


def unlock(connection: apsw.Connection, key: FileKey) -> None:
    """Let the connection read and write what is encrypted with `key`."""
    if not hasattr(apsw, "mc_version"):
        raise e.StoreError("this apsw cannot encrypt", hint="install apsw-sqlite3mc instead of apsw")
    connection.pragma("cipher", CIPHER)
    connection.pragma("key", key.words)


def address(path: str, key: FileKey | None) -> str:
    """The file at `path` with its key, as a URI for `VACUUM INTO`; without a key it is plain."""
    from urllib.parse import quote

    secret = "" if key is None else key.words
    return f"file:{quote(path)}?cipher={CIPHER}&key={secret}"


def _checked(key: bytes) -> bytes:
    if not isinstance(key, bytes) or len(key) != KEY_BYTES:
        raise e.StoreError(f"a key is {KEY_BYTES} bytes", hint="bmaddb.keys.new_key() makes one")
    return key


def _check(key: bytes, salt: bytes) -> bytes:
    import hashlib

    return hashlib.blake2b(salt, key=key, digest_size=_CHECK_BYTES, person=b"bmaddb key check").digest()
