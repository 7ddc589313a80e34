// What a published web service takes and gives, read from its swagger document.
import type { Swagger } from "../api/studio";

export interface Column {
  name: string;
  isNumber: boolean;
  type: string;
  /** As the service names it beside its answers. */
  answerType: string;
}
export interface ServicePort {
  name: string;
  columns: Column[];
}
export interface Shape {
  inputs: ServicePort[];
  outputs: ServicePort[];
  parameters: string[];
}

const answerTypes: Record<string, string> = {
  int32: "Int32",
  int64: "Int64",
  double: "Double",
  "date-time": "DateTime",
  "time-span": "TimeSpan",
};

export function shapeOf(swagger: Swagger): Shape {
  const definition = (name: string) => swagger.definitions[name]?.properties ?? {};
  const ports = (name: string) =>
    Object.keys(definition(name)).map((port) => ({
      name: port,
      columns: Object.entries(definition(`${port}Item`)).map(([column, schema]) => ({
        name: column,
        isNumber: schema.type === "integer" || schema.type === "number",
        type: { integer: "Numeric", number: "Numeric", boolean: "Boolean" }[schema.type ?? ""] ?? "String",
        answerType: schema.type === "boolean" ? "Boolean" : (answerTypes[schema.format ?? ""] ?? "String"),
      })),
    }));
  return {
    inputs: ports("ExecutionInputs"),
    outputs: ports("ExecutionOutputs"),
    parameters: Object.keys(definition("GlobalParameters")),
  };
}

/** The documents of the help page: two rows, numbers as "0", texts as "value". */
export function sampleRequest(shape: Shape): unknown {
  const row = (port: ServicePort) => port.columns.map((column) => (column.isNumber ? "0" : "value"));
  return {
    Inputs: Object.fromEntries(
      shape.inputs.map((port) => [
        port.name,
        { ColumnNames: port.columns.map((column) => column.name), Values: [row(port), row(port)] },
      ]),
    ),
    GlobalParameters: Object.fromEntries(shape.parameters.map((name) => [name, ""])),
  };
}

export function sampleResponse(shape: Shape): unknown {
  return {
    Results: Object.fromEntries(
      shape.outputs.map((port) => [
        port.name,
        {
          type: "table",
          value: {
            ColumnNames: port.columns.map((column) => column.name),
            ColumnTypes: port.columns.map((column) => column.answerType),
            Values: [port.columns.map((column) => (column.isNumber ? "0" : "value"))],
          },
        },
      ]),
    ),
  };
}
