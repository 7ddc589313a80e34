// Products: what is offered, under which terms, and how one subscribes.
import { Button, Checkbox, Field, Input } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";

import { call } from "../api/http";
import { DataTable } from "../shell/DataTable";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { Empty, Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { ApiTable } from "./Apis";
import {
  apisOfProductQuery,
  type Product,
  productOfScope,
  productQuery,
  productsQuery,
  type Subscription,
  subscriptionsQuery,
  useDeveloper,
  useDeveloperChange,
} from "./data";
import { Missing } from "./Missing";
import { isOver, stateTexts, titleOfSubscription } from "./subscription";

export function Products() {
  const { t } = useTexts();
  const { service, place, portal } = useDeveloper();
  const products = useQuery(productsQuery(place));
  const list = products.data ?? [];
  const paged = usePaged(list, (one) => `${one.name} ${one.description ?? ""}`);
  return (
    <Page title={t("publisher.products")}>
      <Failure error={products.error} />
      {products.isPending && <Loading />}
      {products.isSuccess && list.length === 0 && (
        <Empty title={t("developer.noProducts")}>
          {t(portal.user ? "developer.noApisHint" : "developer.noApisGuest")}
        </Empty>
      )}
      <ListSearch paged={paged} />
      {paged.shown.length > 0 && (
        <DataTable
          label={t("publisher.products")}
          rows={paged.shown}
          keyOf={(one) => one.id}
          columns={[
            {
              head: t("common.name"),
              cell: (one) => (
                <Link to="/developer/$service/products/$product" params={{ service, product: one.id }}>
                  {one.name}
                </Link>
              ),
            },
            { head: t("operations.description"), cell: (one) => one.description },
          ]}
        />
      )}
      {list.length > 0 && paged.shown.length === 0 && <p className="quiet">{t("developer.notFound")}</p>}
      <MoreButton paged={paged} />
    </Page>
  );
}

const newId = () =>
  [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function SubscribeForm({ product }: { product: Product }) {
  const { t } = useTexts();
  const { service, place } = useDeveloper();
  const navigate = useNavigate();
  const [name, setName] = useState(product.name);
  const [agreed, setAgreed] = useState(false);
  const subscribe = useDeveloperChange(async () => {
    await call<Subscription>("POST", `${place.base}/subscriptions/${newId()}`, {
      scope: `/products/${product.id}`,
      name,
    });
    // Within the change: once the product's page knows of the subscription, this form may be gone.
    await navigate({ to: "/developer/$service/profile", params: { service } });
  });
  const ready = name.trim() !== "" && (agreed || !product.terms);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready && !subscribe.isPending) subscribe.mutate(undefined);
  };
  return (
    <form className="fields subscribe" onSubmit={submit}>
      <Field label={t("developer.subscriptionName")} required>
        <Input value={name} onChange={(_, data) => setName(data.value)} />
      </Field>
      {product.terms && (
        <Checkbox
          label={t("developer.agree")}
          checked={agreed}
          onChange={(_, data) => setAgreed(data.checked === true)}
        />
      )}
      {product.approvalRequired && <p className="quiet">{t("developer.approvalHint")}</p>}
      <Failure error={subscribe.error} />
      <div>
        <Button appearance="primary" type="submit" disabled={!ready || subscribe.isPending}>
          {t("developer.subscribe")}
        </Button>
      </div>
    </form>
  );
}

function Subscribe({ product }: { product: Product }) {
  const { t } = useTexts();
  const { service, place, portal } = useDeveloper();
  const subscriptions = useQuery({ ...subscriptionsQuery(place), enabled: portal.user !== null });
  const own = (subscriptions.data ?? []).filter(
    (one) => !isOver(one) && productOfScope(one.scope).toLowerCase() === product.id.toLowerCase(),
  );
  const limit = product.subscriptionsLimit ?? Infinity;
  return (
    <section>
      <h2>{t("developer.yourSubscriptions")}</h2>
      <Failure error={subscriptions.error} />
      {own.length > 0 && (
        <ul className="plain-list">
          {own.map((one) => (
            <li key={one.id}>
              <Link to="/developer/$service/profile" params={{ service }}>
                {titleOfSubscription(one)}
              </Link>{" "}
              <span className="quiet">{t(stateTexts[one.state])}</span>
            </li>
          ))}
        </ul>
      )}
      {!product.subscriptionRequired && <p>{t("developer.open")}</p>}
      {product.subscriptionRequired && !portal.user && (
        <p>
          {t("developer.signInToSubscribe")}{" "}
          <Link to="/developer/$service/sign-in" params={{ service }}>
            {t("signIn.title")}
          </Link>
        </p>
      )}
      {own.length >= limit && <p className="quiet">{t("developer.limitReached", { limit })}</p>}
      {product.subscriptionRequired && subscriptions.isSuccess && own.length < limit && (
        <SubscribeForm product={product} />
      )}
    </section>
  );
}

export function ProductPage() {
  const { t } = useTexts();
  const { place } = useDeveloper();
  const { product: id } = useParams({ from: "/developer/$service/products/$product" });
  const product = useQuery(productQuery(place, id));
  const apis = useQuery(apisOfProductQuery(place, id));
  const paged = usePaged(apis.data ?? [], (api) => api.name);
  if (product.error) return <Missing error={product.error} />;
  if (!product.data) return <Loading />;
  const { terms, description } = product.data;
  return (
    <Page title={product.data.name}>
      {product.data.state === "notPublished" && <p className="quiet">{t("developer.notPublished")}</p>}
      {description && <p className="fact-text">{description}</p>}
      <section>
        <h2>{t("developer.apisOfProduct")}</h2>
        <Failure error={apis.error} />
        {apis.isSuccess && apis.data.length === 0 && <p className="quiet">{t("developer.noApisInProduct")}</p>}
        <ListSearch paged={paged} />
        {paged.shown.length > 0 && <ApiTable apis={paged.shown} />}
        <MoreButton paged={paged} />
      </section>
      {terms && (
        <section>
          <h2>{t("products.terms")}</h2>
          <p className="facts fact-text">{terms}</p>
        </section>
      )}
      <Subscribe product={product.data} />
    </Page>
  );
}
