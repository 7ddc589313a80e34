// What happened over time: a chart of what one chooses, and the same numbers as a table.
import { Tab, TabList } from "@fluentui/react-components";
import { lazy, Suspense, useMemo, useState } from "react";

import { DataTable } from "../../shell/DataTable";
import { Loading } from "../../shell/parts";
import { type TextKey, useTexts } from "../../texts/texts";
import { useFormats } from "./formats";
import type { Row } from "./reports";

const Chart = lazy(() => import("./Chart"));

export interface ChartProps {
  label: string;
  times: string[];
  series: { name: string; color: string; values: number[] }[];
  stacked: boolean;
  labelOf: (time: string) => string;
  textOf: (value: number) => string;
}

interface Line {
  text: TextKey;
  field: keyof Row;
  color: string;
}
interface View {
  id: string;
  text: TextKey;
  lines: Line[];
  unit: "count" | "bytes" | "ms";
  stacked?: boolean;
}

const green = "--colorPaletteGreenBackground3";
const marigold = "--colorPaletteMarigoldBackground3";
const red = "--colorPaletteRedBackground3";
const grey = "--colorNeutralForeground4";
const blue = "--colorCompoundBrandBackground";

const times = (field: "apiTime" | "serviceTime"): Line[] => [
  { text: "usage.p50", field: `${field}P50`, color: green },
  { text: "usage.p95", field: `${field}P95`, color: marigold },
  { text: "usage.p99", field: `${field}P99`, color: red },
];
const views: View[] = [
  {
    id: "calls",
    text: "dashboard.calls",
    unit: "count",
    stacked: true,
    lines: [
      { text: "dashboard.success", field: "callCountSuccess", color: green },
      { text: "dashboard.blocked", field: "callCountBlocked", color: marigold },
      { text: "dashboard.failed", field: "callCountFailed", color: red },
      { text: "dashboard.other", field: "callCountOther", color: grey },
    ],
  },
  { id: "transfer", text: "usage.transfer", unit: "bytes", lines: [{ text: "dashboard.bandwidth", field: "bandwidth", color: blue }] },
  { id: "times", text: "usage.times", unit: "ms", lines: times("apiTime") },
  { id: "serviceTimes", text: "usage.serviceTimes", unit: "ms", lines: times("serviceTime") },
  {
    id: "cache",
    text: "usage.cache",
    unit: "count",
    stacked: true,
    lines: [
      { text: "usage.cacheHits", field: "cacheHitCount", color: green },
      { text: "usage.cacheMisses", field: "cacheMissCount", color: marigold },
    ],
  },
];

function Legend({ lines }: { lines: Line[] }) {
  const { t } = useTexts();
  return (
    <ul className="legend" aria-hidden="true">
      {lines.map((one) => (
        <li key={one.field}>
          <span className="swatch" style={{ background: `var(${one.color})` }} />
          {t(one.text)}
        </li>
      ))}
    </ul>
  );
}

function OneView({ view, rows }: { view: View; rows: Row[] }) {
  const { t, date } = useTexts();
  const formats = useFormats();
  const textOf = formats[view.unit];
  const chart = useMemo<ChartProps>(() => {
    const valuesOf = (line: Line) => rows.map((row) => Number(row[line.field] ?? 0));
    return {
      label: `${t("dashboard.chart")}: ${t(view.text)}`,
      times: rows.map((row) => row.timestamp ?? ""),
      series: view.lines.map((line) => ({ name: t(line.text), color: line.color, values: valuesOf(line) })),
      stacked: view.stacked ?? false,
      labelOf: date,
      textOf,
    };
  }, [rows, view, t, date, textOf]);
  return (
    <>
      <Suspense fallback={<Loading />}>
        <Chart {...chart} />
      </Suspense>
      <Legend lines={view.lines} />
      <details className="as-table">
        <summary>{t("usage.asTable")}</summary>
        <DataTable
          label={chart.label}
          rows={rows}
          keyOf={(row) => row.timestamp ?? ""}
          columns={[
            { head: t("usage.when"), cell: (row) => date(row.timestamp ?? 0) },
            ...view.lines.map((line) => ({ head: t(line.text), cell: (row: Row) => textOf(Number(row[line.field] ?? 0)) })),
          ]}
        />
      </details>
    </>
  );
}

export function OverTime({ rows }: { rows: Row[] }) {
  const { t } = useTexts();
  const [view, setView] = useState<View>(views[0]!);
  return (
    <section className="over-time" aria-label={t("dashboard.chart")}>
      <TabList
        size="small"
        selectedValue={view.id}
        onTabSelect={(_, data) => setView(views.find((one) => one.id === data.value) ?? views[0]!)}
      >
        {views.map((one) => (
          <Tab key={one.id} value={one.id}>
            {t(one.text)}
          </Tab>
        ))}
      </TabList>
      <OneView view={view} rows={rows} />
    </section>
  );
}
