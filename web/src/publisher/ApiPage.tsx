// One API: its address, its operations and its policies.
import { Button, Field, Input, Select } from "@fluentui/react-components";
import { AddRegular, DeleteRegular, EditRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";

import {
  apiProductsQuery,
  apiQuery,
  armCall,
  type Operation,
  operationsQuery,
  putOperation,
  slug,
  templateParameters,
  useChange,
} from "../api/publisher";
import { isInProcess, useFacts } from "../api/session";
import { Confirm } from "../shell/Confirm";
import { DataTable } from "../shell/DataTable";
import { CopyValue, Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { FormDialog } from "./FormDialog";
import { useInstance } from "./instance";
import { PolicyEditor } from "./PolicyEditor";

const verbs = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

function OperationDialog({ api, before, close }: { api: string; before?: Operation; close: () => void }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const old = before?.properties;
  const [method, setMethod] = useState(old?.method ?? "GET");
  const [urlTemplate, setTemplate] = useState(old?.urlTemplate ?? "/");
  const [displayName, setName] = useState(old?.displayName ?? "");
  const [description, setDescription] = useState(old?.description ?? "");
  const first = old?.responses[0];
  const [status, setStatus] = useState(String(first?.statusCode ?? 200));
  const [meaning, setMeaning] = useState(first?.description ?? "OK");
  const save = useChange(at, () =>
    putOperation(at, api, before?.name ?? slug(displayName), {
      displayName,
      method,
      urlTemplate,
      description,
      responses: [{ statusCode: Number(status), description: meaning }, ...(old?.responses.slice(1) ?? [])].map((one) => ({
        statusCode: one.statusCode,
        description: one.description ?? "",
      })),
    }),
  );
  const names = templateParameters(urlTemplate);
  return (
    <FormDialog
      title={before ? t("operations.edit") : t("operations.add")}
      accept={t("common.save")}
      ready={displayName !== "" && urlTemplate !== "" && /^\d{3}$/.test(status)}
      busy={save.isPending}
      error={save.error}
      submit={() => save.mutate(undefined, { onSuccess: close })}
      close={close}
    >
      <Field label={t("operations.verb")} required>
        <Select value={method} onChange={(_, data) => setMethod(data.value)}>
          {(verbs.includes(method) ? verbs : [...verbs, method]).map((verb) => (
            <option key={verb}>{verb}</option>
          ))}
        </Select>
      </Field>
      <Field
        label={t("operations.template")}
        required
        hint={names.length > 0 ? t("operations.parameters", { names: names.join(", ") }) : t("operations.templateHint")}
      >
        <Input value={urlTemplate} onChange={(_, data) => setTemplate(data.value)} />
      </Field>
      <Field label={t("operations.displayName")} required>
        <Input value={displayName} onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label={t("operations.description")}>
        <Input value={description} onChange={(_, data) => setDescription(data.value)} />
      </Field>
      <div className="response-fields">
        <Field label={t("operations.response")}>
          <Input inputMode="numeric" value={status} onChange={(_, data) => setStatus(data.value)} />
        </Field>
        <Field label={t("operations.responseText")}>
          <Input value={meaning} onChange={(_, data) => setMeaning(data.value)} />
        </Field>
      </div>
    </FormDialog>
  );
}

function Operations({ api }: { api: string }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const operations = useQuery(operationsQuery(at, api));
  const [editing, setEditing] = useState<Operation | "new" | null>(null);
  const [dropping, setDropping] = useState<Operation | null>(null);
  const drop = useChange(at, (name: string) => armCall(at, "DELETE", `/apis/${api}/operations/${name}`, undefined, "*"));
  const list = operations.data ?? [];
  return (
    <section>
      <div className="section-head">
        <h2>{t("operations.title")}</h2>
        <Button icon={<AddRegular />} onClick={() => setEditing("new")}>
          {t("operations.add")}
        </Button>
      </div>
      <Failure error={operations.error ?? drop.error} />
      {operations.isPending && <Loading />}
      {operations.isSuccess && list.length === 0 && <p className="quiet">{t("operations.none")}</p>}
      {list.length > 0 && (
        <DataTable
          label={t("operations.title")}
          rows={list}
          keyOf={(one) => one.name}
          columns={[
            { head: t("operations.displayName"), cell: (one) => one.properties.displayName },
            { head: t("operations.verb"), className: "verb-cell", cell: (one) => <code>{one.properties.method}</code> },
            { head: t("operations.template"), cell: (one) => <code>{one.properties.urlTemplate}</code> },
            {
              className: "action-cell",
              cell: (one) => (
                <>
                  <Button
                    appearance="subtle"
                    icon={<EditRegular />}
                    aria-label={t("common.editWhat", { what: one.properties.displayName })}
                    onClick={() => setEditing(one)}
                  />
                  <Button
                    appearance="subtle"
                    icon={<DeleteRegular />}
                    aria-label={t("common.deleteWhat", { what: one.properties.displayName })}
                    onClick={() => setDropping(one)}
                  />
                </>
              ),
            },
          ]}
        />
      )}
      {editing && (
        <OperationDialog api={api} before={editing === "new" ? undefined : editing} close={() => setEditing(null)} />
      )}
      {dropping && (
        <Confirm
          title={t("common.deleteWhat", { what: dropping.properties.displayName })}
          text={t("operations.deleteText")}
          close={() => setDropping(null)}
          accept={() => drop.mutate(dropping.name)}
        />
      )}
    </section>
  );
}

export function ApiPage() {
  const { t } = useTexts();
  const instance = useInstance();
  const at = instance.id;
  const facts = useFacts();
  const { service, api } = useParams({ from: "/publisher/$service/apis/$api" });
  const query = useQuery(apiQuery(at, api));
  const products = useQuery(apiProductsQuery(at, api));
  const navigate = useNavigate();
  const [dropping, setDropping] = useState(false);
  const drop = useChange(at, () => armCall(at, "DELETE", `/apis/${api}?deleteRevisions=true`, undefined, "*"));
  if (query.error) return <Failure error={query.error} />;
  if (!query.data) return <Loading />;
  const { properties } = query.data;
  return (
    <Page
      title={properties.displayName}
      actions={
        <Button icon={<DeleteRegular />} onClick={() => setDropping(true)}>
          {t("common.delete")}
        </Button>
      }
    >
      <Failure error={drop.error} />
      <section className="facts" aria-label={t("service.general")}>
        <CopyValue
          label={t("apis.address")}
          value={`${instance.properties.gatewayUrl}${properties.path ? "/" + properties.path : ""}`}
        />
        <CopyValue label={t("apis.serviceUrl")} value={properties.serviceUrl ?? ""} />
        {isInProcess(facts, properties.serviceUrl ?? "") && (
          <div className="copy-value">
            <span className="copy-label">{t("apis.calls")}</span>
            {t("apis.inProcess")}
          </div>
        )}
        <div className="copy-value">
          <span className="copy-label">{t("apis.scheme")}</span>
          {properties.protocols.map((one) => one.toUpperCase()).join(", ")}
        </div>
        <div className="copy-value">
          <span className="copy-label">{t("apis.products")}</span>
          {products.data?.length === 0 && t("apis.noProducts")}
          {products.data?.map((one) => (
            <Link key={one.name} to="/publisher/$service/products/$product" params={{ service, product: one.name }}>
              {one.properties.displayName}
            </Link>
          ))}
        </div>
      </section>
      <Operations api={api} />
      <PolicyEditor scope={`/apis/${api}`} />
      {dropping && (
        <Confirm
          title={t("common.deleteWhat", { what: properties.displayName })}
          text={t("apis.deleteText")}
          close={() => setDropping(false)}
          accept={() =>
            drop.mutate(undefined, {
              onSuccess: () => void navigate({ to: "/publisher/$service/apis", params: { service } }),
            })
          }
        />
      )}
    </Page>
  );
}
