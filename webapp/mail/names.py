"""What people call themselves, made harmless in letters to others."""

import re
import unicodedata

# Everything a mail program may take for the dot of a domain (IDNA), before something that could be one.
_DOT = re.compile(r"[.\u3002\uff0e\uff61](?=\S[^\s.])")
_KEPT_INVISIBLE = "\u200c\u200d"


def defanged(name: str) -> str:
    """Return a name on one line that no mail program turns into a link or shows in a disguised order.

    Line breaks and control characters become spaces, invisible and direction-changing characters go (except the two
    joiners, which some scripts need), and `https://evil.example` becomes `https[:]//evil[.]example`. What a header
    would decode (RFC 2047) is broken up, so that none of this comes back.
    """
    visible = "".join(map(_visible, name))
    return _DOT.sub("[.]", " ".join(visible.split()).replace("://", "[:]//").replace("=?", "= ?"))


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in ("Cc", "Zl", "Zp", "Zs"):
        return " "
    return "" if kind in ("Cf", "Cs") and character not in _KEPT_INVISIBLE else character
