// The dashboard of an instance: calls, errors, bytes and times of a period, over time and by what is asked for. Asked for
// again every two seconds; a row narrows everything to itself.
import {
  Button,
  Field,
  Select,
  Tab,
  Table,
  TableBody,
  TableCell,
  TableHeader,
  TableHeaderCell,
  TableRow,
  TabList,
  Tag,
} from "@fluentui/react-components";
import { ArrowDownloadRegular } from "@fluentui/react-icons";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { armCall } from "../api/publisher";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { Failure, Loading, Page } from "../shell/parts";
import { type TextKey, useTexts } from "../texts/texts";
import { useInstance } from "./instance";

interface Row {
  name?: string;
  timestamp?: string;
  apiId?: string;
  operationId?: string;
  productId?: string;
  subscriptionId?: string;
  userId?: string;
  callCountSuccess: number;
  callCountBlocked: number;
  callCountFailed: number;
  callCountOther: number;
  callCountTotal: number;
  bandwidth: number;
  apiTimeAvg: number;
  apiTimeMax: number;
  serviceTimeAvg: number;
}

const minute = 60_000;
const periods = {
  hour: { length: 60 * minute, interval: "PT15M" },
  day: { length: 24 * 60 * minute, interval: "PT1H" },
  week: { length: 7 * 24 * 60 * minute, interval: "PT6H" },
  month: { length: 30 * 24 * 60 * minute, interval: "P1D" },
} as const;
type Period = keyof typeof periods;

const kinds = [
  { id: "byApi", key: "apiId", text: "dashboard.byApi" },
  { id: "byOperation", key: "operationId", text: "dashboard.byOperation" },
  { id: "byProduct", key: "productId", text: "dashboard.byProduct" },
  { id: "bySubscription", key: "subscriptionId", text: "dashboard.bySubscription" },
  { id: "byUser", key: "userId", text: "dashboard.byUser" },
] as const;
type Kind = (typeof kinds)[number];

interface Narrowed {
  key: Kind["key"];
  id: string;
  name: string;
}

function useReport(kind: string, period: Period, narrowed: Narrowed | null, more = "") {
  const { id: at } = useInstance();
  return useQuery({
    queryKey: [at, "report", kind, period, narrowed?.key, narrowed?.id],
    queryFn: async () => {
      const from = new Date(Date.now() - periods[period].length).toISOString();
      const only = narrowed ? ` and ${narrowed.key} eq '${narrowed.id.replaceAll("'", "''")}'` : "";
      const filter = encodeURIComponent(`timestamp ge ${from}${only}`);
      return (await armCall<{ value: Row[] }>(at, "GET", `/reports/${kind}?$filter=${filter}&$top=1000${more}`)).value;
    },
    refetchInterval: 2000,
    placeholderData: keepPreviousData,
  });
}

function Bars({ rows }: { rows: Row[] }) {
  const { t, date, number } = useTexts();
  const most = Math.max(1, ...rows.map((row) => row.callCountTotal));
  const parts: [keyof Row, string][] = [
    ["callCountSuccess", "bar-success"],
    ["callCountBlocked", "bar-blocked"],
    ["callCountFailed", "bar-failed"],
    ["callCountOther", "bar-other"],
  ];
  return (
    <figure className="bars">
      <figcaption>{t("dashboard.overTime", { most: number(most) })}</figcaption>
      <svg viewBox={`0 0 ${rows.length * 10} 100`} preserveAspectRatio="none" role="img" aria-label={t("dashboard.chart")}>
        {rows.map((row, i) => {
          let top = 100;
          return (
            <g key={row.timestamp}>
              <title>{`${date(row.timestamp ?? 0)}: ${number(row.callCountTotal)}`}</title>
              <rect x={i * 10} y={0} width={10} height={100} className="bar-room" />
              {parts.map(([part, look]) => {
                const height = (100 * Number(row[part])) / most;
                top -= height;
                return <rect key={part} x={i * 10 + 1} y={top} width={8} height={height} className={look} />;
              })}
            </g>
          );
        })}
      </svg>
      <div className="bars-axis">
        <span>{rows[0]?.timestamp && date(rows[0].timestamp)}</span>
        <span>{rows.at(-1)?.timestamp && date(rows.at(-1)!.timestamp!)}</span>
      </div>
    </figure>
  );
}

function Tiles({ rows }: { rows: Row[] }) {
  const { t, number } = useTexts();
  const sum = (of: (row: Row) => number) => rows.reduce((all, row) => all + of(row), 0);
  const total = sum((row) => row.callCountTotal);
  const tiles: [TextKey, string, string?][] = [
    ["dashboard.calls", number(total)],
    ["dashboard.success", number(sum((row) => row.callCountSuccess)), "bar-success"],
    ["dashboard.blocked", number(sum((row) => row.callCountBlocked)), "bar-blocked"],
    ["dashboard.failed", number(sum((row) => row.callCountFailed)), "bar-failed"],
    ["dashboard.other", number(sum((row) => row.callCountOther)), "bar-other"],
    ["dashboard.bandwidth", `${number(Math.round(sum((row) => row.bandwidth) / 102.4) / 10)} KiB`],
    [
      "dashboard.time",
      total === 0 ? "-" : `${number(Math.round((100 * sum((row) => row.apiTimeAvg * row.callCountTotal)) / total) / 100)} ms`,
    ],
  ];
  return (
    <dl className="tiles">
      {tiles.map(([text, value, look]) => (
        <div key={text} className="tile">
          <dt>
            {look && <span className={`swatch ${look}`} />}
            {t(text)}
          </dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const quoted = (value: unknown) => `"${String(value ?? "").replaceAll('"', '""')}"`;

function download(name: string, rows: Row[], kind: Kind) {
  const columns = [
    "name", kind.key, "callCountSuccess", "callCountBlocked", "callCountFailed", "callCountOther", "callCountTotal",
    "bandwidth", "apiTimeAvg", "apiTimeMax", "serviceTimeAvg",
  ] as const;
  const text = [columns.join(","), ...rows.map((row) => columns.map((one) => quoted(row[one])).join(","))].join("\r\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text + "\r\n"], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function Groups({ rows, kind, narrow }: { rows: Row[]; kind: Kind; narrow: (to: Narrowed) => void }) {
  const { t, number } = useTexts();
  const nameOf = (row: Row) => row.name || row[kind.key] || t("dashboard.none");
  const paged = usePaged(rows, nameOf);
  const milliseconds = (value: number) => `${number(Math.round(value * 100) / 100)} ms`;
  return (
    <>
      <ListSearch paged={paged} />
      <div className="table-box" tabIndex={0} role="region" aria-label={t(kind.text)}>
        <Table aria-label={t(kind.text)} size="small">
          <TableHeader>
            <TableRow>
              <TableHeaderCell>{t("common.name")}</TableHeaderCell>
              <TableHeaderCell>{t("dashboard.success")}</TableHeaderCell>
              <TableHeaderCell>{t("dashboard.blocked")}</TableHeaderCell>
              <TableHeaderCell>{t("dashboard.failed")}</TableHeaderCell>
              <TableHeaderCell>{t("dashboard.other")}</TableHeaderCell>
              <TableHeaderCell>{t("dashboard.calls")}</TableHeaderCell>
              <TableHeaderCell>{t("dashboard.time")}</TableHeaderCell>
              <TableHeaderCell>{t("dashboard.serviceTime")}</TableHeaderCell>
            </TableRow>
          </TableHeader>
          <TableBody>
            {paged.shown.map((row) => {
              const id = row[kind.key];
              return (
                <TableRow key={id ?? ""}>
                  <TableCell>
                    {id ? (
                      <Button appearance="transparent" onClick={() => narrow({ key: kind.key, id, name: nameOf(row) })}>
                        {nameOf(row)}
                      </Button>
                    ) : (
                      nameOf(row)
                    )}
                  </TableCell>
                  <TableCell>{number(row.callCountSuccess)}</TableCell>
                  <TableCell>{number(row.callCountBlocked)}</TableCell>
                  <TableCell>{number(row.callCountFailed)}</TableCell>
                  <TableCell>{number(row.callCountOther)}</TableCell>
                  <TableCell>{number(row.callCountTotal)}</TableCell>
                  <TableCell>{milliseconds(row.apiTimeAvg)}</TableCell>
                  <TableCell>{milliseconds(row.serviceTimeAvg)}</TableCell>
                </TableRow>
              );
            })}
          </TableBody>
        </Table>
      </div>
      <MoreButton paged={paged} />
    </>
  );
}

export function Dashboard() {
  const { t } = useTexts();
  const instance = useInstance();
  const [period, setPeriod] = useState<Period>("hour");
  const [kind, setKind] = useState<Kind>(kinds[0]);
  const [narrowed, setNarrowed] = useState<Narrowed | null>(null);
  const overTime = useReport("byTime", period, narrowed, `&interval=${periods[period].interval}`);
  // Reports by product and subscription cannot be narrowed to an API or an operation.
  const few = kind.id === "byProduct" || kind.id === "bySubscription";
  const canNarrow = !(few && (narrowed?.key === "apiId" || narrowed?.key === "operationId"));
  const groups = useReport(kind.id, period, canNarrow ? narrowed : null);
  const rows = groups.data ?? [];
  return (
    <Page
      title={t("publisher.dashboard")}
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
      <Failure error={overTime.error ?? groups.error} />
      {narrowed && (
        <div>
          <Tag
            dismissible
            dismissIcon={{ "aria-label": t("dashboard.widen") }}
            onClick={() => setNarrowed(null)}
          >
            {narrowed.name}
          </Tag>
        </div>
      )}
      {overTime.isPending && <Loading />}
      {overTime.data && <Tiles rows={overTime.data} />}
      {overTime.data && <Bars rows={overTime.data} />}
      <div className="section-head">
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
        <Button
          icon={<ArrowDownloadRegular />}
          disabled={rows.length === 0}
          onClick={() => download(`${instance.name}-${kind.id}.csv`, rows, kind)}
        >
          CSV
        </Button>
      </div>
      {!canNarrow && <p className="quiet">{t("dashboard.notNarrowed")}</p>}
      {groups.isSuccess && rows.length === 0 && <p className="quiet">{t("dashboard.noCalls")}</p>}
      {rows.length > 0 && <Groups key={kind.id} rows={rows} kind={kind} narrow={setNarrowed} />}
    </Page>
  );
}
