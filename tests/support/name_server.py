"""A name server on loopback, over UDP and TCP, that publishes what it is told to and answers as it is told to."""

import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.flags import TC
from dns.message import Message

SILENT = "silent"
"""Take the question and never answer."""
FAILING = "failing"
REFUSING = "refusing"
RCODES = {FAILING: dns.rcode.SERVFAIL, REFUSING: dns.rcode.REFUSED}


@dataclass
class NameServer:
    """What is published, by name, and how questions about a name are answered where not with that.

    `cut` says that no datagram holds the answer, so that it has to be asked for over TCP. `hits` counts the questions
    by how they came. `before` is called before each answer.
    """

    texts: dict[str, list[str]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    hits: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)
    before: Any = None
    address: str = ""

    def answer(self, raw: bytes, way: str) -> bytes | None:
        """Return what one question is answered with, or nothing."""
        question = dns.message.from_wire(raw)
        name = question.question[0].name.to_text(omit_final_dot=True)
        self.hits[way] += 1
        self.asked.append(name)
        if self.before is not None:
            self.before()
        trouble = self.troubles.get(name)
        return None if trouble == SILENT else self._response(question, name, trouble, way).to_wire(max_size=65_535)

    def _response(self, question: Message, name: str, trouble: str | None, way: str) -> Message:
        response = dns.message.make_response(question)
        if trouble is not None:
            response.set_rcode(RCODES[trouble])
        elif self.cut and way == "udp":
            response.flags |= TC
        elif not self._add(response, name):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response

    def _add(self, response: Message, name: str) -> bool:
        if name in self.aliases:
            alias = self.aliases[name]
            response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", f"{alias}."))
            return self._add(response, alias)
        if name not in self.texts:
            return False
        if self.texts[name]:
            quoted = [
                " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)) for text in self.texts[name]
            ]
            response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "TXT", *quoted))
        return True


@contextmanager
def running_name_server() -> Iterator[NameServer]:
    """Run a name server for the length of the block."""
    server = NameServer()

    class OverUdp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            raw, connection = self.request
            if (answer := server.answer(raw, "udp")) is not None:
                connection.sendto(answer, self.client_address)

    class OverTcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = int.from_bytes(self.rfile.read(2), "big")
            if (answer := server.answer(self.rfile.read(length), "tcp")) is not None:
                self.wfile.write(len(answer).to_bytes(2, "big") + answer)

    tcp, udp = _at_one_port(OverTcp, OverUdp)
    server.address = f"127.0.0.1:{tcp.server_address[1]}"
    threads = [threading.Thread(target=each.serve_forever, args=(0.01,), daemon=True) for each in (tcp, udp)]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        for each in (tcp, udp):
            each.shutdown()
            each.server_close()
        for thread in threads:
            thread.join()


def _at_one_port(
    over_tcp: type[socketserver.BaseRequestHandler], over_udp: type[socketserver.BaseRequestHandler]
) -> tuple[socketserver.ThreadingTCPServer, socketserver.ThreadingUDPServer]:
    """Listen for both at a port that is free for both: whoever asks a name server elsewhere may have it for UDP."""
    while True:
        tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), over_tcp)
        try:
            return tcp, socketserver.ThreadingUDPServer(tcp.server_address, over_udp)
        except OSError:
            tcp.server_close()
