// What is there to be read: code, and tables without actions.
import { Table, TableBody, TableCell, TableHeader, TableHeaderCell, TableRow } from "@fluentui/react-components";
import type { ReactNode } from "react";

import { useTexts } from "../texts/texts";
import { CopyButton } from "./parts";

export function Code({ text, label }: { text: string; label: string }) {
  const { t } = useTexts();
  return (
    <div className="code-box">
      <CopyButton text={text} label={t("common.copy", { what: label })} />
      <pre className="code" tabIndex={0} aria-label={label}>
        {text}
      </pre>
    </div>
  );
}

interface RowsProps {
  label: string;
  head: string[];
  rows: ReactNode[][];
  className?: string;
}

export function Rows({ label, head, rows, className }: RowsProps) {
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={label}>
      <Table aria-label={label} size="small" className={className}>
        <TableHeader>
          <TableRow>
            {head.map((one) => (
              <TableHeaderCell key={one}>{one}</TableHeaderCell>
            ))}
          </TableRow>
        </TableHeader>
        <TableBody>
          {rows.map((row, i) => (
            <TableRow key={i}>
              {row.map((cell, j) => (
                <TableCell key={j}>{cell}</TableCell>
              ))}
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </div>
  );
}
