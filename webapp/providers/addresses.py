"""Which network addresses an identity provider may be at."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from webapp.config import with_port

Address = IPv4Address | IPv6Address
# RFC 6052, section 2.1: translators take these to the IPv4 address in their last 32 bits.
TRANSLATED = ip_network("64:ff9b::/96")


class PrivateProviders:
    """The hosts and networks where the instance lets identity providers be on private addresses.

    Args:
        words: host names, addresses and networks, as the setting PRIVATE_PROVIDERS has them; one with a port allows no
            other.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._hosts: set[tuple[str, int | None]] = set()
        self._networks: list[tuple[IPv4Network | IPv6Network, int | None]] = []
        for word in words:
            name, port = with_port(word)
            try:
                self._networks.append((ip_network(name), port))
            except ValueError:
                self._hosts.add((name, port))

    def lists(self, host: str, port: int, address: Address) -> bool:
        """Tell whether the instance allows this address, reached by this name and port, although it is private."""
        inner = embedded(address) or address
        is_named = not self._hosts.isdisjoint({(host, port), (host, None)})
        return is_named or any(inner in network and only in (port, None) for network, only in self._networks)


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public internet, also after every translation on the way there."""
    inner = embedded(address)
    if inner is not None:
        return is_public(inner)
    is_site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or is_site_local)


def embedded(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return None
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def parse(text: str) -> Address:
    """Return an address as the name service or a socket gives it, without the zone of a link-local one."""
    return ip_address(text.partition("%")[0])
