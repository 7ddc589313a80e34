// One operation: how it is called, what it answers, sample code, and the form that tries it.
import { Button, Tab, TabList } from "@fluentui/react-components";
import { PlayRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";

import { Failure, Loading, Page } from "../shell/parts";
import { Code, Rows } from "../shell/Printed";
import { useTexts } from "../texts/texts";
import { titleOf } from "./Apis";
import {
  type Api,
  apiQuery,
  type Operation,
  operationsQuery,
  type Parameter,
  type Representation,
  useDeveloper,
} from "./data";
import { Missing } from "./Missing";
import { callSamples, exampleOf, sampleCall } from "./samples";
import { TryIt } from "./TryIt";

function Parameters({ title, parameters }: { title: string; parameters: Parameter[] }) {
  const { t } = useTexts();
  if (parameters.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <Rows
        label={title}
        head={[t("common.name"), t("developer.type"), t("developer.required"), t("operations.description")]}
        rows={parameters.map((one) => [
          <code>{one.name}</code>,
          one.type,
          t(one.required ? "common.yes" : "common.no"),
          [one.description, one.values?.join(", ")].filter(Boolean).join(" "),
        ])}
      />
    </>
  );
}

function Representations({ representations }: { representations: Representation[] }) {
  return representations.map((one) => {
    const example = exampleOf([one]);
    return (
      <div key={one.contentType}>
        <p>
          <code>{one.contentType}</code> {one.typeName}
        </p>
        {example && <Code label={one.contentType} text={example} />}
      </div>
    );
  });
}

function Request({ operation }: { operation: Operation }) {
  const { t } = useTexts();
  const { request } = operation;
  return (
    <section>
      <h2>{t("developer.request")}</h2>
      {request.description && <p className="fact-text">{request.description}</p>}
      <Parameters title={t("developer.templateParameters")} parameters={operation.templateParameters} />
      <Parameters title={t("developer.queryParameters")} parameters={request.queryParameters} />
      <Parameters title={t("developer.requestHeaders")} parameters={request.headers} />
      {request.representations.length > 0 && <h3>{t("developer.requestBody")}</h3>}
      <Representations representations={request.representations} />
    </section>
  );
}

function Responses({ operation }: { operation: Operation }) {
  const { t } = useTexts();
  if (operation.responses.length === 0) return null;
  return (
    <section>
      <h2>{t("developer.responses")}</h2>
      {operation.responses.map((one) => (
        <div key={one.statusCode}>
          <h3>
            {one.statusCode} {one.description}
          </h3>
          <Parameters title={t("developer.responseHeadersOf", { status: one.statusCode })} parameters={one.headers} />
          <Representations representations={one.representations} />
        </div>
      ))}
    </section>
  );
}

function Samples({ api, operation }: { api: Api; operation: Operation }) {
  const { t } = useTexts();
  const [chosen, setChosen] = useState("curl");
  const sample = callSamples.find((one) => one.id === chosen)!;
  return (
    <section id="code-samples">
      <h2>{t("developer.samples")}</h2>
      <TabList selectedValue={chosen} onTabSelect={(_, data) => setChosen(String(data.value))}>
        {callSamples.map((one) => (
          <Tab key={one.id} value={one.id}>
            {one.name}
          </Tab>
        ))}
      </TabList>
      <Code label={`${t("developer.samples")}: ${sample.name}`} text={sample.code(sampleCall(api, operation))} />
    </section>
  );
}

export function OperationPage() {
  const { t } = useTexts();
  const { service, place } = useDeveloper();
  const params = useParams({ from: "/developer/$service/apis/$api/operations/$operation" });
  const api = useQuery(apiQuery(place, params.api));
  const operations = useQuery(operationsQuery(place, params.api));
  const [trying, setTrying] = useState(false);
  if (api.error) return <Missing error={api.error} />;
  if (operations.error) return <Failure error={operations.error} />;
  if (!api.data || !operations.data) return <Loading />;
  const operation = operations.data.find((one) => one.id.toLowerCase() === params.operation.toLowerCase());
  const back = (
    <Link to="/developer/$service/apis/$api" params={{ service, api: params.api }}>
      {titleOf(api.data)}
    </Link>
  );
  if (!operation) return <Page title={t("shell.notFound")}>{back}</Page>;
  return (
    <Page
      title={operation.name}
      actions={
        !trying && (
          <Button appearance="primary" icon={<PlayRegular />} onClick={() => setTrying(true)}>
            {t("tryIt.open")}
          </Button>
        )
      }
    >
      <div>{back}</div>
      <p className="request-line">
        <code>
          <b>{operation.method}</b> {api.data.gatewayUrl}
          {operation.urlTemplate}
        </code>
      </p>
      {operation.description && <p className="fact-text">{operation.description}</p>}
      {trying && (
        <TryIt key={operation.id} api={api.data} operation={operation} close={() => setTrying(false)} />
      )}
      <Request operation={operation} />
      <Responses operation={operation} />
      <Samples api={api.data} operation={operation} />
    </Page>
  );
}
