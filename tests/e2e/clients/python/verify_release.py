#!/usr/bin/python3
"""Says whether a release lets an output go out, from gateway/screening/FORMAT.md
alone, with Python's library and `openssl`.

  verify_release.py KEY NOTE OUTPUT.json PSEUDONYM CHANNEL NOW

KEY is what `consentry screen key` prints, NOW in RFC 3339. Prints "holds", or
what does not agree.
"""
import base64, hashlib, json, os, pathlib  # noqa: E401
import struct, subprocess, sys, tempfile  # noqa: E401


def canonical(output):
    lines = []

    def line(path, value):
        value = value.encode()
        lines.append(path.encode() + b" %d:" % len(value) + value + b"\n")

    def money(path, value):
        line(path + ".currency", value.get("currency", ""))
        line(path + ".minorUnits", str(value.get("minorUnits", "0")))

    def texts(*names):
        for name in names:
            if output.get(name):
                line(name, output[name])

    texts("id", "kind", "model", "modelVersion", "experiment", "variant",
          "item", "text", "language")
    for entry in output.get("ranking", []):
        line("ranking", entry)
    for name in ("price", "basePrice"):
        if name in output:
            money(name, output[name])
    texts("label")
    if output.get("score"):
        line("score", struct.pack(">d", output["score"]).hex())
    if output.get("favourable"):
        line("favourable", "true")
    for entry in output.get("inputCategories", []):
        line("inputCategories", entry)
    texts("explanation")
    for entry in output.get("evidence", []):
        line("evidence.source", entry.get("source", ""))
        if "time" in entry:
            line("evidence.time", entry["time"])
        for name in ("stock", "offerEnd", "count"):
            if name in entry:
                line("evidence." + name, entry[name])
        if "referencePrice" in entry:
            money("evidence.referencePrice", entry["referencePrice"])
    for entry in output.get("disclosures", []):
        line("disclosures", entry)
    if "deliverTime" in output:
        line("deliverTime", output["deliverTime"])
    return b"consentry output v1\n" + b"".join(lines)


def signed_by(key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        def put(name, data):
            pathlib.Path(folder, name).write_bytes(data)
            return os.path.join(folder, name)
        der = bytes.fromhex("302a300506032b6570032100") + key  # RFC 8410.
        return subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform",
             "DER", "-inkey", put("key", der), "-in", put("text", message),
             "-sigfile", put("signature", signature)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ).returncode == 0


def check(vkey, note, output, pseudonym, channel, now):
    name, key_id, key = vkey.split("+", 2)
    key = base64.b64decode(key)[1:]
    text, _, signatures = note.partition("\n\n")
    text += "\n"
    for each in signatures.splitlines():
        dash, who, blob = each.split(" ")
        blob = base64.b64decode(blob)
        if (dash == "\u2014" and who == name and blob[:4].hex() == key_id
                and signed_by(key, text.encode(), blob[4:])):
            break
    else:
        return "not signed by this key"
    digest = hashlib.sha256(canonical(output)).hexdigest()
    lines = text.split("\n")
    if lines[:2] != [name, "consentry release v1"]:
        return "not a release"
    if lines[2] != "digest sha256:" + digest:
        return "the output"
    if lines[3] != "pseudonym " + pseudonym:
        return "the customer"
    if lines[4] != "channel " + channel:
        return "the channel"
    # All are in UTC and sort as text, whole seconds of them.
    if now < output.get("deliverTime", "")[:len(now) - 1]:
        return "the time"
    return "holds" if now < lines[5].removeprefix("expires ") else "the time"


vkey, note, output, *rest = sys.argv[1:]
print(check(vkey, pathlib.Path(note).read_text(),
            json.loads(pathlib.Path(output).read_text()), *rest))
