"""Words by whose start people are found, and keys by which lists are sorted; the same on both databases."""

import re
import unicodedata

MAX_WORD_CHARACTERS = 60
MAX_WORDS = 24
# Letters and digits: an underscore separates words, as other punctuation does.
_WORD = re.compile(r"[^\W_]+")


def single_line(text: str | None) -> str:
    """Return text without control characters and without space around it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text or "").split())


def fold(text: str) -> str:
    """Return `text` without case, accents and surrounding space."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character)).strip()


def words_of(*texts: str) -> list[str]:
    """Return the distinct words of names and addresses, folded, in order, at most 24."""
    found = dict.fromkeys(word[:MAX_WORD_CHARACTERS] for text in texts for word in _WORD.findall(fold(text)))
    return list(found)[:MAX_WORDS]


def sort_key(name: str) -> str:
    """Return the key by which lists order a name."""
    return fold(name)[:200]
