// What can be set of the module that is chosen: its parameters as it declares them, where its data comes from, and a look
// at what came out.
import { Button, Checkbox, Field, Input, Select } from "@fluentui/react-components";
import { ChartMultipleRegular, DeleteRegular } from "@fluentui/react-icons";
import { useState } from "react";

import type { ColumnSchema, ModuleParameter, Port, Status } from "../api/studio";
import { useTexts } from "../texts/texts";
import { ColumnSelector } from "./ColumnSelector";
import { canConnect, type Graph, type GraphEdge, type GraphNode, inputPorts, moduleOf, outputPorts, titleOf, type World } from "./graph";
import { plainNames, readSelection } from "./selection";
import { stateText } from "./states";

function NumberField({ parameter, value, change }: { parameter: ModuleParameter; value: unknown; change: (value: unknown) => void }) {
  const { t } = useTexts();
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? String(value ?? "");
  const isWhole = parameter.Type === "Int";
  const problem = (() => {
    const number = Number(text);
    if (text.trim() === "" || !Number.isFinite(number) || (isWhole && !Number.isInteger(number)))
      return isWhole ? t("properties.whole") : t("properties.number");
    if (parameter.MinValue !== null && number < parameter.MinValue)
      return t("properties.least", { value: parameter.MinValue });
    if (parameter.MaxValue !== null && number > parameter.MaxValue)
      return t("properties.most", { value: parameter.MaxValue });
    return undefined;
  })();
  return (
    <Field label={parameter.Name} hint={parameter.Description} validationMessage={problem}>
      <Input
        inputMode={isWhole ? "numeric" : "decimal"}
        value={text}
        onChange={(_, data) => {
          setTyped(data.value);
          const number = Number(data.value);
          const fits =
            data.value.trim() !== "" &&
            Number.isFinite(number) &&
            (!isWhole || Number.isInteger(number)) &&
            (parameter.MinValue === null || number >= parameter.MinValue) &&
            (parameter.MaxValue === null || number <= parameter.MaxValue);
          if (fits) change(data.value.trim());
        }}
      />
    </Field>
  );
}

function ColumnsField({
  parameter,
  value,
  change,
  columns,
}: {
  parameter: ModuleParameter;
  value: unknown;
  change: (value: unknown) => void;
  columns: () => Promise<ColumnSchema[] | undefined>;
}) {
  const { t } = useTexts();
  const [open, setOpen] = useState<{ columns: ColumnSchema[] | undefined } | null>(null);
  const selection = readSelection(value);
  const names = plainNames(selection);
  const summary = (() => {
    if (names && names.length > 0) return names.join(", ");
    if (names) return t("properties.noColumns");
    if (selection.begin === "all" && selection.rules.length === 0) return t("columns.beginAll");
    const first = selection.rules[0];
    if (selection.rules.length === 1 && first?.kind === "type") return t("properties.columnsOfType", { type: first.type ?? "" });
    return t("properties.rules", { count: selection.rules.length });
  })();
  return (
    <div className="columns-field">
      <span className="field-label">{parameter.Name}</span>
      <span className="selected-columns">{summary}</span>
      <Button onClick={() => void columns().then((found) => setOpen({ columns: found }))}>
        {t("properties.launch")}
      </Button>
      <span className="quiet">{parameter.Description}</span>
      {open && (
        <ColumnSelector
          value={value}
          columns={open.columns}
          close={() => setOpen(null)}
          accept={(chosen) => {
            change(chosen);
            setOpen(null);
          }}
        />
      )}
    </div>
  );
}

function ParameterField(props: {
  parameter: ModuleParameter;
  value: unknown;
  change: (value: unknown) => void;
  columns: () => Promise<ColumnSchema[] | undefined>;
}) {
  const { parameter, value, change } = props;
  switch (parameter.Type) {
    case "Int":
    case "Double":
      return <NumberField parameter={parameter} value={value} change={change} />;
    case "ColumnPicker":
      return <ColumnsField {...props} />;
    case "Boolean":
      return (
        <Field hint={parameter.Description}>
          <Checkbox
            label={parameter.Name}
            checked={value === true || String(value).toLowerCase() === "true"}
            onChange={(_, data) => change(data.checked === true)}
          />
        </Field>
      );
    case "Enumerated":
      return (
        <Field label={parameter.Name} hint={parameter.Description}>
          <Select value={String(value ?? "")} onChange={(_, data) => change(data.value)}>
            {parameter.Choices.map((choice) => (
              <option key={choice}>{choice}</option>
            ))}
          </Select>
        </Field>
      );
    default:
      return (
        <Field label={parameter.Name} hint={parameter.Description}>
          <Input value={String(value ?? "")} onChange={(_, data) => change(data.value)} />
        </Field>
      );
  }
}

interface Props {
  node: GraphNode;
  graph: Graph;
  world: World;
  status: Status | undefined;
  set: (name: string, value: unknown) => void;
  rename: (name: string) => void;
  join: (edge: GraphEdge) => void;
  part: (edges: GraphEdge[]) => void;
  remove: () => void;
  visualize: (port: number) => void;
  canVisualize: boolean;
  columns: (port: number) => Promise<ColumnSchema[] | undefined>;
}

/** A port by its module's name, and by its own where there are several. */
const portLabel = (node: GraphNode, port: Port, count: number, world: World) =>
  count > 1 ? `${titleOf(node, world)}: ${port.Name}` : titleOf(node, world);

/** The same as drawing a line, for whoever has no mouse. */
function Connections({ node, graph, world, join, part }: Props) {
  const { t } = useTexts();
  const ports = inputPorts(node, world);
  if (node.kind === "input") {
    const targets = graph.nodes.flatMap((other) =>
      inputPorts(other, world)
        .map((port, i, all) => ({ label: portLabel(other, port, all.length, world), edge: { from: node.id, fromPort: 0, to: other.id, toPort: i } }))
        .filter(({ edge }) => canConnect(graph, edge, world)),
    );
    const now = graph.edges.find((edge) => edge.from === node.id);
    return (
      <Field label={t("properties.goesTo")}>
        <Select
          value={now ? `${now.to}:${now.toPort}` : ""}
          onChange={(_, data) => {
            const chosen = targets.find(({ edge }) => `${edge.to}:${edge.toPort}` === data.value);
            if (chosen) join(chosen.edge);
            else if (now) part([now]);
          }}
        >
          <option value="">{t("properties.nothing")}</option>
          {targets.map(({ label, edge }) => (
            <option key={`${edge.to}:${edge.toPort}`} value={`${edge.to}:${edge.toPort}`}>
              {label}
            </option>
          ))}
        </Select>
      </Field>
    );
  }
  return ports.map((port, i) => {
    const isInput = (id: string) => graph.nodes.find((one) => one.id === id)?.kind === "input";
    const now = graph.edges.find((edge) => edge.to === node.id && edge.toPort === i && !isInput(edge.from));
    const sources = graph.nodes
      .filter((other) => other.kind !== "input")
      .flatMap((other) =>
        outputPorts(other, world)
          .map((out, j, all) => ({ label: portLabel(other, out, all.length, world), edge: { from: other.id, fromPort: j, to: node.id, toPort: i } }))
          .filter(({ edge }) => canConnect(graph, edge, world)),
      );
    return (
      <Field key={i} label={t("properties.comesFrom", { port: port.Name })}>
        <Select
          value={now ? `${now.from}:${now.fromPort}` : ""}
          onChange={(_, data) => {
            const chosen = sources.find(({ edge }) => `${edge.from}:${edge.fromPort}` === data.value);
            if (chosen) join(chosen.edge);
            else if (now) part([now]);
          }}
        >
          <option value="">{t("properties.nothing")}</option>
          {sources.map(({ label, edge }) => (
            <option key={`${edge.from}:${edge.fromPort}`} value={`${edge.from}:${edge.fromPort}`}>
              {label}
            </option>
          ))}
        </Select>
      </Field>
    );
  });
}

export function NodeProperties(props: Props) {
  const { t } = useTexts();
  const { node, graph, world, status, set, rename, remove, visualize, canVisualize, columns } = props;
  const module = moduleOf(node, world);
  const dataset = node.kind === "dataset" ? world.datasets.get(node.ref) : undefined;
  const isPort = node.kind === "input" || node.kind === "output";
  const taken = graph.nodes.some((one) => one !== node && one.kind === node.kind && one.ref === node.ref);
  return (
    <>
      <h2>{titleOf(node, world)}</h2>
      <p className="quiet">{module?.Description ?? dataset?.Description}</p>
      {node.kind === "module" && (
        <p className="status-line">
          {stateText(status?.StatusCode, t)}
          {status?.StatusDetail && <span className="problem">{status.StatusDetail}</span>}
        </p>
      )}
      {isPort && (
        <Field label={t("properties.portName")} validationMessage={taken ? t("properties.nameTaken") : undefined}>
          <Input value={node.ref} onChange={(_, data) => rename(data.value)} />
        </Field>
      )}
      {module?.Parameters.map((parameter) => (
        <ParameterField
          key={`${node.id}${parameter.Name}`}
          parameter={parameter}
          value={node.parameters[parameter.Name] ?? parameter.DefaultValue}
          change={(value) => set(parameter.Name, value)}
          columns={() => columns(0)}
        />
      ))}
      <Connections {...props} />
      <div className="property-actions">
        {!isPort &&
          outputPorts(node, world).map((port, i) => (
            <Button
              key={port.Name}
              icon={<ChartMultipleRegular />}
              disabled={!canVisualize}
              title={canVisualize ? undefined : t("properties.runFirst")}
              onClick={() => visualize(i)}
            >
              {t("properties.visualize", { port: port.Name })}
            </Button>
          ))}
        <Button icon={<DeleteRegular />} onClick={remove}>
          {t("common.delete")}
        </Button>
      </div>
    </>
  );
}
