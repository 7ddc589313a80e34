// The table of a list page: it scrolls by itself where the page is narrower than its columns.
import { Table, TableBody, TableCell, TableHeader, TableHeaderCell, TableRow } from "@fluentui/react-components";
import type { ReactNode } from "react";

import { useTexts } from "../texts/texts";

export interface Column<Row> {
  /** Without one the column is that of the row's buttons; only a screen reader is told so. */
  head?: string;
  cell: (row: Row) => ReactNode;
  className?: string;
}

interface Props<Row> {
  label: string;
  rows: Row[];
  keyOf: (row: Row) => string;
  columns: Column<Row>[];
}

export function DataTable<Row>({ label, rows, keyOf, columns }: Props<Row>) {
  const { t } = useTexts();
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={label}>
      <Table aria-label={label}>
        <TableHeader>
          <TableRow>
            {columns.map((column, i) => (
              <TableHeaderCell key={i} className={column.className}>
                {column.head ?? <span className="hidden">{t("common.actions")}</span>}
              </TableHeaderCell>
            ))}
          </TableRow>
        </TableHeader>
        <TableBody>
          {rows.map((row) => (
            <TableRow key={keyOf(row)}>
              {columns.map((column, i) => (
                <TableCell key={i} className={column.className}>
                  {column.cell(row)}
                </TableCell>
              ))}
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </div>
  );
}
