// The value of a column selector: rules that are kept as text in a module's parameter.

export interface Rule {
  action: "include" | "exclude";
  kind: "names" | "indices" | "type" | "features" | "labels" | "all";
  names?: string[];
  indices?: string;
  type?: string;
}
export interface Selection {
  begin: "none" | "all";
  keepOrder: boolean;
  rules: Rule[];
}

export const columnTypes = [
  "String", "Integer", "Int32", "Int64", "Double", "Boolean", "DateTime", "TimeSpan", "Numeric", "Categorical",
  "StringFeature",
];

export function readSelection(value: unknown): Selection {
  const empty: Selection = { begin: "none", keepOrder: false, rules: [] };
  if (value === "StringFeature") return { ...empty, rules: [{ action: "include", kind: "type", type: "StringFeature" }] };
  try {
    const read = (typeof value === "string" ? JSON.parse(value) : value) as Partial<Selection> | null;
    return { ...empty, ...(read ?? {}) };
  } catch {
    return empty;
  }
}

export const writeSelection = (selection: Selection) => JSON.stringify(selection);

/** The names, when it is nothing but a list of names. */
export function plainNames(selection: Selection): string[] | undefined {
  if (selection.begin !== "none") return undefined;
  const names: string[] = [];
  for (const rule of selection.rules) {
    if (rule.action !== "include" || rule.kind !== "names") return undefined;
    names.push(...(rule.names ?? []));
  }
  return names;
}
