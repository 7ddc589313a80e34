// The APIs that one may see, and one of them with its operations.
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";

import { DataTable } from "../shell/DataTable";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { CopyValue, Empty, Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { type Api, apiQuery, apisQuery, operationsQuery, productsOfApiQuery, useDeveloper } from "./data";
import { Missing } from "./Missing";

export const titleOf = (api: Api) => (api.apiVersion ? `${api.name} ${api.apiVersion}` : api.name);

export function ApiTable({ apis }: { apis: Api[] }) {
  const { t } = useTexts();
  const { service } = useDeveloper();
  return (
    <DataTable
      label={t("publisher.apis")}
      rows={apis}
      keyOf={(api) => api.id}
      columns={[
        {
          head: t("common.name"),
          cell: (api) => (
            <Link to="/developer/$service/apis/$api" params={{ service, api: api.id }}>
              {titleOf(api)}
            </Link>
          ),
        },
        { head: t("operations.description"), cell: (api) => api.description },
        { head: t("developer.address"), cell: (api) => <code>{api.gatewayUrl}</code> },
      ]}
    />
  );
}

export function Apis() {
  const { t } = useTexts();
  const { place, portal } = useDeveloper();
  const apis = useQuery(apisQuery(place));
  const list = apis.data ?? [];
  const paged = usePaged(list, (api) => `${titleOf(api)} ${api.description ?? ""} ${api.path}`);
  return (
    <Page title={t("publisher.apis")}>
      <Failure error={apis.error} />
      {apis.isPending && <Loading />}
      {apis.isSuccess && list.length === 0 && (
        <Empty title={t("developer.noApis")}>
          {t(portal.user ? "developer.noApisHint" : "developer.noApisGuest")}
        </Empty>
      )}
      <ListSearch paged={paged} />
      {paged.shown.length > 0 && <ApiTable apis={paged.shown} />}
      {list.length > 0 && paged.shown.length === 0 && <p className="quiet">{t("developer.notFound")}</p>}
      <MoreButton paged={paged} />
    </Page>
  );
}

export function ApiPage() {
  const { t } = useTexts();
  const { service, place } = useDeveloper();
  const { api: id } = useParams({ from: "/developer/$service/apis/$api" });
  const api = useQuery(apiQuery(place, id));
  const operations = useQuery(operationsQuery(place, id));
  const products = useQuery(productsOfApiQuery(place, id));
  const list = operations.data ?? [];
  const paged = usePaged(list, (one) => `${one.name} ${one.method} ${one.urlTemplate}`);
  if (api.error) return <Missing error={api.error} />;
  if (!api.data) return <Loading />;
  return (
    <Page
      title={titleOf(api.data)}
      actions={
        <a href={`${place.base}/apis/${encodeURIComponent(id)}?export=true`} download={`${id}.openapi.json`}>
          {t("developer.download")}
        </a>
      }
    >
      <Failure error={operations.error ?? products.error} />
      {api.data.description && <p className="fact-text">{api.data.description}</p>}
      <div className="facts">
        <CopyValue label={t("developer.address")} value={api.data.gatewayUrl} />
        {(products.data ?? []).length > 0 && (
          <div className="copy-value">
            <span className="copy-label">{t("developer.inProducts")}</span>
            <span className="link-list">
              {products.data!.map((product) => (
                <Link
                  key={product.id}
                  to="/developer/$service/products/$product"
                  params={{ service, product: product.id }}
                >
                  {product.name}
                </Link>
              ))}
            </span>
          </div>
        )}
      </div>
      <section>
        <h2>{t("developer.operations")}</h2>
        {operations.isPending && <Loading />}
        {operations.isSuccess && list.length === 0 && <p className="quiet">{t("developer.noOperations")}</p>}
        <ListSearch paged={paged} />
        {paged.shown.length > 0 && (
          <DataTable
            label={t("developer.operations")}
            rows={paged.shown}
            keyOf={(one) => one.id}
            columns={[
              { head: t("operations.verb"), className: "verb-cell", cell: (one) => <code>{one.method}</code> },
              {
                head: t("common.name"),
                cell: (one) => (
                  <Link
                    to="/developer/$service/apis/$api/operations/$operation"
                    params={{ service, api: id, operation: one.id }}
                  >
                    {one.name}
                  </Link>
                ),
              },
              { head: t("operations.template"), cell: (one) => <code>{one.urlTemplate}</code> },
            ]}
          />
        )}
        <MoreButton paged={paged} />
      </section>
    </Page>
  );
}
