// What a table holds: its first rows, and of the column that is chosen the statistics and a histogram.
import { Dialog, DialogBody, DialogContent, DialogSurface, DialogTitle, DialogTrigger, Button } from "@fluentui/react-components";
import { DismissRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { ColumnStatistics, Preview } from "../api/studio";
import { Failure, Loading } from "../shell/parts";
import { useTexts } from "../texts/texts";

function Histogram({ column }: { column: ColumnStatistics }) {
  const { t, number } = useTexts();
  const bins = column.Histogram;
  const most = Math.max(1, ...bins.map((bin) => bin.Count));
  const label = (bin: (typeof bins)[number]) =>
    bin.Value !== undefined ? bin.Value || t("visualize.empty") : `${number(bin.From ?? 0)} - ${number(bin.To ?? 0)}`;
  if (bins.length === 0) return <p className="quiet">{t("visualize.noHistogram")}</p>;
  return (
    <table className="histogram">
      <caption>{t("visualize.histogram")}</caption>
      <tbody>
        {bins.map((bin, i) => (
          <tr key={i}>
            <th scope="row" title={label(bin)}>
              {label(bin)}
            </th>
            <td className="histogram-bar">
              <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                <rect width={(100 * bin.Count) / most} height="10" />
              </svg>
            </td>
            <td className="histogram-count">{number(bin.Count)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Statistics({ column }: { column: ColumnStatistics }) {
  const { t, number } = useTexts();
  const rows: [string, string | null][] = [
    [t("visualize.mean"), column.Mean === null ? null : number(column.Mean)],
    [t("visualize.median"), column.Median === null ? null : number(column.Median)],
    [t("visualize.min"), column.Min === null ? null : number(column.Min)],
    [t("visualize.max"), column.Max === null ? null : number(column.Max)],
    [t("visualize.deviation"), column.StandardDeviation === null ? null : number(column.StandardDeviation)],
    [t("visualize.mode"), column.Mode],
    [t("visualize.unique"), (column.UniqueIsCapped ? "≥ " : "") + number(column.Unique)],
    [t("visualize.missing"), number(column.Missing)],
    [t("visualize.type"), column.Type],
  ];
  return (
    <section className="statistics" aria-label={t("visualize.statisticsOf", { column: column.Name })}>
      <h3>{column.Name}</h3>
      <dl>
        {rows
          .filter(([, value]) => value !== null)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      <Histogram column={column} />
    </section>
  );
}

function PreviewTable({ preview }: { preview: Preview }) {
  const { t, number } = useTexts();
  const [chosen, setChosen] = useState(0);
  const column = preview.Columns[chosen];
  return (
    <>
      <p className="preview-size">
        {t("visualize.rows")} <strong>{number(preview.RowCount)}</strong> {t("visualize.columns")}{" "}
        <strong>{number(preview.ColumnCount)}</strong>
        {preview.Rows.length < preview.RowCount && (
          <span className="quiet"> {t("visualize.first", { count: preview.Rows.length })}</span>
        )}
      </p>
      <div className="preview">
        <div className="table-box" tabIndex={0} role="region" aria-label={t("visualize.table")}>
          <table className="data">
            <thead>
              <tr>
                {preview.Columns.map((one, i) => (
                  <th key={one.Name} scope="col">
                    <button type="button" onClick={() => setChosen(i)} aria-pressed={i === chosen}>
                      {one.Name}
                    </button>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {preview.Rows.map((row, i) => (
                <tr key={i}>
                  {row.map((cell, j) => (
                    <td key={j} title={cell ?? undefined}>
                      {cell ?? <span className="quiet">{t("visualize.missingCell")}</span>}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {column && <Statistics column={column} />}
      </div>
    </>
  );
}

export interface Visualized {
  title: string;
  key: readonly unknown[];
  read: () => Promise<Preview>;
}

export function VisualizeDialog({ what, close }: { what: Visualized; close: () => void }) {
  const { t } = useTexts();
  const preview = useQuery({ queryKey: ["preview", ...what.key], queryFn: what.read });
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && close()}>
      <DialogSurface className="wide-dialog" aria-describedby={undefined}>
        <DialogBody>
          <DialogTitle
            action={
              <DialogTrigger action="close">
                <Button appearance="subtle" aria-label={t("common.close")} icon={<DismissRegular />} />
              </DialogTrigger>
            }
          >
            {what.title}
          </DialogTitle>
          <DialogContent>
            <Failure error={preview.error} />
            {preview.isPending && <Loading />}
            {preview.data && <PreviewTable preview={preview.data} />}
          </DialogContent>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
