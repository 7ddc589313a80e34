// The sample code of the help pages. It runs as printed once the key is filled in (for batch execution also the storage
// account's connection string).
import { sampleRequest, type Shape } from "./shape";

export type SampleLanguage = "csharp" | "python" | "r";
export const sampleLanguages: { id: SampleLanguage; name: string }[] = [
  { id: "csharp", name: "C#" },
  { id: "python", name: "Python" },
  { id: "r", name: "R" },
];

interface Place {
  base: string; // .../workspaces/{w}/services/{s}
  shape: Shape;
}
const keyText = "abc123";

const request = (shape: Shape, indent: string) =>
  JSON.stringify(sampleRequest(shape), null, 4).replace(/\n/g, `\n${indent}`);
// Verbatim strings of C# double their quotes.
const csharpText = (text: string) => text.replace(/"/g, '""');

const rrsPython = ({ base, shape }: Place) => `# Python 3, its standard library alone.
import json
import sys
import urllib.error
import urllib.request

data = json.loads("""
${request(shape, "")}
""")

url = "${base}/execute?api-version=2.0&details=true"
api_key = "${keyText}"  # Replace this with the API key of the web service.
headers = {"Content-Type": "application/json", "Authorization": "Bearer " + api_key}

try:
    call = urllib.request.Request(url, json.dumps(data).encode("utf-8"), headers)
    with urllib.request.urlopen(call) as response:
        print(response.read().decode("utf-8"))
except urllib.error.HTTPError as error:
    print("The request failed with status code: " + str(error.code))
    # The headers include the request id and the timestamp, which help to find the failure.
    print(error.info())
    print(json.loads(error.read().decode("utf-8")))
    sys.exit(1)
`;

const rrsCsharp = ({ base, shape }: Place) => `// .NET or Mono, without further packages.
using System;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Threading.Tasks;

class Program
{
    static int Main(string[] args)
    {
        return InvokeRequestResponseService().GetAwaiter().GetResult();
    }

    static async Task<int> InvokeRequestResponseService()
    {
        const string apiKey = "${keyText}"; // Replace this with the API key of the web service.
        const string address = "${base}/execute?api-version=2.0&details=true";
        string body = @"
${csharpText(request(shape, ""))}
";
        using (var client = new HttpClient())
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
            var content = new StringContent(body, Encoding.UTF8, "application/json");

            // In a program with a user interface or in ASP.NET, waiting for the result of a task may block for ever:
            // use await all the way up, and ConfigureAwait(false) where nothing depends on the thread.
            HttpResponseMessage response = await client.PostAsync(address, content).ConfigureAwait(false);
            string text = await response.Content.ReadAsStringAsync().ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                Console.WriteLine(text);
                return 0;
            }
            Console.WriteLine("The request failed with status code: " + (int)response.StatusCode);
            // The headers include the request id and the timestamp, which help to find the failure.
            Console.WriteLine(response.Headers.ToString());
            Console.WriteLine(text);
            return 1;
        }
    }
}
`;

const rrsR = ({ base, shape }: Place) => `# R with the package httr.
library(httr)

url <- "${base}/execute?api-version=2.0&details=true"
api_key <- "${keyText}" # Replace this with the API key of the web service.

body <- '
${request(shape, "").replace(/\\/g, "\\\\").replace(/'/g, "\\'")}
'

response <- POST(url,
                 add_headers(Authorization = paste("Bearer", api_key)),
                 content_type_json(),
                 body = body)
if (status_code(response) >= 400) {
  cat("The request failed with status code:", status_code(response), "\\n")
  # The headers include the request id and the timestamp, which help to find the failure.
  print(headers(response))
  cat(content(response, "text", encoding = "UTF-8"), "\\n")
  quit(status = 1)
}
cat(content(response, "text", encoding = "UTF-8"), "\\n")
`;

const outputsOf = (shape: Shape) => shape.outputs.map((port) => port.name);

const besPython = ({ base, shape }: Place) => `# Python 3, its standard library alone. Uploads input.csv, scores it, and downloads the results.
import base64
import datetime
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request

url = "${base}/jobs"
api_key = "${keyText}"  # Replace this with the API key of the web service.
# Replace this with the connection string of your storage account.
connection_string = "DefaultEndpointsProtocol=http;AccountName=NAME;AccountKey=KEY;BlobEndpoint=ENDPOINT"
container = "mycontainer"
outputs = ${JSON.stringify(outputsOf(shape))}
headers = {"Content-Type": "application/json", "Authorization": "Bearer " + api_key}


def put_blob(path, query, body, more):
    """One PUT to the storage account, signed with its key."""
    account = dict(part.split("=", 1) for part in connection_string.split(";") if part)
    endpoint = account["BlobEndpoint"].rstrip("/")
    sent = {"x-ms-date": datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "x-ms-version": "2015-02-21", **more}
    folder = endpoint.split("/", 3)[3:]
    resource = "/" + account["AccountName"] + "".join("/" + part for part in folder) + path
    if query:
        resource += "\\n" + query.replace("=", ":")
    lines = "".join(name + ":" + value + "\\n" for name, value in sorted(sent.items()))
    text = "PUT\\n\\n\\n{}\\n\\napplication/octet-stream\\n\\n\\n\\n\\n\\n\\n{}{}".format(len(body) or "", lines, resource)
    key = base64.b64decode(account["AccountKey"])
    signature = base64.b64encode(hmac.new(key, text.encode("utf-8"), hashlib.sha256).digest()).decode()
    sent["Authorization"] = "SharedKey " + account["AccountName"] + ":" + signature
    sent["Content-Type"] = "application/octet-stream"
    address = endpoint + path + ("?" + query if query else "")
    urllib.request.urlopen(urllib.request.Request(address, body, sent, method="PUT")).close()


def call(method, address, body=None):
    request = urllib.request.Request(address, body, headers, method=method)
    with urllib.request.urlopen(request) as response:
        return response.read().decode("utf-8")


def main():
    # 1. Upload the input.
    try:
        put_blob("/" + container, "restype=container", b"", {})
    except urllib.error.HTTPError as error:
        if error.code != 409:  # It is there already.
            raise
    with open("input.csv", "rb") as file:
        put_blob("/" + container + "/input.csv", "", file.read(), {"x-ms-blob-type": "BlockBlob"})

    # 2. Submit a job over it.
    payload = {
        "Input": {"ConnectionString": connection_string, "RelativeLocation": "/" + container + "/input.csv"},
        "Outputs": {name: {"ConnectionString": connection_string,
                           "RelativeLocation": "/" + container + "/" + name + ".csv"} for name in outputs},
        "GlobalParameters": {},
    }
    job = json.loads(call("POST", url + "?api-version=2.0", json.dumps(payload).encode("utf-8")))
    print("Job ID: " + job)

    # 3. Start it.
    call("POST", url + "/" + job + "/start?api-version=2.0", b"")

    # 4. Ask for its state until it has ended.
    while True:
        status = json.loads(call("GET", url + "/" + job + "?api-version=2.0"))
        code = status["StatusCode"]
        if code in (4, "Finished"):
            break
        if code in (2, "Failed"):
            sys.exit("The job failed: " + str(status["Details"]))
        if code in (3, "Cancelled"):
            sys.exit("The job was cancelled.")
        time.sleep(1)

    # 5. Download the results.
    for name, place in status["Results"].items():
        link = place["BaseLocation"] + place["RelativeLocation"] + place["SasBlobToken"]
        with urllib.request.urlopen(link) as response, open(name + ".csv", "wb") as file:
            file.write(response.read())
        print("Result in " + name + ".csv")

    # 6. Remove the job.
    call("DELETE", url + "/" + job + "?api-version=2.0")


try:
    main()
except urllib.error.HTTPError as error:
    print("The request failed with status code: " + str(error.code))
    print(error.info())
    print(error.read().decode("utf-8"))
    sys.exit(1)
`;

const besCsharp = ({ base, shape }: Place) => `// .NET or Mono, without further packages. Uploads input.csv, scores it, and downloads the results.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;

class Program
{
    const string Address = "${base}/jobs";
    const string ApiKey = "${keyText}"; // Replace this with the API key of the web service.
    // Replace this with the connection string of your storage account.
    const string ConnectionString =
        "DefaultEndpointsProtocol=http;AccountName=NAME;AccountKey=KEY;BlobEndpoint=ENDPOINT";
    const string Container = "mycontainer";
    static readonly string[] Outputs = { ${outputsOf(shape).map((name) => JSON.stringify(name)).join(", ")} };
    static readonly HttpClient Client = new HttpClient();

    static int Main(string[] args)
    {
        return Run().GetAwaiter().GetResult();
    }

    // One PUT to the storage account, signed with its key.
    static async Task<HttpStatusCode> PutBlob(string path, string query, byte[] body, bool isBlob)
    {
        var account = ConnectionString.Split(new[] { ';' }, StringSplitOptions.RemoveEmptyEntries)
            .Select(part => part.Split(new[] { '=' }, 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        string endpoint = account["BlobEndpoint"].TrimEnd('/');
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            { "x-ms-date", DateTime.UtcNow.ToString("R") },
            { "x-ms-version", "2015-02-21" }
        };
        if (isBlob) headers["x-ms-blob-type"] = "BlockBlob";
        string folder = new Uri(endpoint).AbsolutePath.TrimEnd('/');
        string resource = "/" + account["AccountName"] + folder + path;
        if (query != "") resource += "\\n" + query.Replace('=', ':');
        string lines = string.Concat(headers.Select(one => one.Key + ":" + one.Value + "\\n"));
        string length = body.Length == 0 ? "" : body.Length.ToString();
        string text = "PUT\\n\\n\\n" + length + "\\n\\napplication/octet-stream\\n\\n\\n\\n\\n\\n\\n" + lines + resource;
        string signature;
        using (var hmac = new HMACSHA256(Convert.FromBase64String(account["AccountKey"])))
            signature = Convert.ToBase64String(hmac.ComputeHash(Encoding.UTF8.GetBytes(text)));
        var request = new HttpRequestMessage(HttpMethod.Put, endpoint + path + (query == "" ? "" : "?" + query));
        foreach (var one in headers) request.Headers.TryAddWithoutValidation(one.Key, one.Value);
        request.Headers.Authorization =
            new AuthenticationHeaderValue("SharedKey", account["AccountName"] + ":" + signature);
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return (await Client.SendAsync(request).ConfigureAwait(false)).StatusCode;
    }

    static async Task<string> Call(HttpMethod method, string address, string body)
    {
        var request = new HttpRequestMessage(method, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", ApiKey);
        if (body != null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        HttpResponseMessage response = await Client.SendAsync(request).ConfigureAwait(false);
        string text = await response.Content.ReadAsStringAsync().ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
            throw new Exception("The request failed with status code: " + (int)response.StatusCode + "\\n" +
                                response.Headers + text);
        return text;
    }

    static string Member(string json, string name)
    {
        return Regex.Unescape(Regex.Match(json, "\\"" + name + "\\"\\\\s*:\\\\s*\\"([^\\"]*)\\"").Groups[1].Value);
    }

    static async Task<int> Run()
    {
        // 1. Upload the input.
        await PutBlob("/" + Container, "restype=container", new byte[0], false);
        await PutBlob("/" + Container + "/input.csv", "", File.ReadAllBytes("input.csv"), true);

        // 2. Submit a job over it.
        Func<string, string> place = name => "{ \\"ConnectionString\\": \\"" + ConnectionString +
            "\\", \\"RelativeLocation\\": \\"/" + Container + "/" + name + "\\" }";
        string payload = "{ \\"Input\\": " + place("input.csv") + ", \\"Outputs\\": { " +
            string.Join(", ", Outputs.Select(name => "\\"" + name + "\\": " + place(name + ".csv"))) +
            " }, \\"GlobalParameters\\": {} }";
        string job = (await Call(HttpMethod.Post, Address + "?api-version=2.0", payload)).Trim('"');
        Console.WriteLine("Job ID: " + job);

        // 3. Start it.
        await Call(HttpMethod.Post, Address + "/" + job + "/start?api-version=2.0", "");

        // 4. Ask for its state until it has ended.
        string status, state;
        do
        {
            await Task.Delay(1000);
            status = await Call(HttpMethod.Get, Address + "/" + job + "?api-version=2.0", null);
            state = Regex.Match(status, "\\"StatusCode\\"\\\\s*:\\\\s*\\"?(\\\\w+)").Groups[1].Value;
        } while (state == "0" || state == "NotStarted" || state == "1" || state == "Running");
        if (state != "4" && state != "Finished")
        {
            Console.WriteLine("The job did not finish: " + status);
            return 1;
        }

        // 5. Download the results.
        foreach (string name in Outputs)
        {
            string result = Regex.Match(status, "\\"" + name + "\\"\\\\s*:\\\\s*(\\\\{[^}]*\\\\})").Groups[1].Value;
            string link = Member(result, "BaseLocation") + Member(result, "RelativeLocation") +
                Member(result, "SasBlobToken");
            File.WriteAllBytes(name + ".csv", await Client.GetByteArrayAsync(link));
            Console.WriteLine("Result in " + name + ".csv");
        }

        // 6. Remove the job.
        await Call(HttpMethod.Delete, Address + "/" + job + "?api-version=2.0", null);
        return 0;
    }
}
`;

const besR = ({ base, shape }: Place) => `# R with the packages httr, jsonlite and openssl. Uploads input.csv, scores it, and downloads the results.
library(httr)
library(jsonlite)

url <- "${base}/jobs"
api_key <- "${keyText}" # Replace this with the API key of the web service.
# Replace this with the connection string of your storage account.
connection_string <- "DefaultEndpointsProtocol=http;AccountName=NAME;AccountKey=KEY;BlobEndpoint=ENDPOINT"
container <- "mycontainer"
outputs <- c(${outputsOf(shape).map((name) => JSON.stringify(name)).join(", ")})

# One PUT to the storage account, signed with its key.
put_blob <- function(path, query, body, more) {
  parts <- strsplit(connection_string, ";")[[1]]
  account <- as.list(setNames(sub("^[^=]*=", "", parts), sub("=.*$", "", parts)))
  endpoint <- sub("/+$", "", account$BlobEndpoint)
  Sys.setlocale("LC_TIME", "C")
  sent <- c(more, "x-ms-date" = format(Sys.time(), "%a, %d %b %Y %H:%M:%S GMT", tz = "GMT"),
            "x-ms-version" = "2015-02-21")
  sent <- sent[order(names(sent))]
  folder <- sub("^[a-z]+://[^/]*", "", endpoint)
  resource <- paste0("/", account$AccountName, folder, path)
  if (query != "") resource <- paste0(resource, "\\n", sub("=", ":", query))
  lines <- paste0(names(sent), ":", sent, "\\n", collapse = "")
  size <- if (length(body) == 0) "" else as.character(length(body))
  text <- paste0("PUT\\n\\n\\n", size, "\\n\\napplication/octet-stream\\n\\n\\n\\n\\n\\n\\n", lines, resource)
  signature <- base64_enc(openssl::sha256(charToRaw(text), key = base64_dec(account$AccountKey)))
  address <- paste0(endpoint, path, if (query != "") paste0("?", query))
  PUT(address, add_headers(.headers = c(sent,
                                        Authorization = paste0("SharedKey ", account$AccountName, ":", signature))),
      content_type("application/octet-stream"), body = body)
}

checked <- function(response) {
  text <- content(response, "text", encoding = "UTF-8")
  if (status_code(response) >= 400) {
    cat("The request failed with status code:", status_code(response), "\\n")
    print(headers(response))
    cat(text, "\\n")
    quit(status = 1)
  }
  text
}
key_header <- add_headers(Authorization = paste("Bearer", api_key))

# 1. Upload the input.
invisible(put_blob(paste0("/", container), "restype=container", raw(0), c()))
input <- readBin("input.csv", "raw", file.info("input.csv")$size)
invisible(checked(put_blob(paste0("/", container, "/input.csv"), "", input, c("x-ms-blob-type" = "BlockBlob"))))

# 2. Submit a job over it.
place <- function(name) list(ConnectionString = connection_string, RelativeLocation = paste0("/", container, "/", name))
payload <- list(Input = place("input.csv"),
                Outputs = setNames(lapply(paste0(outputs, ".csv"), place), outputs),
                GlobalParameters = setNames(list(), character(0)))
job <- fromJSON(checked(POST(paste0(url, "?api-version=2.0"), key_header, content_type_json(),
                             body = toJSON(payload, auto_unbox = TRUE))))
cat("Job ID:", job, "\\n")

# 3. Start it.
invisible(checked(POST(paste0(url, "/", job, "/start?api-version=2.0"), key_header, content_type_json(), body = "")))

# 4. Ask for its state until it has ended.
repeat {
  status <- fromJSON(checked(GET(paste0(url, "/", job, "?api-version=2.0"), key_header)))
  if (!(status$StatusCode %in% c("0", "NotStarted", "1", "Running"))) break
  Sys.sleep(1)
}
if (!(status$StatusCode %in% c("4", "Finished"))) {
  cat("The job did not finish:", status$Details, "\\n")
  quit(status = 1)
}

# 5. Download the results.
for (name in outputs) {
  result <- status$Results[[name]]
  link <- paste0(result$BaseLocation, result$RelativeLocation, result$SasBlobToken)
  writeBin(content(GET(link), "raw"), paste0(name, ".csv"))
  cat("Result in", paste0(name, ".csv"), "\\n")
}

# 6. Remove the job.
invisible(checked(DELETE(paste0(url, "/", job, "?api-version=2.0"), key_header)))
`;

export const rrsSamples: Record<SampleLanguage, (place: Place) => string> = {
  csharp: rrsCsharp,
  python: rrsPython,
  r: rrsR,
};
export const besSamples: Record<SampleLanguage, (place: Place) => string> = {
  csharp: besCsharp,
  python: besPython,
  r: besR,
};
