"""Names that are code, where a page forgets that they are text. Every one of them would ask this server for EVIL."""

EVIL = "/evil"
"""What no browser ever asks for, and no attribute of an element leads to."""

PAYLOADS = [
    f"<img src={EVIL} onerror=fetch('{EVIL}')>",
    f"<img src=x data-hx-on:error=\"fetch('{EVIL}')\">",
    f'<b hx-get="{EVIL}" hx-trigger="load">x</b>',
    f'<b data-hx-get="{EVIL}" data-hx-trigger="load">x</b>',
    f"<b hx-post='{EVIL}' hx-vals='js:{{a: fetch(\"{EVIL}\")}}' hx-trigger=load>x</b>",
    f"<b hx-get={EVIL} hx-trigger='load[fetch(\"{EVIL}\")]'>x</b>",
    f'<div id="notices" hx-swap-oob="true"><script src="{EVIL}"></script></div>',
    f'<div id="panel" hx-get="{EVIL}" hx-trigger="revealed"></div>',
    f"<script>fetch('{EVIL}')</script>",
    f'<script src="{EVIL}"></script>',
    f'<template><script src="{EVIL}"></script></template>',
    f"<svg onload=fetch('{EVIL}')>",
    f"<iframe src={EVIL}></iframe>",
    f'<link rel="stylesheet" href="{EVIL}">',
    f'<base href="{EVIL}/">',
    f'<meta http-equiv="refresh" content="0;url={EVIL}">',
    f'" hx-get="{EVIL}" hx-trigger="load" x="',
    f"' hx-get='{EVIL}' hx-trigger='load' x='",
    f'</title></textarea></option></select><img src="{EVIL}">',
    f'--><img src="{EVIL}"><!--',
    f'</td></tr></table><form action="{EVIL}"><button autofocus>x',
    f"{{{{7*7}}}}{{% include '{EVIL}' %}}${{7*7}}",
    f"javascript:fetch('{EVIL}')",
    f'\u202e<a href="{EVIL}" ping="{EVIL}" id="panel" autofocus>x</a>',
]
LONGEST_NAME = 200


def _names() -> list[str]:
    """Return names as long as names may be, with one payload after the other."""
    found = [""]
    for payload in PAYLOADS:
        together = f"{found[-1]} {payload}".strip()
        if len(together) <= LONGEST_NAME:
            found[-1] = together
        else:
            found.append(payload)
    return found


NAMES = _names()
