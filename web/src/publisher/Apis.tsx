// APIs: the list, a blank one, and one made from a published web service.
import { Button, Checkbox, Field, Input, Select } from "@fluentui/react-components";
import { AddRegular, ArrowImportRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { apisQuery, armCall, productsQuery, putOperation, slug, useChange, webServiceOperations } from "../api/publisher";
import { useFacts } from "../api/session";
import { servicesQuery, workspacesQuery } from "../api/studio";
import { CheckList } from "../shell/CheckList";
import { DataTable } from "../shell/DataTable";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { Empty, Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { FormDialog } from "./FormDialog";
import { useInstance } from "./instance";

interface NewApi {
  displayName: string;
  serviceUrl: string;
  path: string;
  protocols: string[];
  products: string[];
  withOperations: boolean;
}

function useAddApi() {
  const { id: at } = useInstance();
  return useChange(at, async (made: NewApi) => {
    const name = slug(made.displayName);
    await armCall(at, "PUT", `/apis/${name}`, {
      properties: {
        displayName: made.displayName,
        serviceUrl: made.serviceUrl,
        path: made.path,
        protocols: made.protocols,
        subscriptionRequired: true,
      },
    });
    for (const product of made.products) await armCall(at, "PUT", `/products/${product}/apis/${name}`);
    if (made.withOperations)
      for (const operation of webServiceOperations) await putOperation(at, name, slug(operation.displayName), operation);
    return name;
  });
}

type Scheme = "http" | "https";

function ApiDialog({ fromService, close }: { fromService: boolean; close: () => void }) {
  const { t } = useTexts();
  const instance = useInstance();
  const facts = useFacts();
  const navigate = useNavigate();
  const products = useQuery(productsQuery(instance.id));
  const workspaces = useQuery({ ...workspacesQuery, enabled: fromService });
  const workspace = workspaces.data?.[0]?.WorkspaceId;
  const services = useQuery({ ...servicesQuery(workspace ?? ""), enabled: workspace !== undefined });
  const [displayName, setDisplayName] = useState("");
  const [serviceUrl, setServiceUrl] = useState(fromService ? facts.servicesUrl : "");
  const [path, setPath] = useState("");
  const [schemes, setSchemes] = useState<Set<Scheme>>(new Set(["https"]));
  const [chosen, setChosen] = useState(new Set<string>());
  const add = useAddApi();
  const toggle = <T,>(from: Set<T>, one: T) => {
    const next = new Set(from);
    if (!next.delete(one)) next.add(one);
    return next;
  };
  const submit = () =>
    add.mutate(
      { displayName, serviceUrl, path, protocols: [...schemes], products: [...chosen], withOperations: fromService },
      {
        onSuccess: () =>
          void navigate({
            to: "/publisher/$service/apis/$api",
            params: { service: instance.name, api: slug(displayName) },
          }),
      },
    );
  return (
    <FormDialog
      title={fromService ? t("apis.import") : t("apis.add")}
      accept={t("common.save")}
      ready={displayName !== "" && serviceUrl !== "" && schemes.size > 0}
      busy={add.isPending}
      error={products.error ?? services.error ?? add.error}
      submit={submit}
      close={close}
    >
      {fromService && (
        <Field label={t("apis.webService")} hint={t("apis.webServiceHint")}>
          <Select
            defaultValue=""
            onChange={(_, data) => {
              const found = services.data?.find((one) => one.Id === data.value);
              if (!found) return;
              setDisplayName(found.Name);
              setPath(slug(found.Name));
            }}
          >
            <option value="">{t("apis.chooseService")}</option>
            {services.data?.map((one) => (
              <option key={one.Id} value={one.Id}>
                {one.Name}
              </option>
            ))}
          </Select>
        </Field>
      )}
      <Field label={t("apis.name")} required>
        <Input value={displayName} onChange={(_, data) => setDisplayName(data.value)} />
      </Field>
      <Field label={t("apis.serviceUrl")} hint={t("apis.serviceUrlHint")} required>
        <Input value={serviceUrl} placeholder="http://" onChange={(_, data) => setServiceUrl(data.value.trim())} />
      </Field>
      <Field label={t("apis.suffix")} hint={`${instance.properties.gatewayUrl}/${path}`}>
        <Input value={path} onChange={(_, data) => setPath(data.value.trim())} />
      </Field>
      <fieldset className="plain-group">
        <legend>{t("apis.scheme")}</legend>
        {(["http", "https"] as const).map((scheme) => (
          <Checkbox
            key={scheme}
            label={scheme.toUpperCase()}
            checked={schemes.has(scheme)}
            onChange={() => setSchemes(toggle(schemes, scheme))}
          />
        ))}
      </fieldset>
      <fieldset className="plain-group">
        <legend>{t("apis.products")}</legend>
        <CheckList
          list={products.data ?? []}
          marked={chosen}
          onChange={(name) => setChosen(toggle(chosen, name))}
        />
      </fieldset>
    </FormDialog>
  );
}

export function Apis() {
  const { t } = useTexts();
  const facts = useFacts();
  const instance = useInstance();
  const apis = useQuery(apisQuery(instance.id));
  const [adding, setAdding] = useState<"blank" | "import" | null>(null);
  const list = apis.data ?? [];
  const paged = usePaged(list, (one) => `${one.properties.displayName} ${one.properties.path}`);
  return (
    <Page
      title={t("publisher.apis")}
      actions={
        <>
          {facts.studio && (
            <Button icon={<ArrowImportRegular />} onClick={() => setAdding("import")}>
              {t("apis.import")}
            </Button>
          )}
          <Button appearance="primary" icon={<AddRegular />} onClick={() => setAdding("blank")}>
            {t("apis.add")}
          </Button>
        </>
      }
    >
      <Failure error={apis.error} />
      {apis.isPending && <Loading />}
      {apis.isSuccess && list.length === 0 && <Empty title={t("apis.none")}>{t("apis.noneHint")}</Empty>}
      <ListSearch paged={paged} />
      {list.length > 0 && (
        <DataTable
          label={t("publisher.apis")}
          rows={paged.shown}
          keyOf={(one) => one.name}
          columns={[
            {
              head: t("common.name"),
              cell: (one) => (
                <Link to="/publisher/$service/apis/$api" params={{ service: instance.name, api: one.name }}>
                  {one.properties.displayName}
                </Link>
              ),
            },
            {
              head: t("apis.address"),
              cell: (one) => (
                <code>
                  {instance.properties.gatewayUrl}/{one.properties.path}
                </code>
              ),
            },
            { head: t("apis.serviceUrl"), cell: (one) => one.properties.serviceUrl },
          ]}
        />
      )}
      <MoreButton paged={paged} />
      {adding && <ApiDialog fromService={adding === "import"} close={() => setAdding(null)} />}
    </Page>
  );
}
