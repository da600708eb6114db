"""Document type declarations with which a gateway's answer could attack an XML client."""

from __future__ import annotations

from smsoffice.simulator.faults import Fault

_LAUGHS = "".join(f'<!ENTITY laugh{n} "{f"&laugh{n - 1};" * 10}">' for n in range(1, 10))

_DECLARATIONS = {
    Fault.DTD: '<!ENTITY status "0">',
    Fault.EXTERNAL_ENTITY: '<!ENTITY status SYSTEM "file:///etc/passwd">',
    Fault.ENTITY_BOMB: f'<!ENTITY laugh0 "0">{_LAUGHS}<!ENTITY status "&laugh9;">',
}


def hostile(root: str, fault: Fault) -> tuple[str, str] | None:
    """The DOCTYPE of a document with this root element, and the reference to write where a code belongs.

    None: the fault is none of these.
    """
    declarations = _DECLARATIONS.get(fault)
    return (f"<!DOCTYPE {root} [{declarations}]>", "&status;") if declarations else None
