// One's own calls of a period, by what was called and with which subscription.
import { Field, Select, Tab, TabList } from "@fluentui/react-components";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { useState } from "react";

import { call } from "../api/http";
import { DataTable } from "../shell/DataTable";
import { MoreButton, usePaged } from "../shell/paging";
import { Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { useDeveloper } from "./data";

interface Row {
  name?: string;
  apiId?: string;
  operationId?: string;
  productId?: string;
  subscriptionId?: string;
  callCountSuccess: number;
  callCountBlocked: number;
  callCountFailed: number;
  callCountOther: number;
  callCountTotal: number;
  bandwidth: number;
  apiTimeAvg: number;
}
const hour = 3_600_000;
const rounded = (value: number) => Math.round(value * 100) / 100;
const periods = { hour, week: 7 * 24 * hour, month: 30 * 24 * hour };
type Period = keyof typeof periods;
const kinds = [
  { id: "BySubscription", key: "subscriptionId", text: "dashboard.bySubscription" },
  { id: "ByProduct", key: "productId", text: "dashboard.byProduct" },
  { id: "ByEndpoint", key: "apiId", text: "dashboard.byApi" },
  { id: "ByOperation", key: "operationId", text: "dashboard.byOperation" },
] as const;

export function Usage() {
  const { t, number } = useTexts();
  const { service, place, portal } = useDeveloper();
  const [period, setPeriod] = useState<Period>("hour");
  const [kind, setKind] = useState<(typeof kinds)[number]>(kinds[0]);
  const report = useQuery({
    queryKey: [...place.key, "usage", kind.id, period],
    queryFn: async () => {
      const filter = encodeURIComponent(`timestamp ge ${new Date(Date.now() - periods[period]).toISOString()}`);
      const address = `${place.base}/reports/${kind.id}?$filter=${filter}&$top=1000`;
      return (await call<{ value: Row[] }>("GET", address)).value;
    },
    enabled: portal.user !== null,
    refetchInterval: 5000,
    placeholderData: keepPreviousData,
  });
  const rows = report.data ?? [];
  const nameOf = (row: Row) => row.name || row[kind.key]?.split("/").at(-1) || t("dashboard.none");
  const paged = usePaged(rows, nameOf);
  const time = (row: Row) => t("tryIt.milliseconds", { time: number(rounded(row.apiTimeAvg)) });
  const size = (row: Row) => t("developer.kibibytes", { size: number(rounded(row.bandwidth / 1024)) });
  if (!portal.user) return <Navigate to="/developer/$service/sign-in" params={{ service }} replace />;
  return (
    <Page
      title={t("developer.usage")}
      actions={
        <Field label={t("dashboard.period")} orientation="horizontal">
          <Select value={period} onChange={(_, data) => setPeriod(data.value as Period)}>
            {(Object.keys(periods) as Period[]).map((one) => (
              <option key={one} value={one}>
                {t(`dashboard.${one}`)}
              </option>
            ))}
          </Select>
        </Field>
      }
    >
      <TabList
        selectedValue={kind.id}
        onTabSelect={(_, data) => setKind(kinds.find((one) => one.id === data.value) ?? kinds[0])}
      >
        {kinds.map((one) => (
          <Tab key={one.id} value={one.id}>
            {t(one.text)}
          </Tab>
        ))}
      </TabList>
      <Failure error={report.error} />
      {report.isPending && <Loading />}
      {report.isSuccess && rows.length === 0 && <p className="quiet">{t("developer.noUsage")}</p>}
      {rows.length > 0 && (
        <DataTable
          label={t(kind.text)}
          rows={paged.shown}
          keyOf={(row) => row[kind.key] ?? ""}
          columns={[
            { head: t("common.name"), cell: nameOf },
            { head: t("dashboard.success"), cell: (row) => number(row.callCountSuccess) },
            { head: t("dashboard.blocked"), cell: (row) => number(row.callCountBlocked) },
            { head: t("dashboard.failed"), cell: (row) => number(row.callCountFailed) },
            { head: t("dashboard.other"), cell: (row) => number(row.callCountOther) },
            { head: t("dashboard.calls"), cell: (row) => number(row.callCountTotal) },
            { head: t("dashboard.time"), cell: time },
            { head: t("dashboard.bandwidth"), cell: size },
          ]}
        />
      )}
      <MoreButton paged={paged} />
    </Page>
  );
}
