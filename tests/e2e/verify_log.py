#!/usr/bin/python3
"""Verifies an exported audit log (C2SP tlog-tiles): a second verifier, written
from audit/FORMAT.md and RFC 6962 alone, with Python's library and `openssl`.

  verify_log.py FOLDER --key VKEY [--checkpoint FILE]

Prints a line of JSON; exits with 0 for sound, 2 for not sound, 1 for unknown.
"""
import argparse, base64, bisect, collections, hashlib, json, os  # noqa: E401
import pathlib, subprocess, sys, tempfile  # noqa: E401

def sha256(data):
    return hashlib.sha256(data).digest()

def read(path):
    return pathlib.Path(path).read_bytes()

def ed25519_holds(key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        def put(name, data):
            pathlib.Path(folder, name).write_bytes(data)
            return os.path.join(folder, name)
        der = bytes.fromhex("302a300506032b6570032100") + key  # RFC 8410.
        return len(signature) == 64 and not subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform",
             "DER", "-inkey", put("key", der), "-in", put("text", message),
             "-sigfile", put("signature", signature)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

def from_base64(text):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("not canonical base64")
    return data

def check_note(data, name, key_id, key):
    """The checkpoint of a note as (size, root), or the name of its fault."""
    try:
        note = data.decode("utf-8")
        split = note.rindex("\n\n") + 1
        text, lines = note[:split], note[split + 1:].split("\n")
        good = not lines.pop() and 0 < len(lines) <= 100 and not any(
            ord(c) < 32 and c != "\n" for c in note)
        signatures = []
        for line in lines:
            dash, signer, encoded = line.split(" ")
            raw = from_base64(encoded)
            good = good and dash == "\u2014" and signer and len(raw) > 4
            good = good and not any(c.isspace() or c == "+" for c in signer)
            signatures.append((signer, raw[:4], raw[4:]))
        body = text.split("\n")
        origin, size, root = body[0], int(body[1]), from_base64(body[2])
        if (not good or str(size) != body[1] or size < 0 or len(root) != 32
                or body.pop() or "" in body):
            raise ValueError
    except (ValueError, IndexError):
        return "malformed-checkpoint"
    mine = [s for n, i, s in signatures if (n, i) == (name, key_id)]
    if not mine:
        return "unknown-key"
    if not all(ed25519_holds(key, text.encode(), s) for s in mine):
        return "bad-signature"
    return (size, root) if origin == name else "other-log"

def root_of(row):
    """RFC 6962: pairs of a row make the next; an odd hash moves up."""
    while len(row) > 1:
        odd = row[-1:] if len(row) % 2 else []
        row = [sha256(b"\1" + row[i] + row[i + 1])
               for i in range(0, len(row) - 1, 2)] + odd
    return row[0] if row else sha256(b"")

def read_tile(folder, level, index, count):
    """A tile of a row of `count`, by its own name or that of another width."""
    number, rest = "%03d" % (index % 1000), index // 1000
    while rest:
        number, rest = "x%03d/%s" % (rest % 1000, number), rest // 1000
    full = os.path.join(folder, "tile", str(level), number)
    width, part = count - index * 256, full + ".p"
    paths = ["%s/%d" % (part, width)] * (0 < width < 256) + [full]
    if os.path.isdir(part):
        paths += [part + "/" + x for x in sorted(os.listdir(part))[-1:]]
    return next((read(p) for p in paths if os.path.isfile(p)), None)

def read_leaves(folder, size):
    leaves, index = [], 0
    while True:
        bundle, at = read_tile(folder, "entries", index, size), 2
        if bundle is None and index * 256 >= size:
            return leaves
        while bundle and at <= len(bundle):
            end = at + int.from_bytes(bundle[at - 2:at], "big")
            if end <= len(bundle):
                leaves.append(sha256(b"\0" + bundle[at:end]))
            at = end + 2
        index += 1

def read_stored(folder, size):
    tiles = [(read_tile(folder, 0, index, size) or b"")[:8192]
             for index in range((size + 255) // 256)]
    return [tile[i:i + 32] for tile in tiles
            for i in range(0, len(tile) - 31, 32)][:size]

def bad_tiles(folder, row, level=0):
    while row:
        for i in range(0, len(row), 256):
            if read_tile(folder, level, i // 256, len(row)) != b"".join(
                    row[i:i + 256]):
                yield "bad-tile", i << (8 * level)
        row = [root_of(row[i:i + 256]) for i in range(0, len(row) - 255, 256)]
        level += 1

def compare(standing, reference):
    """What was done: FORMAT.md, "Naming a fault"."""
    places = collections.defaultdict(list)
    for at, leaf in enumerate(reference):
        places[leaf].append(at)
    runs, i, j = [], 0, 0
    while i < len(standing) or j < len(reference):
        if standing[i:i + 1] == reference[j:j + 1]:
            i, j = i + 1, j + 1
            continue
        best = (len(standing) + len(reference), 0,
                len(standing) - i, len(reference) - j)
        for a in range(len(standing) - i):
            if a > best[0]:
                break
            known = places.get(standing[i + a], [])
            for b in known[bisect.bisect_left(known, j):][:1]:
                best = min(best, (a + b - j, abs(a - b + j), a, b - j))
        a, b = best[2:]
        runs.append((i, standing[i:i + a], reference[j:j + b]))
        i, j = i + a, j + b
    extra = collections.Counter(x for run in runs for x in run[1])
    if runs and extra == collections.Counter(x for r in runs for x in r[2]):
        return [("reordered", runs[0][0])]
    findings = []
    for at, too_many, lost in runs:
        both = min(len(too_many), len(lost))
        end, at_end = at + both, at + both == len(standing)
        findings += [("changed", at)] if both else []
        if len(lost) > both:
            findings.append(("tail-cut" if at_end else "removed", end))
        elif len(too_many) > both:
            known = all(x in places for x in too_many[both:])
            findings.append(("duplicated" if known else "inserted", end))
    return findings

def verify(folder, vkey, given):
    name, key_id, key = vkey.split("+", 2)
    key, key_id = from_base64(key), bytes.fromhex(key_id)
    if sha256(name.encode() + b"\n" + key)[:4] != key_id or key[0] != 1:
        raise ValueError("not an Ed25519 public key")
    path = os.path.join(folder, "checkpoint")
    notes = [read(path) if os.path.isfile(path) else None, given]
    own, given = [None if note is None else
                  check_note(note, name, key_id, key[1:]) for note in notes]
    findings = [(x, 0) for x in (own, given) if isinstance(x, str)]
    own, given = [None if isinstance(x, str) else x for x in (own, given)]
    anchors = sorted(x for x in (own, given) if x)
    size = anchors[-1][0] if anchors else 0
    leaves, stored = read_leaves(folder, size), read_stored(folder, size)

    def holds(anchor, row=leaves):
        return not anchor or (root_of(row[:anchor[0]]) == anchor[1]
                              and len(row) >= anchor[0])
    bad = [a for a in anchors if not holds(a)]
    vouched = [a for a in anchors if holds(a, stored)]
    if not anchors:
        findings = findings or [("missing-checkpoint", 0)]
    elif not bad:
        findings += compare(leaves, leaves[:size])
        findings += bad_tiles(folder, leaves[:size])
    elif own and holds(own) and not holds(given, stored):
        findings.append(("rewound", len(leaves) * (given[0] > len(leaves))))
    elif vouched and vouched[-1][0] and not holds(vouched[-1]):
        findings += compare(leaves, stored[:vouched[-1][0]])
    elif bad[0][0] > len(leaves):
        findings.append(("tail-cut", len(leaves)))
    else:
        good = max([a[0] for a in anchors if a[0] < bad[0][0]], default=0)
        findings.append(("root-mismatch", good))
    return {"ok": not findings, "entries": len(leaves),
            "signed_size": 0 if bad else size,
            "findings": [{"fault": f, "index": i} for f, i in findings]}

def main():
    parser = argparse.ArgumentParser()
    for name in ("folder", "--key", "--checkpoint"):
        parser.add_argument(name)
    args = parser.parse_args()
    try:
        given = read(args.checkpoint) if args.checkpoint else None
        report = verify(args.folder, args.key, given)
    except (AttributeError, OSError, ValueError) as error:
        sys.exit("verify_log.py: %s" % error)
    print(json.dumps(report))
    sys.exit(0 if report["ok"] else 2)

main()
