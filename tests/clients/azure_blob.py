"""What a user of azure-storage-blob does, against the endpoint whose connection string is the first argument; the
second is a token for the container python-one that the program under test has made. Prints what came of it as JSON.
Runs under the interpreter that Debian's python3-azure-storage belongs to."""

import datetime
import hashlib
import io
import json
import sys

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import (AccessPolicy, AccountSasPermissions, BlobBlock, BlobClient, BlobLeaseClient,
                                BlobSasPermissions, BlobServiceClient, ContainerClient, ContainerSasPermissions,
                                ContentSettings, CorsRule, PublicAccess, ResourceTypes, StandardBlobTier,
                                generate_account_sas, generate_blob_sas, generate_container_sas)

MIB = 1 << 20
out = {}


def pattern(size):
    """Bytes that differ from block to block, and cost little to make."""
    block = bytes(range(256)) * 4096
    whole = b"".join(index.to_bytes(8, "big") + block[8:] for index in range(size // MIB))
    return whole + bytes(index * 7 % 251 for index in range(size % MIB))


def code_of(call, *arguments, **options):
    """The error code of a call that fails; None when it does not."""
    try:
        call(*arguments, **options)
    except HttpResponseError as error:
        return error.error_code or f"{error.status_code}"
    return None


def soon(minutes=30):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)


def containers(service):
    client = service.create_container("python-one", metadata={"color": "red"})
    service.create_container("python-two", public_access=PublicAccess.Blob)
    out["exists"] = code_of(service.create_container, "python-one")
    out["missing"] = code_of(service.get_container_client("python-none").get_container_properties)
    listed = {c.name: c for c in service.list_containers(name_starts_with="python-", include_metadata=True)}
    out["containers"] = sorted(listed)
    out["container metadata"] = listed["python-one"].metadata
    out["public"] = listed["python-two"].public_access
    pages = service.list_containers(name_starts_with="python-", results_per_page=1).by_page()
    out["container pages"] = [[c.name for c in page] for page in pages]
    client.set_container_metadata({"color": "blue"})
    out["changed metadata"] = client.get_container_properties().metadata
    lease = client.acquire_lease(lease_duration=15)
    out["leased container"] = code_of(client.delete_container)
    out["lease state"] = client.get_container_properties().lease.state
    lease.release()
    policy = AccessPolicy(permission=ContainerSasPermissions(read=True, list=True), expiry=soon())
    client.set_container_access_policy({"readers": policy})
    out["policies"] = [p.id for p in client.get_container_access_policy()["signed_identifiers"]]
    return client


def uploads(client):
    sizes = [0, 1, 4 * MIB, 4 * MIB + 1, 200 * MIB]
    out["uploads"] = []
    for size in sizes:
        data = pattern(size)
        blob = client.get_blob_client(f"size/{size}")
        blob.upload_blob(io.BytesIO(data), length=size, overwrite=True, max_concurrency=4)
        got = blob.download_blob(max_concurrency=4).readall()
        out["uploads"].append(hashlib.sha256(got).digest() == hashlib.sha256(data).digest())
    big = client.get_blob_client(f"size/{200 * MIB}")
    out["committed blocks"] = len(big.get_block_list("all")[0])
    out["range"] = big.download_blob(offset=MIB - 4, length=12).readall().hex()
    out["checked range"] = len(big.download_blob(offset=0, length=4 * MIB, validate_content=True).readall())
    out["behind the end"] = code_of(big.download_blob, offset=300 * MIB, length=1)
    blob = client.get_blob_client("checked")
    blob.upload_blob(b"checked", validate_content=True)
    out["checked"] = blob.download_blob().readall().decode()


def blocks(client):
    blob = client.get_blob_client("blocks/odd name: ä+ &<>%2F")
    for name in ("a", "b", "c"):
        blob.stage_block(name * 8, (name * 10).encode())
    out["staged"] = [len(part) for part in blob.get_block_list("all")]
    blob.commit_block_list([BlobBlock("b" * 8), BlobBlock("a" * 8)], metadata={"k": "v"},
                           content_settings=ContentSettings(content_type="text/csv", content_language="en"))
    out["block content"] = blob.download_blob().readall().decode()
    properties = blob.get_blob_properties()
    out["block properties"] = [properties.name, properties.content_settings.content_type,
                               properties.content_settings.content_language, properties.metadata, properties.size]
    out["wrong block"] = code_of(blob.commit_block_list, [BlobBlock("z" * 8)])
    blob.stage_block("d" * 8, b"dddd")
    blob.commit_block_list([BlobBlock("a" * 8), BlobBlock("d" * 8)])
    out["reused block"] = blob.download_blob().readall().decode()


def conditions(client):
    blob = client.get_blob_client("conditions")
    first = blob.upload_blob(b"one")
    out["no overwrite"] = code_of(blob.upload_blob, b"two")
    blob.upload_blob(b"two", overwrite=True, etag=first["etag"], match_condition=MatchConditions.IfNotModified)
    out["stale"] = code_of(blob.upload_blob, b"three", overwrite=True, etag=first["etag"],
                           match_condition=MatchConditions.IfNotModified)
    out["not modified"] = code_of(blob.download_blob, etag=blob.get_blob_properties().etag,
                                  match_condition=MatchConditions.IfModified)
    blob.set_blob_metadata({"a": "1"})
    blob.set_http_headers(ContentSettings(content_type="text/plain", cache_control="no-store"))
    properties = blob.get_blob_properties()
    out["set"] = [properties.metadata, properties.content_settings.content_type,
                  properties.content_settings.cache_control]
    lease = BlobLeaseClient(blob)
    lease.acquire(lease_duration=15)
    out["leased"] = code_of(blob.upload_blob, b"x", overwrite=True)
    blob.upload_blob(b"leased", overwrite=True, lease=lease)
    out["wrong lease"] = code_of(blob.delete_blob, lease="11111111-1111-1111-1111-111111111111")
    lease.renew()
    lease.change("22222222-2222-2222-2222-222222222222")
    out["broken in"] = lease.break_lease(lease_break_period=0)
    out["broken"] = blob.get_blob_properties().lease.state
    copy = client.get_blob_client("copied")
    out["copy"] = copy.start_copy_from_url(blob.url)["copy_status"]
    out["copied"] = copy.download_blob().readall().decode()
    blob.delete_blob()
    out["deleted"] = [code_of(blob.get_blob_properties), blob.exists()]


def lists(client):
    for name in ("list/a/1", "list/a/2", "list/b", "list/c/x/y", "list/d"):
        client.upload_blob(name, b"", metadata={"m": name[-1]})
    out["list"] = [b.name for b in client.list_blobs(name_starts_with="list/")]
    out["walk"] = [b.name for b in client.walk_blobs(name_starts_with="list/", delimiter="/")]
    pages = client.list_blobs(name_starts_with="list/", results_per_page=2).by_page()
    out["pages"] = [[b.name for b in page] for page in pages]
    out["list metadata"] = [b.metadata for b in client.list_blobs(name_starts_with="list/d", include=["metadata"])]
    client.get_blob_client("list/uncommitted").stage_block("aaaa", b"x")
    out["uncommitted"] = [b.name for b in client.list_blobs(name_starts_with="list/u", include=["uncommittedblobs"])]


def signatures(service, client):
    account, key = service.account_name, service.credential.account_key
    target = dict(account_name=account, container_name=client.container_name)
    blob = client.get_blob_client("signed")
    blob.upload_blob(b"signed", overwrite=True)

    def with_sas(sas, name="signed"):
        return BlobClient(service.url, client.container_name, name, credential=sas)

    read = generate_blob_sas(**target, blob_name="signed", account_key=key, permission=BlobSasPermissions(read=True),
                             expiry=soon(), start=soon(-5), content_type="x/y", cache_control="private")
    reader = with_sas(read)
    got = reader.download_blob()
    out["sas read"] = [got.readall().decode(), got.properties.content_settings.content_type]
    out["sas no write"] = code_of(reader.upload_blob, b"no", overwrite=True)
    out["sas no other"] = code_of(with_sas(read, "checked").download_blob)
    create = generate_blob_sas(**target, blob_name="created", account_key=key, expiry=soon(),
                               permission=BlobSasPermissions(create=True))
    with_sas(create, "created").upload_blob(b"made")
    out["sas create"] = code_of(with_sas(create, "created").upload_blob, b"again", overwrite=True)
    expired = generate_blob_sas(**target, blob_name="signed", account_key=key, expiry=soon(-1),
                                permission=BlobSasPermissions(read=True))
    out["sas expired"] = code_of(with_sas(expired).download_blob)
    elsewhere = generate_blob_sas(**target, blob_name="signed", account_key=key, expiry=soon(), ip="10.1.2.3",
                                  permission=BlobSasPermissions(read=True))
    out["sas ip"] = code_of(with_sas(elsewhere).download_blob)
    tls = generate_blob_sas(**target, blob_name="signed", account_key=key, expiry=soon(), protocol="https",
                            permission=BlobSasPermissions(read=True))
    out["sas protocol"] = code_of(with_sas(tls).download_blob)
    stored = generate_container_sas(**target, account_key=key, policy_id="readers")
    listing = ContainerClient(service.url, client.container_name, credential=stored)
    out["sas policy"] = [len(list(listing.list_blobs(name_starts_with="signed"))),
                         code_of(listing.upload_blob, "no", b"")]
    whole = generate_account_sas(account, account_key=key, resource_types=ResourceTypes(service=True, container=True),
                                 permission=AccountSasPermissions(list=True, read=True), expiry=soon())
    by_account = BlobServiceClient(service.url, credential=whole)
    out["sas account"] = [any(c.name == "python-one" for c in by_account.list_containers()),
                          code_of(by_account.get_blob_client(client.container_name, "signed").download_blob)]
    wrong = BlobServiceClient(service.url, credential={"account_name": account, "account_key": "A" * 86 + "=="})
    out["wrong key"] = code_of(wrong.get_service_properties)
    out["anonymous"] = code_of(BlobClient(service.url, client.container_name, "signed").download_blob)
    service.get_container_client("python-two").upload_blob("open", b"open")
    out["public read"] = BlobClient(service.url, "python-two", "open").download_blob().readall().decode()


def their_token(service, token):
    """A token that was made by the other side."""
    client = ContainerClient(service.url, "python-one", credential=token)
    data = pattern(9 * MIB + 1)
    client.upload_blob("theirs", io.BytesIO(data), length=len(data), max_concurrency=2)
    out["their token"] = [client.download_blob("theirs").readall() == data,
                          [b.name for b in client.list_blobs(name_starts_with="theirs")],
                          code_of(client.get_blob_client("theirs").create_snapshot),
                          code_of(ContainerClient(service.url, "python-two", credential=token).upload_blob, "x", b"")]
    client.delete_blob("theirs")


def service_level(service):
    service.set_service_properties(cors=[CorsRule(["https://www.example.com"], ["GET", "PUT"], allowed_headers=["x-*"],
                                                  exposed_headers=["x-ms-*"], max_age_in_seconds=60)])
    out["cors"] = service.get_service_properties()["cors"][0].allowed_origins
    out["account"] = service.get_account_information()["account_kind"]


def refused(client):
    out["append"] = code_of(client.get_blob_client("append").create_append_blob)
    out["page"] = code_of(client.get_blob_client("page").create_page_blob, 512)
    out["snapshot"] = code_of(client.get_blob_client("checked").create_snapshot)
    out["tier"] = code_of(client.get_blob_client("checked").set_standard_blob_tier, StandardBlobTier.COOL)


def main():
    service = BlobServiceClient.from_connection_string(sys.argv[1], retry_total=0)
    client = containers(service)
    uploads(client)
    blocks(client)
    conditions(client)
    lists(client)
    signatures(service, client)
    their_token(service, sys.argv[2])
    service_level(service)
    refused(client)
    client.delete_container()
    out["gone"] = code_of(client.get_container_properties)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
