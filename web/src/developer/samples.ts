// Sample code of an operation: the same call in several languages, without packages where the language has a client of
// its own. What stands in braces is to be filled in.
import type { Api, Operation, Representation } from "./data";

export interface SampleCall {
  method: string;
  url: string;
  headers: [string, string][];
  body: string | null;
}

const methodsWithBody = ["POST", "PUT", "PATCH"];
export const hasBody = (operation: Operation) =>
  methodsWithBody.includes(operation.method.toUpperCase()) || operation.request.representations.length > 0;

/** The first example of a body, as text. */
export function exampleOf(representations: Representation[]): string {
  const value = representations.flatMap((one) => Object.values(one.examples ?? {}))[0]?.value;
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

export function sampleCall(api: Api, operation: Operation): SampleCall {
  const query = [
    ...(api.versionQuery ? [api.versionQuery] : []),
    ...operation.request.queryParameters.map(({ name }) => `${encodeURIComponent(name)}={${name}}`),
  ];
  const address = api.gatewayUrl + operation.urlTemplate.replace(/\{\*/g, "{");
  const separator = address.includes("?") ? "&" : "?";
  const headers: [string, string][] = [];
  if (hasBody(operation))
    headers.push(["Content-Type", operation.request.representations[0]?.contentType ?? "application/json"]);
  for (const { name, defaultValue } of operation.request.headers)
    if (name.toLowerCase() !== "content-type") headers.push([name, defaultValue || `{${name}}`]);
  if (api.versionHeader) headers.push([api.versionHeader.name, api.versionHeader.value]);
  if (api.subscriptionRequired) headers.push([api.subscriptionKeyParameterNames.header, "{subscription key}"]);
  return {
    method: operation.method,
    url: query.length > 0 ? address + separator + query.join("&") : address,
    headers,
    body: hasBody(operation) ? exampleOf(operation.request.representations) || "{body}" : null,
  };
}

// A text in double quotes is the same in C#, Java, JavaScript, Python, R and Go.
const quoted = (text: string) => JSON.stringify(text);
const shell = (text: string) => `'${text.replace(/'/g, `'\\''`)}'`;
const php = (text: string) => `'${text.replace(/\\/g, "\\\\").replace(/'/g, "\\'")}'`;
const lines = (list: string[], indent: string, end = "\n") => list.map((line) => indent + line).join(end);

const curl = ({ method, url, headers, body }: SampleCall) =>
  [
    `curl --globoff --include --request ${method} ${shell(url)}`,
    ...headers.map(([name, value]) => `  --header ${shell(`${name}: ${value}`)}`),
    ...(body === null ? [] : [`  --data-raw ${shell(body)}`]),
  ].join(" \\\n");

const csharp = ({ method, url, headers, body }: SampleCall) => {
  const type = headers.find(([name]) => name === "Content-Type")?.[1] ?? "text/plain";
  const others = headers.filter(([name]) => name !== "Content-Type");
  return `using System;
using System.Net.Http;
using System.Text;
using System.Threading.Tasks;

class Program
{
    static void Main()
    {
        Call().GetAwaiter().GetResult();
    }

    static async Task Call()
    {
        using (var client = new HttpClient())
        using (var request = new HttpRequestMessage(new HttpMethod(${quoted(method)}), ${quoted(url)}))
        {
${lines(
  [
    ...others.map(([name, value]) => `request.Headers.TryAddWithoutValidation(${quoted(name)}, ${quoted(value)});`),
    ...(body === null
      ? []
      : [
          `request.Content = new StringContent(${quoted(body)}, Encoding.UTF8);`,
          `request.Content.Headers.Remove("Content-Type");`,
          `request.Content.Headers.TryAddWithoutValidation("Content-Type", ${quoted(type)});`,
        ]),
    "var response = await client.SendAsync(request);",
    'Console.WriteLine("{0} {1}", (int)response.StatusCode, response.ReasonPhrase);',
    "Console.WriteLine(await response.Content.ReadAsStringAsync());",
  ],
  "            ",
)}
        }
    }
}
`;
};

const java = ({ method, url, headers, body }: SampleCall) => `import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Sample {
    public static void main(String[] args) throws Exception {
        HttpRequest request = HttpRequest.newBuilder()
            .uri(URI.create(${quoted(url)}))
${headers.map(([name, value]) => `            .header(${quoted(name)}, ${quoted(value)})\n`).join("")}            .method(${quoted(method)}, ${body === null ? "HttpRequest.BodyPublishers.noBody()" : `HttpRequest.BodyPublishers.ofString(${quoted(body)})`})
            .build();
        HttpResponse<String> response = HttpClient.newHttpClient()
            .send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(response.statusCode());
        System.out.println(response.body());
    }
}
`;

const javascript = ({ method, url, headers, body }: SampleCall) => `const response = await fetch(${quoted(url)}, {
  method: ${quoted(method)},
  headers: {
${lines(
  headers.map(([name, value]) => `${quoted(name)}: ${quoted(value)},`),
  "    ",
)}
  },${body === null ? "" : `\n  body: ${quoted(body)},`}
});
console.log(response.status, response.statusText);
console.log(await response.text());
`;

const phpCode = ({ method, url, headers, body }: SampleCall) => `<?php
$call = curl_init(${php(url)});
curl_setopt_array($call, [
    CURLOPT_CUSTOMREQUEST => ${php(method)},
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => [
${lines(
  headers.map(([name, value]) => `${php(`${name}: ${value}`)},`),
  "        ",
)}
    ],${body === null ? "" : `\n    CURLOPT_POSTFIELDS => ${php(body)},`}
]);
$content = curl_exec($call);
if ($content === false) {
    exit(curl_error($call) . "\\n");
}
echo curl_getinfo($call, CURLINFO_RESPONSE_CODE), "\\n", $content, "\\n";
`;

const python = ({ method, url, headers, body }: SampleCall) => `import urllib.error
import urllib.request

request = urllib.request.Request(
    ${quoted(url)},
    method=${quoted(method)},
    headers={
${lines(
  headers.map(([name, value]) => `${quoted(name)}: ${quoted(value)},`),
  "        ",
)}
    },${body === null ? "" : `\n    data=${quoted(body)}.encode("utf-8"),`}
)
try:
    with urllib.request.urlopen(request) as response:
        print(response.status, response.reason)
        print(response.read().decode("utf-8"))
except urllib.error.HTTPError as error:
    print(error.code, error.reason)
    print(error.read().decode("utf-8"))
`;

const r = ({ method, url, headers, body }: SampleCall) => `library(curl)

handle <- new_handle()
handle_setopt(handle, customrequest = ${quoted(method)}${body === null ? "" : `, copypostfields = ${quoted(body)}`})
handle_setheaders(handle,
${headers.map(([name, value]) => `  ${quoted(name)} = ${quoted(value)}`).join(",\n")}
)
response <- curl_fetch_memory(${quoted(url)}, handle = handle)
cat(response$status_code, "\\n")
cat(rawToChar(response$content), "\\n")
`;

const go = ({ method, url, headers, body }: SampleCall) => `package main

import (
	"fmt"
	"io"
	"log"
	"net/http"${body === null ? "" : `\n\t"strings"`}
)

func main() {
	request, err := http.NewRequest(${quoted(method)}, ${quoted(url)}, ${body === null ? "nil" : `strings.NewReader(${quoted(body)})`})
	if err != nil {
		log.Fatal(err)
	}
${lines(
  headers.map(([name, value]) => `request.Header.Set(${quoted(name)}, ${quoted(value)})`),
  "\t",
)}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.Status)
	fmt.Println(string(content))
}
`;

export const callSamples: { id: string; name: string; code: (call: SampleCall) => string }[] = [
  { id: "curl", name: "curl", code: curl },
  { id: "csharp", name: "C#", code: csharp },
  { id: "java", name: "Java", code: java },
  { id: "javascript", name: "JavaScript", code: javascript },
  { id: "php", name: "PHP", code: phpCode },
  { id: "python", name: "Python", code: python },
  { id: "r", name: "R", code: r },
  { id: "go", name: "Go", code: go },
];
