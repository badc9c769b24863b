"""Which addresses belong to the public internet, and to nothing of ours."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NOT_PUBLIC = tuple(
    ip_network(block)
    for block in (
        "100.64.0.0/10",  # shared by carriers; some clouds keep their metadata here
        "168.63.129.16/32",  # a cloud's host agent, on an address that looks public
        "192.0.0.0/24",
        "192.88.99.0/24",
        "::/96",  # IPv6 that carries an IPv4 address: any of those could lead back inside
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/23",
        "2002::/16",
        "fec0::/10",
    )
)


def plain(address: str) -> IPv4Address | IPv6Address:
    """Without the scope of a link-local address; an IPv4 address that is mapped into IPv6 as itself."""
    ip = ip_address(address.partition("%")[0])
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


def is_public(address: str) -> bool:
    """Private, loopback, link-local, multicast, reserved and transition addresses are not."""
    ip = ip_address(address.partition("%")[0])
    inside = (
        ip.is_private
        or ip.is_loopback
        or ip.is_link_local
        or ip.is_multicast
        or ip.is_reserved
        or ip.is_unspecified
        or not ip.is_global
        or any(ip in block for block in _NOT_PUBLIC if block.version == ip.version)
    )
    return "%" not in address and not inside
