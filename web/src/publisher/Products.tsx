// Products: what is offered together, under which terms.
import { Button, Checkbox, Field, Input, Textarea } from "@fluentui/react-components";
import { AddRegular, DeleteRegular, EditRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";

import {
  apisQuery,
  armCall,
  type Product,
  productApisQuery,
  productQuery,
  productsQuery,
  slug,
  useChange,
} from "../api/publisher";
import { ProductVisibility } from "../people/Groups";
import { Confirm } from "../shell/Confirm";
import { CheckList } from "../shell/CheckList";
import { DataTable } from "../shell/DataTable";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { Empty, Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { FormDialog } from "./FormDialog";
import { useInstance } from "./instance";
import { PolicyEditor } from "./PolicyEditor";

function ProductDialog({ before, close }: { before?: Product; close: () => void }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const old = before?.properties;
  const [displayName, setName] = useState(old?.displayName ?? "");
  const [description, setDescription] = useState(old?.description ?? "");
  const [terms, setTerms] = useState(old?.terms ?? "");
  const [approval, setApproval] = useState(old?.approvalRequired ?? false);
  const [published, setPublished] = useState(old?.state === "published");
  const save = useChange(at, () => {
    const properties = {
      displayName,
      description,
      terms,
      state: published ? "published" : "notPublished",
      ...(old && !old.subscriptionRequired ? {} : { subscriptionRequired: true, approvalRequired: approval }),
    };
    return before
      ? armCall(at, "PATCH", `/products/${before.name}`, { properties }, "*")
      : armCall(at, "PUT", `/products/${slug(displayName)}`, { properties });
  });
  return (
    <FormDialog
      title={before ? t("products.edit") : t("products.add")}
      accept={t("common.save")}
      ready={displayName !== ""}
      busy={save.isPending}
      error={save.error}
      submit={() => save.mutate(undefined, { onSuccess: close })}
      close={close}
    >
      <Field label={t("products.name")} required>
        <Input value={displayName} onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label={t("operations.description")}>
        <Input value={description} onChange={(_, data) => setDescription(data.value)} />
      </Field>
      <Field label={t("products.terms")} hint={t("products.termsHint")}>
        <Textarea value={terms} onChange={(_, data) => setTerms(data.value)} />
      </Field>
      {(!old || old.subscriptionRequired) && (
        <Checkbox
          label={t("products.approval")}
          checked={approval}
          onChange={(_, data) => setApproval(data.checked === true)}
        />
      )}
      <Checkbox
        label={t("products.published")}
        checked={published}
        onChange={(_, data) => setPublished(data.checked === true)}
      />
    </FormDialog>
  );
}

export function Products() {
  const { t } = useTexts();
  const instance = useInstance();
  const products = useQuery(productsQuery(instance.id));
  const [adding, setAdding] = useState(false);
  const list = products.data ?? [];
  const paged = usePaged(list, (one) => one.properties.displayName);
  return (
    <Page
      title={t("publisher.products")}
      actions={
        <Button appearance="primary" icon={<AddRegular />} onClick={() => setAdding(true)}>
          {t("products.add")}
        </Button>
      }
    >
      <Failure error={products.error} />
      {products.isPending && <Loading />}
      {products.isSuccess && list.length === 0 && <Empty title={t("products.none")}>{t("products.noneHint")}</Empty>}
      <ListSearch paged={paged} />
      {list.length > 0 && (
        <DataTable
          label={t("publisher.products")}
          rows={paged.shown}
          keyOf={(one) => one.name}
          columns={[
            {
              head: t("common.name"),
              cell: (one) => (
                <Link
                  to="/publisher/$service/products/$product"
                  params={{ service: instance.name, product: one.name }}
                >
                  {one.properties.displayName}
                </Link>
              ),
            },
            { head: t("operations.description"), cell: (one) => one.properties.description },
            {
              head: t("experiments.state"),
              cell: (one) => one.properties.state === "published" ? t("products.isPublished") : t("products.notPublished"),
            },
          ]}
        />
      )}
      <MoreButton paged={paged} />
      {adding && <ProductDialog close={() => setAdding(false)} />}
    </Page>
  );
}

function ProductApis({ product }: { product: string }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const all = useQuery(apisQuery(at));
  const mine = useQuery(productApisQuery(at, product));
  const link = useChange(at, ({ api, on }: { api: string; on: boolean }) =>
    armCall(at, on ? "PUT" : "DELETE", `/products/${product}/apis/${api}`),
  );
  const names = new Set(mine.data?.map((one) => one.name));
  return (
    <section>
      <h2>{t("products.apis")}</h2>
      <p className="quiet">{t("products.apisHint")}</p>
      <Failure error={all.error ?? mine.error ?? link.error} />
      {all.isSuccess && all.data.length === 0 && <p className="quiet">{t("apis.none")}</p>}
      {mine.data && all.data && (
        <CheckList
          list={all.data}
          marked={names}
          disabled={link.isPending}
          onChange={(api, on) => link.mutate({ api, on })}
        />
      )}
    </section>
  );
}

export function ProductPage() {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const { service, product } = useParams({ from: "/publisher/$service/products/$product" });
  const query = useQuery(productQuery(at, product));
  const navigate = useNavigate();
  const [editing, setEditing] = useState(false);
  const [dropping, setDropping] = useState(false);
  const drop = useChange(at, () =>
    armCall(at, "DELETE", `/products/${product}?deleteSubscriptions=true`, undefined, "*"),
  );
  if (query.error) return <Failure error={query.error} />;
  if (!query.data) return <Loading />;
  const { properties } = query.data;
  const facts: [string, string][] = [
    [t("operations.description"), properties.description ?? ""],
    [t("products.terms"), properties.terms ?? ""],
    [t("products.approval"), properties.approvalRequired ? t("common.yes") : t("common.no")],
    [t("experiments.state"), properties.state === "published" ? t("products.isPublished") : t("products.notPublished")],
  ];
  return (
    <Page
      title={properties.displayName}
      actions={
        <>
          <Button icon={<EditRegular />} onClick={() => setEditing(true)}>
            {t("common.edit")}
          </Button>
          <Button icon={<DeleteRegular />} onClick={() => setDropping(true)}>
            {t("common.delete")}
          </Button>
        </>
      }
    >
      <Failure error={drop.error} />
      <section className="facts" aria-label={t("service.general")}>
        {facts
          .filter(([, value]) => value !== "")
          .map(([name, value]) => (
            <div className="copy-value" key={name}>
              <span className="copy-label">{name}</span>
              <span className="fact-text">{value}</span>
            </div>
          ))}
      </section>
      <ProductApis product={product} />
      <ProductVisibility product={product} />
      <PolicyEditor scope={`/products/${product}`} />
      {editing && <ProductDialog before={query.data} close={() => setEditing(false)} />}
      {dropping && (
        <Confirm
          title={t("common.deleteWhat", { what: properties.displayName })}
          text={t("products.deleteText")}
          close={() => setDropping(false)}
          accept={() =>
            drop.mutate(undefined, {
              onSuccess: () => void navigate({ to: "/publisher/$service/products", params: { service } }),
            })
          }
        />
      )}
    </Page>
  );
}
