// The dashboard of an instance: calls, errors, bytes and times of a period, over time and by what is asked for. Asked for
// again as soon as calls were counted; a row narrows everything to itself.
import { Button, Field, Input, Tab, TabList, Tag, ToggleButton } from "@fluentui/react-components";
import { ArrowDownloadRegular } from "@fluentui/react-icons";
import { useState } from "react";

import { useFacts } from "../api/session";
import { Failure, Loading, Page } from "../shell/parts";
import { type TextKey, useTexts } from "../texts/texts";
import { downloadCsv } from "./dashboard/csv";
import { useFormats } from "./dashboard/formats";
import { OverTime } from "./dashboard/OverTime";
import { dayText, type Period, periods, type Span, spanOf } from "./dashboard/periods";
import {
  type Dimension,
  kinds,
  type Narrowed,
  narrowedFor,
  type RequestRow,
  type Row,
  useLiveReports,
  useReport,
} from "./dashboard/reports";
import { Services } from "./dashboard/Services";
import { Groups, Requests } from "./dashboard/Tables";
import { useInstance } from "./instance";

const periodTexts: Record<Period, TextKey> = {
  hour: "dashboard.hour",
  today: "usage.today",
  week: "dashboard.week",
  month: "dashboard.month",
  quarter: "usage.quarter",
  custom: "usage.custom",
};

// Where a row leads to: what one asks next.
const next: Record<Dimension, Shown> = {
  apiId: "byOperation",
  operationId: "byRequest",
  productId: "bySubscription",
  subscriptionId: "byApi",
  userId: "bySubscription",
};
type Shown = (typeof kinds)[number]["id"] | "byRequest";

// One interval that holds every period, so that the report by time says what the whole period was like.
const whole = "&interval=P36500D&percentiles=true";

function Tiles({ row }: { row: Row }) {
  const { t } = useTexts();
  const formats = useFormats();
  const tiles: [TextKey, string, string?][] = [
    ["dashboard.calls", formats.count(row.callCountTotal)],
    ["dashboard.success", formats.count(row.callCountSuccess), "bar-success"],
    ["dashboard.blocked", formats.count(row.callCountBlocked), "bar-blocked"],
    ["dashboard.failed", formats.count(row.callCountFailed), "bar-failed"],
    ["dashboard.other", formats.count(row.callCountOther), "bar-other"],
    ["dashboard.bandwidth", formats.bytes(row.bandwidth)],
    ["usage.cacheHits", formats.count(row.cacheHitCount)],
    ["usage.cacheMisses", formats.count(row.cacheMissCount)],
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
      <Times title="dashboard.time" values={[row.apiTimeP50, row.apiTimeP95, row.apiTimeP99]} calls={row.callCountTotal} />
      <Times
        title="dashboard.serviceTime"
        values={[row.serviceTimeP50, row.serviceTimeP95, row.serviceTimeP99]}
        calls={row.callCountTotal}
      />
    </dl>
  );
}

function Times({ title, values, calls }: { title: TextKey; values: number[]; calls: number }) {
  const { t } = useTexts();
  const { ms } = useFormats();
  const names: TextKey[] = ["usage.p50", "usage.p95", "usage.p99"];
  return (
    <div className="tile tile-wide">
      <dt>{t(title)}</dt>
      <dd className="tile-times">
        {names.map((name, i) => (
          <span key={name}>
            <small>{t(name)}</small> {calls === 0 ? "-" : ms(values[i] ?? 0)}
          </span>
        ))}
      </dd>
    </div>
  );
}

const countColumns = [
  "name", "apiId", "operationId", "productId", "subscriptionId", "userId", "callCountSuccess", "callCountBlocked",
  "callCountFailed", "callCountOther", "callCountTotal", "bandwidth", "cacheHitCount", "cacheMissCount", "apiTimeAvg",
  "apiTimeMin", "apiTimeMax", "apiTimeP50", "apiTimeP95", "apiTimeP99", "serviceTimeAvg", "serviceTimeP50", "serviceTimeP95",
  "serviceTimeP99",
] as const;
const requestColumns = [
  "timestamp", "method", "url", "responseCode", "backendResponseCode", "apiTime", "serviceTime", "requestSize", "responseSize",
  "cache", "ipAddress", "apiId", "operationId", "productId", "subscriptionId", "userId", "requestId",
] as const;

function Details({ span, narrowed, narrow, shown, show }: {
  span: Span;
  narrowed: Narrowed[];
  narrow: (to: Narrowed) => void;
  shown: Shown;
  show: (what: Shown) => void;
}) {
  const { t } = useTexts();
  const instance = useInstance();
  const kind = kinds.find((one) => one.id === shown);
  const fitting = narrowedFor(shown, narrowed);
  const groups = useReport(kind?.id ?? "byApi", span, fitting, "&$top=1000&percentiles=true", kind !== undefined);
  const requests = useReport<RequestRow>("byRequest", span, narrowed, "&$top=100", kind === undefined);
  const rows = kind ? (groups.data?.value ?? []) : [];
  const calls = kind ? [] : (requests.data?.value ?? []);
  const isEmpty = kind ? groups.isSuccess && rows.length === 0 : requests.isSuccess && calls.length === 0;
  const file = `${instance.name}-${shown}.csv`;
  return (
    <section>
      <Failure error={kind ? groups.error : requests.error} />
      <div className="section-head">
        <TabList selectedValue={shown} onTabSelect={(_, data) => show(data.value as Shown)}>
          {kinds.map((one) => (
            <Tab key={one.id} value={one.id}>
              {t(one.text)}
            </Tab>
          ))}
          <Tab value="byRequest">{t("usage.requests")}</Tab>
        </TabList>
        <Button
          icon={<ArrowDownloadRegular />}
          disabled={rows.length + calls.length === 0}
          onClick={() => (kind ? downloadCsv(file, rows, countColumns) : downloadCsv(file, calls, requestColumns))}
        >
          CSV
        </Button>
      </div>
      {fitting.length < narrowed.length && kind && <p className="quiet">{t("dashboard.notNarrowed")}</p>}
      {isEmpty && <p className="quiet">{t("dashboard.noCalls")}</p>}
      {kind && rows.length > 0 && <Groups key={kind.id} rows={rows} kind={kind} narrow={narrow} />}
      {calls.length > 0 && <Requests rows={calls} count={requests.data?.count ?? 0} />}
    </section>
  );
}

function Usage({ span }: { span: Span }) {
  const { t } = useTexts();
  const facts = useFacts();
  const [shown, setShown] = useState<Shown>("byApi");
  const [narrowed, setNarrowed] = useState<Narrowed[]>([]);
  const total = useReport("byTime", span, narrowed, whole);
  const overTime = useReport("byTime", span, narrowed, `&interval=${span.interval}&$top=1000&percentiles=true`);
  const widen = (key: Dimension) => setNarrowed(narrowed.filter((one) => one.key !== key));
  const narrow = (to: Narrowed) => {
    setNarrowed([...narrowed.filter((one) => one.key !== to.key), to]);
    setShown(next[to.key]);
  };
  const all = total.data?.value.at(-1);
  return (
    <>
      <Failure error={total.error ?? overTime.error} />
      {narrowed.length > 0 && (
        <div className="narrowed">
          {narrowed.map((one) => (
            <Tag
              key={one.key}
              dismissible
              dismissIcon={{ "aria-label": t("dashboard.widen") }}
              onClick={() => widen(one.key)}
            >
              {one.name}
            </Tag>
          ))}
        </div>
      )}
      {total.isPending && <Loading />}
      {all && <Tiles row={all} />}
      {overTime.data && <OverTime rows={overTime.data.value} />}
      <Details span={span} narrowed={narrowed} narrow={narrow} shown={shown} show={setShown} />
      {facts.studio && <Services />}
    </>
  );
}

export function Dashboard() {
  const { t } = useTexts();
  useLiveReports();
  const [period, setPeriod] = useState<Period>("hour");
  const [first, setFirst] = useState(() => dayText(new Date(Date.now() - 6 * 86_400_000)));
  const [last, setLast] = useState(() => dayText(new Date()));
  const span = spanOf(period, first, last);
  return (
    <Page title={t("publisher.dashboard")}>
      <div className="periods" role="group" aria-label={t("dashboard.period")}>
        {periods.map((one) => (
          <ToggleButton key={one} size="small" checked={one === period} onClick={() => setPeriod(one)}>
            {t(periodTexts[one])}
          </ToggleButton>
        ))}
        {period === "custom" && (
          <>
            <Field label={t("usage.from")} orientation="horizontal">
              <Input type="date" value={first} max={last} onChange={(_, data) => setFirst(data.value)} />
            </Field>
            <Field
              label={t("usage.to")}
              orientation="horizontal"
              validationMessage={span ? undefined : t("usage.wrongPeriod")}
            >
              <Input type="date" value={last} min={first} onChange={(_, data) => setLast(data.value)} />
            </Field>
          </>
        )}
      </div>
      {span && <Usage span={span} />}
    </Page>
  );
}
