#!/usr/bin/env python3
"""A client in Python over grpcio, made from the files of `consentry protos`.

    client.py PROTOS ADDRESS CERTIFICATES CUSTOMER

protoc must have written its *_pb2.py into PROTOS. There are no generated stubs:
methods are called by name. CERTIFICATES holds authority.pem and
{shop,newsletter,compliance}.{pem,key}. Prints what it was told, line by line;
clients/node/client.js prints the same.
"""

import pathlib
import socket
import ssl
import sys

import grpc

PROTOS, ADDRESS, CERTIFICATES, CUSTOMER = sys.argv[1:]
sys.path.insert(0, PROTOS)

from consentry.v1 import audit_service_pb2 as audit  # noqa: E402
from consentry.v1 import common_pb2 as common  # noqa: E402
from consentry.v1 import data_service_pb2 as data  # noqa: E402
from consentry.v1 import errors_pb2 as errors  # noqa: E402
from google.protobuf import descriptor_pool  # noqa: E402
from google.protobuf import message_factory  # noqa: E402
from google.rpc import error_details_pb2  # noqa: E402
from google.rpc import status_pb2  # noqa: E402


def pem(file):
    return (pathlib.Path(CERTIFICATES) / file).read_bytes()


def channel(client):
    pair = (None, None)
    if client:
        pair = (pem(client + ".key"), pem(client + ".pem"))
    return grpc.secure_channel(
        ADDRESS, grpc.ssl_channel_credentials(pem("authority.pem"), *pair))


def call(where, service, method, request):
    """Calls a method that its descriptor describes; a list if it streams."""
    pool = descriptor_pool.Default()
    found = pool.FindServiceByName("consentry.v1." + service)
    answer = found.methods_by_name[method].output_type
    arguments = dict(
        request_serializer=type(request).SerializeToString,
        response_deserializer=message_factory.MessageFactory(pool)
        .GetPrototype(answer).FromString)
    path = f"/consentry.v1.{service}/{method}"
    if method == "TailAuditEntries":
        return list(where.unary_stream(path, **arguments)(request, timeout=20))
    return where.unary_unary(path, **arguments)(request, timeout=20)


def error_info(error):
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                return info
    return None


def refused(title, run):
    try:
        run()
        print(title, "was not refused")
    except grpc.RpcError as error:
        info = error_info(error)
        print(title, error.code().name,
              f"{info.domain} {info.reason}" if info else "-")


def name(enum, value):
    """The name of a value without its type: EFFECT_DENY is "DENY"."""
    text = enum.Name(value)
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    return text.removeprefix(prefix)


def effect(value):
    return name(common.Effect, value)


def reason(value):
    return name(errors.ErrorReason, value)


def say_decision(title, decision):
    print(title, effect(decision.effect), reason(decision.reason))
    for field in decision.fields:
        print(" ", field.field, effect(field.effect), reason(field.reason))


def yes(value):
    return "true" if value else "false"


def handshake(version):
    """What the handshake comes to where both may choose up to `version`."""
    folder = pathlib.Path(CERTIFICATES)
    context = ssl.create_default_context(cafile=folder / "authority.pem")
    context.load_cert_chain(folder / "shop.pem", folder / "shop.key")
    context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    host, port = ADDRESS.split(":")
    try:
        with socket.create_connection((host, int(port)), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname=host) as tls:
                return f"{tls.version()} {tls.selected_alpn_protocol()}"
    except ssl.SSLError:
        return "refused"


def main():
    print("handshake up to 1.3:", handshake(ssl.TLSVersion.TLSv1_3))
    print("handshake up to 1.2:", handshake(ssl.TLSVersion.TLSv1_2))

    shop = channel("shop")
    email = CUSTOMER + "@shop.example"
    subject = common.SubjectRef(identifier=common.Identifier(
        type=common.IDENTIFIER_TYPE_EMAIL, value=email))
    service = "essential.service.operations"
    marketing = "marketing.communications.email"
    written = call(shop, "DataService", "WriteRecord", data.WriteRecordRequest(
        subjects=[subject], source="crm", kind="profile", source_key=CUSTOMER,
        purpose=service, legal_facts=data.LegalFacts(residence="DE"),
        values={"email": common.Value(string_value=email),
                "given_name": common.Value(string_value="Zoë")}))
    print("write", name(data.WriteOutcome, written.outcome))

    read = call(shop, "DataService", "ReadSubject", data.ReadSubjectRequest(
        subject=subject, purpose=service,
        fields=["profile.email", "profile.given_name"]))
    say_decision("read", read.decision)
    for field in read.fields:
        print("  released", field.name, field.value.string_value,
              name(common.Transform, field.transform), field.provenance.source)
    print("  same customer:", yes(read.subject_id == written.subject_id))

    letters = channel("newsletter")
    denied = call(letters, "DataService", "ReadSubject", data.ReadSubjectRequest(
        subject=subject, purpose=marketing, fields=["profile.email"],
        channel=common.CHANNEL_EMAIL))
    say_decision("denied", denied.decision)
    for field in denied.fields:
        print("  released", field.name)
    print("  customer:", denied.subject_id or "-")

    explain = data.ExplainDecisionRequest(decision_id=denied.decision.id)
    allowed = data.ReadSubjectRequest(
        subject=subject, purpose=service, fields=["profile.email"])
    refused("purpose of others:", lambda: call(
        shop, "DataService", "ReadSubject", data.ReadSubjectRequest(
            subject=subject, purpose="analytics.reporting",
            fields=["profile.email"])))
    refused("no field:", lambda: call(
        shop, "DataService", "ReadSubject",
        data.ReadSubjectRequest(subject=subject, purpose=service)))
    refused("own explanation:", lambda: call(
        letters, "DataService", "ExplainDecision", explain))
    refused("audit by a shop:", lambda: call(
        shop, "AuditService", "GetAuditLog", audit.GetAuditLogRequest()))
    refused("no certificate:", lambda: call(
        channel(""), "DataService", "ReadSubject", allowed))

    officer = channel("compliance")
    why = call(officer, "DataService", "ExplainDecision", explain)
    say_decision("explained", why.decision)
    print("  by", why.client_id, "for", why.purpose, "on",
          name(common.Channel, why.channel))
    print("  steps:", yes(why.steps), "replay:", yes(why.replay_agrees))

    page = call(officer, "AuditService", "QueryAuditEntries",
                audit.QueryAuditEntriesRequest(
                    subject=subject,
                    context=common.CallContext(reason_code="test")))
    for entry in page.entries:
        about = entry.subjects[0]
        print("entry", entry.event, entry.client_id, effect(about.effect),
              reason(about.reason))
    print("  has the denial:", yes(any(
        e.subjects[0].decision_id == denied.decision.id for e in page.entries)))

    entries = call(officer, "AuditService", "TailAuditEntries",
                   audit.TailAuditEntriesRequest(from_index=0))
    indices = [entry.index for entry in entries]
    print("stream from the first entry, none left out:",
          yes(len(indices) > 5 and indices == list(range(len(indices)))))


main()
