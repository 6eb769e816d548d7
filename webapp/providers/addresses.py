"""Which network addresses an identity provider may be at."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
# RFC 6052, section 2.1: translators take these to the IPv4 address in their last 32 bits.
TRANSLATED = ip_network("64:ff9b::/96")


class PrivateProviders:
    """The hosts and networks where the instance lets identity providers be on private addresses.

    Args:
        words: host names, addresses and networks, as the setting PRIVATE_PROVIDERS has them.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        for word in words:
            try:
                self._networks.append(ip_network(word))
            except ValueError:
                self._hosts.add(word)

    def lists(self, host: str, address: Address) -> bool:
        """Tell whether the instance allows this address, reached by this host name, although it is private."""
        inner = embedded(address) or address
        return host in self._hosts or any(inner in network for network in self._networks)


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
