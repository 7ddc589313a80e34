// The tables of the dashboard: calls by what they were about, and the single calls.
import { Button, Table, TableBody, TableCell, TableHeader, TableHeaderCell, TableRow } from "@fluentui/react-components";

import { DataTable } from "../../shell/DataTable";
import { ListSearch, MoreButton, usePaged } from "../../shell/paging";
import { type TextKey, useTexts } from "../../texts/texts";
import { useFormats } from "./formats";
import type { Kind, Narrowed, RequestRow, Row } from "./reports";

const numbers: { text: TextKey; field: keyof Row; unit: "count" | "bytes" | "ms" }[] = [
  { text: "dashboard.success", field: "callCountSuccess", unit: "count" },
  { text: "dashboard.blocked", field: "callCountBlocked", unit: "count" },
  { text: "dashboard.failed", field: "callCountFailed", unit: "count" },
  { text: "dashboard.other", field: "callCountOther", unit: "count" },
  { text: "dashboard.calls", field: "callCountTotal", unit: "count" },
  { text: "dashboard.time", field: "apiTimeAvg", unit: "ms" },
  { text: "usage.p95", field: "apiTimeP95", unit: "ms" },
  { text: "dashboard.serviceTime", field: "serviceTimeAvg", unit: "ms" },
  { text: "dashboard.bandwidth", field: "bandwidth", unit: "bytes" },
];

/** Each row leads to what it is about: by a click anywhere on it, by keyboard on its name. */
export function Groups({ rows, kind, narrow }: { rows: Row[]; kind: Kind; narrow: (to: Narrowed) => void }) {
  const { t } = useTexts();
  const formats = useFormats();
  const nameOf = (row: Row) => row.name || row[kind.key] || t("dashboard.none");
  const paged = usePaged(rows, nameOf);
  const open = (row: Row) => {
    const id = row[kind.key];
    if (id) narrow({ key: kind.key, id, name: nameOf(row) });
  };
  return (
    <>
      <ListSearch paged={paged} />
      <div className="table-box usage-table usage-counts" tabIndex={0} role="region" aria-label={t(kind.text)}>
        <Table aria-label={t(kind.text)} size="small">
          <TableHeader>
            <TableRow>
              <TableHeaderCell className="usage-name">{t("common.name")}</TableHeaderCell>
              {numbers.map((one) => (
                <TableHeaderCell key={one.text}>{t(one.text)}</TableHeaderCell>
              ))}
            </TableRow>
          </TableHeader>
          <TableBody>
            {paged.shown.map((row) => (
              <TableRow
                key={row[kind.key] || "none"}
                className={row[kind.key] ? "usage-row" : undefined}
                onClick={() => open(row)}
              >
                <TableCell className="usage-name">
                  {row[kind.key] ? (
                    <Button
                      appearance="transparent"
                      onClick={(event) => {
                        event.stopPropagation();
                        open(row);
                      }}
                    >
                      {nameOf(row)}
                    </Button>
                  ) : (
                    nameOf(row)
                  )}
                </TableCell>
                {numbers.map((one) => (
                  <TableCell key={one.text}>{formats[one.unit](Number(row[one.field] ?? 0))}</TableCell>
                ))}
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </div>
      <MoreButton paged={paged} />
    </>
  );
}

export function Requests({ rows, count }: { rows: RequestRow[]; count: number }) {
  const { t, number } = useTexts();
  const formats = useFormats();
  const times = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "medium" });
  const pathOf = (row: RequestRow) => row.url.replace(/^[a-z]+:\/\/[^/]*/, "");
  return (
    <>
      {rows.length < count && <p className="quiet">{t("usage.latest", { shown: number(rows.length), count: number(count) })}</p>}
      <div className="usage-table">
        <DataTable
          label={t("usage.requests")}
          rows={rows}
          keyOf={(row) => row.requestId}
          columns={[
            { head: t("usage.when"), cell: (row) => times.format(new Date(row.timestamp)) },
            { head: t("usage.status"), cell: (row) => row.responseCode || "-", className: "verb-cell" },
            { head: t("usage.request"), cell: (row) => `${row.method} ${pathOf(row)}`, className: "usage-request" },
            { head: t("dashboard.time"), cell: (row) => formats.ms(row.apiTime) },
            { head: t("dashboard.serviceTime"), cell: (row) => formats.ms(row.serviceTime) },
            { head: t("usage.caller"), cell: (row) => row.ipAddress },
          ]}
        />
      </div>
    </>
  );
}
