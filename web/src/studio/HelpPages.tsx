// The API help pages of a web service: request/response and batch execution.
import { Tab, TabList } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";

import { useFacts } from "../api/session";
import { serviceQuery } from "../api/studio";
import { Failure, Loading, Page } from "../shell/parts";
import { Code, Rows } from "../shell/Printed";
import { type TextKey, useTexts } from "../texts/texts";
import { besSamples, rrsSamples, sampleLanguages, type SampleLanguage } from "./samples";
import { sampleRequest, sampleResponse, type ServicePort, type Shape, shapeOf } from "./shape";

function Request({ rows }: { rows: { name?: string; method: string; address: string }[] }) {
  const { t } = useTexts();
  return rows.map(({ name, method, address }) => (
    <section key={`${method}${address}`}>
      {name && <h3>{name}</h3>}
      <Rows
        label={name ?? t("help.request")}
        className="request-table"
        head={[t("help.method"), t("help.uri"), t("help.httpVersion")]}
        rows={[[method, <code>{address}</code>, "HTTP/1.1"]]}
      />
    </section>
  ));
}

function Headers() {
  const { t } = useTexts();
  return (
    <section>
      <h2>{t("help.requestHeaders")}</h2>
      <Rows
        label={t("help.requestHeaders")}
        head={[t("help.header"), t("help.meaning")]}
        rows={[
          [<code>Authorization: Bearer abc123</code>, t("help.authorization")],
          [<code>Content-Length</code>, t("help.contentLength")],
          [<code>Content-Type: application/json</code>, t("help.contentType")],
          [<code>Accept: application/json</code>, t("help.accept")],
        ]}
      />
    </section>
  );
}

function Parameters({ title, ports }: { title: string; ports: ServicePort[] }) {
  const { t } = useTexts();
  return (
    <section>
      <h2>{title}</h2>
      {ports.map((port) => (
        <div key={port.name}>
          <h3>{port.name}</h3>
          <Rows
            label={`${title}: ${port.name}`}
            head={[t("common.name"), t("help.dataType")]}
            rows={port.columns.map((column) => [column.name, column.type])}
          />
        </div>
      ))}
    </section>
  );
}

const rrsErrors: [number, string, TextKey][] = [
  [400, "BadArgument", "help.errorArgument"],
  [400, "BadUserArgument", "help.errorInput"],
  [400, "ModuleExecutionError", "help.errorModule"],
  [401, "Unauthorized", "help.errorUnauthorized"],
  [404, "NotFound", "help.errorNotFound"],
  [408, "RequestTimeout", "help.errorTimeout"],
  [413, "RequestBodyTooLarge", "help.errorTooLarge"],
  [500, "InternalError", "help.errorInternal"],
  [503, "ServiceUnavailable", "help.errorUnavailable"],
];
const besErrors: [number, string, TextKey][] = [
  [400, "BadArgument", "help.errorBlob"],
  [400, "InvalidOperation", "help.errorState"],
  [401, "Unauthorized", "help.errorUnauthorized"],
  [404, "NotFound", "help.errorNoJob"],
  [500, "InternalError", "help.errorInternal"],
  [503, "ServiceUnavailable", "help.errorUnavailable"],
];

function Errors({ errors }: { errors: [number, string, TextKey][] }) {
  const { t } = useTexts();
  return (
    <section>
      <h2>{t("help.errors")}</h2>
      <p>{t("help.errorsIntro")}</p>
      <Rows
        label={t("help.errors")}
        head={[t("help.status"), t("help.code"), t("help.meaning")]}
        rows={errors.map(([status, code, text]) => [status, <code>{code}</code>, t(text)])}
      />
      <Code
        label={t("help.errorSample")}
        text={JSON.stringify(
          {
            error: {
              code: "Unauthorized",
              message: "Request is unauthorized to access resource.",
              details: [{ code: "ScoreRequestUnauthorized", message: "Invalid credentials provided." }],
            },
          },
          null,
          2,
        )}
      />
    </section>
  );
}

function Samples({ samples }: { samples: Record<SampleLanguage, string> }) {
  const { t } = useTexts();
  const [language, setLanguage] = useState<SampleLanguage>("csharp");
  return (
    <section id="sample-code">
      <h2>{t("help.sampleCode")}</h2>
      <TabList
        selectedValue={language}
        aria-label={t("help.sampleCode")}
        onTabSelect={(_, data) => setLanguage(data.value as SampleLanguage)}
      >
        {sampleLanguages.map(({ id, name }) => (
          <Tab key={id} value={id}>
            {name}
          </Tab>
        ))}
      </TabList>
      <Code label={t("help.sampleCode")} text={samples[language]} />
    </section>
  );
}

interface Help {
  shape: Shape;
  base: string;
  name: string;
  description: string;
  updated: string;
  back: ReactNode;
}

function useHelp(from: "/studio/$workspace/webservices/$service/score" | "/studio/$workspace/webservices/$service/jobs") {
  const { t } = useTexts();
  const { servicesUrl } = useFacts();
  const params = useParams({ from });
  const query = useQuery(serviceQuery(params.workspace, params.service));
  const help: Help | undefined = query.data && {
    shape: shapeOf(query.data.swagger),
    base: `${servicesUrl}/workspaces/${params.workspace}/services/${query.data.endpoint.Id}`,
    name: query.data.service.Name,
    description: query.data.service.Description,
    updated: query.data.endpoint.UpdatedTime,
    back: (
      <Link to="/studio/$workspace/webservices/$service" params={params}>
        {t("help.back")}
      </Link>
    ),
  };
  return { help, error: query.error };
}

function Intro({ help }: { help: Help }) {
  const { t, date } = useTexts();
  return (
    <>
      <p>{help.back}</p>
      <p className="quiet">{t("help.updated", { date: date(help.updated) })}</p>
      <p>{help.description || t("service.noDescription")}</p>
    </>
  );
}

export function ScoreHelp() {
  const { t } = useTexts();
  const { help, error } = useHelp("/studio/$workspace/webservices/$service/score");
  if (error) return <Failure error={error} />;
  if (!help) return <Loading />;
  const { shape, base } = help;
  const place = { base, shape };
  return (
    <Page title={t("help.rrsTitle", { name: help.name })}>
      <Intro help={help} />
      <section>
        <h2>{t("help.request")}</h2>
        <Request rows={[{ method: "POST", address: `${base}/execute?api-version=2.0&details=true` }]} />
        <p>{t("help.details")}</p>
      </section>
      <Headers />
      <section>
        <h2>{t("help.requestBody")}</h2>
        <p>{t("help.requestBodyIntro")}</p>
        <h3>{t("help.sampleRequest")}</h3>
        <Code label={t("help.sampleRequest")} text={JSON.stringify(sampleRequest(shape), null, 2)} />
      </section>
      <section>
        <h2>{t("help.response")}</h2>
        <p>{t("help.responseIntro")}</p>
        <h3>{t("help.sampleResponse")}</h3>
        <Code label={t("help.sampleResponse")} text={JSON.stringify(sampleResponse(shape), null, 2)} />
      </section>
      <Parameters title={t("help.inputParameters")} ports={shape.inputs} />
      <Parameters title={t("help.outputParameters")} ports={shape.outputs} />
      <Errors errors={rrsErrors} />
      <Samples
        samples={{ csharp: rrsSamples.csharp(place), python: rrsSamples.python(place), r: rrsSamples.r(place) }}
      />
    </Page>
  );
}

function jobRequest(shape: Shape): string {
  const place = (name: string) => ({
    ConnectionString: "DefaultEndpointsProtocol=https;AccountName=mystorage;AccountKey=mykey;BlobEndpoint=myendpoint",
    RelativeLocation: `/mycontainer/${name}.csv`,
  });
  const one = shape.inputs.length === 1;
  return JSON.stringify(
    {
      ...(one
        ? { Input: place("input") }
        : { Inputs: Object.fromEntries(shape.inputs.map((port) => [port.name, place(port.name)])) }),
      Outputs: Object.fromEntries(shape.outputs.map((port) => [port.name, place(port.name)])),
      GlobalParameters: Object.fromEntries(shape.parameters.map((name) => [name, ""])),
    },
    null,
    2,
  );
}

export function BatchHelp() {
  const { t } = useTexts();
  const { help, error } = useHelp("/studio/$workspace/webservices/$service/jobs");
  if (error) return <Failure error={error} />;
  if (!help) return <Loading />;
  const { shape, base } = help;
  const place = { base, shape };
  const output = shape.outputs[0]?.name ?? "output1";
  const jobs = `${base}/jobs`;
  const one = `${jobs}/{job_id}`;
  const version = "?api-version=2.0";
  return (
    <Page title={t("help.besTitle", { name: help.name })}>
      <Intro help={help} />
      <p>{t("help.besIntro")}</p>
      <section>
        <h2>{t("help.request")}</h2>
        <Request
          rows={[
            { name: t("help.submit"), method: "POST", address: jobs + version },
            { name: t("help.start"), method: "POST", address: `${one}/start${version}` },
            { name: t("help.statusCall"), method: "GET", address: one + version },
            { name: t("help.cancel"), method: "DELETE", address: one + version },
          ]}
        />
      </section>
      <Headers />
      <section>
        <h2>{t("help.requestBody")}</h2>
        <p>{t("help.besBody")}</p>
        <h3>{t("help.sampleRequest")}</h3>
        <Code label={t("help.sampleRequest")} text={jobRequest(shape)} />
        <p>{t("help.formats")}</p>
      </section>
      <section>
        <h2>{t("help.response")}</h2>
        <p>{t("help.besResponse")}</p>
        <Rows
          label={t("help.states")}
          head={["StatusCode", t("common.name"), t("help.meaning")]}
          rows={[
            [0, "NotStarted", t("help.stateNotStarted")],
            [1, "Running", t("help.stateRunning")],
            [2, "Failed", t("help.stateFailed")],
            [3, "Cancelled", t("help.stateCancelled")],
            [4, "Finished", t("help.stateFinished")],
          ]}
        />
        <h3>{t("help.sampleResponse")}</h3>
        <Code
          label={t("help.sampleResponse")}
          text={JSON.stringify(
            {
              StatusCode: "Finished",
              Results: {
                [output]: {
                  ConnectionString: null,
                  RelativeLocation: `mycontainer/${output}.csv`,
                  BaseLocation: "https://mystorage.example/",
                  SasBlobToken: "?sv=2015-02-21&sr=b&sig=...&sp=r",
                },
              },
              Details: null,
            },
            null,
            2,
          )}
        />
        <p>{t("help.download")}</p>
      </section>
      <Parameters title={t("help.inputParameters")} ports={shape.inputs} />
      <Parameters title={t("help.outputParameters")} ports={shape.outputs} />
      <Errors errors={besErrors} />
      <Samples
        samples={{ csharp: besSamples.csharp(place), python: besSamples.python(place), r: besSamples.r(place) }}
      />
    </Page>
  );
}
