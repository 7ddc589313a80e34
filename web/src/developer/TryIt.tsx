// Makes a call of the operation. The server makes it at its own gateway: this form says which operation is meant and
// what stands in its gaps, never where to go.
import { Button, Field, Input, Select, Textarea } from "@fluentui/react-components";
import { AddRegular, DeleteRegular, DismissRegular, SendRegular } from "@fluentui/react-icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";

import { call } from "../api/http";
import { CopyValue, Failure } from "../shell/parts";
import { Code } from "../shell/Printed";
import { type TextKey, useTexts } from "../texts/texts";
import {
  type Api,
  isGoodFor,
  type Operation,
  type Parameter,
  productsOfApiQuery,
  type Subscription,
  subscriptionsQuery,
  useDeveloper,
} from "./data";
import { indentJson } from "./pretty";
import { exampleOf, hasBody } from "./samples";

interface Pair {
  name: string;
  value: string;
}
interface Sent {
  requestedUrl: string;
  method: string;
  status: number;
  reason: string;
  headers: Pair[];
  content: string | null;
  contentBytes: number;
  timeMs: number;
}

// More than this is not put into the page.
const contentShown = 200_000;

interface PairsProps {
  pairs: Pair[];
  change: (pairs: Pair[]) => void;
  texts: { name: TextKey; value: TextKey; add: TextKey; remove: TextKey };
}

function Pairs({ pairs, change, texts }: PairsProps) {
  const { t } = useTexts();
  const set = (i: number, part: Partial<Pair>) => change(pairs.map((one, j) => (i === j ? { ...one, ...part } : one)));
  return (
    <>
      {pairs.map((pair, i) => (
        <div className="pair" key={i}>
          <Input
            aria-label={t(texts.name, { number: i + 1 })}
            placeholder={t("common.name")}
            value={pair.name}
            onChange={(_, data) => set(i, { name: data.value })}
          />
          <Input
            aria-label={t(texts.value, { number: i + 1 })}
            placeholder={t("tryIt.value")}
            value={pair.value}
            onChange={(_, data) => set(i, { value: data.value })}
          />
          <Button
            appearance="subtle"
            icon={<DeleteRegular />}
            aria-label={t(texts.remove, { number: i + 1 })}
            onClick={() => change(pairs.filter((_, j) => i !== j))}
          />
        </div>
      ))}
      <div>
        <Button icon={<AddRegular />} onClick={() => change([...pairs, { name: "", value: "" }])}>
          {t(texts.add)}
        </Button>
      </div>
    </>
  );
}

interface ParameterProps {
  parameter: Parameter;
  value: string;
  change: (value: string) => void;
}

function ParameterField({ parameter, value, change }: ParameterProps) {
  const choices = parameter.values ?? [];
  return (
    <Field label={parameter.name} hint={parameter.description} required={parameter.required}>
      {choices.length > 0 ? (
        <Select value={value} onChange={(_, data) => change(data.value)}>
          <option value="" />
          {choices.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Select>
      ) : (
        <Input value={value} onChange={(_, data) => change(data.value)} />
      )}
    </Field>
  );
}

interface KeyProps {
  usable: Subscription[];
  chosen: string; // "primary tutorial": which key of which subscription.
  choose: (chosen: string) => void;
}

function KeyField({ usable, chosen, choose }: KeyProps) {
  const { t } = useTexts();
  const nameOf = (one: Subscription) => one.name || one.scope.split("/").at(-1) || one.id;
  return (
    <Field label={t("tryIt.key")}>
      <Select value={chosen} onChange={(_, data) => choose(data.value)}>
        {usable.flatMap((one) => [
          <option key={`primary ${one.id}`} value={`primary ${one.id}`}>
            {t("tryIt.primaryOf", { name: nameOf(one) })}
          </option>,
          <option key={`secondary ${one.id}`} value={`secondary ${one.id}`}>
            {t("tryIt.secondaryOf", { name: nameOf(one) })}
          </option>,
        ])}
        <option value="">{t("tryIt.noKey")}</option>
      </Select>
    </Field>
  );
}

function NoKeys() {
  const { t } = useTexts();
  const { service, portal } = useDeveloper();
  return (
    <p className="quiet">
      {t(portal.user ? "tryIt.noKeys" : "tryIt.noKeysGuest")}{" "}
      {portal.user ? (
        <Link to="/developer/$service/products" params={{ service }}>
          {t("publisher.products")}
        </Link>
      ) : (
        <Link to="/developer/$service/sign-in" params={{ service }}>
          {t("signIn.title")}
        </Link>
      )}
    </p>
  );
}

function Answer({ sent }: { sent: Sent }) {
  const { t, number } = useTexts();
  const headers = sent.headers.map(({ name, value }) => `${name}: ${value}`).join("\n");
  const content = sent.content === null ? null : indentJson(sent.content);
  return (
    <div className="answer" role="region" aria-label={t("tryIt.answer")}>
      <CopyValue label={t("tryIt.requestedUrl")} value={sent.requestedUrl} />
      <div className="copy-value">
        <span className="copy-label">{t("tryIt.status")}</span>
        <strong className={sent.status < 400 ? "good-status" : "problem"}>
          {sent.status} {sent.reason}
        </strong>
      </div>
      <div className="copy-value">
        <span className="copy-label">{t("tryIt.time")}</span>
        <span>{t("tryIt.milliseconds", { time: number(sent.timeMs) })}</span>
      </div>
      <h3>{t("tryIt.responseHeaders")}</h3>
      <Code label={t("tryIt.responseHeaders")} text={headers} />
      <h3>{t("tryIt.content")}</h3>
      {content === "" && <p className="quiet">{t("tryIt.noContent")}</p>}
      {content === null && <p className="quiet">{t("tryIt.binary", { size: number(sent.contentBytes) })}</p>}
      {content && <Code label={t("tryIt.content")} text={content.slice(0, contentShown)} />}
      {content && content.length > contentShown && (
        <p className="quiet">{t("tryIt.cut", { shown: number(contentShown), size: number(sent.contentBytes) })}</p>
      )}
    </div>
  );
}

export function TryIt({ api, operation, close }: { api: Api; operation: Operation; close: () => void }) {
  const { t } = useTexts();
  const { service, place, portal } = useDeveloper();
  const subscriptions = useQuery({ ...subscriptionsQuery(place), enabled: portal.user !== null });
  const products = useQuery(productsOfApiQuery(place, api.id));
  const declared = [...operation.templateParameters, ...operation.request.queryParameters];
  const [values, setValues] = useState<Record<string, string>>(() =>
    Object.fromEntries(declared.map((one) => [one.name, one.defaultValue ?? ""])),
  );
  const [query, setQuery] = useState<Pair[]>([]);
  const [headers, setHeaders] = useState<Pair[]>(() =>
    operation.request.headers.map((one) => ({ name: one.name, value: one.defaultValue ?? "" })),
  );
  const [body, setBody] = useState(() => exampleOf(operation.request.representations));
  const [key, setKey] = useState<string | null>(null);
  const usable = (subscriptions.data ?? []).filter((one) => isGoodFor(one, api, products.data ?? []));
  const chosen = key ?? (usable[0] ? `primary ${usable[0].id}` : "");
  const send = useMutation({
    mutationFn: () => {
      const [which, subscription] = chosen.split(" ");
      const extra = operation.request.queryParameters.map(({ name }) => ({ name, value: values[name] ?? "" }));
      return call<Sent>("POST", "/console/api/send", {
        service,
        api: api.id,
        operation: operation.id,
        parameters: Object.fromEntries(operation.templateParameters.map(({ name }) => [name, values[name] ?? ""])),
        query: [...extra.filter((one) => one.value !== ""), ...query],
        headers,
        subscription: subscription ?? "",
        key: which,
        body: hasBody(operation) ? body : "",
      });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!send.isPending) send.mutate();
  };
  return (
    <section className="facts try-it" aria-label={t("tryIt.open")}>
      <div className="section-head">
        <h2>{t("tryIt.open")}</h2>
        <Button appearance="subtle" icon={<DismissRegular />} aria-label={t("tryIt.close")} onClick={close} />
      </div>
      <form className="fields" onSubmit={submit}>
        {declared.length > 0 && <h3>{t("tryIt.parameters")}</h3>}
        {declared.map((one) => (
          <ParameterField
            key={one.name}
            parameter={one}
            value={values[one.name] ?? ""}
            change={(value) => setValues({ ...values, [one.name]: value })}
          />
        ))}
        <Pairs
          pairs={query}
          change={setQuery}
          texts={{
            name: "tryIt.parameterName",
            value: "tryIt.parameterValue",
            add: "tryIt.addParameter",
            remove: "tryIt.removeParameter",
          }}
        />
        <h3>{t("developer.requestHeaders")}</h3>
        {api.subscriptionRequired && usable.length > 0 && <KeyField usable={usable} chosen={chosen} choose={setKey} />}
        {api.subscriptionRequired && !subscriptions.isLoading && usable.length === 0 && <NoKeys />}
        <Pairs
          pairs={headers}
          change={setHeaders}
          texts={{
            name: "tryIt.headerName",
            value: "tryIt.headerValue",
            add: "tryIt.addHeader",
            remove: "tryIt.removeHeader",
          }}
        />
        {hasBody(operation) && (
          <Field label={t("developer.requestBody")}>
            <Textarea className="body-text" rows={8} value={body} onChange={(_, data) => setBody(data.value)} />
          </Field>
        )}
        <Failure error={send.error ?? subscriptions.error} />
        <div>
          <Button appearance="primary" type="submit" icon={<SendRegular />} disabled={send.isPending}>
            {t("tryIt.send")}
          </Button>
        </div>
      </form>
      <div aria-live="polite">
        {send.isPending && <p className="quiet">{t("tryIt.sending")}</p>}
        {send.data && !send.isPending && <Answer sent={send.data} />}
      </div>
    </section>
  );
}
