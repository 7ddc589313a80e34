// One experiment: palette, canvas and properties around one graph, which is saved as it is changed.
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Input,
  Textarea,
  Toolbar,
  ToolbarButton,
  ToolbarDivider,
} from "@fluentui/react-components";
import {
  ArrowRedoRegular,
  ArrowUndoRegular,
  CloudArrowUpRegular,
  DeleteRegular,
  PlayRegular,
} from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import {
  type ColumnSchema,
  datasetsQuery,
  type Experiment,
  modulesQuery,
  readDatasetPreview,
  readDatasetSchema,
  readExperiment,
  readOutputPreview,
  type RunState,
  runExperiment,
  usePublish,
} from "../api/studio";
import { Failure, Loading, useTitle } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { Canvas } from "./Canvas";
import {
  canConnect,
  connect,

  freePortName,
  type Graph,
  type GraphEdge,
  type GraphNode,
  moduleOf,
  newNode,
  readGraph,
  remove,
  titleOf,
  type World,
  writeGraph,
} from "./graph";
import { useHistory } from "./history";
import { Palette, type PaletteItem } from "./Palette";
import { NodeProperties } from "./Properties";
import { type SaveState, useAutosave } from "./saving";
import { stateText } from "./states";
import { VisualizeDialog, type Visualized } from "./Visualize";

interface Draft {
  name: string;
  summary: string;
  graph: Graph;
}

export function ExperimentPage() {
  const { workspace, experiment: id } = useParams({ from: "/studio/$workspace/experiments/$experiment" });
  const modules = useQuery(modulesQuery(workspace));
  const datasets = useQuery(datasetsQuery(workspace));
  const experiment = useQuery({
    queryKey: ["experiment", workspace, id],
    queryFn: () => readExperiment(workspace, id),
    gcTime: 0,
    staleTime: Infinity,
  });
  const world = useMemo<World | undefined>(
    () =>
      modules.data &&
      datasets.data && {
        modules: new Map(modules.data.map((one) => [one.FamilyId.toLowerCase(), one])),
        datasets: new Map(datasets.data.map((one) => [one.Id, one])),
      },
    [modules.data, datasets.data],
  );
  const error = modules.error ?? datasets.error ?? experiment.error;
  if (error) return <Failure error={error} />;
  if (!world || !experiment.data) return <Loading />;
  return <Editor key={id} workspace={workspace} first={experiment.data} world={world} />;
}

/** Runs, and follows the states of the modules until all is over. */
function useRun(workspace: string, first: Experiment) {
  const [seen, setSeen] = useState(first);
  const [error, setError] = useState<unknown>(null);
  const running = seen.Status.StatusCode === "Running";
  const id = first.ExperimentId;
  useEffect(() => {
    if (!running) return;
    let over = false;
    const look = async () => {
      while (!over) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        try {
          const now = await readExperiment(workspace, id);
          if (!over) setSeen(now);
          if (now.Status.StatusCode !== "Running") return;
        } catch (failure) {
          if (!over) setError(failure);
        }
      }
    };
    void look();
    return () => {
      over = true;
    };
  }, [running, workspace, id]);
  const start = async (flush: () => Promise<void>) => {
    setError(null);
    try {
      await flush();
      setSeen(await runExperiment(workspace, id));
    } catch (failure) {
      setError(failure);
    }
  };
  return { seen, setSeen, running, start, error };
}

function PublishDialog({ workspace, id, again, close }: { workspace: string; id: string; again: boolean; close: () => void }) {
  const { t } = useTexts();
  const navigate = useNavigate();
  const publish = usePublish(workspace, id);
  const yes = () =>
    publish.mutate(undefined, {
      onSuccess: (done) =>
        void navigate({
          to: "/studio/$workspace/webservices/$service",
          params: { workspace, service: done.WebServiceGroupId },
        }),
    });
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && close()}>
      <DialogSurface aria-describedby={undefined}>
        <DialogBody>
          <DialogTitle>{t("publish.title")}</DialogTitle>
          <DialogContent>
            <p>{again ? t("publish.again") : t("publish.question")}</p>
            <Failure error={publish.error} />
          </DialogContent>
          <DialogActions>
            <Button appearance="primary" onClick={yes} disabled={publish.isPending}>
              {t("common.yes")}
            </Button>
            <Button onClick={close}>{t("common.no")}</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

function useSaveText(state: SaveState) {
  const { t } = useTexts();
  return { saved: t("save.saved"), waiting: t("save.saving"), saving: t("save.saving"), failed: t("save.failed") }[state];
}

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable], [role=dialog]") !== null;

function Editor({ workspace, first, world }: { workspace: string; first: Experiment; world: World }) {
  const { t } = useTexts();
  const id = first.ExperimentId;
  const [start] = useState<Draft>(() => ({ name: first.Description, summary: first.Summary, graph: readGraph(first) }));
  const history = useHistory(start);
  const { value: draft, set } = history;
  const [selected, setSelected] = useState(new Set<string>());
  const [selectedEdges, setSelectedEdges] = useState(new Set<string>());
  const [shown, setShown] = useState<Visualized | null>(null);
  const [publishing, setPublishing] = useState(false);
  const [side, setSide] = useState<"palette" | "canvas" | "properties">("canvas");
  const run = useRun(workspace, first);
  const { setSeen } = run;
  useTitle(draft.name);

  const onSaved = useCallback((saved: Experiment) => setSeen(saved), [setSeen]);
  const saving = useAutosave(workspace, first, onSaved);
  const { save, noteVersion } = saving;
  const saveText = useSaveText(saving.state);
  useEffect(() => noteVersion(run.seen.Etag), [noteVersion, run.seen.Etag]);
  const written = useRef(start);
  useEffect(() => {
    if (draft === written.current) return;
    const before = written.current;
    written.current = draft;
    save({
      ...(draft.name.trim() === "" || draft.name === before.name ? {} : { Description: draft.name }),
      ...(draft.summary === before.summary ? {} : { Summary: draft.summary }),
      ...(draft.graph === before.graph ? {} : writeGraph(draft.graph, world)),
    });
  }, [draft, save, world]);

  // What was changed during a run could not be saved then.
  const { flush } = saving;
  const unsaved = saving.state === "failed";
  useEffect(() => {
    if (!run.running && unsaved) void flush().catch(() => undefined);
    // Only when a run ends: a failure by itself is not tried again and again.
  }, [run.running]);

  const graph = draft.graph;
  const change = useCallback(
    (what: (graph: Graph) => Graph) =>
      set((before) => {
        const after = what(before.graph);
        return after === before.graph ? before : { ...before, graph: after };
      }),
    [set],
  );
  const isCurrent = saving.state === "saved" && run.seen.Status.StatusCode !== "InDraft";
  const states = useMemo(() => {
    const known = new Map<string, RunState>();
    if (run.seen.Status.StatusCode === "InDraft") return known;
    for (const one of run.seen.NodeStatuses) known.set(one.NodeId, one.Status.StatusCode);
    return known;
  }, [run.seen]);
  const finished = run.seen.Status.StatusCode === "Finished";

  const add = useCallback(
    (item: PaletteItem, x: number, y: number) => {
      change((before) => {
        const isPort = item.kind === "input" || item.kind === "output";
        const ref = isPort ? freePortName(before, item.kind as "input" | "output") : item.ref;
        const node = newNode(item.kind, ref, x, y);
        setSelected(new Set([node.id]));
        setSelectedEdges(new Set());
        return { ...before, nodes: [...before.nodes, node] };
      });
      setSide("canvas");
    },
    [change],
  );
  const addBelow = (item: PaletteItem) => {
    const lowest = Math.max(-90, ...graph.nodes.map((node) => node.y));
    add(item, 80, lowest + 120);
  };
  const removeSelected = useCallback(() => {
    change((before) => remove(before, selected, selectedEdges));
    setSelected(new Set());
    setSelectedEdges(new Set());
  }, [change, selected, selectedEdges]);
  const join = useCallback((edge: GraphEdge) => change((before) => connect(before, edge)), [change]);

  const visualize = useCallback(
    (node: GraphNode, port = 0) => {
      const title = `${draft.name} > ${titleOf(node, world)}`;
      const dataset = node.kind === "dataset" ? world.datasets.get(node.ref) : undefined;
      if (dataset) {
        setShown({ title, key: [dataset.Id], read: () => readDatasetPreview(dataset) });
      } else if (node.kind === "module" && states.get(node.id) === "Finished") {
        setShown({
          title,
          key: [id, node.id, port, run.seen.Status.EndTime],
          read: () => readOutputPreview(workspace, id, node.id, port),
        });
      }
    },
    [draft.name, world, states, id, workspace, run.seen.Status.EndTime],
  );

  /** The columns that come to a port, as far as they are known: of a dataset, or of a module that has run. */
  const columnsAt = async (node: GraphNode, port: number): Promise<ColumnSchema[] | undefined> => {
    const edge = graph.edges.find((one) => one.to === node.id && one.toPort === port);
    const from = edge && graph.nodes.find((one) => one.id === edge.from && one.kind !== "input");
    if (!edge || !from) return undefined;
    try {
      const dataset = world.datasets.get(from.ref);
      if (from.kind === "dataset") return dataset && (await readDatasetSchema(dataset));
      if (isCurrent && states.get(from.id) === "Finished")
        return (await readOutputPreview(workspace, id, from.id, edge.fromPort, 0)).Columns;
      // A module that has not run may still let its columns through: better than nothing to choose from.
      return moduleOf(from, world)?.InputPorts.length ? await columnsAt(from, 0) : undefined;
    } catch {
      return undefined;
    }
  };

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event.target) || run.running) return;
      const command = event.ctrlKey || event.metaKey;
      if (command && event.key.toLowerCase() === "z" && !event.shiftKey) history.undo();
      else if (command && (event.key.toLowerCase() === "y" || (event.key.toLowerCase() === "z" && event.shiftKey)))
        history.redo();
      else if ((event.key === "Delete" || event.key === "Backspace") && selected.size + selectedEdges.size > 0)
        removeSelected();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [history, removeSelected, run.running, selected, selectedEdges]);

  const chosen = selected.size === 1 ? graph.nodes.find((node) => selected.has(node.id)) : undefined;
  const nodeStatus = run.seen.NodeStatuses.find((one) => one.NodeId === chosen?.id)?.Status;
  const hasPorts = graph.nodes.some((node) => node.kind === "input") && graph.nodes.some((node) => node.kind === "output");
  const publishHint = !finished ? t("publish.runFirst") : hasPorts ? undefined : t("publish.portsFirst");
  return (
    <div className={`editor editor-${side}`}>
      <div className="editor-head">
        <h1 className="hidden">{draft.name}</h1>
        <Input
          className="experiment-name"
          appearance="underline"
          size="large"
          aria-label={t("experiment.name")}
          value={draft.name}
          onChange={(_, data) => set((before) => ({ ...before, name: data.value }))}
        />
        <span className="quiet" role="status">
          {saveText}
        </span>
        <span className={`run-state run-${run.seen.Status.StatusCode}`} role="status">
          {stateText(run.seen.Status.StatusCode, t)}
        </span>
      </div>
      {(saving.error || run.error) ? <Failure error={saving.error ?? run.error} /> : null}
      <div className="editor-tabs" role="group" aria-label={t("experiment.panes")}>
        {(["palette", "canvas", "properties"] as const).map((one) => (
          <Button key={one} size="small" appearance={side === one ? "primary" : "secondary"} onClick={() => setSide(one)}>
            {t(`experiment.${one}`)}
          </Button>
        ))}
      </div>
      <div className="editor-body">
        <Palette world={world} add={addBelow} />
        <Canvas
          graph={graph}
          world={world}
          states={states}
          selected={selected}
          select={setSelected}
          selectedEdges={selectedEdges}
          selectEdges={setSelectedEdges}
          move={(places) =>
            change((before) => ({
              ...before,
              nodes: before.nodes.map((node) => {
                const place = places.get(node.id);
                return place && (place.x !== node.x || place.y !== node.y) ? { ...node, ...place } : node;
              }),
            }))
          }
          join={join}
          canJoin={(edge) => canConnect(graph, edge, world)}
          drop={add}
          visualize={visualize}
          frozen={run.running}
        />
        <aside className="properties" aria-label={t("properties.title")}>
          {chosen ? (
            <NodeProperties
              key={chosen.id}
              node={chosen}
              graph={graph}
              world={world}
              status={states.has(chosen.id) ? nodeStatus : undefined}
              set={(name, value) =>
                change((before) => ({
                  ...before,
                  nodes: before.nodes.map((node) =>
                    node.id === chosen.id ? { ...node, parameters: { ...node.parameters, [name]: value } } : node,
                  ),
                }))
              }
              rename={(name) =>
                change((before) => ({
                  ...before,
                  nodes: before.nodes.map((node) => (node.id === chosen.id ? { ...node, ref: name } : node)),
                }))
              }
              join={join}
              part={(edges) => change((before) => ({ ...before, edges: before.edges.filter((one) => !edges.includes(one)) }))}
              remove={removeSelected}
              visualize={(port) => visualize(chosen, port)}
              canVisualize={chosen.kind === "dataset" || (isCurrent && states.get(chosen.id) === "Finished")}
              columns={(port) => columnsAt(chosen, port)}
            />
          ) : (
            <>
              <h2>{t("experiment.properties")}</h2>
              <Field label={t("experiment.summary")}>
                <Textarea
                  value={draft.summary}
                  resize="vertical"
                  onChange={(_, data) => set((before) => ({ ...before, summary: data.value }))}
                />
              </Field>
              <p className="quiet">{t("experiment.choose")}</p>
              {run.seen.Status.StatusDetail && <p className="problem">{run.seen.Status.StatusDetail}</p>}
            </>
          )}
        </aside>
      </div>
      <Toolbar className="editor-bar" aria-label={t("experiment.actions")}>
        <ToolbarButton icon={<ArrowUndoRegular />} disabled={!history.canUndo || run.running} onClick={history.undo}>
          {t("experiment.undo")}
        </ToolbarButton>
        <ToolbarButton icon={<ArrowRedoRegular />} disabled={!history.canRedo || run.running} onClick={history.redo}>
          {t("experiment.redo")}
        </ToolbarButton>
        <ToolbarButton
          icon={<DeleteRegular />}
          disabled={selected.size + selectedEdges.size === 0 || run.running}
          onClick={removeSelected}
        >
          {t("common.delete")}
        </ToolbarButton>
        <ToolbarDivider />
        <ToolbarButton
          appearance="primary"
          icon={<PlayRegular />}
          disabled={run.running || graph.nodes.length === 0}
          onClick={() => void run.start(saving.flush)}
        >
          {t("experiment.run")}
        </ToolbarButton>
        <ToolbarButton
          icon={<CloudArrowUpRegular />}
          disabled={publishHint !== undefined}
          title={publishHint}
          onClick={() => void saving.flush().then(() => setPublishing(true), () => undefined)}
        >
          {t("publish.button")}
        </ToolbarButton>
        {publishHint && graph.nodes.length > 0 && <span className="quiet bar-hint">{publishHint}</span>}
      </Toolbar>
      {shown && <VisualizeDialog what={shown} close={() => setShown(null)} />}
      {publishing && (
        <PublishDialog
          workspace={workspace}
          id={id}
          again={Boolean(run.seen.WebServiceGroupId)}
          close={() => setPublishing(false)}
        />
      )}
    </div>
  );
}

