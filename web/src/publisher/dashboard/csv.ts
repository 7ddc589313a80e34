// Tables as files for a spreadsheet.
const quoted = (value: unknown) => {
  const text = String(value ?? "");
  // What begins like a formula is not to be one: names are other people's.
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
};

export function downloadCsv<Row extends object>(name: string, rows: Row[], columns: readonly (keyof Row & string)[]) {
  const lines = [columns.join(","), ...rows.map((row) => columns.map((one) => quoted(row[one])).join(","))];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
