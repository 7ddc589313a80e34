// The graph of an experiment as the canvas edits it, and its form on the wire. Positions are kept with the web service's
// part, so that moving a module does not make a finished experiment a draft.
import type { Dataset, Experiment, ModuleInfo, Port } from "../api/studio";

export type NodeKind = "module" | "dataset" | "input" | "output";

export interface GraphNode {
  id: string;
  kind: NodeKind;
  /** Id of the module or dataset; for ports of the web service their name. */
  ref: string;
  x: number;
  y: number;
  parameters: Record<string, unknown>;
  comment: string;
}

export interface GraphEdge {
  from: string;
  fromPort: number;
  to: string;
  toPort: number;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export interface World {
  modules: Map<string, ModuleInfo>; // By family, in lower case.
  datasets: Map<string, Dataset>; // By id.
}

export const nodeWidth = 232;
export const nodeHeight = 56;
const datasetPort: Port = { Name: "Dataset", Number: 0, DataTypes: ["Dataset"] };

/** "{workspace}.{family}.{version}" gives the family. */
export const familyOf = (moduleId: string) => (moduleId.split(".")[1] ?? moduleId).toLowerCase();

export const moduleOf = (node: GraphNode, world: World) =>
  node.kind === "module" ? world.modules.get(familyOf(node.ref)) : undefined;

export function titleOf(node: GraphNode, world: World): string {
  if (node.kind === "module") return moduleOf(node, world)?.Name ?? node.ref;
  if (node.kind === "dataset") return world.datasets.get(node.ref)?.Name ?? node.ref;
  return node.ref;
}

/** A module's ports. Those of the web service take the place of a dataset: an input has an output port, and so on. */
export function inputPorts(node: GraphNode, world: World): Port[] {
  if (node.kind === "module") return moduleOf(node, world)?.InputPorts ?? [];
  return node.kind === "output" ? [datasetPort] : [];
}

export function outputPorts(node: GraphNode, world: World): Port[] {
  if (node.kind === "module") return moduleOf(node, world)?.OutputPorts ?? [];
  return node.kind === "output" ? [] : [datasetPort];
}

function reaches(graph: Graph, from: string, to: string): boolean {
  const open = [from];
  const seen = new Set<string>();
  while (open.length > 0) {
    const at = open.pop()!;
    if (at === to) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    for (const edge of graph.edges) if (edge.from === at) open.push(edge.to);
  }
  return false;
}

/** Whether two ports may be joined: their types fit, nothing goes in circles, and a port of the web service has one end. */
export function canConnect(graph: Graph, edge: GraphEdge, world: World): boolean {
  const from = graph.nodes.find((node) => node.id === edge.from);
  const to = graph.nodes.find((node) => node.id === edge.to);
  if (!from || !to || from === to) return false;
  if (from.kind === "input" && to.kind !== "module") return false;
  if (to.kind === "output" && from.kind !== "module") return false;
  const give = outputPorts(from, world)[edge.fromPort];
  const take = inputPorts(to, world)[edge.toPort];
  if (!give || !take || !give.DataTypes.some((type) => take.DataTypes.includes(type))) return false;
  return !reaches(graph, edge.to, edge.from);
}

const isService = (graph: Graph, id: string) => {
  const kind = graph.nodes.find((node) => node.id === id)?.kind;
  return kind === "input" || kind === "output";
};

/** Joins two ports; what was at the input before gives way (a web service input lies beside it). */
export function connect(graph: Graph, edge: GraphEdge): Graph {
  const fromService = isService(graph, edge.from);
  const edges = graph.edges.filter((one) => {
    if (fromService && one.from === edge.from) return false;
    const samePlace = one.to === edge.to && one.toPort === edge.toPort;
    return !(samePlace && isService(graph, one.from) === fromService);
  });
  return { ...graph, edges: [...edges, edge] };
}

export function remove(graph: Graph, nodes: Set<string>, edges: Set<string>): Graph {
  return {
    nodes: graph.nodes.filter((node) => !nodes.has(node.id)),
    edges: graph.edges.filter((edge) => !edges.has(edgeId(edge)) && !nodes.has(edge.from) && !nodes.has(edge.to)),
  };
}

export const edgeId = (edge: GraphEdge) => `${edge.from}:${edge.fromPort}>${edge.to}:${edge.toPort}`;

export function newNode(kind: NodeKind, ref: string, x: number, y: number): GraphNode {
  return { id: `${crypto.randomUUID()}-${Date.now() % 100000}`, kind, ref, x, y, parameters: {}, comment: "" };
}

/** A name that no other port of the web service has: input1, input2 and so on. */
export function freePortName(graph: Graph, kind: "input" | "output"): string {
  const taken = new Set(graph.nodes.map((node) => node.ref));
  let number = 1;
  while (taken.has(`${kind}${number}`)) number++;
  return `${kind}${number}`;
}

/* On the wire ------------------------------------------------------------------------------------------------------- */

interface WireParameter {
  Name: string;
  Value: unknown;
  ValueType?: string;
  LinkedGlobalParameter?: string | null;
}
interface WireNode {
  Id: string;
  ModuleId?: string;
  DataSourceId?: string;
  ModuleParameters?: WireParameter[];
  InputPortsInternal?: { Name?: string; DataSourceId?: string | null }[];
  OutputPortsInternal?: { Name?: string }[];
  Comment?: string;
}
interface WireGraph {
  ModuleNodes?: WireNode[];
  DataSourceNodes?: WireNode[];
  EdgesInternal?: { SourceOutputPortId: string; DestinationInputPortId: string }[];
}
interface WireService {
  Inputs?: { Id?: string; Name?: string; PortId?: string | null }[];
  Outputs?: { Id?: string; Name?: string; PortId?: string | null }[];
  Parameters?: unknown[];
  SerializedClientData?: unknown;
}
type Places = Record<string, [number, number]>;

function placesOf(service: WireService): Places {
  if (typeof service.SerializedClientData !== "string") return {};
  try {
    const kept = JSON.parse(service.SerializedClientData) as { places?: Places };
    return kept.places ?? {};
  } catch {
    return {}; // Of another client, which keeps XML there.
  }
}

/** "node:port", the port by name or number. */
function portAt(text: string, nodes: Map<string, WireNode>, side: "InputPortsInternal" | "OutputPortsInternal") {
  const colon = text.indexOf(":");
  const id = colon < 0 ? text : text.slice(0, colon);
  const port = colon < 0 ? "0" : text.slice(colon + 1);
  const named = nodes.get(id)?.[side]?.findIndex((one) => one.Name === port) ?? -1;
  return { id, port: named >= 0 ? named : Number(port) || 0 };
}

/** Nodes without a place stand in rows, each below what it takes from. */
function arrange(graph: Graph, placed: Places): Graph {
  const depth = new Map<string, number>();
  const depthOf = (id: string, seen: Set<string>): number => {
    const known = depth.get(id);
    if (known !== undefined || seen.has(id)) return known ?? 0;
    seen.add(id);
    const above = graph.edges.filter((edge) => edge.to === id).map((edge) => depthOf(edge.from, seen) + 1);
    const own = Math.max(0, ...above);
    depth.set(id, own);
    return own;
  };
  const inRow = new Map<number, number>();
  return {
    ...graph,
    nodes: graph.nodes.map((node) => {
      const place = placed[node.id];
      if (place) return { ...node, x: place[0], y: place[1] };
      const row = node.kind === "input" ? 0 : depthOf(node.id, new Set());
      const column = inRow.get(row) ?? 0;
      inRow.set(row, column + 1);
      return { ...node, x: 60 + column * (nodeWidth + 60), y: 40 + row * (nodeHeight + 70) };
    }),
  };
}

export function readGraph(experiment: Experiment): Graph {
  const wire = (experiment.Graph ?? {}) as WireGraph;
  const service = (experiment.WebService ?? {}) as WireService;
  const wireNodes = new Map<string, WireNode>();
  const nodes: GraphNode[] = [];
  const edges: GraphEdge[] = [];
  const base = { x: 0, y: 0, comment: "" };
  for (const one of wire.DataSourceNodes ?? []) {
    const id = one.Id ?? one.DataSourceId;
    wireNodes.set(id, one);
    nodes.push({ ...base, id, kind: "dataset", ref: one.DataSourceId ?? "", parameters: {} });
  }
  for (const one of wire.ModuleNodes ?? []) {
    wireNodes.set(one.Id, one);
    const parameters: Record<string, unknown> = {};
    for (const parameter of one.ModuleParameters ?? [])
      if (parameter.Value !== null && parameter.Value !== undefined) parameters[parameter.Name] = parameter.Value;
    nodes.push({ ...base, id: one.Id, kind: "module", ref: one.ModuleId ?? "", parameters, comment: one.Comment ?? "" });
  }
  for (const one of wire.EdgesInternal ?? []) {
    const from = portAt(one.SourceOutputPortId, wireNodes, "OutputPortsInternal");
    const to = portAt(one.DestinationInputPortId, wireNodes, "InputPortsInternal");
    edges.push({ from: from.id, fromPort: from.port, to: to.id, toPort: to.port });
  }
  for (const side of ["Inputs", "Outputs"] as const) {
    const kind = side === "Inputs" ? "input" : "output";
    for (const one of service[side] ?? []) {
      const name = one.Id ?? one.Name ?? kind;
      const id = `${kind}:${name}`;
      nodes.push({ ...base, id, kind, ref: name, parameters: {} });
      if (!one.PortId) continue;
      const at = portAt(one.PortId, wireNodes, kind === "input" ? "InputPortsInternal" : "OutputPortsInternal");
      edges.push(
        kind === "input"
          ? { from: id, fromPort: 0, to: at.id, toPort: at.port }
          : { from: at.id, fromPort: at.port, to: id, toPort: 0 },
      );
    }
  }
  return arrange({ nodes, edges }, placesOf(service));
}

export function writeGraph(graph: Graph, world: World) {
  const kinds = new Map(graph.nodes.map((node) => [node.id, node.kind]));
  const isData = (edge: GraphEdge) => kinds.get(edge.from) !== "input" && kinds.get(edge.to) !== "output";
  const ports = (node: GraphNode, list: Port[]) => list.map((port) => ({ Name: port.Name, NodeId: node.id }));
  const modules = graph.nodes.filter((node) => node.kind === "module");
  const wire = {
    DataSourceNodes: graph.nodes
      .filter((node) => node.kind === "dataset")
      .map((node) => ({ Id: node.id, DataSourceId: node.ref, Comment: "" })),
    ModuleNodes: modules.map((node) => ({
      Id: node.id,
      ModuleId: node.ref,
      ModuleParameters: Object.entries(node.parameters).map(([Name, Value]) => ({
        Name,
        Value,
        ValueType: "Literal",
        LinkedGlobalParameter: null,
      })),
      InputPortsInternal: ports(node, inputPorts(node, world)),
      OutputPortsInternal: ports(node, outputPorts(node, world)),
      UsePreviousResults: true,
      Comment: node.comment,
    })),
    EdgesInternal: graph.edges.filter(isData).map((edge) => ({
      SourceOutputPortId: `${edge.from}:${edge.fromPort}`,
      DestinationInputPortId: `${edge.to}:${edge.toPort}`,
    })),
  };
  const portOf = (node: GraphNode) => {
    const edge = graph.edges.find((one) => (node.kind === "input" ? one.from : one.to) === node.id);
    if (!edge) return null;
    return node.kind === "input" ? `${edge.to}:${edge.toPort}` : `${edge.from}:${edge.fromPort}`;
  };
  const service = (kind: NodeKind) =>
    graph.nodes.filter((node) => node.kind === kind).map((node) => ({ Id: node.ref, PortId: portOf(node) }));
  // A port of the web service is known by its name on the wire.
  const placeId = (node: GraphNode) =>
    node.kind === "input" || node.kind === "output" ? `${node.kind}:${node.ref}` : node.id;
  const places: Places = Object.fromEntries(
    graph.nodes.map((node) => [placeId(node), [Math.round(node.x), Math.round(node.y)]]),
  );
  return {
    ExperimentGraph: wire,
    WebService: {
      Inputs: service("input"),
      Outputs: service("output"),
      Parameters: [],
      SerializedClientData: JSON.stringify({ places }),
    },
  };
}
