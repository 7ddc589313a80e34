// The canvas: modules with their ports and states, and the lines between them.
import {
  Background,
  Controls,
  type Connection,
  type Edge,
  Handle,
  type Node,
  type NodeChange,
  type NodeProps,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import {
  CheckmarkCircleFilled,
  DatabaseRegular,
  DismissCircleFilled,
  PlugConnectedRegular,
  PuzzlePieceRegular,
} from "@fluentui/react-icons";
import { Spinner } from "@fluentui/react-components";
import { type DragEvent, memo, useCallback, useMemo, useRef, useState } from "react";

import type { Port, RunState } from "../api/studio";
import { useTheme } from "../shell/theme";
import { useTexts } from "../texts/texts";
import {
  edgeId,
  type Graph,
  type GraphEdge,
  type GraphNode,
  inputPorts,
  nodeHeight,
  nodeWidth,
  outputPorts,
  titleOf,
  type World,
} from "./graph";
import { dragType, type PaletteItem } from "./Palette";
import { stateText } from "./states";

interface ModuleData extends Record<string, unknown> {
  title: string;
  kind: GraphNode["kind"];
  inputs: Port[];
  outputs: Port[];
  state: RunState | undefined;
  stateText: string;
}
type FlowNode = Node<ModuleData, "module">;

const icons = {
  dataset: <DatabaseRegular />,
  module: <PuzzlePieceRegular />,
  input: <PlugConnectedRegular />,
  output: <PlugConnectedRegular />,
};

function StateIcon({ state, text }: { state: RunState | undefined; text: string }) {
  if (state === "Running") return <Spinner size="extra-tiny" aria-label={text} />;
  if (state === "Finished") return <CheckmarkCircleFilled className="state-finished" aria-label={text} />;
  if (state === "Failed") return <DismissCircleFilled className="state-failed" aria-label={text} />;
  return null;
}

const ModuleNode = memo(function ModuleNode({ data, selected }: NodeProps<FlowNode>) {
  const at = (index: number, count: number) => ({ left: `${(100 * (index + 1)) / (count + 1)}%` });
  return (
    <div className={`module module-${data.kind}${selected ? " module-selected" : ""}`}>
      {data.inputs.map((port, i) => (
        <Handle
          key={i}
          id={String(i)}
          type="target"
          position={Position.Top}
          style={at(i, data.inputs.length)}
          title={`${port.Name}: ${port.DataTypes.join(", ")}`}
        />
      ))}
      <span className="module-icon">{icons[data.kind]}</span>
      <span className="module-title">{data.title}</span>
      <span className="module-state">
        <StateIcon state={data.state} text={data.stateText} />
      </span>
      {data.outputs.map((port, i) => (
        <Handle
          key={i}
          id={String(i)}
          type="source"
          position={Position.Bottom}
          style={at(i, data.outputs.length)}
          title={`${port.Name}: ${port.DataTypes.join(", ")}`}
        />
      ))}
    </div>
  );
});
const nodeTypes = { module: ModuleNode };

interface Props {
  graph: Graph;
  world: World;
  states: Map<string, RunState>;
  selected: Set<string>;
  select: (ids: Set<string>) => void;
  selectEdges: (ids: Set<string>) => void;
  selectedEdges: Set<string>;
  move: (places: Map<string, { x: number; y: number }>) => void;
  join: (edge: GraphEdge) => void;
  canJoin: (edge: GraphEdge) => boolean;
  drop: (item: PaletteItem, x: number, y: number) => void;
  visualize: (node: GraphNode) => void;
  frozen: boolean;
}

function edgeOf(connection: Connection | Edge): GraphEdge {
  return {
    from: connection.source,
    fromPort: Number(connection.sourceHandle ?? 0),
    to: connection.target,
    toPort: Number(connection.targetHandle ?? 0),
  };
}

/** Objects for the canvas, the same ones as long as nothing of theirs has changed, so that it draws only what has. */
function useFlowNodes({ graph, world, states, selected, frozen }: Props, dragged: Map<string, { x: number; y: number }>) {
  const { t } = useTexts();
  const made = useRef(new Map<string, { key: unknown[]; node: FlowNode }>());
  return useMemo(() => {
    const fresh = new Map<string, { key: unknown[]; node: FlowNode }>();
    const nodes = graph.nodes.map((one) => {
      const state = states.get(one.id);
      const place = dragged.get(one.id) ?? one;
      const isSelected = selected.has(one.id);
      const key = [one, world, state, place.x, place.y, isSelected, frozen, t];
      const before = made.current.get(one.id);
      if (before && before.key.every((value, i) => value === key[i])) {
        fresh.set(one.id, before);
        return before.node;
      }
      const sameData = before && before.key.slice(0, 3).every((value, i) => value === key[i]) && before.key[7] === t;
      const node: FlowNode = {
        id: one.id,
        type: "module",
        position: { x: place.x, y: place.y },
        width: nodeWidth,
        height: nodeHeight,
        selected: isSelected,
        draggable: !frozen,
        ariaLabel: `${titleOf(one, world)}, ${stateText(state, t)}`,
        data: sameData
          ? before.node.data
          : {
              title: titleOf(one, world),
              kind: one.kind,
              inputs: inputPorts(one, world),
              outputs: outputPorts(one, world),
              state,
              stateText: stateText(state, t),
            },
      };
      fresh.set(one.id, { key, node });
      return node;
    });
    made.current = fresh;
    return nodes;
  }, [graph.nodes, world, states, selected, dragged, frozen, t]);
}

function Surface(props: Props) {
  const { graph, selected, select, selectEdges, selectedEdges, move, join, canJoin, drop, visualize, frozen } = props;
  const { t } = useTexts();
  const { mode } = useTheme();
  const flow = useReactFlow();
  // An empty canvas stays where it is when something is put on it.
  const [hadNodes] = useState(graph.nodes.length > 0);
  const [dragged, setDragged] = useState(new Map<string, { x: number; y: number }>());
  const nodes = useFlowNodes(props, dragged);
  const edges = useMemo<Edge[]>(
    () =>
      graph.edges.map((edge) => ({
        id: edgeId(edge),
        source: edge.from,
        sourceHandle: String(edge.fromPort),
        target: edge.to,
        targetHandle: String(edge.toPort),
        selected: selectedEdges.has(edgeId(edge)),
      })),
    [graph.edges, selectedEdges],
  );

  const onNodesChange = (changes: NodeChange<FlowNode>[]) => {
    const places = new Map(dragged);
    let ended = false;
    const chosen = new Set(selected);
    for (const change of changes) {
      if (change.type === "position" && change.position) {
        places.set(change.id, change.position);
        if (!change.dragging) ended = true;
      } else if (change.type === "position") {
        ended = true;
      } else if (change.type === "select") {
        if (change.selected) chosen.add(change.id);
        else chosen.delete(change.id);
      }
    }
    if (changes.some((change) => change.type === "select")) select(chosen);
    if (!changes.some((change) => change.type === "position")) return;
    if (ended) {
      move(places);
      setDragged(new Map());
    } else {
      setDragged(places);
    }
  };
  const onDrop = useCallback(
    (event: DragEvent) => {
      const text = event.dataTransfer.getData(dragType);
      if (text === "" || frozen) return;
      event.preventDefault();
      const at = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
      drop(JSON.parse(text) as PaletteItem, at.x - nodeWidth / 2, at.y - nodeHeight / 2);
    },
    [flow, drop, frozen],
  );
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={nodeTypes}
      colorMode={mode}
      onNodesChange={onNodesChange}
      onEdgesChange={(changes) => {
        const chosen = new Set(selectedEdges);
        for (const change of changes) {
          if (change.type !== "select") continue;
          if (change.selected) chosen.add(change.id);
          else chosen.delete(change.id);
        }
        selectEdges(chosen);
      }}
      onConnect={(connection) => join(edgeOf(connection))}
      isValidConnection={(connection) => canJoin(edgeOf(connection))}
      onNodeDoubleClick={(_, node) => {
        const found = graph.nodes.find((one) => one.id === node.id);
        if (found) visualize(found);
      }}
      onDrop={onDrop}
      onDragOver={(event) => {
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
      }}
      deleteKeyCode={null}
      nodesConnectable={!frozen}
      connectionRadius={28}
      minZoom={0.2}
      maxZoom={1.6}
      fitView={hadNodes}
      fitViewOptions={{ maxZoom: 1, padding: 0.25 }}
      zoomOnDoubleClick={false}
      aria-label={t("canvas.title")}
    >
      <Background gap={24} />
      <Controls showInteractive={false} aria-label={t("canvas.controls")} />
    </ReactFlow>
  );
}

export function Canvas(props: Props) {
  const { t } = useTexts();
  return (
    <section className="canvas" aria-label={t("canvas.title")}>
      <ReactFlowProvider>
        <Surface {...props} />
      </ReactFlowProvider>
      {props.graph.nodes.length === 0 && (
        <div className="canvas-hint">
          <strong>{t("canvas.emptyTitle")}</strong>
          <span>{t("canvas.emptyHint")}</span>
        </div>
      )}
    </section>
  );
}
