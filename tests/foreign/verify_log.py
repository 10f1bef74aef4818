"""Verifies an exported log by the public formats alone: RFC 6962 (tree hashes, inclusion proofs), and C2SP's signed-note,
tlog-checkpoint, tlog-tiles and tlog-cosignature. Needs Python 3.11 and `cryptography`.

    verify_log.py DIR TRUST [INDEX ...]

TRUST is a file with the log's verifier key (`log = "…"`), those of its witnesses (`witnesses = […]`), and how many of
them may lie (`faulty = …`). Prints what was found as JSON: size, root, who cosigned and when, and of each entry named
by INDEX its leaf hash and inclusion proof. Exits with 1 and a sentence if anything does not hold.
"""

import base64
import hashlib
import json
import sys
import tomllib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519, COSIGNATURE_V1 = 0x01, 0x04
WIDTH = 256


class Refused(Exception):
    """Something does not hold; the text says what."""


def require(holds, what):
    if not holds:
        raise Refused(what)


def sha256(data):
    return hashlib.sha256(data).digest()


# RFC 6962, section 2.1


def leaf_hash(entry):
    return sha256(b"\x00" + entry)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def split(n):
    """The largest power of two smaller than n."""
    return 1 << (n - 1).bit_length() - 1


def tree_hash(hashes):
    if not hashes:
        return sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return node_hash(tree_hash(hashes[:k]), tree_hash(hashes[k:]))


def audit_path(index, hashes):
    """PATH(m, D[n]) of section 2.1.1."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if index < k:
        return audit_path(index, hashes[:k]) + [tree_hash(hashes[k:])]
    return audit_path(index - k, hashes[k:]) + [tree_hash(hashes[:k])]


def root_of_path(index, size, leaf, path):
    """The root that an audit path leads to; the algorithm of RFC 9162, section 2.1.3.2."""
    require(index < size, f"entry {index} lies beyond the tree")
    node, last, result = index, size - 1, leaf
    for sibling in path:
        require(last != 0, f"the proof of entry {index} is too long")
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1 and node != 0:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    require(last == 0, f"the proof of entry {index} is too short")
    return result


# C2SP signed-note, tlog-checkpoint, tlog-cosignature


def verifier_key(text):
    """`name+id+base64(algorithm || key)`, with the id that follows from the rest."""
    name, key_id, material = text.split("+", 2)
    material = base64.b64decode(material, validate=True)
    expected = sha256(name.encode() + b"\n" + material)[:4]
    require(bytes.fromhex(key_id) == expected, f"the key of {name} has another id than it says")
    return name, expected, material[0], Ed25519PublicKey.from_public_bytes(material[1:])


def read_note(data):
    text, found, lines = data.rpartition(b"\n\n")
    require(found and lines.endswith(b"\n"), "the checkpoint is no signed note")
    signatures = []
    for line in lines.decode().splitlines():
        require(line.startswith("\u2014 "), "a signature line of the checkpoint is malformed")
        name, _, encoded = line[2:].partition(" ")
        blob = base64.b64decode(encoded, validate=True)
        signatures.append((name, blob[:4], blob[4:]))
    return text + b"\n", signatures


def verified(key, signature, message, whose):
    try:
        key.verify(signature, message)
    except InvalidSignature:
        raise Refused(f"the signature of {whose} does not fit the checkpoint") from None


def check_checkpoint(data, trust):
    body, signatures = read_note(data)
    origin, size, root = body.decode().split("\n")[:3]
    name, key_id, algorithm, key = verifier_key(trust["log"])
    require(algorithm == ED25519, "the log's key is not one for checkpoints")
    require(origin == name, f"the checkpoint is of {origin}, not of {name}")
    own = [blob for signer, number, blob in signatures if (signer, number) == (name, key_id)]
    require(own, "the log did not sign the checkpoint")
    for blob in own:
        verified(key, blob, body, name)
    witnesses = {}
    for text in trust["witnesses"]:
        name, key_id, algorithm, key = verifier_key(text)
        require(algorithm == COSIGNATURE_V1, f"the key of {name} is not one for cosignatures")
        for signer, number, blob in signatures:
            if (signer, number) != (name, key_id):
                continue
            time = int.from_bytes(blob[:8], "big")
            verified(key, blob[8:], f"cosignature/v1\ntime {time}\n".encode() + body, name)
            witnesses[name] = time
    # So many that two forks cannot both have them.
    wanted = -(-(len(trust["witnesses"]) + trust["faulty"] + 1) // 2)
    require(len(witnesses) >= wanted, f"{len(witnesses)} witnesses cosigned, {wanted} are wanted")
    require(str(int(size)) == size, "the size of the checkpoint is malformed")
    return int(size), base64.b64decode(root, validate=True), witnesses


# C2SP tlog-tiles


def tile_path(level, index, width):
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03}")
    path = f"tile/{level}/" + "/".join(reversed(groups))
    return path if width == WIDTH else f"{path}.p/{width}"


def row(level, count):
    """The tiles of a level that has so many hashes or entries."""
    for index in range(-(-count // WIDTH)):
        width = min(WIDTH, count - index * WIDTH)
        yield tile_path(level, index, width), index, width


def read_entries(folder, size):
    entries = []
    for path, _, width in row("entries", size):
        data, at = (folder / path).read_bytes(), 0
        for _ in range(width):
            length = int.from_bytes(data[at : at + 2], "big")
            require(at + 2 + length <= len(data), f"{path} ends within an entry")
            entries.append(data[at + 2 : at + 2 + length])
            at += 2 + length
        require(at == len(data), f"{path} has bytes after its last entry")
    return entries


def check_tiles(folder, hashes):
    """Each level's hashes are those of the full tiles below it."""
    level = 0
    while hashes:
        for path, index, width in row(level, len(hashes)):
            expected = b"".join(hashes[index * WIDTH : index * WIDTH + width])
            require((folder / path).read_bytes() == expected, f"{path} holds other hashes than the entries yield")
        full = len(hashes) // WIDTH
        hashes = [tree_hash(hashes[n * WIDTH : (n + 1) * WIDTH]) for n in range(full)]
        level += 1


def verify(folder, trust, indexes):
    size, root, witnesses = check_checkpoint((folder / "checkpoint").read_bytes(), trust)
    hashes = [leaf_hash(entry) for entry in read_entries(folder, size)]
    check_tiles(folder, hashes)
    require(tree_hash(hashes) == root, "the entries do not add up to the root of the checkpoint")
    proofs = {}
    for index in indexes:
        path = audit_path(index, hashes)
        require(root_of_path(index, size, hashes[index], path) == root, f"entry {index} is not proved")
        proofs[index] = {"leaf": hashes[index].hex(), "path": [part.hex() for part in path]}
    return {"size": size, "root": root.hex(), "witnesses": witnesses, "proofs": proofs}


def main(arguments):
    folder, trust, *indexes = arguments
    try:
        found = verify(Path(folder), tomllib.loads(Path(trust).read_text()), [int(index) for index in indexes])
    except (Refused, OSError, ValueError, IndexError) as refused:
        sys.exit(f"verify_log: {refused}")
    json.dump(found, sys.stdout, indent=1)


if __name__ == "__main__":
    main(sys.argv[1:])
