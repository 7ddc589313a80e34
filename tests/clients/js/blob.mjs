// What a user of @azure/storage-blob does. Arguments: connection string, https URL of the account, bearer token, and a
// token for the container javascript that the program under test has made.
// Prints what came of it as JSON.
import {
  AccountSASPermissions, AccountSASResourceTypes, AccountSASServices, BlobBatchClient, BlobClient, BlobSASPermissions,
  BlobServiceClient, BlockBlobClient, ContainerClient, ContainerSASPermissions, SASProtocol,
  generateAccountSASQueryParameters, generateBlobSASQueryParameters,
} from "@azure/storage-blob";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";

const [connection, secureUrl, token, theirToken] = process.argv.slice(2);
const MiB = 1 << 20;
const out = {};
const noRetries = { retryOptions: { maxTries: 1 } };
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
const soon = (minutes = 30) => new Date(Date.now() + minutes * 60000);
const codeOf = async (promise) => {
  try {
    await promise;
    return null;
  } catch (error) {
    return error.code ?? error.details?.errorCode ?? String(error.statusCode ?? error);
  }
};

const service = BlobServiceClient.fromConnectionString(connection, noRetries);
const container = service.getContainerClient("javascript");
await container.create({ metadata: { color: "red", "x_1": "y" } });
out.metadata = (await container.getProperties()).metadata;

out.uploads = [];
for (const size of [0, 1, 8 * MiB + 3, 200 * MiB]) {
  const bytes = size === 0 ? Buffer.alloc(0) : Buffer.concat(Array(Math.ceil(size / MiB)).fill(randomBytes(MiB))).subarray(0, size);
  const blob = container.getBlockBlobClient(`size/${size}`);
  await blob.uploadData(bytes, { blockSize: 8 * MiB, concurrency: 4, maxSingleShotSize: 4 * MiB });
  const got = size === 0 ? (await blob.download()).contentLength === 0 && bytes
    : await blob.downloadToBuffer(0, size, { concurrency: 4 });
  out.uploads.push(hash(got) === hash(bytes));
}
const one = container.getBlockBlobClient("one put");
const whole = randomBytes(200 * MiB);
await one.upload(whole, whole.length, { blobHTTPHeaders: { blobContentType: "text/csv" } });
out.onePut = hash(await one.downloadToBuffer()) === hash(whole);
await container.getBlockBlobClient("streamed").uploadStream(Readable.from([whole.subarray(0, 9 * MiB)]), 4 * MiB, 2);
out.streamed = (await container.getBlockBlobClient("streamed").getBlockList("all")).committedBlocks.length;

const text = container.getBlockBlobClient("folder/ü & <ß>.csv");
await text.upload("a,b\n1,2\n", 8, {
  blobHTTPHeaders: { blobContentType: "text/csv", blobContentDisposition: "attachment" }, metadata: { k: "v", "a-b": "c".repeat(5) },
}).catch((error) => { out.badMetadata = error.code; });
await text.upload("a,b\n1,2\n", 8, { blobHTTPHeaders: { blobContentType: "text/csv" }, metadata: { k: "v", z_1: "1", aa: "2" } });
const properties = await text.getProperties();
out.properties = [properties.contentType, properties.metadata, properties.contentLength, properties.blobType];
out.range = await new Response((await text.download(2, 3)).readableStreamBody).text();
out.etag = await codeOf(text.upload("x", 1, { conditions: { ifMatch: '"0x1"' } }));
out.noneMatch = await codeOf(text.upload("x", 1, { conditions: { ifNoneMatch: "*" } }));
out.notModified = await codeOf(text.download(0, undefined, { conditions: { ifNoneMatch: properties.etag } }));
out.unmodifiedSince = await codeOf(text.download(0, undefined, { conditions: { ifUnmodifiedSince: soon(-60) } }));
const lease = text.getBlobLeaseClient();
await lease.acquireLease(60);
out.leased = await codeOf(text.delete());
await lease.releaseLease();
const copy = container.getBlockBlobClient("copy");
out.copied = (await (await copy.beginCopyFromURL(text.url)).pollUntilDone()).copyStatus;

out.list = [];
for await (const item of container.listBlobsByHierarchy("/", { prefix: "", includeMetadata: true }))
  out.list.push(item.kind === "prefix" ? `${item.name}*` : item.name);
const page = (await container.listBlobsFlat({ prefix: "size/" }).byPage({ maxPageSize: 3 }).next()).value;
out.page = [page.segment.blobItems.length, page.continuationToken !== ""];

const credential = service.credential;
const named = { containerName: "javascript", blobName: "folder/ü & <ß>.csv" };
const sasUrl = (sas, url = text.url) => `${url}?${sas}`;
out.sas = {};
// Each of these versions signs another string.
for (const version of ["2015-04-05", "2018-11-09", "2020-02-10", "2020-12-06", "2026-04-06"]) {
  const sas = generateBlobSASQueryParameters(
    { ...named, version, permissions: BlobSASPermissions.parse("r"), startsOn: soon(-5), expiresOn: soon(), contentType: "x/y" }, credential);
  const client = new BlobClient(sasUrl(sas), undefined, noRetries);
  out.sas[version] = [(await client.download()).contentType, await codeOf(client.delete())];
}
const list = generateBlobSASQueryParameters(
  { containerName: "javascript", permissions: ContainerSASPermissions.parse("l"), expiresOn: soon() }, credential);
let seen = 0;
for await (const item of new ContainerClient(sasUrl(list, container.url)).listBlobsFlat()) seen += item.name ? 1 : 0;
out.containerSas = seen;
const account = generateAccountSASQueryParameters({
  permissions: AccountSASPermissions.parse("rwdlc"), services: AccountSASServices.parse("b").toString(),
  resourceTypes: AccountSASResourceTypes.parse("sco").toString(), expiresOn: soon(), protocol: SASProtocol.HttpsAndHttp,
}, credential);
const byAccount = new BlobServiceClient(sasUrl(account, service.url), undefined, noRetries);
out.accountSas = (await byAccount.getContainerClient("javascript").getBlockBlobClient("new").upload("x", 1))._response.status;

const byTheirs = new ContainerClient(`${container.url}?${theirToken}`, undefined, noRetries);
await byTheirs.getBlockBlobClient("theirs").uploadData(whole.subarray(0, 9 * MiB + 1), { blockSize: 4 * MiB, maxSingleShotSize: MiB });
const theirs = await byTheirs.getBlobClient("theirs").downloadToBuffer();
out.theirToken = [hash(theirs) === hash(whole.subarray(0, 9 * MiB + 1)),
  await codeOf(new ContainerClient(`${service.url.replace(/\/$/, "")}/other?${theirToken}`, undefined, noRetries).getBlockBlobClient("x").upload("x", 1))];
await byTheirs.getBlobClient("theirs").delete();

// A key that belongs to a person, over https, and what it signs.
const secure = new BlobServiceClient(secureUrl, { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3600000 }) }, noRetries);
const key = await secure.getUserDelegationKey(soon(-5), soon(60));
out.delegated = {};
for (const version of ["2018-11-09", "2020-02-10", "2020-12-06", "2025-07-05", "2026-04-06"]) {
  const sas = generateBlobSASQueryParameters(
    { ...named, version, permissions: BlobSASPermissions.parse("r"), expiresOn: soon() }, key, service.accountName);
  const client = new BlobClient(sasUrl(sas, secure.getContainerClient("javascript").getBlobClient(named.blobName).url), undefined, noRetries);
  out.delegated[version] = await codeOf(client.download());
}
out.bearer = (await secure.getContainerClient("javascript").getBlobClient("copy").getProperties()).contentLength;
out.badBearer = await codeOf(new BlobServiceClient(secureUrl,
  { getToken: async () => ({ token: "a.b.c", expiresOnTimestamp: Date.now() + 3600000 }) }, noRetries).getProperties());

await service.setProperties({ cors: [{ allowedOrigins: "*", allowedMethods: "GET", allowedHeaders: "*", exposedHeaders: "*", maxAgeInSeconds: 5 }] });
out.cors = (await service.getProperties()).cors.length;
const preflight = await fetch(text.url, { method: "OPTIONS", headers: { Origin: "http://a.example", "Access-Control-Request-Method": "GET" } });
out.preflight = [preflight.status, preflight.headers.get("access-control-allow-origin")];
out.refused = [await codeOf(container.getAppendBlobClient("x").create()), await codeOf(container.getPageBlobClient("x").create(512)),
  await codeOf(text.createSnapshot())];
await container.delete();
out.gone = await codeOf(container.getProperties());
console.log(JSON.stringify(out));
